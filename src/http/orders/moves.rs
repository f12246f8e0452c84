//! What happens to orders after they were placed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::documents::{CancelInput, OrderDocument, ShipInput};
use super::{representation, sees};
use crate::domain::orders::{MoveNote, Sees};
use crate::http::auth::{Administrator, MaybeCaller};
use crate::http::buyer::Buying;
use crate::http::conditional::IfMatch;
use crate::http::extract::{Json, Path};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::state::AppState;
use crate::model::ids::OrderId;
use crate::model::order::OrderMove;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(cancel)).routes(routes!(ship)).routes(routes!(deliver))
}

/// Call an order off
///
/// Possible until its books have left. They can be sold to others again; what was paid is sent back.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", operation_id = "cancelOrder", tag = "orders", request_body = CancelInput,
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order as it is now", body = OrderDocument),
        (status = 409, description = "Its state does not allow it; `allowed` tells what is possible",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn cancel(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(input): Json<CancelInput>,
) -> Result<Response, Problem> {
    let note = MoveNote { actor: buyer.user(), reason: input.reason, tracking: None };
    let expected = if_match.optional();
    let order =
        state.orders.advance(OrderId(id), sees(&caller, buyer), expected.as_ref(), OrderMove::Cancel, &note).await?;
    Ok(representation(order)?.respond_written(StatusCode::OK))
}

/// Tell that the books of an order have left
#[utoipa::path(
    post, path = "/orders/{id}/ship", operation_id = "shipOrder", tag = "orders", request_body = ShipInput,
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order as it is now", body = OrderDocument),
        (status = 409, description = "Its state does not allow it; `allowed` tells what is possible",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn ship(
    State(state): State<AppState>,
    Administrator(caller): Administrator,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(input): Json<ShipInput>,
) -> Result<Response, Problem> {
    let note = MoveNote { actor: Some(caller.user), reason: None, tracking: input.tracking };
    let expected = if_match.optional();
    let order = state.orders.advance(OrderId(id), Sees::All, expected.as_ref(), OrderMove::Ship, &note).await?;
    Ok(representation(order)?.respond_written(StatusCode::OK))
}

/// Tell that the books of an order have arrived
#[utoipa::path(
    post, path = "/orders/{id}/deliver", operation_id = "deliverOrder", tag = "orders",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order as it is now", body = OrderDocument),
        (status = 409, description = "Its state does not allow it; `allowed` tells what is possible",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn deliver(
    State(state): State<AppState>,
    Administrator(caller): Administrator,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<Response, Problem> {
    let note = MoveNote { actor: Some(caller.user), reason: None, tracking: None };
    let expected = if_match.optional();
    let order = state.orders.advance(OrderId(id), Sees::All, expected.as_ref(), OrderMove::Deliver, &note).await?;
    Ok(representation(order)?.respond_written(StatusCode::OK))
}
