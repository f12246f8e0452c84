//! Paying for orders, and sending the money back.

mod documents;
mod events;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use documents::{PaymentDocument, PaymentInput, RefundDocument, RefundInput};
pub(in crate::http) use events::is_event;

use documents::{PaymentsDocument, RefundsDocument};

use super::auth::{Administrator, MaybeCaller};
use super::buyer::Buying;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::extract::{Json, Path};
use super::idempotency::{self, IDEMPOTENT_REPLAYED, IdempotencyKey};
use super::middleware::context::RequestContext;
use super::orders::sees;
use super::problem::{FieldError, Kind, Problem, ProblemDocument};
use super::state::AppState;
use crate::domain::payments::{Answered, Pages, PaymentError};
use crate::model::cart::Buyer;
use crate::model::ids::OrderId;
use crate::model::order::{OrderMove, OrderState};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, pay))
        .routes(routes!(list_refunds, refund))
        .routes(routes!(events::receive))
}

/// How payments and refunds become answers that are kept.
pub const PAGES: Pages = Pages {
    payment: |payment| Ok(serde_json::to_vec(&PaymentDocument::from(payment.clone()))?),
    refund: |refund| Ok(serde_json::to_vec(&RefundDocument::from(refund.clone()))?),
};

/// Pay for an order
///
/// Takes all that the order costs, and waits some seconds for the provider. Where the provider does not tell in that time
/// what became of it, the answer is 202, and the payment's state tells it later. After a 402 the order still waits, and another
/// way to pay may be tried under another `Idempotency-Key`. The same request under the same key gives the same answer, and
/// takes nothing more.
///
/// With the test provider `tok_success` succeeds; `tok_declined`, `tok_insufficient_funds` and `tok_expired_card` are
/// declined; `tok_slow` takes three seconds; `tok_timeout` succeeds and never answers; `tok_unavailable` cannot be reached;
/// `tok_webhook` is told by an event alone, `tok_twice` by two as well; `tok_refund_fails` cannot be refunded.
#[utoipa::path(
    post, path = "/orders/{id}/payments", operation_id = "payOrder", tag = "payments", request_body = PaymentInput,
    params(
        ("id" = Uuid, Path, description = "The order's id"),
        ("Idempotency-Key" = String, Header, description = "A new text of up to 255 characters for each new payment"),
    ),
    responses(
        (status = 201, description = "It is paid for", body = PaymentDocument,
         headers(("Idempotent-Replayed" = String, description = "`true` where this is the answer to an earlier request"))),
        (status = 202, description = "It is not known yet what becomes of it", body = PaymentDocument),
        (status = 402, description = "It was declined; `code` tells why", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "The order does not wait to be paid for, or another payment is being worked on",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn pay(
    State(state): State<AppState>,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    key: IdempotencyKey,
    Json(input): Json<PaymentInput>,
) -> Result<Response, Problem> {
    let request = key.of(buyer.to_string(), "orders.pay", &id.to_string(), &input)?;
    let answered = state.payments.pay(&buyer, OrderId(id), &input.method, &request).await?;
    Ok(respond(answered))
}

/// List the payments for an order
#[utoipa::path(
    get, path = "/orders/{id}/payments", operation_id = "listPayments", tag = "payments",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "All attempts to pay for it", body = PaymentsDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let payments = state.payments.list(OrderId(id), sees(&caller, buyer)).await?;
    let document = PaymentsDocument { items: payments.into_iter().map(PaymentDocument::from).collect() };
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// Send money back
///
/// Without `amount` all that is left; never more than was paid. Once all of it has gone back, the order is refunded. Books that
/// the customer sent back are put on the shelf again with `restock`. A refund that the provider refuses is answered with the
/// state `failed`. The same request under the same `Idempotency-Key` gives the same answer, and sends nothing more.
#[utoipa::path(
    post, path = "/orders/{id}/refunds", operation_id = "refundOrder", tag = "payments", request_body = RefundInput,
    params(
        ("id" = Uuid, Path, description = "The order's id"),
        ("Idempotency-Key" = String, Header, description = "A new text of up to 255 characters for each new refund"),
    ),
    responses(
        (status = 201, description = "The refund, with what became of it", body = RefundDocument,
         headers(("Idempotent-Replayed" = String, description = "`true` where this is the answer to an earlier request"))),
        (status = 202, description = "It is not known yet what becomes of it", body = RefundDocument),
        (status = 409, description = "Less than that was paid and not sent back, or the books have not left",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn refund(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    key: IdempotencyKey,
    Json(input): Json<RefundInput>,
) -> Result<Response, Problem> {
    let owner = Buyer::User(administrator.0.user).to_string();
    let request = key.of(owner, "orders.refund", &id.to_string(), &input)?;
    let actor = administrator.actor(context.request_id());
    let Answered { answer, replayed } = state.payments.refund(&actor, OrderId(id), &input.into(), &request).await?;
    Ok(idempotency::kept(answer, None, replayed))
}

/// List the refunds of an order
#[utoipa::path(
    get, path = "/orders/{id}/refunds", operation_id = "listRefunds", tag = "payments",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "All money that was sent back", body = RefundsDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn list_refunds(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let refunds = state.payments.refunds(OrderId(id), sees(&caller, buyer)).await?;
    let document = RefundsDocument { items: refunds.into_iter().map(RefundDocument::from).collect() };
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// A payment as an answer. One that did not do what was asked is a problem, made of the payment that is kept.
fn respond(answered: Answered) -> Response {
    let Answered { answer, replayed } = answered;
    let kind = match answer.status {
        402 => Kind::PaymentDeclined,
        409 => Kind::Conflict,
        _ => return idempotency::kept(answer, None, replayed),
    };
    let payment: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let problem = if kind == Kind::PaymentDeclined {
        let of_failure = |name: &str| payment["failure"][name].as_str().unwrap_or_default().to_owned();
        Problem::new(kind).detail(of_failure("message")).member("code", of_failure("code"))
    } else {
        Problem::new(kind).detail("The order could not be paid for any more when the money came. All of it goes back.")
    };
    let mut response = problem.member("payment", payment).into_response();
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The state of an order does not allow what was asked.
fn stands_so(state: OrderState, detail: &'static str) -> Problem {
    let allowed: Vec<&str> = state.moves().map(OrderMove::as_str).collect();
    Problem::new(Kind::OrderState).detail(detail).member("state", state.as_str()).member("allowed", allowed)
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::NotFound => Self::not_found("You have no such order."),
            PaymentError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            PaymentError::TooLate => stands_so(OrderState::Pending, "The time in which the order waits is over."),
            PaymentError::NothingToPay => Self::conflict("The order costs nothing."),
            PaymentError::Busy => Self::conflict("Another payment for this order is being worked on.")
                .retry_after(std::time::Duration::from_secs(1)),
            PaymentError::TooMuch { left } => Self::conflict("Not so much can be sent back.")
                .error(FieldError::body("/amount", "too_large", format!("is more than the {left} that are left")))
                .member("left", left),
            PaymentError::NotSent(state) => {
                stands_so(state, "The books of the order are not with the customer, so none can have come back.")
            }
            PaymentError::KeyReused => idempotency::reused(),
            PaymentError::KeyRunning => idempotency::running(),
            PaymentError::Order(error) => error.into(),
            PaymentError::Store(error) => error.into(),
            PaymentError::Render(_) => Self::internal(&error),
        }
    }
}
