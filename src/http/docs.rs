//! The API's documentation, from the binary itself: the OpenAPI document, Swagger UI, and the kinds of problem.

use std::sync::Arc;

use axum::{
    Extension, Router,
    http::{HeaderValue, header},
    middleware::map_response,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    cache_policy::CachePolicy,
    conditional::{Conditions, Representation},
    extract::Path,
    problem::{Kind, Problem},
    state::AppState,
};

/// The path of the OpenAPI document.
const DOCUMENT_PATH: &str = "/openapi.json";

/// Swagger UI brings its own scripts, and styles in its markup.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// The routes that are part of the document themselves.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read_document)).routes(routes!(read_problem))
}

/// Swagger UI at `/docs`.
pub fn swagger_ui() -> Router<AppState> {
    let ui = SwaggerUi::new("/docs").config(
        utoipa_swagger_ui::Config::from(DOCUMENT_PATH)
            .try_it_out_enabled(true)
            .filter(true)
            .deep_linking(true)
            .validator_url("none"),
    );
    Router::<AppState>::from(ui).layer(map_response(|mut response: Response| async {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
        headers.insert(header::CACHE_CONTROL, CachePolicy::Documentation.cache_control());
        response
    }))
}

/// The OpenAPI document as it is sent.
#[derive(Clone)]
pub struct Document(Arc<Representation>);

impl Document {
    /// Writes the document.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(api: &utoipa::openapi::OpenApi) -> Result<Self, Problem> {
        Representation::json(api, CachePolicy::Documentation).map(Arc::new).map(Self)
    }
}

/// The OpenAPI document
///
/// This description of the API, in OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi", tag = "operations",
    responses((status = 200, description = "The document", body = serde_json::Value, content_type = "application/json")),
)]
async fn read_document(document: Extension<Document>, conditions: Conditions) -> Response {
    document.0.0.respond(&conditions)
}

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
struct ProblemKind {
    /// The `type` of its problems.
    #[schema(example = "/problems/not-found", format = "uri-reference")]
    r#type: String,
    /// Its summary.
    #[schema(example = "There is nothing here")]
    title: &'static str,
    /// The HTTP status that it comes with.
    #[schema(example = 404)]
    status: u16,
    /// What it means, and what to do about it.
    #[schema(example = "There is nothing at this address.")]
    description: &'static str,
}

/// A kind of problem
///
/// What the `type` of a problem means; the address is the `type` itself.
#[utoipa::path(
    get, path = "/problems/{slug}", operation_id = "getProblemKind", tag = "operations",
    params(("slug" = String, Path, description = "The last segment of a problem's type", example = "not-found")),
    responses((status = 200, description = "The kind of problem", body = ProblemKind)),
)]
async fn read_problem(Path(slug): Path<String>, conditions: Conditions) -> Result<Response, Problem> {
    let kind = Kind::from_slug(&slug).ok_or_else(|| Problem::not_found("There is no such kind of problem."))?;
    let document = ProblemKind {
        r#type: kind.type_uri(),
        title: kind.title(),
        status: kind.status().as_u16(),
        description: kind.description(),
    };
    Ok(Representation::json(&document, CachePolicy::Documentation)?.respond(&conditions).into_response())
}
