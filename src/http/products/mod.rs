//! Books: their pages, and the writes of administrators.

mod batch;
mod documents;
mod write;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use documents::{FormatDocument, ProductDocument, ProductInput, StatusDocument};

use super::auth::MaybeCaller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation, finished, respond};
use super::extract::Path;
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::products::{Pages, ProductError};
use crate::model::answer::{Answer, RenderError};
use crate::model::ids::ProductId;
use crate::model::product::{Product, Status};
use crate::model::representation::{Particulars, Representation as Finished};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write::create))
        .routes(routes!(read, write::replace, write::patch, write::retire))
        .routes(routes!(read_by_isbn))
        .routes(routes!(batch::read_many))
}

/// Read a book
///
/// Drafts are shown to administrators alone; retired books stay readable by their id.
#[utoipa::path(
    get, path = "/products/{id}", operation_id = "getProduct", tag = "products",
    params(("id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "The book", body = ProductDocument)),
    security((), ("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let answer = state.products.get(ProductId(id), caller.is_admin()).await?;
    let response = respond(&answer, policy(&answer), &conditions);
    if is_view(&response) {
        state.views.seen(ProductId(id));
    }
    Ok(response)
}

/// Find a book by its ISBN
///
/// Takes ten or thirteen digits, with or without hyphens.
#[utoipa::path(
    get, path = "/products/isbn/{isbn}", operation_id = "getProductByIsbn", tag = "products",
    params(("isbn" = String, Path, description = "The ISBN-10 or ISBN-13", example = "9780547773742")),
    responses((status = 200, description = "The book; `Content-Location` is its own address", body = ProductDocument)),
    security((), ("bearer" = []), ("cookie" = [])),
)]
async fn read_by_isbn(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Path(isbn): Path<String>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let sees_drafts = caller.is_admin();
    let answer = match state.products.get_by_isbn(&isbn, sees_drafts).await {
        // A path that is no ISBN names nothing.
        Err(ProductError::Invalid(violations)) => {
            let reason = violations.into_iter().next().map(|violation| violation.message).unwrap_or_default();
            return Err(Problem::not_found(format!("What the path holds {reason}.")));
        }
        found => found?,
    };
    let response = respond(&answer, policy(&answer), &conditions);
    if is_view(&response)
        && let Some(id) = located(&answer)
    {
        state.views.seen(id);
    }
    Ok(response)
}

/// Whether a book was looked at: a client that has it already and is told so looks at it as well.
fn is_view(response: &Response) -> bool {
    response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED
}

/// The book whose own address an answer tells.
fn located(answer: &Answer) -> Option<ProductId> {
    answer.representation.particulars.content_location.as_deref()?.rsplit('/').next()?.parse().ok()
}

/// Drafts are kept by administrators' own clients alone.
fn policy(answer: &Answer) -> CachePolicy {
    if answer.representation.particulars.restricted { CachePolicy::Private } else { CachePolicy::BookDetail }
}

/// How books become answers.
pub const PAGES: Pages = Pages { detail: render, by_isbn: render_by_isbn };

fn render(product: Product) -> Result<Finished, RenderError> {
    let restricted = product.fields.status == Status::Draft;
    write_down(product, Particulars { restricted, ..Particulars::default() })
}

fn render_by_isbn(product: Product) -> Result<Finished, RenderError> {
    let restricted = product.fields.status == Status::Draft;
    let content_location = Some(location(product.id));
    write_down(product, Particulars { restricted, content_location, ..Particulars::default() })
}

fn write_down(product: Product, particulars: Particulars) -> Result<Finished, RenderError> {
    let (version, updated_at) = (product.version, product.updated_at);
    finished(&ProductDocument::from(product), Some(version), Some(updated_at), particulars)
}

fn location(id: ProductId) -> String {
    format!("{}/products/{id}", super::API_PREFIX)
}

fn representation(product: Product) -> Result<Representation, Problem> {
    let policy = if product.fields.status == Status::Draft { CachePolicy::Private } else { CachePolicy::BookDetail };
    let (id, version, updated_at) = (product.id, product.version, product.updated_at);
    Ok(Representation::json(&ProductDocument::from(product), policy)?
        .version(version)
        .last_modified(updated_at)
        .surrogate_keys([format!("book:{id}")]))
}

impl From<ProductError> for Problem {
    fn from(error: ProductError) -> Self {
        match error {
            ProductError::NotFound => Self::not_found("There is no such book."),
            ProductError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            ProductError::IsbnTaken { pointer } => Self::conflict("Another book has this ISBN.")
                .error(FieldError::body(pointer, "taken", "belongs to another book")),
            ProductError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The book is at version {current} by now; read it again.")),
            ProductError::Store(error) => error.into(),
            ProductError::Render(_) => Self::internal(&error),
        }
    }
}
