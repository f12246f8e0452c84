//! Moving orders from state to state.

use time::OffsetDateTime;

use super::{MoveNote, OrderError, Orders, Sees};
use crate::model::events::{DomainEvent, Events};
use crate::model::ids::{OrderId, ProductId};
use crate::model::order::{Order, OrderMove, OrderState, StockEffect};
use crate::model::precondition::ExpectedVersion;
use crate::model::stock::{StockCause, StockMove, StockReason, stock_events};
use crate::store::{StoreError, WriteTx};

/// Why money goes back where nobody says it.
const CANCELLED: &str = "The order was cancelled.";

/// How many orders are expired in one transaction.
const EXPIRY_BATCH: i64 = 20;

/// Moves a locked order, with everything that hangs on it: its history, the copies that it has reserved, the use of its
/// coupon. Gives the order as it is then, and what is to be told when the transaction commits.
///
/// # Errors
/// [`OrderError::Move`] where its state does not allow it, or the database's.
pub async fn advance(
    tx: &mut WriteTx,
    order: &Order,
    wanted: OrderMove,
    note: &MoveNote,
    now: OffsetDateTime,
) -> Result<(Order, Events), OrderError> {
    let to = order.state.after(wanted)?;
    let version = tx.move_order(order.id, to, note, now).await?;
    let moved = DomainEvent::OrderMoved { order: order.id, user: order.user, from: order.state, to };
    let mut events = Events::from(moved);
    if matches!(wanted, OrderMove::Cancel | OrderMove::Expire) && order.coupon.is_some() {
        // Before the stock, as a checkout has it: so two transactions never wait for each other.
        events = events.and_all(tx.release_coupon(order.id, now).await?);
    }
    let reason = match order.state.stock_effect(wanted) {
        StockEffect::None => None,
        StockEffect::Release => Some(StockReason::Released),
        StockEffect::Ship => Some(StockReason::Shipped),
    };
    if let Some(reason) = reason {
        let leaves = reason == StockReason::Shipped;
        let of_line = |(product, quantity): (_, i32)| StockMove {
            product,
            on_hand: if leaves { -quantity } else { 0 },
            reserved: -quantity,
        };
        let moves: Vec<StockMove> = order.lines.iter().map(|line| (line.product, line.quantity)).map(of_line).collect();
        let cause = StockCause { reason, order: Some(order.id), actor: note.actor, note: None };
        let levels = tx.move_stock(&moves, &cause, now).await?;
        if levels.len() != moves.len() {
            return Err(OrderError::Stock(order.id));
        }
        events = events.and_all(stock_events(&moves, &levels));
    }
    if order.state.is_bought() != to.is_bought() {
        events = events.and_all(verify_reviews(tx, order).await?);
    }
    let tracking = note.tracking.clone().or_else(|| order.tracking.clone());
    Ok((Order { state: to, version, updated_at: now, tracking, ..order.clone() }, events))
}

/// Keeps the reviews that a buyer wrote true about what they have bought, and gives what is to be told of that. The order has to
/// be in its new state.
///
/// # Errors
/// The database's.
pub(super) async fn verify_reviews(tx: &mut WriteTx, order: &Order) -> Result<Option<DomainEvent>, StoreError> {
    let Some(user) = order.user else { return Ok(None) };
    let mut products: Vec<ProductId> = order.lines.iter().map(|line| line.product).collect();
    products.sort_unstable();
    products.dedup();
    let products = tx.verify_reviews(user, &products).await?;
    Ok((!products.is_empty()).then_some(DomainEvent::ReviewsVerified { products }))
}

impl Orders {
    /// Moves an order that somebody may see. Not for payments and refunds, which move it by what the provider says.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Changed`] where it is at no expected version, [`OrderError::Move`], or the
    /// database's.
    pub async fn advance(
        &self,
        id: OrderId,
        sees: Sees,
        expected: Option<&ExpectedVersion>,
        wanted: OrderMove,
        note: &MoveNote,
    ) -> Result<Order, OrderError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("orders.move").await?;
            let order = tx.order_for_update(id).await?.filter(|order| sees.includes(order));
            let order = order.ok_or(OrderError::NotFound)?;
            if expected.is_some_and(|expected| !expected.accepts(order.version)) {
                return Err(OrderError::Changed { current: order.version });
            }
            if wanted == OrderMove::Ship && order.total > 0 && order.refunded == order.total {
                return Err(OrderError::BeingRefunded);
            }
            let now = self.clock.now();
            let (mut moved, mut events) = advance(&mut tx, &order, wanted, note, now).await?;
            if wanted == OrderMove::Cancel && order.state == OrderState::Paid {
                let reason = note.reason.as_deref().unwrap_or(CANCELLED);
                let refund = tx.begin_refund_of_everything(&moved, reason, note.actor, now).await?;
                events = events.and_all(refund);
                moved = tx.order_for_update(id).await?.ok_or(OrderError::NotFound)?;
            }
            tx.commit(events).await?;
            Ok(moved)
        })
        .await
    }

    /// Ends the orders that were not paid for in time, and says how many. Every process may do it: each order is ended by one
    /// of them, once.
    ///
    /// # Errors
    /// The database's; what was done before stays done.
    pub async fn expire_due(&self) -> Result<usize, OrderError> {
        let mut expired = 0;
        loop {
            let some = self.retrying(|| self.expire_some()).await?;
            expired += some;
            if some == 0 {
                return Ok(expired);
            }
        }
    }

    async fn expire_some(&self) -> Result<usize, OrderError> {
        let now = self.clock.now();
        let note = MoveNote { actor: None, reason: None, tracking: None };
        let mut tx = self.store.begin("orders.expire").await?;
        let due = tx.take_expired_orders(now, EXPIRY_BATCH).await?;
        let mut told: Option<Events> = None;
        for order in &due {
            let (_, events) = advance(&mut tx, order, OrderMove::Expire, &note, now).await?;
            told = Some(match told {
                Some(before) => before.and_all(events),
                None => events,
            });
        }
        match told {
            Some(events) => tx.commit(events).await?,
            None => tx.rollback().await?,
        }
        Ok(due.len())
    }

    /// Forgets the answers to old requests.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_keys(&self) -> Result<u64, OrderError> {
        let mut tx = self.store.begin("idempotency.forget").await?;
        let forgotten = tx.delete_expired_keys(self.clock.now(), 1_000).await?;
        tx.commit_bookkeeping().await?;
        Ok(forgotten)
    }
}
