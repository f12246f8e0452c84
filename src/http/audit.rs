//! The audit log.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::API_PREFIX;
use super::auth::Administrator;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::cursor;
use super::extract::Query;
use super::problem::Problem;
use super::state::AppState;
use crate::domain::audit::AuditError;
use crate::model::audit::AuditRecord;
use crate::model::ids::AuditId;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which records to list.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only the records about the thing with this id.
    #[serde(default)]
    #[garde(length(chars, min = 1, max = 100))]
    #[param(min_length = 1, max_length = 100, example = "0198c0de-7a11-7000-8000-000000000000")]
    resource_id: Option<String>,
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    cursor: Option<String>,
}

fn default_limit() -> u16 {
    50
}

/// What an administrator did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
struct AuditDocument {
    /// The identifier.
    id: Uuid,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    /// Who; `null` where it was done on the command line.
    actor_id: Option<Uuid>,
    /// What, such as `product.patch`.
    #[schema(example = "product.patch")]
    action: String,
    /// To what kind of thing.
    #[schema(example = "product")]
    resource: String,
    /// To which one.
    resource_id: Option<String>,
    /// What changed: the fields before and after.
    #[schema(value_type = Object)]
    details: Value,
    /// In which request.
    request_id: Option<String>,
}

impl From<AuditRecord> for AuditDocument {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.0,
            occurred_at: record.occurred_at,
            actor_id: record.actor.user.map(|user| user.0),
            action: record.action,
            resource: record.resource,
            resource_id: record.resource_id,
            details: record.details,
            request_id: record.actor.request_id,
        }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
struct AuditPageDocument {
    /// The newest first.
    items: Vec<AuditDocument>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// List what administrators did
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "listAuditRecords", tag = "admin", params(AuditQuery),
    responses((status = 200, description = "A page of the log", body = AuditPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<AuditQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(AuditId)).transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut records = state.audit.list(query.resource_id.as_deref(), before, query.limit + 1).await?;
    let more = records.len() > usize::from(query.limit);
    records.truncate(usize::from(query.limit));
    let next_cursor = records.last().filter(|_| more).map(|last| cursor::after(last.id.0));
    let link = next_cursor.as_ref().map(|cursor| {
        let resource = query.resource_id.as_deref().map(resource_parameter).unwrap_or_default();
        format!("<{API_PREFIX}/admin/audit?{resource}limit={}&cursor={cursor}>; rel=\"next\"", query.limit)
    });
    let page = AuditPageDocument { items: records.into_iter().map(AuditDocument::from).collect(), next_cursor };
    let mut representation = Representation::json(&page, CachePolicy::Private)?;
    if let Some(link) = link {
        representation = representation.link(&link);
    }
    Ok(representation.respond(&conditions))
}

fn resource_parameter(id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    format!("resource_id={id}&")
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
        }
    }
}
