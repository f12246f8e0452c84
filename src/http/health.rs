//! Whether the process lives, and whether it is ready.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::domain::health::{Condition, Health, Report};

/// What is outside of the limits and bounds of the other routes.
pub const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// The routes.
pub fn router() -> OpenApiRouter<Arc<Health>> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz))
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthDocument {
    /// `ok`, `degraded` (answers, but a part is missing), `unavailable` or `draining`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// Every part.
    pub checks: Vec<CheckDocument>,
}

/// How one part is.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckDocument {
    /// Which part.
    #[schema(example = "database.primary")]
    pub name: String,
    /// `ok`, `degraded` or `failed`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// What is the matter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl From<Report> for HealthDocument {
    fn from(report: Report) -> Self {
        let status = match report.condition {
            _ if report.draining => "draining",
            Condition::Ok => "ok",
            Condition::Degraded => "degraded",
            Condition::Failed => "unavailable",
        };
        let checks = report.checks.into_iter().map(|check| CheckDocument {
            name: check.name,
            status: match check.condition {
                Condition::Ok => "ok",
                Condition::Degraded => "degraded",
                Condition::Failed => "failed",
            },
            detail: check.detail,
        });
        Self { status, checks: checks.collect() }
    }
}

/// Is the process alive?
///
/// Answers as long as the process works at all; restart it when this fails. It looks at nothing else.
#[utoipa::path(
    get, path = "/livez", operation_id = "getLiveness", tag = "operations",
    responses((status = 200, description = "It is alive", body = HealthDocument)),
)]
async fn livez() -> Response {
    answer(StatusCode::OK, &HealthDocument { status: "ok", checks: Vec::new() })
}

/// Is the process ready?
///
/// Ready means that reads are answered. A missing replica, Redis or primary is told, but leaves it ready, only degraded.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "operations",
    responses(
        (status = 200, description = "Ready, perhaps degraded", body = HealthDocument),
        (status = 503, description = "Not ready: a part is missing that nothing works without, or it is shutting down", body = HealthDocument),
    ),
)]
async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &report.into())
}

/// What is served on the port for metrics: `/metrics`, as `render` writes it.
pub fn metrics_router(render: Arc<dyn Fn() -> String + Send + Sync>) -> Router {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Router::new().route("/metrics", get(move || async move { (content_type, render()) }))
}

/// JSON that is no problem document even where the status is 503: monitors read it.
fn answer(status: StatusCode, document: &HealthDocument) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut response = (status, no_store, axum::Json(document)).into_response();
    response.extensions_mut().insert(super::problem::NotAProblem);
    response
}
