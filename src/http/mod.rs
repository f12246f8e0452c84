//! Protocol: routers, extractors, representations, status codes, OpenAPI. It knows the domain, and nothing below.

pub mod audit;
pub mod auth;
pub mod cache_policy;
pub mod conditional;
pub mod csrf;
pub mod docs;
pub mod documents;
pub mod extract;
pub mod genres;
pub mod health;
pub mod import;
pub mod listing;
pub mod middleware;
pub mod openapi;
pub mod problem;
pub mod products;
pub mod related;
pub mod search;
pub mod sessions;
pub mod state;
pub mod users;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, HttpBody as _},
    extract::Request,
    http::{Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
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

use crate::domain::health::Health;

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
    OpenApiRouter::new()
        .merge(products::router())
        .merge(import::router())
        .merge(listing::router())
        .merge(search::router())
        .merge(related::router())
        .merge(genres::router())
        .merge(users::router())
        .merge(sessions::router())
        .merge(audit::router())
}

/// Every operation with its description.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).nest(API_PREFIX, resources()).merge(docs::router())
}

/// The OpenAPI document of everything that is served.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut api = routes().into_openapi();
    api.merge(health::router().into_openapi());
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
    let health = Arc::clone(&state.health);
    Ok(framed(routes.with_state(state), health, options))
}

/// The frame around routes: see [`middleware`] for its layers. Health is outside of what counts and bounds requests, so
/// that a busy process does not look like a dead one.
pub fn framed(routes: Router, health: Arc<Health>, options: &FrameOptions) -> Router {
    let room = Arc::new(Semaphore::new(options.max_in_flight));
    let (health_routes, _) = health::router().split_for_parts();
    let inner = routes
        .fallback(|| async { Problem::new(Kind::NotFound) })
        .layer(from_fn_with_state(options.bounds, bounds))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(room, shed))
        .layer(from_fn_with_state(options.limits.clone(), rate_limit))
        .merge(health_routes.with_state(health))
        .layer(compression())
        .layer(from_fn(tags))
        .layer(from_fn(finish))
        .layer(from_fn_with_state(options.trusted_proxies, observe));
    Router::new().fallback_service(inner).layer(from_fn(head))
}

/// A HEAD is a GET whose body is not sent; nobody further inside has to know.
async fn head(mut request: Request, next: Next) -> Response {
    if request.method() != Method::HEAD {
        return next.run(request).await;
    }
    *request.method_mut() = Method::GET;
    request.extensions_mut().insert(WasHead);
    let mut response = next.run(request).await;
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    response.map(|_| Body::empty())
}

/// A handler's panic. The message is in the log by the panic hook; the client learns nothing of it.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(Kind::Internal).into_response()
}
