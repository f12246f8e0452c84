//! Protocol: routers, extractors, representations, status codes, OpenAPI. It knows the domain, and nothing below.

pub mod audit;
pub mod auth;
pub mod buyer;
pub mod cache_admin;
pub mod cache_policy;
pub mod cart;
pub mod conditional;
pub mod coupons;
pub mod csrf;
pub mod cursor;
pub mod docs;
pub mod documents;
pub mod extract;
pub mod favourites;
mod frame;
pub mod genres;
pub mod health;
pub mod idempotency;
pub mod import;
pub mod inventory;
pub mod leaderboards;
pub mod listing;
pub mod middleware;
pub mod openapi;
pub mod orders;
pub mod payments;
pub mod problem;
pub mod products;
pub mod recommendations;
pub mod related;
pub mod reviews;
pub mod search;
pub mod sessions;
pub mod shipping;
pub mod state;
pub mod trending;
pub mod user_stats;
pub mod users;
pub mod views;
pub mod webhooks;

use std::sync::Arc;

use axum::Extension;
use utoipa_axum::router::OpenApiRouter;

pub use frame::{AsItIs, Frame, FrameOptions};

use problem::Problem;
use state::AppState;

/// The path under which all resources live.
pub const API_PREFIX: &str = "/api/v1";

/// The route of the bulk import, which has bounds of its own.
pub const IMPORT_ROUTE: &str = "/api/v1/products/import";

/// The operations of all resources, without prefix and without middleware. A resource adds itself by one line here.
fn resources() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(products::router())
        .merge(import::router())
        .merge(listing::router())
        .merge(search::router())
        .merge(related::router())
        .merge(recommendations::router())
        .merge(trending::router())
        .merge(genres::router())
        .merge(reviews::router())
        .merge(leaderboards::router())
        .merge(cart::router())
        .merge(coupons::router())
        .merge(shipping::router())
        .merge(orders::router())
        .merge(payments::router())
        .merge(users::router())
        .merge(favourites::router())
        .merge(user_stats::router())
        .merge(sessions::router())
        .merge(audit::router())
        .merge(cache_admin::router())
        .merge(views::router())
        .merge(inventory::router())
        .merge(webhooks::router())
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
pub fn service(state: AppState, options: &FrameOptions) -> Result<Frame, Problem> {
    let document = docs::Document::new(&document())?;
    let (routes, _) = routes().split_for_parts();
    let routes = routes.merge(docs::swagger_ui()).layer(Extension(document));
    let health = Arc::clone(&state.health);
    Ok(Frame::new(routes.with_state(state), health, options))
}
