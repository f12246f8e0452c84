//! Sending money back, on an administrator's request.

use std::collections::HashMap;

use serde_json::json;
use time::OffsetDateTime;

use super::{Answered, PaymentError, Payments};
use crate::domain::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{Claimed, KeyedRequest};
use crate::model::ids::{AuditId, OrderId, PaymentId, ProductId, RefundId};
use crate::model::order::{Order, OrderState};
use crate::model::payment::{Refund, RefundState, ReturnedCopies};
use crate::model::stock::{StockCause, StockMove, StockReason, stock_events};
use crate::store::WriteTx;
use crate::store::refunds::NewRefund;

/// What an administrator fills in to send money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundDraft {
    /// Of which payment; the one that paid for the order where it is not told.
    pub payment: Option<PaymentId>,
    /// How much, in minor units; all that is left where it is not told.
    pub amount: Option<i64>,
    /// Why, in 1 to 500 characters.
    pub reason: String,
    /// Whether books came back, which are on the shelf again.
    pub restock: bool,
    /// Which ones; all that have not come back before where it is not told.
    pub lines: Option<Vec<ReturnedCopies>>,
}

/// A refund that has begun, or was begun by the same request before.
enum Begun {
    Now(Refund),
    Before(Answered),
    Running(RefundId),
}

impl Payments {
    /// Sends money back. A request that was done before is answered as it was then; one whose process died is taken up where
    /// it was left.
    ///
    /// # Errors
    /// [`PaymentError`]; then nothing was sent.
    pub async fn refund(
        &self,
        actor: &Actor,
        order: OrderId,
        draft: &RefundDraft,
        request: &KeyedRequest,
    ) -> Result<Answered, PaymentError> {
        let id = match self.retrying(|| self.begin_refund(actor, order, draft, request)).await? {
            Begun::Before(answered) => return Ok(answered),
            Begun::Now(refund) => refund.id,
            Begun::Running(id) => id,
        };
        let (refund, payment) = self.store.refund(id).await?.ok_or(PaymentError::NotFound)?;
        let outcome = match refund.state {
            RefundState::Processing => self.order_refund(&refund, &payment).await,
            RefundState::Succeeded | RefundState::Failed => None,
        };
        let answer = self.conclude_refund(id, order, outcome, Some(request)).await?;
        Ok(Answered { answer, replayed: false })
    }

    async fn begin_refund(
        &self,
        actor: &Actor,
        order: OrderId,
        draft: &RefundDraft,
        request: &KeyedRequest,
    ) -> Result<Begun, PaymentError> {
        let (id, now) = (RefundId::generate(), self.clock.now());
        let mut tx = self.store.begin("refunds.begin").await?;
        match tx.claim_key(request, id.0, now, now + self.rules.keys_live).await? {
            Claimed::New => {}
            Claimed::Kept(answer) => return Ok(Begun::Before(Answered { answer, replayed: true })),
            Claimed::Different => return Err(PaymentError::KeyReused),
            // The provider knows the refund by its id: to send it again does no harm.
            Claimed::Running(id) => return Ok(Begun::Running(RefundId(id))),
        }
        let order = tx.order_for_update(order).await?.ok_or(PaymentError::NotFound)?;
        let new = NewRefund {
            id,
            order: order.id,
            payment: draft.payment,
            amount: draft.amount,
            reason: &draft.reason,
            actor: actor.user,
            now,
            // This process sends it; the worker does where it died before it was done.
            send_at: now + self.rules.recheck_after,
        };
        let Some(refund) = tx.begin_refund(&new).await? else {
            return Err(PaymentError::TooMuch { left: tx.refundable(order.id, draft.payment).await? });
        };
        let mut events =
            Events::from(DomainEvent::PaymentChanged { payment: refund.payment, order: order.id, user: order.user });
        if draft.restock {
            let is_all = tx.refundable(order.id, Some(refund.payment)).await? == 0;
            events = events.and_all(restock(&mut tx, &order, &refund, draft, is_all, now).await?);
        }
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: now,
            actor: actor.clone(),
            action: "order.refund".to_owned(),
            resource: "order".to_owned(),
            resource_id: Some(order.id.to_string()),
            details: json!({ "refund": refund.id, "amount": refund.amount, "reason": draft.reason, "restock": draft.restock }),
        })
        .await?;
        tx.commit(events).await?;
        Ok(Begun::Now(refund))
    }
}

/// Puts copies that came back on the shelf: none more often than it was sold.
async fn restock(
    tx: &mut WriteTx,
    order: &Order,
    refund: &Refund,
    draft: &RefundDraft,
    is_all: bool,
    now: OffsetDateTime,
) -> Result<Vec<DomainEvent>, PaymentError> {
    if !matches!(order.state, OrderState::Shipped | OrderState::Delivered) {
        return Err(PaymentError::NotSent(order.state));
    }
    let mut away: HashMap<ProductId, i32> = HashMap::new();
    for line in &order.lines {
        *away.entry(line.product).or_default() += line.quantity;
    }
    for copies in tx.returned_copies(order.id).await? {
        *away.entry(copies.product).or_default() -= copies.quantity;
    }
    let copies = match &draft.lines {
        Some(lines) => lines.clone(),
        None if is_all => {
            let rest = away.iter().filter(|(_, quantity)| **quantity > 0);
            rest.map(|(product, quantity)| ReturnedCopies { product: *product, quantity: *quantity }).collect()
        }
        None => {
            let message = "is needed where not all of the money goes back: which copies came back?";
            return Err(PaymentError::Invalid(vec![Violation::new("/lines", message)]));
        }
    };
    let mut violations = Vec::new();
    for (position, one) in copies.iter().enumerate() {
        match away.get_mut(&one.product) {
            None => violations.push(Violation::new(format!("/lines/{position}/product_id"), "is not in this order")),
            Some(left) if *left < one.quantity => violations.push(Violation::new(
                format!("/lines/{position}/quantity"),
                format!("is more than the {left} that have not come back yet"),
            )),
            Some(left) => *left -= one.quantity,
        }
        if copies[..position].iter().any(|before| before.product == one.product) {
            violations.push(Violation::new(format!("/lines/{position}/product_id"), "is named twice"));
        }
    }
    if !violations.is_empty() {
        return Err(PaymentError::Invalid(violations));
    }
    if copies.is_empty() {
        return Ok(Vec::new());
    }
    tx.note_returned_copies(refund, &copies).await?;
    let of_copies = |one: &ReturnedCopies| StockMove { product: one.product, on_hand: one.quantity, reserved: 0 };
    let moves: Vec<StockMove> = copies.iter().map(of_copies).collect();
    let cause = StockCause { reason: StockReason::Returned, order: Some(order.id), actor: refund.actor, note: None };
    let levels = tx.move_stock(&moves, &cause, now).await?;
    Ok(stock_events(&moves, &levels))
}
