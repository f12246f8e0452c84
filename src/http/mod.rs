//! Protocol: routers, extractors, representations, status codes, OpenAPI. It knows the domain, and nothing below.

pub mod cache_policy;
pub mod conditional;
pub mod documents;
pub mod extract;
pub mod genres;
pub mod health;
pub mod listing;
pub mod openapi;
pub mod problem;
pub mod state;

use utoipa_axum::router::OpenApiRouter;

use state::AppState;

/// The path under which all resources live.
pub const API_PREFIX: &str = "/api/v1";

/// The operations of all resources, without prefix and without middleware. A resource adds itself by one line here.
fn resources() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(listing::router()).merge(genres::router())
}

/// Every operation with its description.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).nest(API_PREFIX, resources()).merge(health::router())
}

/// The OpenAPI document of everything that is served.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut api = routes().into_openapi();
    openapi::complete(&mut api);
    api
}
