//! Events of the payment provider, which it sends by itself.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::domain::payments::EventRefusal;
use crate::domain::payments::provider::EventError;
use crate::http::extract::{Path, read_body};
use crate::http::problem::{Kind, Problem};
use crate::http::state::AppState;

/// What all addresses of these events begin with.
const ROUTE: &str = "/api/v1/payments/webhooks/";

const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Most bytes of an event.
const MAX_BODY: usize = 64 * 1024;

/// Whether a request comes from a provider, as far as its path tells.
pub(in crate::http) fn is_event(path: &str) -> bool {
    path.starts_with(ROUTE)
}

/// Take an event of the payment provider
///
/// For the provider alone: `Webhook-Signature` is `t=<seconds since 1970>,v1=<HMAC-SHA-256 in hexadecimal>`, made with
/// `payments.webhook_secret` over the time, a dot and the body. It must be of the last minutes; of several `v1` one has to be
/// right. Each event is applied once, by its `id`, and told again it is answered the same. 404 asks for it again later.
/// By hand, for the test provider:
///
/// ```sh
/// body='{"id": "evt_1", "type": "payment.succeeded", "data": {"payment_id": "…", "reference": "ch_1"}}'
/// t=$(date +%s)
/// v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/.* //')
/// curl -X POST "$shop/api/v1/payments/webhooks/test" -H "Webhook-Signature: t=$t,v1=$v1" -d "$body"
/// ```
///
/// The other types are `payment.declined`, with `code` and `message` in `data`, `refund.succeeded` with `refund_id` and
/// `reference`, and `refund.failed` with `refund_id`, `code` and `message`.
#[utoipa::path(
    post, path = "/payments/webhooks/{provider}", operation_id = "receiveProviderEvent", tag = "payments",
    request_body(content = serde_json::Value, content_type = "application/json"),
    params(
        ("provider" = String, Path, description = "The provider's name", example = "test"),
        ("Webhook-Signature" = String, Header, description = "When it was signed, and the signatures"),
    ),
    responses(
        (status = 204, description = "It is taken"),
        (status = 400, description = "It is not from the provider, or not of now",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider, or what the event is about is not known",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong; tell it again",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "No secret is set, or the database cannot be reached; tell it again",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn receive(
    State(state): State<AppState>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Problem> {
    let mut signatures = headers.get_all(WEBHOOK_SIGNATURE).iter();
    let signature = signatures.next().filter(|_| signatures.next().is_none());
    let signature = signature.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = read_body(request).await?;
    if body.len() > MAX_BODY {
        return Err(Problem::new(Kind::ContentTooLarge).detail(format!("An event may have {MAX_BODY} bytes.")));
    }
    state.payments.receive(&provider, signature, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<EventRefusal> for Problem {
    fn from(refusal: EventRefusal) -> Self {
        match refusal {
            EventRefusal::UnknownProvider => Self::not_found("There is no such payment provider."),
            EventRefusal::UnknownSubject => {
                tracing::warn!("an event is about a payment or refund that is not known here");
                Self::not_found("What the event is about is not known here.")
            }
            EventRefusal::Event(EventError::NoSecret) => {
                Self::unavailable("Events of the provider cannot be verified now.", &EventError::NoSecret)
            }
            // Which part was wrong is for the log: it would help whoever tries.
            EventRefusal::Event(error) => {
                tracing::warn!(%error, "an event was refused");
                Self::new(Kind::MalformedRequest).detail("This is no event of the provider.")
            }
            EventRefusal::Payment(error) => error.into(),
        }
    }
}
