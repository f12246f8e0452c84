//! What administrators do to books.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use uuid::Uuid;

use super::documents::{ProductDocument, ProductInput, ProductPatch};
use super::{location, representation};
use crate::domain::products::ProductDraft;
use crate::domain::violation::Violation;
use crate::http::auth::Administrator;
use crate::http::conditional::IfMatch;
use crate::http::extract::{Json, MergePatch, Path, typed};
use crate::http::middleware::context::RequestContext;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::model::ids::ProductId;

/// Add a book
///
/// It begins with an empty shelf, as the first edition of a work of its own.
#[utoipa::path(
    post, path = "/products", operation_id = "createProduct", tag = "products", request_body = ProductInput,
    responses(
        (status = 201, description = "The new book", body = ProductDocument,
         headers(("Location" = String, description = "Where the book is"))),
        (status = 409, description = "Another book has this ISBN",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Json(input): Json<ProductInput>,
) -> Result<Response, Problem> {
    let product = state.products.create(&administrator.actor(context.request_id()), input.into(), None).await?;
    let location = location(product.id);
    let response = representation(product)?.respond_written(StatusCode::CREATED);
    Ok(([(header::LOCATION, location)], response).into_response())
}

/// Replace a book
///
/// What the body leaves out is cleared. When nothing changes, nothing is written and the version stays.
#[utoipa::path(
    put, path = "/products/{id}", operation_id = "replaceProduct", tag = "products", request_body = ProductInput,
    params(
        ("id" = Uuid, Path, description = "The book's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses(
        (status = 200, description = "The book as it is now", body = ProductDocument),
        (status = 409, description = "Another book has this ISBN",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn replace(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(input): Json<ProductInput>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let product = state
        .products
        .change(&administrator.actor(context.request_id()), "product.replace", ProductId(id), &expected, |_| {
            Ok(input.clone().into())
        })
        .await?;
    Ok(representation(product)?.respond_written(StatusCode::OK))
}

/// Change parts of a book
///
/// A JSON merge patch (RFC 7396): what is left out stays, `null` clears, lists are replaced as a whole.
#[utoipa::path(
    patch, path = "/products/{id}", operation_id = "patchProduct", tag = "products",
    request_body(content = ProductPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = Uuid, Path, description = "The book's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses(
        (status = 200, description = "The book as it is now", body = ProductDocument),
        (status = 409, description = "Another book has this ISBN",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn patch(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<ProductPatch>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let product = state
        .products
        .change(&administrator.actor(context.request_id()), "product.patch", ProductId(id), &expected, |current| {
            let document = patch.apply_to(current.fields.clone()).unwrap_or(Value::Null);
            draft(document).map_err(|violation| vec![violation])
        })
        .await?;
    Ok(representation(product)?.respond_written(StatusCode::OK))
}

fn draft(document: Value) -> Result<ProductDraft, Violation> {
    let input: ProductInput =
        typed(document).map_err(|error| Violation::new(error.pointer.unwrap_or_default(), error.message))?;
    Ok(input.into())
}

/// Withdraw a book
///
/// It leaves every list and can no longer be bought; its page stays, for the orders that show it.
#[utoipa::path(
    delete, path = "/products/{id}", operation_id = "retireProduct", tag = "products",
    params(
        ("id" = Uuid, Path, description = "The book's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 204, description = "It is withdrawn")),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn retire(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let expected = if_match.require()?;
    state.products.retire(&administrator.actor(context.request_id()), ProductId(id), &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
