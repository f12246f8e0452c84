//! Books that are looked at most in these days.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::extract::Query;
use super::listing::SummaryDocument;
use super::problem::Problem;
use super::state::AppState;
use crate::domain::trending::TrendingRequest;
use crate::model::answer::RenderError;
use crate::model::representation::{Particulars, Representation};
use crate::model::trending::Trending;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which, and how many.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrendingParameters {
    /// The slug of a genre that a book must have.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60, example = "fantasy")]
    genre: Option<String>,
    /// The most books.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A book, and how much it was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrendingProduct)]
struct TrendingDocument {
    /// The looks of each of the last seven days, in UTC and with the present one, halved once for every day that has passed
    /// since: the sum of `views × 0.5 ^ days`.
    #[schema(minimum = 0, example = 61.5)]
    score: f64,
    /// The looks of these days.
    #[schema(minimum = 0, example = 93)]
    views: i64,
    /// The book.
    product: SummaryDocument,
}

impl From<Trending> for TrendingDocument {
    fn from(trending: Trending) -> Self {
        Self { score: trending.score, views: trending.views, product: trending.book.into() }
    }
}

/// The books that are looked at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrendingProducts)]
struct TrendingListDocument {
    /// The highest score first; of the same score, by id.
    items: Vec<TrendingDocument>,
}

/// List the trending books
///
/// The active books by how often they were looked at in the last seven days, where a look counts half for every day that has
/// passed since. Looks are counted within seconds, and the list is counted anew about once a minute.
#[utoipa::path(
    get, path = "/products/trending", operation_id = "listTrendingProducts", tag = "products",
    params(TrendingParameters),
    responses((status = 200, description = "The trending books", body = TrendingListDocument)),
)]
async fn list(
    State(state): State<AppState>,
    Query(TrendingParameters { genre, limit }): Query<TrendingParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.trending.page(TrendingRequest { genre, limit }).await?;
    Ok(respond(&answer, CachePolicy::BookListing, &conditions))
}

/// Trending books as they are answered.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn render(found: Vec<Trending>) -> Result<Representation, RenderError> {
    let document = TrendingListDocument { items: found.into_iter().map(TrendingDocument::from).collect() };
    finished(&document, None, None, Particulars::default())
}
