//! What readers do to reviews: their own, and with their votes and reports those of others.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use uuid::Uuid;

use super::documents::{ReportDocument, ReportInput, ReviewDocument, ReviewInput, ReviewPatch, VoteInput};
use super::representation;
use crate::domain::reviews::{ReportDraft, ReviewDraft};
use crate::domain::violation::Violation;
use crate::http::API_PREFIX;
use crate::http::auth::Caller;
use crate::http::cache_policy::CachePolicy;
use crate::http::conditional::{IfMatch, Representation};
use crate::http::extract::{Json, MergePatch, Path, typed};
use crate::http::idempotency::{self, IdempotencyKey};
use crate::http::middleware::context::RequestContext;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::AppState;
use crate::model::audit::Actor;
use crate::model::ids::{ProductId, ReviewId};
use crate::model::review::ReviewContent;

/// Review a book
///
/// One review a person and book; the rating counts at once. Text is plain: white space around it is dropped, control characters
/// are refused, and markup stays the text that it is. Send an `Idempotency-Key` of your own: the same request under the same
/// key gives the same answer and no second review, however often it is sent. What was refused may be sent again under its
/// key.
#[utoipa::path(
    post, path = "/products/{id}/reviews", operation_id = "createReview", tag = "reviews", request_body = ReviewInput,
    params(
        ("id" = Uuid, Path, description = "The book's id"),
        ("Idempotency-Key" = String, Header, description = "A new text of up to 255 characters for each new review"),
    ),
    responses(
        (status = 201, description = "The review", body = ReviewDocument,
         headers(("Location" = String, description = "Where the review is"),
                 ("Idempotent-Replayed" = String, description = "`true` where this is the answer to an earlier request"))),
        (status = 409, description = "The asker has reviewed this book: `review_id` tells which review it is",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(product): Path<Uuid>,
    key: IdempotencyKey,
    Json(input): Json<ReviewInput>,
) -> Result<Response, Problem> {
    let request = key.of(caller.user.to_string(), "reviews.create", &product.to_string(), &input)?;
    let created = state.reviews.create(caller.user, ProductId(product), input.into(), request).await?;
    let media_type = HeaderValue::from_static("application/json");
    let body = created.answer.body.clone().into();
    let etag = format!("\"{}\"", Representation::new(body, media_type, CachePolicy::NoStore).version(1).etag());
    let location = format!("{API_PREFIX}/reviews/{}", created.review);
    let mut response = idempotency::kept(created.answer, Some(location), created.replayed);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Replace one's own review
///
/// What the body leaves out is cleared. When nothing changes, nothing is written and the version stays.
#[utoipa::path(
    put, path = "/reviews/{id}", operation_id = "replaceReview", tag = "reviews", request_body = ReviewInput,
    params(
        ("id" = Uuid, Path, description = "The review's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The review as it is now", body = ReviewDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn replace(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(input): Json<ReviewInput>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let change = move |_| Ok(input.clone().into());
    let review = state.reviews.change(caller.user, ReviewId(id), expected, change).await?;
    Ok(representation(review, CachePolicy::Private)?.respond_written(StatusCode::OK))
}

/// Change parts of one's own review
///
/// A JSON merge patch (RFC 7396): what is left out stays, `null` clears.
#[utoipa::path(
    patch, path = "/reviews/{id}", operation_id = "patchReview", tag = "reviews",
    request_body(content = ReviewPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = Uuid, Path, description = "The review's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The review as it is now", body = ReviewDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn patch(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<ReviewPatch>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let change = move |content| patched(&patch, content).map_err(|violation| vec![violation]);
    let review = state.reviews.change(caller.user, ReviewId(id), expected, change).await?;
    Ok(representation(review, CachePolicy::Private)?.respond_written(StatusCode::OK))
}

fn patched(patch: &ReviewPatch, content: ReviewContent) -> Result<ReviewDraft, Violation> {
    let document = patch.apply_to(content).unwrap_or_default();
    let input: ReviewInput =
        typed(document).map_err(|error| Violation::new(error.pointer.unwrap_or_default(), error.message))?;
    Ok(input.into())
}

/// Delete a review
///
/// One's own, or as an administrator anybody's. Its rating does not count any more, and its writer may write another one.
#[utoipa::path(
    delete, path = "/reviews/{id}", operation_id = "deleteReview", tag = "reviews",
    params(
        ("id" = Uuid, Path, description = "The review's id"),
        ("If-Match" = String, Header, description = "The ETag of the review that is meant"),
    ),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = if_match.require()?;
    let actor = Actor { user: Some(caller.user), request_id: Some(context.request_id().to_owned()) };
    let administrator = caller.is_admin().then_some(actor);
    state.reviews.remove(caller.user, ReviewId(id), expected, administrator).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say whether a review is helpful
///
/// Once a person and review, and not of one's own; whoever thinks otherwise by now sends it again.
#[utoipa::path(
    put, path = "/reviews/{id}/vote", operation_id = "voteOnReview", tag = "reviews", request_body = VoteInput,
    params(("id" = Uuid, Path, description = "The review's id")),
    responses(
        (status = 200, description = "The review as it is now", body = ReviewDocument),
        (status = 409, description = "It is the asker's own",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn vote(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<VoteInput>,
) -> Result<Response, Problem> {
    let review = state.reviews.vote(caller.user, ReviewId(id), Some(input.helpful)).await?;
    Ok(representation(review, CachePolicy::Private)?.respond_written(StatusCode::OK))
}

/// Take one's vote back
#[utoipa::path(
    delete, path = "/reviews/{id}/vote", operation_id = "withdrawReviewVote", tag = "reviews",
    params(("id" = Uuid, Path, description = "The review's id")),
    responses((status = 204, description = "There is none of the asker any more")),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn withdraw_vote(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.reviews.vote(caller.user, ReviewId(id), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Report a review
///
/// Asks administrators to look at it; once a person and review.
#[utoipa::path(
    post, path = "/reviews/{id}/reports", operation_id = "reportReview", tag = "reviews", request_body = ReportInput,
    params(("id" = Uuid, Path, description = "The review's id")),
    responses(
        (status = 201, description = "The report", body = ReportDocument),
        (status = 409, description = "The asker has reported it before, or has written it",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn report(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(input): Json<ReportInput>,
) -> Result<Response, Problem> {
    let draft = ReportDraft { reason: input.reason.into(), note: input.note };
    let report = state.reviews.report(caller.user, ReviewId(id), draft).await?;
    let document = ReportDocument::from(report);
    let mut response = Representation::json(&document, CachePolicy::NoStore)?.respond_written(StatusCode::CREATED);
    // There is no address to ask for it again.
    response.headers_mut().remove(header::ETAG);
    Ok(response)
}
