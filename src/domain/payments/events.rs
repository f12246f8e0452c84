//! What the provider tells of its own accord.

use std::time::Duration;

use super::provider::{EventError, ProviderNews};
use super::settling::{commit, settle, settle_refund};
use super::{EventRefusal, PaymentError, Payments};
use crate::store::StoreError;

/// The constraint by which two payments cannot have one reference.
const REFERENCE: &str = "payments_reference_key";

/// How long an event of a provider in this process is on its way, and how often it is told where it is not taken.
const JOURNEY: Duration = Duration::from_millis(300);
const DELIVERIES: u32 = 5;

impl Payments {
    /// Brings the events of a provider that lives in this process, until dropped.
    pub async fn deliver(&self) {
        loop {
            let event = self.provider.next_event().await;
            for _ in 0..DELIVERIES {
                tokio::time::sleep(JOURNEY).await;
                match self.receive(self.provider.name(), &event.signature, &event.body).await {
                    Ok(()) => break,
                    Err(error) => tracing::info!(%error, "an event of the provider was not taken"),
                }
            }
        }
    }

    /// Takes an event of a provider and does what it says, once however often it is told. An event about a payment or refund
    /// that is not known here is refused, so that the provider tells it again: the shop writes down what it asks for before it
    /// asks, so such an event is either somebody else's, or of what was lost with a database.
    ///
    /// # Errors
    /// [`EventRefusal`]; then nothing is remembered of it.
    pub async fn receive(&self, provider: &str, signature: &str, body: &[u8]) -> Result<(), EventRefusal> {
        if provider != self.provider.name() {
            return Err(EventRefusal::UnknownProvider);
        }
        let event = self.provider.verify_event(signature, body, self.clock.now())?;
        let known = match &event.news {
            ProviderNews::Payment(id, _) => self.store.payment(*id).await?.map(|payment| payment.order),
            ProviderNews::Refund(id, _) => self.store.refund(*id).await?.map(|(refund, _)| refund.order),
            ProviderNews::Other => return Ok(()),
        };
        let order = known.ok_or(EventRefusal::UnknownSubject)?;
        let applied = self
            .retrying(|| async {
                let now = self.clock.now();
                let mut tx = self.store.begin("payments.event").await?;
                if !tx.note_provider_event(provider, &event.id, now).await? {
                    tracing::debug!(event = event.id, "this event was told before");
                    return Ok(tx.rollback().await?);
                }
                let told = match &event.news {
                    ProviderNews::Payment(id, outcome) => {
                        settle(&mut tx, *id, order, Some(outcome.clone()), now).await?.1
                    }
                    ProviderNews::Refund(id, outcome) => {
                        settle_refund(&mut tx, *id, order, Some(outcome), now).await?.1
                    }
                    ProviderNews::Other => Vec::new(),
                };
                commit(tx, told).await
            })
            .await;
        match applied {
            Err(PaymentError::Store(StoreError::Constraint(name))) if name == REFERENCE => {
                Err(EventError::Body("its reference belongs to another payment".to_owned()).into())
            }
            applied => Ok(applied?),
        }
    }
}
