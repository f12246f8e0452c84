//! Protocol: routers, extractors, representations, status codes, OpenAPI. It knows the domain, and nothing below.

pub mod auth;
pub mod cache_policy;
pub mod conditional;
pub mod docs;
pub mod documents;
pub mod extract;
pub mod genres;
pub mod health;
pub mod listing;
pub mod middleware;
pub mod openapi;
pub mod problem;
pub mod products;
pub mod related;
pub mod search;
pub mod state;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::Request,
    http::Method,
    middleware::{from_fn, from_fn_with_state, map_request},
    response::IntoResponse as _,
};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use middleware::{
    bounds::{RouteBounds, bounds},
    coding::{compression, tags},
    finish::finish,
    observe::{WasHead, observe},
    rate_limit::{Limits, rate_limit},
    shed::shed,
};
use problem::{Kind, Problem};
use state::AppState;

/// The path under which all resources live.
pub const API_PREFIX: &str = "/api/v1";

/// The route of the bulk import, which has bounds of its own.
pub const IMPORT_ROUTE: &str = "/api/v1/products/import";

/// What the frame around the handlers needs to know.
#[derive(Clone)]
pub struct FrameOptions {
    /// Number of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: u8,
    /// Most requests in work at once.
    pub max_in_flight: usize,
    /// Sizes and times.
    pub bounds: RouteBounds,
    /// Rate limits, if any.
    pub limits: Option<Arc<Limits>>,
}

/// The operations of all resources, without prefix and without middleware. A resource adds itself by one line here.
fn resources() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(products::router()).merge(listing::router()).merge(search::router()).merge(related::router()).merge(genres::router())
}

/// Every operation with its description.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).nest(API_PREFIX, resources()).merge(docs::router())
}

/// The OpenAPI document of everything that is served.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut api = routes().merge(health::router()).into_openapi();
    openapi::complete(&mut api);
    api
}

/// Everything that is served, ready to be served.
///
/// # Errors
/// When the OpenAPI document cannot be written.
pub fn service(state: AppState, options: &FrameOptions) -> Result<Router, Problem> {
    let document = docs::Document::new(&document())?;
    let (routes, _) = routes().split_for_parts();
    let routes = routes.merge(docs::swagger_ui()).layer(Extension(document));
    Ok(framed(routes, state, options))
}

/// The frame around routes: see [`middleware`] for its layers. Health is outside of what counts and bounds requests, so
/// that a busy process does not look like a dead one.
pub fn framed(routes: Router<AppState>, state: AppState, options: &FrameOptions) -> Router {
    let room = Arc::new(Semaphore::new(options.max_in_flight));
    let (health, _) = health::router().split_for_parts();
    let inner = routes
        .layer(from_fn_with_state(options.bounds, bounds))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(room, shed))
        .layer(from_fn_with_state(options.limits.clone(), rate_limit))
        .merge(health)
        .layer(compression())
        .layer(from_fn(tags))
        .layer(from_fn(finish))
        .layer(from_fn_with_state(options.trusted_proxies, observe))
        .with_state(state);
    // A HEAD is a GET whose body is not sent. The outer router sends none, the inner one has no need to know.
    Router::new().fallback_service(inner).layer(map_request(head_is_get))
}

async fn head_is_get(mut request: Request) -> Request {
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
        request.extensions_mut().insert(WasHead);
    }
    request
}

/// A handler's panic. The message is in the log by the panic hook; the client learns nothing of it.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    tracing::error!("a handler panicked");
    Problem::new(Kind::Internal).into_response()
}
