//! Payments, on the primary alone.

use std::time::Duration;

use time::OffsetDateTime;

use super::sql::{idempotency, payments as sql};
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::cart::Buyer;
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{Claimed, KeptAnswer, KeyedRequest};
use crate::model::ids::{OrderId, PaymentId};
use crate::model::order::OrderState;
use crate::model::payment::Payment;

/// A payment that is to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewPayment<'a> {
    /// The identifier.
    pub id: PaymentId,
    /// For which order.
    pub order: OrderId,
    /// Whose the order has to be.
    pub buyer: &'a Buyer,
    /// Through which provider.
    pub provider: &'a str,
    /// With what.
    pub method: &'a str,
    /// The request.
    pub request: &'a KeyedRequest,
    /// When.
    pub now: OffsetDateTime,
    /// When the provider is asked what became of it, unless that is known by then.
    pub check_at: OffsetDateTime,
    /// Until when the key of the request is known.
    pub key_expires_at: OffsetDateTime,
}

/// A payment that has succeeded, for an order that waits for it.
#[derive(Clone, Copy, Debug)]
pub struct PaidOrder<'a> {
    /// The payment as it is to be.
    pub payment: &'a Payment,
    /// Where the order has to stand.
    pub from: OrderState,
    /// Where it stands then.
    pub to: OrderState,
    /// The request.
    pub request: &'a KeyedRequest,
    /// The status and body of the answer to it.
    pub answer: (u16, &'a [u8]),
}

impl Store {
    /// The payments of an order, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payments_of(&self, order: OrderId) -> Result<Vec<Payment>, StoreError> {
        let name = "payments.of_order";
        self.read(name, Consistency::PreferLatest, |mut c| async move { sql::of_order(&mut c, order).await }).await
    }

    /// The payment with this id, as the primary has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.read("payments.by_id", Consistency::Latest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// What is known of the key of a request: [`Claimed::New`] where nobody has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_of(&self, request: &KeyedRequest, now: OffsetDateTime) -> Result<Claimed, StoreError> {
        let found = self
            .read("payments.key", Consistency::Latest, |mut c| async move { idempotency::find(&mut c, request).await })
            .await?;
        Ok(match found.filter(|found| found.expires_at > now) {
            None => Claimed::New,
            Some(found) if found.fingerprint != request.fingerprint => Claimed::Different,
            Some(found) => match (found.status, found.answer) {
                (Some(status), Some(body)) => {
                    Claimed::Kept(KeptAnswer { resource: found.resource_id, status: status.unsigned_abs(), body })
                }
                _ => Claimed::Running(found.resource_id),
            },
        })
    }

    /// Begins to pay for an order, by one statement. Gives the payment and the number of the order; nothing where the order
    /// cannot be paid for by this buyer now, or where the key of the request is taken.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where another payment for the order is being worked on.
    pub async fn begin_payment(&self, new: &NewPayment<'_>) -> Result<Option<(Payment, i64)>, StoreError> {
        let told = DomainEvent::PaymentChanged { payment: new.id, order: new.order, user: new.buyer.user() };
        self.write_once("payments.begin", told, |mut connection, outbox| async move {
            sql::begin(&mut connection, new, outbox).await
        })
        .await
    }

    /// Records a payment, moves its order and keeps the answer, by one statement. Says whether that was done: not where the
    /// payment was recorded by somebody else, or the order does not wait for it any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_payment(&self, paid: &PaidOrder<'_>, events: Events) -> Result<bool, StoreError> {
        self.write_once("payments.record", events, |mut connection, outbox| async move {
            sql::record(&mut connection, paid, outbox).await
        })
        .await
    }
}

impl WriteTx {
    /// The payment with this id, locked until the transaction ends. Its order has to be locked before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment_for_update(&mut self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(sql::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// Writes where a locked payment stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_payment(&mut self, payment: &Payment) -> Result<(), StoreError> {
        Ok(sql::settle(&mut self.transaction, payment).await?)
    }

    /// At most `limit` payments of which it is time to ask the provider. Nobody else takes them until `lease` later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_due_payments(
        &mut self,
        now: OffsetDateTime,
        lease: Duration,
        limit: i64,
    ) -> Result<Vec<Payment>, StoreError> {
        Ok(sql::take_due(&mut self.transaction, now, lease, limit).await?)
    }

    /// Notes an event of a provider; says whether it was not known before. Waits for a transaction that is about to note the
    /// same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_provider_event(
        &mut self,
        provider: &str,
        event: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(sql::note_event(&mut self.transaction, provider, event, now).await?)
    }

    /// Forgets at most `limit` events of providers that came before this time. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_provider_events(&mut self, before: OffsetDateTime, limit: i64) -> Result<u64, StoreError> {
        Ok(sql::forget_events(&mut self.transaction, before, limit).await?)
    }
}
