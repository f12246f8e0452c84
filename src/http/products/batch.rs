//! Many books in one answer.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ProductDocument;
use crate::domain::products::{MAX_BATCH, ProductError};
use crate::http::auth::MaybeCaller;
use crate::http::cache_policy::CachePolicy;
use crate::http::conditional::{Conditions, Representation};
use crate::http::extract::Query;
use crate::http::listing::parameter_errors;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::model::answer::Answer;
use crate::model::ids::ProductId;

/// Which books.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BatchParameters {
    /// The id of a book; give it once for each. One that comes again is passed over.
    #[serde(default)]
    #[param(min_items = 1, max_items = 100, example = json!(["0198c0de-7a11-7000-8000-000000000000"]))]
    id: Vec<Uuid>,
}

/// Many books.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductBatch)]
pub(super) struct BatchDocument {
    /// The books, in the order in which they were asked for.
    items: Vec<ProductDocument>,
    /// The ids of which there is no book, or none that the asker may see.
    #[schema(example = json!([]))]
    missing: Vec<Uuid>,
}

/// Read many books
///
/// Up to a hundred by their ids, as single reads would give them.
#[utoipa::path(
    get, path = "/products/batch", operation_id = "getProducts", tag = "products", params(BatchParameters),
    responses((status = 200, description = "The books", body = BatchDocument)),
    security((), ("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn read_many(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Query(parameters): Query<BatchParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let mut ids: Vec<ProductId> = Vec::with_capacity(parameters.id.len());
    // What comes again counts against the bound, as the description says.
    let too_many = parameters.id.len() > MAX_BATCH;
    for id in parameters.id.into_iter().map(ProductId) {
        if too_many || !ids.contains(&id) {
            ids.push(id);
        }
    }
    let answers = match state.products.get_many(&ids, caller.is_admin()).await {
        Err(ProductError::Invalid(violations)) => return Err(parameter_errors(violations)),
        answers => answers?,
    };
    let restricted = answers.iter().flatten().any(|answer| answer.representation.particulars.restricted);
    let policy = if restricted { CachePolicy::Private } else { CachePolicy::BookDetail };
    let body = compose(&ids, &answers).map_err(|error| Problem::internal(&error))?;
    let keys = ids.iter().map(|id| format!("book:{id}"));
    Ok(Representation::new(body, HeaderValue::from_static("application/json"), policy)
        .surrogate_keys(keys)
        .respond(&conditions))
}

/// Puts the books' finished bodies together.
fn compose(ids: &[ProductId], answers: &[Option<Answer>]) -> serde_json::Result<Bytes> {
    let found = || answers.iter().flatten().map(|answer| &answer.representation.body);
    let missing: Vec<&ProductId> =
        ids.iter().zip(answers).filter(|(_, answer)| answer.is_none()).map(|(id, _)| id).collect();
    let mut body = Vec::with_capacity(found().map(|book| book.len() + 1).sum::<usize>() + 64 + missing.len() * 39);
    body.extend_from_slice(b"{\"items\":[");
    for (at, book) in found().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(book);
    }
    body.extend_from_slice(b"],\"missing\":");
    serde_json::to_writer(&mut body, &missing)?;
    body.push(b'}');
    Ok(body.into())
}
