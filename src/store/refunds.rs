//! Refunds, on the primary alone.

use std::time::Duration;

use time::OffsetDateTime;

use super::sql::refunds as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::events::DomainEvent;
use crate::model::ids::{OrderId, PaymentId, RefundId, UserId};
use crate::model::order::Order;
use crate::model::payment::{Payment, Refund, RefundOutcome, RefundState, ReturnedCopies};

/// A refund that is to begin.
#[derive(Clone, Copy, Debug)]
pub struct NewRefund<'a> {
    /// The identifier.
    pub id: RefundId,
    /// For which order, which has to be locked.
    pub order: OrderId,
    /// Of which payment; the one that paid for the order where it is not told.
    pub payment: Option<PaymentId>,
    /// How much, in minor units; all that is left where it is not told.
    pub amount: Option<i64>,
    /// Why.
    pub reason: &'a str,
    /// Who began it; nobody where the shop did.
    pub actor: Option<UserId>,
    /// When.
    pub now: OffsetDateTime,
    /// From when on the worker sends it.
    pub send_at: OffsetDateTime,
}

impl Store {
    /// The refunds of an order, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refunds_of(&self, order: OrderId) -> Result<Vec<Refund>, StoreError> {
        self.read(
            "refunds.of_order",
            Consistency::PreferLatest,
            |mut c| async move { sql::of_order(&mut c, order).await },
        )
        .await
    }

    /// The refund with this id, with the payment that it is of, as the primary has them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refund(&self, id: RefundId) -> Result<Option<(Refund, Payment)>, StoreError> {
        self.read("refunds.by_id", Consistency::Latest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }
}

impl WriteTx {
    /// Begins to send back all that is left of what a locked order was paid with; the worker sends it. Gives what is to be
    /// told of it: nothing where nothing is left. It counts the order's version up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_refund_of_everything(
        &mut self,
        order: &Order,
        reason: &str,
        actor: Option<UserId>,
        now: OffsetDateTime,
    ) -> Result<Option<DomainEvent>, StoreError> {
        let id = RefundId::generate();
        let new = NewRefund { id, order: order.id, payment: None, amount: None, reason, actor, now, send_at: now };
        let begun = self.begin_refund(&new).await?;
        Ok(begun.map(|refund| DomainEvent::PaymentChanged {
            payment: refund.payment,
            order: order.id,
            user: order.user,
        }))
    }

    /// Begins a refund of a locked order: nothing where less than its amount is left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_refund(&mut self, new: &NewRefund<'_>) -> Result<Option<Refund>, StoreError> {
        Ok(sql::begin(&mut self.transaction, new).await?)
    }

    /// The refund with this id, locked until the transaction ends. The order has to be locked before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refund_for_update(&mut self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        Ok(sql::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// Ends a refund of a locked order. Says whether it was being worked on; else nothing changes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_refund(
        &mut self,
        id: RefundId,
        outcome: &RefundOutcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let (state, reference, failure) = match outcome {
            RefundOutcome::Succeeded { reference } => (RefundState::Succeeded, Some(reference.as_str()), None),
            RefundOutcome::Failed { failure } => (RefundState::Failed, None, Some(failure)),
        };
        Ok(sql::settle(&mut self.transaction, id, state, reference, failure, now).await?)
    }

    /// What of a payment of a locked order can still be sent back, in minor units: of the one that paid for the order where it
    /// is not told which.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn refundable(&mut self, order: OrderId, payment: Option<PaymentId>) -> Result<i64, StoreError> {
        Ok(sql::refundable(&mut self.transaction, order, payment).await?)
    }

    /// Whether all that a locked order was paid with has been sent back, and the provider has said so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_refunded(&mut self, order: OrderId) -> Result<bool, StoreError> {
        Ok(sql::is_refunded(&mut self.transaction, order).await?)
    }

    /// The copies that a locked order's customer has sent back so far.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn returned_copies(&mut self, order: OrderId) -> Result<Vec<ReturnedCopies>, StoreError> {
        Ok(sql::returned(&mut self.transaction, order).await?)
    }

    /// Notes copies that came back with a refund.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_returned_copies(&mut self, refund: &Refund, copies: &[ReturnedCopies]) -> Result<(), StoreError> {
        Ok(sql::note_returned(&mut self.transaction, refund, copies).await?)
    }

    /// At most `limit` refunds that are to be sent by `now`, with their payments. Nobody else takes them until `lease` later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_due_refunds(
        &mut self,
        now: OffsetDateTime,
        lease: Duration,
        limit: i64,
    ) -> Result<Vec<(Refund, Payment)>, StoreError> {
        Ok(sql::take_due(&mut self.transaction, now, lease, limit).await?)
    }
}
