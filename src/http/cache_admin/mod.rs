//! Looking after the cache.

mod documents;
mod hottest;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use documents::{CacheDocument, ClearedDocument, ProvenanceDocument, WarmedDocument};

use super::auth::Administrator;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::extract::{Json, Path, Query};
use super::listing::parameter_errors;
use super::middleware::context::RequestContext;
use super::problem::Problem;
use super::state::AppState;
use crate::domain::cache_admin::{CacheAdminError, ClearRequest};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, clear)).routes(routes!(read_entry)).routes(routes!(warm))
}

/// Look at the cache
///
/// As the process that answers sees it, since its start.
#[utoipa::path(
    get, path = "/admin/cache", operation_id = "getCache", tag = "admin",
    responses((status = 200, description = "How the cache is", body = CacheDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    _administrator: Administrator,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let document = CacheDocument::from(state.cache_admin.report());
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// Ask where an entry of the cache comes from
///
/// What this process and Redis have by a key, and why it would not be served. In the path the key is percent-encoded as a
/// whole, as `encodeURIComponent` does: colons may stay as they are, while `/`, `?`, `#` and every `%` of the key are encoded.
/// The key of a list is `books:list:` and its query with the parameters in alphabetical order, still percent-encoded, so that
/// `books:list:author=Le%20Guin` is asked for as `books:list:author=Le%2520Guin`. A key without an entry is `absent`; 404 means
/// that the text is no key.
#[utoipa::path(
    get, path = "/admin/cache/entries/{key}", operation_id = "getCacheEntry", tag = "admin",
    params(("key" = String, Path, description = "The key, percent-encoded", example = "books:genres")),
    responses((status = 200, description = "Where the entry comes from", body = ProvenanceDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read_entry(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(key): Path<String>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let document = ProvenanceDocument::from(state.cache_admin.provenance(&key).await?);
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// What to clear: exactly one of these.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClearParameters {
    /// The entry with this key.
    #[param(max_length = 8192, example = "books:genres")]
    key: Option<String>,
    /// Every entry whose key begins so: whole segments of a family's name and a star.
    #[param(max_length = 200)]
    pattern: Option<String>,
    /// Every entry that depends on this.
    #[param(max_length = 200)]
    tag: Option<String>,
    /// `true` for everything.
    all: Option<bool>,
}

/// Clear a part of the cache
///
/// Give exactly one of `key`, `pattern`, `tag` and `all=true`. It takes effect at every process: a floor is raised, below which
/// no entry is served any more, and nothing has to be searched or deleted. It is recorded in the audit log.
#[utoipa::path(
    delete, path = "/admin/cache", operation_id = "clearCache", tag = "admin", params(ClearParameters),
    responses((status = 200, description = "What was cleared", body = ClearedDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn clear(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Query(ClearParameters { key, pattern, tag, all }): Query<ClearParameters>,
) -> Result<Response, Problem> {
    let request = ClearRequest { key, pattern, tag, all };
    let cleared = state.cache_admin.clear(&administrator.actor(context.request_id()), &request).await?;
    Ok(done(ClearedDocument::from(cleared)))
}

/// What to read ahead.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CacheWarmInput)]
struct WarmInput {
    /// How many of the best sellers.
    #[serde(default = "default_books")]
    #[garde(range(max = 1000))]
    #[schema(minimum = 0, maximum = 1000, default = 200, example = 200)]
    books: u32,
}

fn default_books() -> u32 {
    200
}

/// Warm the cache
///
/// Reads the genres, the front pages and the best sellers, so that the process that answers has them at hand. What it has
/// already stays, unless it runs out soon.
#[utoipa::path(
    post, path = "/admin/cache/warm", operation_id = "warmCache", tag = "admin", request_body = WarmInput,
    responses((status = 200, description = "What was read", body = WarmedDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn warm(
    State(state): State<AppState>,
    _administrator: Administrator,
    Json(input): Json<WarmInput>,
) -> Result<Response, Problem> {
    Ok(done(WarmedDocument::from(state.warm_up.run(input.books).await)))
}

fn done(document: impl serde::Serialize) -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, CachePolicy::NoStore.cache_control())], Json(document)).into_response()
}

impl From<CacheAdminError> for Problem {
    fn from(error: CacheAdminError) -> Self {
        match error {
            CacheAdminError::NotAKey => Self::not_found("There is no key of this name: it belongs to no family."),
            CacheAdminError::Invalid(violations) => parameter_errors(violations),
            CacheAdminError::Store(error) => error.into(),
        }
    }
}
