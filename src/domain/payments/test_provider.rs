//! The built-in provider: takes no money, and behaves by what is paid with, as the test modes of real ones do.
//!
//! It keeps nothing. What becomes of a payment follows from its method and its id alone, so that every process of the shop,
//! and the same one after a restart, gives the same answer to the same question.
//!
//! | method | charge | refund |
//! |---|---|---|
//! | `tok_success` | succeeds | succeeds |
//! | `tok_declined`, `tok_insufficient_funds`, `tok_expired_card` | is declined | |
//! | `tok_slow` | succeeds after three seconds | the same |
//! | `tok_timeout` | succeeds, and never answers | succeeds |
//! | `tok_unavailable` | fails, because the provider cannot be reached | |
//! | `tok_webhook` | succeeds later; only an event tells | the same |
//! | `tok_twice` | succeeds, and is told by events as well, twice | succeeds |
//! | `tok_refund_fails` | succeeds | fails |
//!
//! Anything else is declined as unknown. Its events are JSON, signed as [`super::signature`] describes:
//!
//! ```json
//! {"id": "evt_1", "type": "payment.succeeded", "data": {"payment_id": "…", "reference": "ch_…"}}
//! {"id": "evt_2", "type": "payment.declined", "data": {"payment_id": "…", "code": "card_declined", "message": "…"}}
//! {"id": "evt_3", "type": "refund.succeeded", "data": {"refund_id": "…", "reference": "re_…"}}
//! {"id": "evt_4", "type": "refund.failed", "data": {"refund_id": "…", "code": "…", "message": "…"}}
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};

use super::provider::{
    Charge, ChargeAnswer, EventError, PaymentProvider, ProviderError, ProviderEvent, ProviderNews, RefundAnswer,
    RefundOrder, SignedEvent, failure,
};
use super::signature::EventKey;
use crate::model::clock::Clock;
use crate::model::ids::{PaymentId, RefundId};
use crate::model::payment::{Failure, PaymentOutcome, RefundOutcome};

/// The name of the provider.
pub const NAME: &str = "test";

/// How long the slow ones take.
const SLOW: Duration = Duration::from_secs(3);

/// Events that may wait to be sent; what finds no room is lost, as it may be on any way.
const QUEUE: usize = 1_024;

/// The longest name of an event or reference, in characters.
const MAX_NAME: usize = 255;

/// The provider.
pub struct TestProvider {
    key: Option<EventKey>,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<SignedEvent>,
    sent: Mutex<mpsc::Receiver<SignedEvent>>,
}

impl TestProvider {
    /// A provider that signs its events with this key. Without one it sends none.
    #[must_use]
    pub fn new(key: Option<EventKey>, clock: Arc<dyn Clock>) -> Self {
        let (events, sent) = mpsc::channel(QUEUE);
        Self { key, clock, events, sent: Mutex::new(sent) }
    }

    fn send(&self, event: &serde_json::Value) {
        let Some(key) = &self.key else { return };
        let body = event.to_string().into_bytes();
        let signature = key.sign(&body, self.clock.now());
        // Without room it is lost; the shop asks by itself.
        let _ = self.events.try_send(SignedEvent { signature, body });
    }

    fn tell_of_payment(&self, payment: PaymentId) {
        self.send(&json!({
            "id": format!("evt_{payment}"),
            "type": "payment.succeeded",
            "data": { "payment_id": payment, "reference": reference_of(payment) },
        }));
    }

    fn tell_of_refund(&self, refund: RefundId) {
        self.send(&json!({
            "id": format!("evt_{refund}"),
            "type": "refund.succeeded",
            "data": { "refund_id": refund, "reference": reference_of_refund(refund) },
        }));
    }
}

fn reference_of(payment: PaymentId) -> String {
    format!("ch_{}", payment.0.simple())
}

fn reference_of_refund(refund: RefundId) -> String {
    format!("re_{}", refund.0.simple())
}

/// What becomes of a payment, as far as asking tells; nothing where it was never taken.
fn fate(payment: PaymentId, method: &str) -> Option<ChargeAnswer> {
    let reference = reference_of(payment);
    let failure = match method {
        "tok_unavailable" => return None,
        "tok_webhook" => return Some(ChargeAnswer::Processing { reference }),
        "tok_success" | "tok_slow" | "tok_timeout" | "tok_twice" | "tok_refund_fails" => {
            return Some(ChargeAnswer::Settled(PaymentOutcome::Succeeded { reference }));
        }
        "tok_declined" => failure("card_declined", "The card was declined."),
        "tok_insufficient_funds" => failure("insufficient_funds", "There is not enough money on the card."),
        "tok_expired_card" => failure("expired_card", "The card has expired."),
        _ => failure("unknown_method", "The provider does not know this way to pay."),
    };
    Some(ChargeAnswer::Settled(PaymentOutcome::Declined { reference: Some(reference), failure }))
}

impl PaymentProvider for TestProvider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn charge<'a>(&'a self, charge: &'a Charge) -> BoxFuture<'a, Result<ChargeAnswer, ProviderError>> {
        async move {
            match charge.method.as_str() {
                "tok_slow" => tokio::time::sleep(SLOW).await,
                "tok_timeout" => std::future::pending().await,
                "tok_webhook" => self.tell_of_payment(charge.payment),
                "tok_twice" => {
                    self.tell_of_payment(charge.payment);
                    self.tell_of_payment(charge.payment);
                }
                _ => {}
            }
            fate(charge.payment, &charge.method)
                .ok_or_else(|| ProviderError::Unavailable("the test provider plays dead".to_owned()))
        }
        .boxed()
    }

    fn lookup<'a>(
        &'a self,
        payment: PaymentId,
        method: &'a str,
    ) -> BoxFuture<'a, Result<Option<ChargeAnswer>, ProviderError>> {
        std::future::ready(Ok(fate(payment, method))).boxed()
    }

    fn refund<'a>(&'a self, refund: &'a RefundOrder) -> BoxFuture<'a, Result<RefundAnswer, ProviderError>> {
        async move {
            match refund.method.as_str() {
                "tok_slow" => tokio::time::sleep(SLOW).await,
                "tok_webhook" => {
                    self.tell_of_refund(refund.refund);
                    return Ok(RefundAnswer::Processing);
                }
                "tok_refund_fails" => {
                    let failure = failure("refund_refused", "The card takes no money back.");
                    return Ok(RefundAnswer::Settled(RefundOutcome::Failed { failure }));
                }
                _ => {}
            }
            let reference = reference_of_refund(refund.refund);
            Ok(RefundAnswer::Settled(RefundOutcome::Succeeded { reference }))
        }
        .boxed()
    }

    fn verify_event(&self, signature: &str, body: &[u8], now: OffsetDateTime) -> Result<ProviderEvent, EventError> {
        self.key.as_ref().ok_or(EventError::NoSecret)?.verify(signature, body, now)?;
        let event: Event = serde_json::from_slice(body).map_err(|error| EventError::Body(error.to_string()))?;
        event.read()
    }

    fn next_event(&self) -> BoxFuture<'_, SignedEvent> {
        async {
            match self.sent.lock().await.recv().await {
                Some(event) => event,
                // It holds the other end itself.
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// An event as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Data,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Data {
    payment_id: Option<PaymentId>,
    refund_id: Option<RefundId>,
    reference: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Event {
    fn read(self) -> Result<ProviderEvent, EventError> {
        let Self { id, kind, data } = self;
        let Data { payment_id, refund_id, reference, code, message } = data;
        for text in [Some(&id), reference.as_ref(), code.as_ref(), message.as_ref()].into_iter().flatten() {
            if text.is_empty() || text.contains('\0') || text.chars().count() > MAX_NAME {
                return Err(EventError::Body(format!("a text is empty, has a NUL or more than {MAX_NAME} characters")));
            }
        }
        let missing = |name: &str| EventError::Body(format!("{name} is missing"));
        let payment = payment_id.ok_or_else(|| missing("payment_id"));
        let refund = refund_id.ok_or_else(|| missing("refund_id"));
        let told = reference.clone().ok_or_else(|| missing("reference"));
        let failure = || Failure {
            code: code.unwrap_or_else(|| "unknown".to_owned()),
            message: message.unwrap_or_else(|| "The provider did not say why.".to_owned()),
        };
        let news = match kind.as_str() {
            "payment.succeeded" => ProviderNews::Payment(payment?, PaymentOutcome::Succeeded { reference: told? }),
            "payment.declined" => {
                ProviderNews::Payment(payment?, PaymentOutcome::Declined { reference, failure: failure() })
            }
            "refund.succeeded" => ProviderNews::Refund(refund?, RefundOutcome::Succeeded { reference: told? }),
            "refund.failed" => ProviderNews::Refund(refund?, RefundOutcome::Failed { failure: failure() }),
            _ => ProviderNews::Other,
        };
        Ok(ProviderEvent { id, news })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::SystemClock;
    use crate::model::money::Money;

    fn provider() -> TestProvider {
        let key = EventKey::new("whsec_test".to_owned().into(), Duration::from_secs(300));
        TestProvider::new(Some(key), Arc::new(SystemClock))
    }

    fn charge(method: &str) -> Charge {
        Charge {
            payment: PaymentId::generate(),
            amount: Money { amount: 1_499, currency: "USD".parse().unwrap() },
            method: method.to_owned(),
            order_number: 100_001,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn asking_tells_what_charging_did() {
        let (one, other) = (provider(), provider());
        for method in ["tok_success", "tok_declined", "tok_slow", "tok_webhook", "tok_twice", "tok_banana"] {
            let charge = charge(method);
            let charged = one.charge(&charge).await.unwrap();
            assert_eq!(one.charge(&charge).await, Ok(charged.clone()), "again");
            assert_eq!(other.lookup(charge.payment, method).await, Ok(Some(charged)), "by another process");
        }
        let charge = charge("tok_unavailable");
        assert!(one.charge(&charge).await.is_err());
        assert_eq!(one.lookup(charge.payment, &charge.method).await, Ok(None));
    }

    #[tokio::test]
    async fn its_events_can_be_verified_and_are_the_same_when_sent_twice() {
        let provider = provider();
        let charge = charge("tok_twice");
        provider.charge(&charge).await.unwrap();
        for _ in 0..2 {
            let SignedEvent { signature, body } = provider.next_event().await;
            let event = provider.verify_event(&signature, &body, SystemClock.now()).unwrap();
            let reference = reference_of(charge.payment);
            let news = ProviderNews::Payment(charge.payment, PaymentOutcome::Succeeded { reference });
            assert_eq!(event, ProviderEvent { id: format!("evt_{}", charge.payment), news });
        }
    }

    #[test]
    fn a_signed_body_may_still_be_no_event() {
        let provider = provider();
        let now = SystemClock.now();
        let read = |body: &str| {
            let signature = provider.key.as_ref().unwrap().sign(body.as_bytes(), now);
            provider.verify_event(&signature, body.as_bytes(), now)
        };
        for bad in [
            "",
            "[]",
            r#"{"id": "evt_1"}"#,
            r#"{"id": "", "type": "x"}"#,
            r#"{"id": "a\u0000b", "type": "x"}"#,
            r#"{"id": "evt_1", "type": "payment.succeeded"}"#,
            r#"{"id": "evt_1", "type": "payment.succeeded", "data": {"payment_id": "1"}}"#,
        ] {
            assert!(matches!(read(bad), Err(EventError::Body(_))), "{bad}");
        }
        let other = read(r#"{"id": "evt_1", "type": "payout.paid", "created": 1, "data": {"more": true}}"#);
        assert_eq!(other, Ok(ProviderEvent { id: "evt_1".to_owned(), news: ProviderNews::Other }));
    }
}
