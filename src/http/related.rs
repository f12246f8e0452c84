//! Related books.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::extract::{Path, Query};
use super::listing::SummaryDocument;
use super::problem::Problem;
use super::state::AppState;
use crate::domain::related::RelatedError;
use crate::model::answer::RenderError;
use crate::model::ids::ProductId;
use crate::model::related::{Related, Relation};
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
struct RelatedParameters {
    /// The most books.
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: Option<u32>,
}

/// Why a book is related.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Relation)]
enum RelationDocument {
    Edition,
    Series,
    Readers,
    Author,
    Genre,
}

impl From<Relation> for RelationDocument {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Edition => Self::Edition,
            Relation::Series => Self::Series,
            Relation::Readers => Self::Readers,
            Relation::Author => Self::Author,
            Relation::Genre => Self::Genre,
        }
    }
}

/// A related book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelatedProduct)]
struct RelatedDocument {
    /// `edition`: of the same work. `series`: of the same series. `readers`: readers of the book like it. `author`: by one of
    /// the authors. `genre`: shares genres.
    reason: RelationDocument,
    /// The book.
    product: SummaryDocument,
}

impl From<Related> for RelatedDocument {
    fn from(related: Related) -> Self {
        Self { reason: related.relation.into(), product: related.book.into() }
    }
}

/// Related books.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelatedProducts)]
struct RelatedListDocument {
    /// The nearest first.
    items: Vec<RelatedDocument>,
}

/// Find related books
///
/// Other editions of the same work, then the series (the next volumes first), what readers of the book like, other books of
/// the authors, and popular books that share genres. Each book is listed once, with the first reason; of other works one edition is listed.
#[utoipa::path(
    get, path = "/products/{id}/related", operation_id = "listRelatedProducts", tag = "products",
    params(("id" = Uuid, Path, description = "The book's id"), RelatedParameters),
    responses((status = 200, description = "Related books", body = RelatedListDocument)),
)]
async fn list(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    Query(parameters): Query<RelatedParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.related.of(ProductId(id), parameters.limit).await?;
    Ok(respond(&answer, CachePolicy::BookListing, &conditions))
}

/// Related books as they are answered.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn render(found: Vec<Related>) -> Result<Representation, RenderError> {
    let document = RelatedListDocument { items: found.into_iter().map(RelatedDocument::from).collect() };
    finished(&document, None, None, Particulars::default())
}

impl From<RelatedError> for Problem {
    fn from(error: RelatedError) -> Self {
        match error {
            RelatedError::NotFound => Self::not_found("There is no such book."),
            RelatedError::Listing(error) => error.into(),
        }
    }
}
