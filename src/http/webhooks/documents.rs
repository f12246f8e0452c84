//! Endpoints and deliveries as JSON.

use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::webhooks::{EndpointChange, EndpointDraft, signature};
use crate::http::extract::double_option;
use crate::model::webhook::{Attempt, Delivery, DeliveryState, DisabledReason, Endpoint, Pattern};

/// What an administrator fills in to register an endpoint.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointInput)]
pub struct EndpointInput {
    /// Where events are sent: a public `https` address without user name, password and fragment.
    #[schema(format = "uri", min_length = 1, max_length = 2000, example = "https://hooks.example/bookstore")]
    url: String,
    /// What it is, for people: one line.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, example = "The warehouse")]
    description: Option<String>,
    /// Which events it wants: types such as `order.paid`, all of a kind as `order.*`, or all as `*`.
    #[schema(min_items = 1, max_items = 50, example = json!(["order.*", "stock.availability_changed"]))]
    event_types: Vec<String>,
}

impl From<EndpointInput> for EndpointDraft {
    fn from(input: EndpointInput) -> Self {
        Self { url: input.url, description: input.description, event_types: input.event_types }
    }
}

/// A JSON merge patch (RFC 7396) of an endpoint: what is left out stays.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointPatch)]
pub struct EndpointPatch {
    /// Where events are sent.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, format = "uri", min_length = 1, max_length = 2000)]
    url: Option<String>,
    /// What it is; `null` clears it.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 500)]
    description: Option<Option<String>>,
    /// Which events it wants.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 50)]
    event_types: Option<Vec<String>>,
    /// Whether it is sent events. `true` forgets that it has been failing, and sends what has been waiting for it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    enabled: Option<bool>,
}

/// A field that may be left out, and may not be null.
fn present<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<EndpointPatch> for EndpointChange {
    fn from(patch: EndpointPatch) -> Self {
        let EndpointPatch { url, description, event_types, enabled } = patch;
        Self { url, description, event_types, enabled }
    }
}

/// Why an endpoint is sent nothing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDisabledReason)]
pub enum DisabledReasonDocument {
    /// An administrator said so.
    Administrator,
    /// It answered 410.
    Gone,
    /// It failed for too long.
    Failing,
}

impl From<DisabledReason> for DisabledReasonDocument {
    fn from(reason: DisabledReason) -> Self {
        match reason {
            DisabledReason::Administrator => Self::Administrator,
            DisabledReason::Gone => Self::Gone,
            DisabledReason::Failing => Self::Failing,
        }
    }
}

/// An endpoint of another system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointDocument {
    /// The identifier.
    id: Uuid,
    /// Where events are sent.
    #[schema(example = "https://hooks.example/bookstore")]
    url: String,
    /// What it is.
    description: Option<String>,
    /// Which events it wants.
    event_types: Vec<String>,
    /// Whether it is sent events.
    enabled: bool,
    /// Why not; `null` while it is.
    disabled_reason: Option<DisabledReasonDocument>,
    /// Since when nothing has succeeded; `null` after a success.
    #[serde(with = "time::serde::rfc3339::option")]
    failing_since: Option<OffsetDateTime>,
    /// What checks signatures. It is shown in the answer that makes it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: Option<String>,
    /// By what the secret can be told from others.
    #[schema(example = "whsec_…GKYo")]
    secret_hint: String,
    /// Until when the secret before this one signs as well; `null` where none does.
    #[serde(with = "time::serde::rfc3339::option")]
    previous_secret_expires_at: Option<OffsetDateTime>,
    /// Counts the changes.
    version: i64,
    /// When it was registered.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl EndpointDocument {
    /// The same, with the secret.
    pub fn revealing(endpoint: &Endpoint) -> Self {
        Self { secret: Some(signature::reveal(&endpoint.secret)), ..Self::from(endpoint) }
    }
}

impl From<&Endpoint> for EndpointDocument {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.0,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            event_types: endpoint.event_types.iter().map(Pattern::as_str).map(str::to_owned).collect(),
            enabled: endpoint.disabled.is_none(),
            disabled_reason: endpoint.disabled.map(DisabledReasonDocument::from),
            failing_since: endpoint.failing_since,
            secret: None,
            secret_hint: signature::hint(&endpoint.secret),
            previous_secret_expires_at: endpoint.previous_secret.as_ref().map(|(_, until)| *until),
            version: endpoint.version,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// All endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoints)]
pub struct EndpointsDocument {
    /// The oldest first.
    pub items: Vec<EndpointDocument>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDeliveryState)]
pub enum DeliveryStateDocument {
    /// It waits for its next attempt.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// It is not tried any more.
    Failed,
}

impl From<DeliveryState> for DeliveryStateDocument {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Pending,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Failed => Self::Failed,
        }
    }
}

impl From<DeliveryStateDocument> for DeliveryState {
    fn from(state: DeliveryStateDocument) -> Self {
        match state {
            DeliveryStateDocument::Pending => Self::Pending,
            DeliveryStateDocument::Delivered => Self::Delivered,
            DeliveryStateDocument::Failed => Self::Failed,
        }
    }
}

/// One attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct AttemptDocument {
    /// Which one, from 1.
    number: i32,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// The status of the answer; `null` where there was none.
    #[schema(example = 503)]
    status: Option<u16>,
    /// Why it failed; `null` where it succeeded.
    error: Option<String>,
    /// The first 4 KiB of the answer's body; `null` where it had none.
    response: Option<String>,
}

impl From<Attempt> for AttemptDocument {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            status: attempt.status,
            error: attempt.error,
            response: attempt.response,
        }
    }
}

/// An event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryDocument {
    /// The identifier.
    id: Uuid,
    /// To whom.
    endpoint_id: Uuid,
    /// The `webhook-id`, the same at every attempt.
    #[schema(example = "evt_4711")]
    event_id: String,
    /// The type of the event.
    #[schema(example = "order.paid")]
    r#type: String,
    /// Where it stands.
    state: DeliveryStateDocument,
    /// How often it was tried since it was last queued.
    attempts: i32,
    /// When it is tried next, or while it is being tried: when that is given up as lost. `null` where it waits for nothing.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    /// When it was queued.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was taken or given up.
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// The newest attempt that has ended.
    last_attempt: Option<AttemptDocument>,
}

impl From<Delivery> for DeliveryDocument {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id.0,
            endpoint_id: delivery.endpoint.0,
            event_id: delivery.event_id,
            r#type: delivery.event_type,
            state: delivery.state.into(),
            attempts: delivery.attempts,
            next_attempt_at: waits.then_some(delivery.next_attempt_at),
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
            last_attempt: delivery.last_attempt.map(AttemptDocument::from),
        }
    }
}

/// A delivery with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryDetails)]
pub struct DeliveryDetailsDocument {
    /// The delivery.
    #[serde(flatten)]
    delivery: DeliveryDocument,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Value,
    /// The attempts that are kept, the newest first: at most 20.
    attempt_log: Vec<AttemptDocument>,
}

impl DeliveryDetailsDocument {
    /// A delivery and its attempts.
    pub fn new(delivery: Delivery, attempts: Vec<Attempt>) -> Self {
        // It was written as JSON by the shop itself.
        let payload = serde_json::from_str(&delivery.payload).unwrap_or(Value::Null);
        let attempt_log = attempts.into_iter().map(AttemptDocument::from).collect();
        Self { delivery: delivery.into(), payload, attempt_log }
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub struct DeliveryPageDocument {
    /// The newest first.
    pub items: Vec<DeliveryDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// What is to be sent again.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplayInput)]
pub struct ReplayInput {
    /// Failed deliveries that were first queued at this time or later.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(example = "2026-01-31T00:00:00Z")]
    pub since: OffsetDateTime,
}

/// How much is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReplay)]
pub struct ReplayDocument {
    /// How many deliveries were queued: at most 10,000. Ask again where it is that many.
    #[schema(example = 12)]
    pub queued: u64,
}
