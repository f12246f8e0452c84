//! Reviews: reading them, and the rest in files of its own.

mod documents;
mod moderation;
mod queries;
mod write;

use axum::extract::State;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use documents::{BookPageDocument, PageDocument, ReviewDocument, ReviewInput};

use queries::{OwnReviewsQuery, ReviewsQuery};

use super::API_PREFIX;
use super::auth::{Caller, MaybeCaller};
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation, finished, respond};
use super::cursor;
use super::extract::{Path, Query};
use super::idempotency;
use super::listing::links;
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::reviews::{Pages, ReviewError, ReviewPage, ReviewQuery, language_tag};
use crate::model::answer::RenderError;
use crate::model::ids::{ProductId, ReviewId};
use crate::model::representation::{Particulars, Representation as Finished};
use crate::model::review::{Review, ReviewFilter, ReviewPosition, ReviewSort};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, write::create))
        .routes(routes!(list_own))
        .routes(routes!(read, write::replace, write::patch, write::remove))
        .routes(routes!(write::vote, write::withdraw_vote))
        .routes(routes!(write::report))
        .merge(moderation::router())
}

/// List the reviews of a book
///
/// The published ones, with how many there are of one to five stars. A book that is withdrawn keeps its reviews.
#[utoipa::path(
    get, path = "/products/{id}/reviews", operation_id = "listReviews", tag = "reviews",
    params(("id" = Uuid, Path, description = "The book's id"), ReviewsQuery),
    responses((
        status = 200, description = "A page of reviews", body = BookPageDocument,
        headers(("Link" = String, description = "`rel=\"first\"`, and `rel=\"next\"` where there is a next page (RFC 8288)")),
    )),
)]
async fn list(
    State(state): State<AppState>,
    Path(product): Path<Uuid>,
    Query(query): Query<ReviewsQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.reviews.page(ProductId(product), checked(query)?).await?;
    Ok(respond(&answer, CachePolicy::BookReviews, &conditions))
}

fn checked(query: ReviewsQuery) -> Result<ReviewQuery, Problem> {
    let ReviewsQuery { sort, rating, verified, language, limit, cursor } = query;
    let sort = ReviewSort::from(sort);
    let language = language.map(|tag| language_tag(&tag).ok_or(())).transpose();
    let after = cursor.map(|cursor| read_cursor(&cursor, sort).ok_or(())).transpose();
    match (language, after) {
        (Ok(language), Ok(after)) => {
            Ok(ReviewQuery { sort, filter: ReviewFilter { rating, verified, language }, limit, after })
        }
        (language, after) => {
            let bad_tag = FieldError::parameter("language", "invalid", "must be a BCP 47 tag, such as en or pt-BR");
            let bad_cursor = FieldError::parameter("cursor", "invalid", "is no cursor of this list");
            let errors = [language.is_err().then_some(bad_tag), after.is_err().then_some(bad_cursor)];
            Err(Problem::invalid(errors.into_iter().flatten()))
        }
    }
}

/// Read a review
///
/// One that an administrator hid is shown to its writer and to administrators alone.
#[utoipa::path(
    get, path = "/reviews/{id}", operation_id = "getReview", tag = "reviews",
    params(("id" = Uuid, Path, description = "The review's id")),
    responses((status = 200, description = "The review", body = ReviewDocument)),
    security((), ("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let asker = caller.0.map(|caller| caller.user);
    let review = state.reviews.get(ReviewId(id), asker, caller.is_admin()).await?;
    let policy = if review.hidden { CachePolicy::Private } else { CachePolicy::BookReviews };
    Ok(representation(review, policy)?.respond(&conditions))
}

/// List one's own reviews
///
/// The newest first, with those that are hidden and why.
#[utoipa::path(
    get, path = "/users/me/reviews", operation_id = "listOwnReviews", tag = "reviews", params(OwnReviewsQuery),
    responses((status = 200, description = "A page of reviews", body = PageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list_own(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<OwnReviewsQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(ReviewId)).transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut reviews = state.reviews.list_own(caller.user, before, query.limit + 1).await?;
    let more = reviews.len() > usize::from(query.limit);
    reviews.truncate(usize::from(query.limit));
    let next_cursor = reviews.last().filter(|_| more).map(|last| cursor::after(last.id.0));
    let link = next(&next_cursor, "users/me/reviews", &format!("limit={}", query.limit));
    let document = PageDocument { items: reviews.into_iter().map(ReviewDocument::from).collect(), next_cursor };
    let representation = Representation::json(&document, CachePolicy::Private)?;
    Ok(linked(representation, link).respond(&conditions))
}

/// The `Link` to the next page, where there is one.
fn next(cursor: &Option<String>, path: &str, parameters: &str) -> Option<String> {
    cursor.as_ref().map(|cursor| format!("<{API_PREFIX}/{path}?{parameters}&cursor={cursor}>; rel=\"next\""))
}

fn linked(representation: Representation, link: Option<String>) -> Representation {
    match link {
        Some(link) => representation.link(&link),
        None => representation,
    }
}

/// How reviews become answers.
pub const PAGES: Pages = Pages { review: render, page: render_page };

fn render(review: Review) -> Result<Finished, RenderError> {
    let version = review.version;
    finished(&ReviewDocument::from(review), Some(version), None, Particulars::default())
}

fn render_page(page: ReviewPage) -> Result<Finished, RenderError> {
    let ReviewPage { product, summary, reviews, next, query } = page;
    let ReviewQuery { sort, filter, limit, after: _ } = query;
    let parameters = [
        Some(format!("sort={sort}")),
        filter.rating.map(|rating| format!("rating={rating}")),
        filter.verified.map(|verified| format!("verified={verified}")),
        filter.language.map(|language| format!("language={language}")),
        Some(format!("limit={limit}")),
    ];
    let parameters: Vec<String> = parameters.into_iter().flatten().collect();
    let next_cursor = next.map(|next| write_cursor(sort, next));
    let link = Some(links(&format!("products/{product}/reviews"), &parameters.join("&"), next_cursor.as_deref()));
    let document = BookPageDocument {
        summary: summary.into(),
        items: reviews.into_iter().map(ReviewDocument::from).collect(),
        next_cursor,
    };
    finished(&document, None, None, Particulars { link, ..Particulars::default() })
}

/// What counts a review's votes does not count its version up, so there is no time of the last change to be asked by.
fn representation(review: Review, policy: CachePolicy) -> Result<Representation, Problem> {
    let version = review.version;
    Ok(Representation::json(&ReviewDocument::from(review), policy)?.version(version))
}

/// The cursor of what comes after a place: the order, what it goes by there, and the review.
fn write_cursor(sort: ReviewSort, place: ReviewPosition) -> String {
    let mut bytes = vec![sort as u8];
    bytes.extend(place.key.to_be_bytes());
    bytes.extend(place.id.0.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(cursor: &str, sort: ReviewSort) -> Option<ReviewPosition> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (of, rest) = bytes.split_first()?;
    let (key, id) = rest.split_first_chunk::<4>()?;
    let id = ReviewId(Uuid::from_slice(id).ok()?);
    (*of == sort as u8).then_some(ReviewPosition { key: i32::from_be_bytes(*key), id })
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::NotFound => Self::not_found("There is no such review."),
            ReviewError::NoBook => Self::not_found("There is no such book."),
            ReviewError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            ReviewError::Exists(review) => {
                Self::conflict("You have reviewed this book. Change that review, or delete it first.")
                    .member("review_id", review.to_string())
            }
            ReviewError::NotYours => Self::new(Kind::Forbidden).detail("Somebody else wrote this review."),
            ReviewError::Own => Self::conflict("It is your own review."),
            ReviewError::Reported => Self::conflict("You have reported this review. An administrator will look at it."),
            ReviewError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The review is at version {current} by now; read it again.")),
            ReviewError::KeyReused => idempotency::reused(),
            ReviewError::KeyRunning => idempotency::running(),
            ReviewError::AccountClosed => Self::new(Kind::Unauthenticated).detail("The account is closed."),
            ReviewError::Store(error) => error.into(),
            ReviewError::BrokenOff | ReviewError::Render(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_in_its_own_order_alone(key: i32, id: u128, sort in 0..4_usize, other in 0..4_usize) {
            let (sort, other) = (ReviewSort::ALL[sort], ReviewSort::ALL[other]);
            let place = ReviewPosition { key, id: ReviewId(Uuid::from_u128(id)) };
            let read = read_cursor(&write_cursor(sort, place), other);
            prop_assert_eq!(read, (sort == other).then_some(place));
        }

        #[test]
        fn no_text_is_more_than_refused(text in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = read_cursor(&text, ReviewSort::Newest);
            let _ = read_cursor(&URL_SAFE_NO_PAD.encode(bytes), ReviewSort::Helpful);
        }
    }
}
