//! How often books are looked at.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::auth::Administrator;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::extract::Path;
use super::problem::Problem;
use super::state::AppState;
use crate::domain::views::ViewError;
use crate::model::ids::ProductId;
use crate::model::views::ViewTotals;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How often a book was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductViews)]
struct ViewsDocument {
    /// The book.
    product_id: Uuid,
    /// Looks on the present day, in UTC.
    #[schema(minimum = 0, example = 12)]
    today: i64,
    /// Looks on the present day and the six before.
    #[schema(minimum = 0, example = 93)]
    last_7_days: i64,
    /// All looks.
    #[schema(minimum = 0, example = 4711)]
    total: i64,
}

/// Tell how often a book was looked at
///
/// Every successful read of the book's page counts, by its id or its ISBN, whether or not the client had it already. Each
/// process hands its counts to Redis every second or so, and what is there is told, so the very latest looks alone are missing.
#[utoipa::path(
    get, path = "/admin/products/{id}/views", operation_id = "getProductViews", tag = "admin",
    params(("id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "The counts", body = ViewsDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let ViewTotals { today, week, total } = state.views.of(ProductId(id)).await?;
    let document = ViewsDocument { product_id: id, today, last_7_days: week, total };
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::NotFound => Self::not_found("There is no such book."),
            ViewError::Store(error) => error.into(),
            ViewError::Slow => Self::internal(&error),
        }
    }
}
