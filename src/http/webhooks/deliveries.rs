//! Deliveries to endpoints.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::documents::{DeliveryDetailsDocument, DeliveryDocument, DeliveryPageDocument, DeliveryStateDocument};
use crate::domain::webhooks::DeliveryFilter;
use crate::http::API_PREFIX;
use crate::http::auth::Administrator;
use crate::http::cache_policy::CachePolicy;
use crate::http::conditional::{Conditions, Representation};
use crate::http::cursor;
use crate::http::extract::{Json, Path, Query};
use crate::http::middleware::context::RequestContext;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::AppState;
use crate::model::ids::{DeliveryId, EndpointId};
use crate::model::webhook::{DeliveryState, EventType};

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// Only those to this endpoint.
    #[serde(default)]
    #[garde(skip)]
    endpoint: Option<Uuid>,
    /// Only those that stand there: `pending`, `delivered` or `failed`.
    #[serde(default)]
    #[garde(skip)]
    #[param(inline)]
    state: Option<DeliveryStateDocument>,
    /// Only those of events of this type.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = Option<String>, example = "order.paid")]
    r#type: Option<EventType>,
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

impl DeliveryQuery {
    /// The address of the page that begins at a cursor.
    fn page(&self, cursor: &str) -> String {
        let state = self.state.map(DeliveryState::from);
        let named = [
            self.endpoint.map(|endpoint| format!("endpoint={endpoint}&")),
            state.map(|state| format!("state={state}&")),
            self.r#type.map(|event| format!("type={event}&")),
        ];
        let named: String = named.into_iter().flatten().collect();
        format!("<{API_PREFIX}/webhooks/deliveries?{named}limit={}&cursor={cursor}>; rel=\"next\"", self.limit)
    }
}

/// List deliveries
#[utoipa::path(
    get, path = "/webhooks/deliveries", operation_id = "listWebhookDeliveries", tag = "webhooks",
    params(DeliveryQuery),
    responses((status = 200, description = "A page of deliveries", body = DeliveryPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<DeliveryQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(DeliveryId)).transpose()?;
    let filter = DeliveryFilter {
        endpoint: query.endpoint.map(EndpointId),
        state: query.state.map(DeliveryState::from),
        event_type: query.r#type,
    };
    // One more than asked for tells whether there is a next page.
    let mut deliveries = state.webhooks.deliveries(filter, before, query.limit + 1).await?;
    let more = deliveries.len() > usize::from(query.limit);
    deliveries.truncate(usize::from(query.limit));
    let next_cursor = deliveries.last().filter(|_| more).map(|last| cursor::after(last.id.0));
    let link = next_cursor.as_deref().map(|cursor| query.page(cursor));
    let items = deliveries.into_iter().map(DeliveryDocument::from).collect();
    let page = DeliveryPageDocument { items, next_cursor };
    let mut representation = Representation::json(&page, CachePolicy::Private)?;
    if let Some(link) = link {
        representation = representation.link(&link);
    }
    Ok(representation.respond(&conditions))
}

/// Read a delivery
///
/// With what is sent, and the attempts so far.
#[utoipa::path(
    get, path = "/webhooks/deliveries/{id}", operation_id = "getWebhookDelivery", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery", body = DeliveryDetailsDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let (delivery, attempts) = state.webhooks.delivery(DeliveryId(id)).await?;
    let document = DeliveryDetailsDocument::new(delivery, attempts);
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// Send a delivery again
///
/// Whatever became of it, with the same `webhook-id`; one that waits is sent at once.
#[utoipa::path(
    post, path = "/webhooks/deliveries/{id}/replay", operation_id = "replayWebhookDelivery", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The delivery's id")),
    responses(
        (status = 202, description = "What is being sent", body = DeliveryDocument),
        (status = 409, description = "Its endpoint is disabled",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn replay(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let document = DeliveryDocument::from(state.webhooks.replay(&actor, DeliveryId(id)).await?);
    Ok((StatusCode::ACCEPTED, Json(document)).into_response())
}
