//! Recording what became of payments and refunds: each once, in whatever order it is told.

use time::OffsetDateTime;

use super::{PaymentError, Payments};
use crate::domain::orders::{MoveNote, advance};
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{KeptAnswer, KeyedRequest};
use crate::model::ids::{OrderId, PaymentId, RefundId};
use crate::model::order::{Order, OrderMove};
use crate::model::payment::{Payment, PaymentOutcome, PaymentState, Refund, RefundOutcome, RefundState};
use crate::store::WriteTx;
use crate::store::refunds::NewRefund;

/// Why money goes back that came for an order which did not wait for it any more.
const SURPLUS: &str = "It was paid when the order could not be paid for any more.";

/// What the shop does of its own accord.
const BY_THE_SHOP: MoveNote = MoveNote { actor: None, reason: None, tracking: None };

/// Commits with what is to be told, or as book-keeping where that is nothing.
pub(super) async fn commit(tx: WriteTx, told: Vec<DomainEvent>) -> Result<(), PaymentError> {
    let mut told = told.into_iter();
    match told.next() {
        Some(first) => tx.commit(Events::from(first).and_all(told)).await?,
        None => tx.commit_bookkeeping().await?,
    }
    Ok(())
}

impl Payments {
    /// Records the outcome of a payment, where there is one that is news, and keeps the answer to the request for it.
    pub(super) async fn conclude(
        &self,
        id: PaymentId,
        order: OrderId,
        outcome: Option<PaymentOutcome>,
        request: Option<&KeyedRequest>,
    ) -> Result<KeptAnswer, PaymentError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("payments.settle").await?;
            let (payment, told) = settle(&mut tx, id, order, outcome.clone(), self.clock.now()).await?;
            let answer = self.answer(&payment)?;
            if let Some(request) = request {
                tx.keep_answer(request, answer.status, &answer.body).await?;
            }
            commit(tx, told).await?;
            Ok(answer)
        })
        .await
    }

    /// The answer to a request for a payment that stands so.
    pub(super) fn answer(&self, payment: &Payment) -> Result<KeptAnswer, PaymentError> {
        let status = match payment.state {
            PaymentState::Succeeded if payment.surplus => 409,
            PaymentState::Succeeded => 201,
            PaymentState::Processing => 202,
            PaymentState::Declined | PaymentState::Failed => 402,
        };
        Ok(KeptAnswer { resource: payment.id.0, status, body: (self.pages.payment)(payment)? })
    }

    /// Records the outcome of a refund, where there is one that is news, and keeps the answer to the request for it.
    pub(super) async fn conclude_refund(
        &self,
        id: RefundId,
        order: OrderId,
        outcome: Option<RefundOutcome>,
        request: Option<&KeyedRequest>,
    ) -> Result<KeptAnswer, PaymentError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("refunds.settle").await?;
            let (refund, told) = settle_refund(&mut tx, id, order, outcome.as_ref(), self.clock.now()).await?;
            let answer = self.refund_answer(&refund)?;
            if let Some(request) = request {
                tx.keep_answer(request, answer.status, &answer.body).await?;
            }
            commit(tx, told).await?;
            Ok(answer)
        })
        .await
    }

    /// The answer to a request for a refund that stands so.
    pub(super) fn refund_answer(&self, refund: &Refund) -> Result<KeptAnswer, PaymentError> {
        let status = if refund.state == RefundState::Processing { 202 } else { 201 };
        Ok(KeptAnswer { resource: refund.id.0, status, body: (self.pages.refund)(refund)? })
    }
}

/// Records the outcome of a payment. A success counts whatever was recorded before; nothing takes one back. Where the order
/// does not wait for it any more, all of the money is sent back. The order is locked first, by everybody.
pub(super) async fn settle(
    tx: &mut WriteTx,
    id: PaymentId,
    order: OrderId,
    outcome: Option<PaymentOutcome>,
    now: OffsetDateTime,
) -> Result<(Payment, Vec<DomainEvent>), PaymentError> {
    let order = tx.order_for_update(order).await?.ok_or(PaymentError::NotFound)?;
    let payment = tx.payment_for_update(id).await?.ok_or(PaymentError::NotFound)?;
    let is_news = match (payment.state, &outcome) {
        (PaymentState::Succeeded, _) | (_, None) => false,
        (PaymentState::Processing, Some(_)) | (_, Some(PaymentOutcome::Succeeded { .. })) => true,
        (PaymentState::Declined | PaymentState::Failed, Some(_)) => false,
    };
    let Some(outcome) = outcome.filter(|_| is_news) else { return Ok((payment, Vec::new())) };
    let mut told = vec![DomainEvent::PaymentChanged { payment: id, order: order.id, user: order.user }];
    let mut payment = payment.after(outcome, now);
    payment.surplus = payment.state == PaymentState::Succeeded && order.state.after(OrderMove::Pay).is_err();
    tx.settle_payment(&payment).await?;
    if payment.surplus {
        give_back(tx, &order, &mut payment, now).await?;
    } else if payment.state == PaymentState::Succeeded {
        let (_, events) = advance(tx, &order, OrderMove::Pay, &BY_THE_SHOP, now).await?;
        told.extend(events);
    }
    Ok((payment, told))
}

async fn give_back(
    tx: &mut WriteTx,
    order: &Order,
    payment: &mut Payment,
    now: OffsetDateTime,
) -> Result<(), PaymentError> {
    tracing::warn!(order = order.number, payment = %payment.id, state = %order.state, "a payment came too late; it goes back");
    let refund = NewRefund {
        id: RefundId::generate(),
        order: order.id,
        payment: Some(payment.id),
        amount: None,
        reason: SURPLUS,
        actor: None,
        now,
        send_at: now,
    };
    if let Some(refund) = tx.begin_refund(&refund).await? {
        payment.refunded += refund.amount.amount;
    }
    Ok(())
}

/// Records the outcome of a refund, once. When all that paid for an order has gone back, the order is refunded.
pub(super) async fn settle_refund(
    tx: &mut WriteTx,
    id: RefundId,
    order: OrderId,
    outcome: Option<&RefundOutcome>,
    now: OffsetDateTime,
) -> Result<(Refund, Vec<DomainEvent>), PaymentError> {
    let order = tx.order_for_update(order).await?.ok_or(PaymentError::NotFound)?;
    let is_news = match outcome {
        Some(outcome) => tx.settle_refund(id, outcome, now).await?,
        None => false,
    };
    let refund = tx.refund_for_update(id).await?.ok_or(PaymentError::NotFound)?;
    if !is_news {
        return Ok((refund, Vec::new()));
    }
    let user = order.user;
    if refund.state == RefundState::Failed {
        let why = refund.failure.as_ref().map_or("", |failure| failure.message.as_str());
        tracing::error!(order = order.number, refund = %id, why, "a refund failed: the money is still here");
        return Ok((
            refund.clone(),
            vec![DomainEvent::PaymentChanged { payment: refund.payment, order: order.id, user }],
        ));
    }
    let mut told = vec![DomainEvent::OrderRefunded { order: order.id, user, refund: id, amount: refund.amount }];
    if order.state.after(OrderMove::Refund).is_ok() && tx.is_refunded(order.id).await? {
        let note = MoveNote { actor: refund.actor, reason: Some(refund.reason.clone()), tracking: None };
        let (_, events) = advance(tx, &order, OrderMove::Refund, &note, now).await?;
        told.extend(events);
    }
    Ok((refund, told))
}
