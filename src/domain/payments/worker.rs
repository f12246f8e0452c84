//! What goes on behind the requests: finding out what became of payments, and sending refunds. Every process does it; each
//! payment and refund is taken by one of them at a time. No transaction is open while the provider is asked.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::provider::{ChargeAnswer, ProviderError, RefundAnswer, RefundOrder, failure};
use super::{PaymentError, Payments};
use crate::model::payment::{Payment, PaymentOutcome, Refund, RefundOutcome};

/// How many are taken at once.
const BATCH: i64 = 20;

/// How many requests to the provider run at once.
const CONCURRENCY: usize = 5;

/// For how long events of providers are recognised. Providers tell an event again for days, not for months.
const EVENTS_LIVE: Duration = Duration::from_secs(90 * 86_400);

/// What a round has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Payments of which the provider was asked.
    pub asked: usize,
    /// Refunds that were sent.
    pub sent: usize,
}

impl Payments {
    /// Asks what became of payments that take long, and sends refunds.
    ///
    /// # Errors
    /// The database's; what could not be done waits for the next round.
    pub async fn work(&self) -> Result<Done, PaymentError> {
        let now = self.clock.now();
        let lease = self.rules.recheck_after;
        let mut tx = self.store.begin("payments.take").await?;
        let payments = tx.take_due_payments(now, lease, BATCH).await?;
        let refunds = tx.take_due_refunds(now, lease, BATCH).await?;
        if payments.is_empty() && refunds.is_empty() {
            tx.rollback().await?;
            return Ok(Done::default());
        }
        tx.commit_bookkeeping().await?;
        let done = Done { asked: payments.len(), sent: refunds.len() };
        let mut work: Vec<BoxFuture<'_, ()>> = Vec::with_capacity(done.asked + done.sent);
        for payment in payments {
            work.push(Box::pin(async move {
                if let Err(error) = self.check(&payment, now).await {
                    tracing::warn!(payment = %payment.id, %error, "what became of a payment could not be recorded");
                }
            }));
        }
        for (refund, payment) in refunds {
            work.push(Box::pin(async move {
                if let Err(error) = self.send(&refund, &payment).await {
                    tracing::warn!(refund = %refund.id, %error, "what became of a refund could not be recorded");
                }
            }));
        }
        stream::iter(work).buffer_unordered(CONCURRENCY).collect::<()>().await;
        Ok(done)
    }

    /// Forgets old events of the provider.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_events(&self) -> Result<u64, PaymentError> {
        let mut tx = self.store.begin("payments.forget_events").await?;
        let forgotten = tx.forget_provider_events(self.clock.now() - EVENTS_LIVE, 10_000).await?;
        tx.commit_bookkeeping().await?;
        Ok(forgotten)
    }

    async fn check(&self, payment: &Payment, now: OffsetDateTime) -> Result<(), PaymentError> {
        let overdue = now - payment.created_at >= self.rules.give_up_after;
        let never = |code, message| Some(PaymentOutcome::Failed { failure: failure(code, message) });
        let outcome = match self.ask(payment).await {
            Ok(Some(ChargeAnswer::Settled(outcome))) => Some(outcome),
            Ok(None) => never("not_processed", "The payment did not reach the provider. Nothing was taken."),
            // Should it succeed after all, the money goes back.
            Ok(Some(ChargeAnswer::Processing { .. })) | Err(_) if overdue => {
                never("timed_out", "The provider did not say in time what became of the payment.")
            }
            Ok(Some(ChargeAnswer::Processing { .. })) => None,
            Err(error) => {
                tracing::warn!(payment = %payment.id, %error, "the provider does not say what became of a payment");
                None
            }
        };
        if outcome.is_some() {
            self.conclude(payment.id, payment.order, outcome, None).await?;
        }
        Ok(())
    }

    async fn send(&self, refund: &Refund, payment: &Payment) -> Result<(), PaymentError> {
        if let Some(outcome) = self.order_refund(refund, payment).await {
            self.conclude_refund(refund.id, refund.order, Some(outcome), None).await?;
        }
        Ok(())
    }

    /// Has the provider send money back; nothing where it does not say yet what became of it.
    pub(super) async fn order_refund(&self, refund: &Refund, payment: &Payment) -> Option<RefundOutcome> {
        let order = RefundOrder {
            refund: refund.id,
            payment: payment.id,
            reference: payment.reference.clone(),
            method: payment.method.clone(),
            amount: refund.amount,
        };
        let asked = timeout(self.rules.timeout, self.provider.refund(&order)).await;
        match asked.unwrap_or(Err(ProviderError::Timeout)) {
            Ok(RefundAnswer::Settled(outcome)) => Some(outcome),
            Ok(RefundAnswer::Processing) => None,
            Err(error) => {
                tracing::warn!(refund = %refund.id, %error, "a refund will be sent again");
                None
            }
        }
    }
}
