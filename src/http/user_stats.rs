//! What is counted of people, for themselves.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::auth::Caller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::problem::Problem;
use super::state::AppState;
use crate::domain::user_stats::UserStatsError;
use crate::model::answer::RenderError;
use crate::model::representation::{Particulars, Representation};
use crate::model::user_stats::{GenreRead, UserStats};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read))
}

/// What somebody has bought, said and kept in mind, in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserStats)]
struct UserStatsDocument {
    /// Reviews, but for those that an administrator has hidden.
    #[schema(minimum = 0, example = 7)]
    reviews: i64,
    /// The mean of the stars that these give; `null` without any.
    #[schema(minimum = 1, maximum = 5, example = 3.86)]
    average_rating: Option<f64>,
    /// Favourites.
    #[schema(minimum = 0, example = 12)]
    favourites: i64,
    /// Orders, whatever became of them.
    #[schema(minimum = 0, example = 4)]
    orders: i64,
    /// Books of orders that were paid for and neither cancelled nor refunded as a whole.
    #[schema(minimum = 0, example = 9)]
    books: i64,
    /// Copies of these.
    #[schema(minimum = 0, example = 10)]
    copies: i64,
    /// The genres of these books, that of most books first; at most ten.
    genres: Vec<GenreReadDocument>,
}

/// A genre that somebody has read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenreRead)]
struct GenreReadDocument {
    /// The name in addresses.
    #[schema(example = "science-fiction")]
    slug: String,
    /// The name that people read.
    #[schema(example = "Science Fiction")]
    name: String,
    /// How many of the books carry it.
    #[schema(minimum = 1, example = 5)]
    books: i64,
}

impl From<GenreRead> for GenreReadDocument {
    fn from(GenreRead { slug, name, books }: GenreRead) -> Self {
        Self { slug, name, books }
    }
}

impl From<UserStats> for UserStatsDocument {
    fn from(stats: UserStats) -> Self {
        Self {
            reviews: stats.reviews,
            average_rating: stats.average_rating,
            favourites: stats.favourites,
            orders: stats.orders,
            books: stats.books,
            copies: stats.copies,
            genres: stats.genres.into_iter().map(Into::into).collect(),
        }
    }
}

/// Tell one's own statistics
///
/// What was bought, said and kept in mind, in numbers. Nobody else sees them.
#[utoipa::path(
    get, path = "/users/me/stats", operation_id = "getUserStats", tag = "users",
    responses((status = 200, description = "The numbers", body = UserStatsDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(State(state): State<AppState>, caller: Caller, conditions: Conditions) -> Result<Response, Problem> {
    let answer = state.user_stats.of(caller.user).await?;
    Ok(respond(&answer, CachePolicy::Private, &conditions))
}

/// Statistics as they are answered.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn render(stats: UserStats) -> Result<Representation, RenderError> {
    finished(&UserStatsDocument::from(stats), None, None, Particulars::default())
}

impl From<UserStatsError> for Problem {
    fn from(error: UserStatsError) -> Self {
        match error {
            UserStatsError::Store(error) => error.into(),
            UserStatsError::Missing | UserStatsError::Render(_) => Self::internal(&error),
        }
    }
}
