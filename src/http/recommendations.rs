//! What readers may like.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::auth::Caller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::extract::Query;
use super::listing::{SummaryDocument, parameter_errors};
use super::problem::Problem;
use super::state::AppState;
use crate::domain::recommendations::RecommendationError;
use crate::model::answer::RenderError;
use crate::model::recommendation::{Reason, Recommendation, Sign};
use crate::model::representation::{Particulars, Representation};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// How many.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecommendationParameters {
    /// The most books.
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<u32>,
}

/// Why a book is recommended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RecommendationKind)]
enum KindDocument {
    Liked,
    Bought,
    Favourite,
    PopularInGenre,
    Popular,
}

/// A book that its reader likes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendationBook)]
struct BookDocument {
    /// The book's id.
    id: Uuid,
    /// Its title.
    title: String,
}

/// Why a book is recommended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendationReason)]
struct ReasonDocument {
    /// `liked`: because you gave `book` four or five stars. `bought`: because you bought it. `favourite`: because it is among
    /// your favourites. `popular_in_genre`: it is popular in `genre`, which you read. `popular`: it is popular.
    kind: KindDocument,
    /// The book whose readers like this one, and which you like too.
    #[serde(skip_serializing_if = "Option::is_none")]
    book: Option<BookDocument>,
    /// The slug of a genre.
    #[serde(skip_serializing_if = "Option::is_none")]
    genre: Option<String>,
}

impl From<Reason> for ReasonDocument {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Because { sign, book, title } => {
                let kind = match sign {
                    Sign::Liked => KindDocument::Liked,
                    Sign::Bought => KindDocument::Bought,
                    Sign::Favourite => KindDocument::Favourite,
                };
                Self { kind, book: Some(BookDocument { id: book.0, title }), genre: None }
            }
            Reason::PopularInGenre(genre) => {
                Self { kind: KindDocument::PopularInGenre, book: None, genre: Some(genre) }
            }
            Reason::Popular => Self { kind: KindDocument::Popular, book: None, genre: None },
        }
    }
}

/// A recommended book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendedProduct)]
struct RecommendationDocument {
    /// Why it is recommended.
    reason: ReasonDocument,
    /// The book.
    product: SummaryDocument,
}

impl From<Recommendation> for RecommendationDocument {
    fn from(recommendation: Recommendation) -> Self {
        Self { reason: recommendation.reason.into(), product: recommendation.book.into() }
    }
}

/// Recommended books.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecommendedProducts)]
struct RecommendationListDocument {
    /// The likeliest first.
    items: Vec<RecommendationDocument>,
}

/// Recommend books
///
/// What readers of your books like: of those that you bought, gave four or five stars or keep as favourites. Who has done
/// little of that yet is told what is popular in their genres, and else what is popular. Never a work that you ordered, keep
/// as a favourite or have reviewed, in whichever edition; at most three books of a series or an author.
#[utoipa::path(
    get, path = "/users/me/recommendations", operation_id = "listRecommendations", tag = "users",
    params(RecommendationParameters),
    responses((status = 200, description = "Recommended books", body = RecommendationListDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<RecommendationParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.recommendations.to(caller.user, parameters.limit).await?;
    Ok(respond(&answer, CachePolicy::Private, &conditions))
}

/// Recommended books as they are answered.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn render(found: Vec<Recommendation>) -> Result<Representation, RenderError> {
    let document = RecommendationListDocument { items: found.into_iter().map(RecommendationDocument::from).collect() };
    finished(&document, None, None, Particulars::default())
}

impl From<RecommendationError> for Problem {
    fn from(error: RecommendationError) -> Self {
        match error {
            RecommendationError::Invalid(violation) => parameter_errors(vec![violation]),
            RecommendationError::Store(error) => error.into(),
            RecommendationError::Render(_) | RecommendationError::Missing => Self::internal(&error),
        }
    }
}
