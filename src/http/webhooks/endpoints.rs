//! Endpoints of other systems.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::documents::{
    DeliveryDocument, EndpointDocument, EndpointInput, EndpointPatch, EndpointsDocument, ReplayDocument, ReplayInput,
};
use crate::http::API_PREFIX;
use crate::http::auth::Administrator;
use crate::http::cache_policy::CachePolicy;
use crate::http::conditional::{Conditions, IfMatch, Representation};
use crate::http::extract::{Json, MergePatch, Path};
use crate::http::middleware::context::RequestContext;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::AppState;
use crate::model::ids::EndpointId;
use crate::model::webhook::Endpoint;

fn representation(endpoint: &Endpoint, document: &EndpointDocument) -> Result<Representation, Problem> {
    Ok(Representation::json(document, CachePolicy::Private)?
        .version(endpoint.version)
        .last_modified(endpoint.updated_at))
}

/// List endpoints
#[utoipa::path(
    get, path = "/webhooks/endpoints", operation_id = "listWebhookEndpoints", tag = "webhooks",
    responses((status = 200, description = "All endpoints", body = EndpointsDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    _administrator: Administrator,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let items = state.webhooks.endpoints().await?.iter().map(EndpointDocument::from).collect();
    Ok(Representation::json(&EndpointsDocument { items }, CachePolicy::Private)?.respond(&conditions))
}

/// Register an endpoint
///
/// It is sent what happens from now on. The answer has the secret by which it checks signatures; it is not shown again.
#[utoipa::path(
    post, path = "/webhooks/endpoints", operation_id = "createWebhookEndpoint", tag = "webhooks",
    request_body = EndpointInput,
    responses(
        (status = 201, description = "The new endpoint, with its secret", body = EndpointDocument,
         headers(("Location" = String, description = "Where the endpoint is"))),
        (status = 409, description = "There are as many endpoints as there may be",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Json(input): Json<EndpointInput>,
) -> Result<Response, Problem> {
    let endpoint = state.webhooks.register(&administrator.actor(context.request_id()), input.into()).await?;
    let location = format!("{API_PREFIX}/webhooks/endpoints/{}", endpoint.id);
    let document = EndpointDocument::revealing(&endpoint);
    let response = representation(&endpoint, &document)?.respond_written(StatusCode::CREATED);
    Ok(([(header::LOCATION, location)], response).into_response())
}

/// Read an endpoint
#[utoipa::path(
    get, path = "/webhooks/endpoints/{id}", operation_id = "getWebhookEndpoint", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "The endpoint", body = EndpointDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let endpoint = state.webhooks.endpoint(EndpointId(id)).await?;
    Ok(representation(&endpoint, &EndpointDocument::from(&endpoint))?.respond(&conditions))
}

/// Change an endpoint
///
/// A JSON merge patch (RFC 7396). What waits goes to the new address. `enabled: true` sets a disabled endpoint to work again.
#[utoipa::path(
    patch, path = "/webhooks/endpoints/{id}", operation_id = "patchWebhookEndpoint", tag = "webhooks",
    request_body(content = EndpointPatch, content_type = "application/merge-patch+json"),
    params(
        ("id" = Uuid, Path, description = "The endpoint's id"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The endpoint as it is now", body = EndpointDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn patch(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<EndpointPatch>,
) -> Result<Response, Problem> {
    let (expected, actor) = (if_match.require()?, administrator.actor(context.request_id()));
    let endpoint = state.webhooks.change(&actor, EndpointId(id), &expected, &patch.into()).await?;
    Ok(representation(&endpoint, &EndpointDocument::from(&endpoint))?.respond_written(StatusCode::OK))
}

/// Remove an endpoint
///
/// Its deliveries are removed as well, those that wait and those that are done.
#[utoipa::path(
    delete, path = "/webhooks/endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "webhooks",
    params(
        ("id" = Uuid, Path, description = "The endpoint's id"),
        ("If-Match" = String, Header, description = "The ETag of the endpoint that is meant"),
    ),
    responses((status = 204, description = "It is removed")),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let (expected, actor) = (if_match.require()?, administrator.actor(context.request_id()));
    state.webhooks.remove(&actor, EndpointId(id), &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an endpoint a new secret
///
/// For 24 hours the one before signs as well: `webhook-signature` has both, the new one first.
#[utoipa::path(
    post, path = "/webhooks/endpoints/{id}/secret", operation_id = "rotateWebhookSecret", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "The endpoint, with its new secret", body = EndpointDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn rotate_secret(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let endpoint = state.webhooks.rotate_secret(&actor, EndpointId(id)).await?;
    Ok(representation(&endpoint, &EndpointDocument::revealing(&endpoint))?.respond_written(StatusCode::OK))
}

/// Try an endpoint
///
/// Sends it a `webhook.test`, whichever events it wants. `GET /webhooks/deliveries/{id}` tells how that went.
#[utoipa::path(
    post, path = "/webhooks/endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "webhooks",
    params(("id" = Uuid, Path, description = "The endpoint's id")),
    responses(
        (status = 202, description = "What is being sent", body = DeliveryDocument),
        (status = 409, description = "The endpoint is disabled",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn test(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let document = DeliveryDocument::from(state.webhooks.test(&actor, EndpointId(id)).await?);
    Ok((StatusCode::ACCEPTED, Json(document)).into_response())
}

/// Send again what failed
///
/// Everything to this endpoint that was given up, from a time on.
#[utoipa::path(
    post, path = "/webhooks/endpoints/{id}/replay", operation_id = "replayWebhookEndpoint", tag = "webhooks",
    request_body = ReplayInput,
    params(("id" = Uuid, Path, description = "The endpoint's id")),
    responses(
        (status = 202, description = "How much is sent again", body = ReplayDocument),
        (status = 409, description = "The endpoint is disabled",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(super) async fn replay(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    Json(input): Json<ReplayInput>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let queued = state.webhooks.replay_failed(&actor, EndpointId(id), input.since).await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayDocument { queued })).into_response())
}
