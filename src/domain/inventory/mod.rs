//! Stock: what there is, who changes it by hand and why, the ledger that explains it, and streams of its changes.
//!
//! What is told here is read from the primary: a number of copies is no use where it is older than the last sale.

mod adjustment;
mod hub;
mod subscription;
mod watched;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

pub use adjustment::{Adjustment, AdjustmentDraft, MAX_COPIES};
pub use hub::{Encode, Hub, HubOptions};
pub use subscription::{Change, Event, MAX_WATCHED, Subscription, Watch};

use super::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::events::Events;
use crate::model::ids::{AuditId, ProductId};
use crate::model::precondition::ExpectedVersion;
use crate::model::product::Status;
use crate::model::stock::{LedgerBalance, Stock, StockCause, StockChange, StockMove, stock_events};
use crate::store::{Store, StoreError};

/// How many books are compared with their ledgers by one statement.
const CHECKED_AT_ONCE: i64 = 1_000;

/// For how long one request goes on comparing.
const CHECK_PATIENCE: Duration = Duration::from_secs(3);

/// Why a request about stock was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is no such book, or none that the asker may see.
    #[error("there is no such book")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// The stock has changed since the asker read it.
    #[error("the stock is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The change would leave less than belongs to orders, or less than nothing.
    #[error("{on_hand} copies are there, {reserved} of them reserved")]
    TooFew {
        /// Copies on the shelf.
        on_hand: i32,
        /// Copies of them that belong to orders.
        reserved: i32,
    },
    /// There are more copies than are counted.
    #[error("{on_hand} copies are there already")]
    TooMany {
        /// Copies on the shelf.
        on_hand: i32,
    },
    /// There are as many streams as there may be.
    #[error("there are too many streams")]
    Crowded,
    /// The process is about to end.
    #[error("the process is ending")]
    Stopping,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a comparison of stock with its ledger found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How many books were compared.
    pub checked: u64,
    /// Those whose ledger does not explain what there is.
    pub imbalances: Vec<LedgerBalance>,
    /// The last book that was compared; nothing where all were.
    pub goes_on_after: Option<ProductId>,
}

/// The service for stock.
pub struct Inventory {
    store: Store,
    clock: Arc<dyn Clock>,
    hub: Hub,
}

impl Inventory {
    /// The service over this store; `hub` tells its streams.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, hub: Hub) -> Self {
        Self { store, clock, hub }
    }

    /// What tells the streams: to be run beside the service.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What there is of a book. That of drafts is told to administrators alone.
    ///
    /// # Errors
    /// [`InventoryError::NotFound`], or the database's.
    pub async fn get(&self, product: ProductId, sees_drafts: bool) -> Result<Stock, InventoryError> {
        let stock = self.store.stock(&[product]).await?.into_iter().next();
        stock.filter(|stock| sees_drafts || stock.status != Status::Draft).ok_or(InventoryError::NotFound)
    }

    /// Changes what there is of a book, as somebody who was at the shelf says.
    ///
    /// # Errors
    /// [`InventoryError::Invalid`] with every broken rule; [`InventoryError::Changed`] where the stock is at no expected
    /// version; [`InventoryError::TooFew`], [`InventoryError::TooMany`], [`InventoryError::NotFound`], or the database's.
    pub async fn adjust(
        &self,
        actor: &Actor,
        product: ProductId,
        expected: Option<&ExpectedVersion>,
        draft: AdjustmentDraft,
    ) -> Result<Stock, InventoryError> {
        let adjustment = draft.check().map_err(InventoryError::Invalid)?;
        let collided = |error: &InventoryError| matches!(error, InventoryError::Store(error) if error.is_collision());
        self.store.retrying(collided, || self.adjust_once(actor, product, expected, &adjustment)).await
    }

    async fn adjust_once(
        &self,
        actor: &Actor,
        product: ProductId,
        expected: Option<&ExpectedVersion>,
        adjustment: &Adjustment,
    ) -> Result<Stock, InventoryError> {
        let now = self.clock.now();
        let mut tx = self.store.begin("inventory.adjust").await?;
        let before = tx.stock_for_update(product).await?.ok_or(InventoryError::NotFound)?;
        let (on_hand, reserved) = (before.level.on_hand, before.level.reserved);
        if expected.is_some_and(|expected| !expected.accepts(before.level.version)) {
            return Err(InventoryError::Changed { current: before.level.version });
        }
        let left = adjustment.applied_to(on_hand).ok_or(InventoryError::TooMany { on_hand })?;
        if left < i64::from(reserved) {
            return Err(InventoryError::TooFew { on_hand, reserved });
        }
        let change = i32::try_from(left - i64::from(on_hand)).map_err(|_| InventoryError::TooMany { on_hand })?;
        let moves = [StockMove { product, on_hand: change, reserved: 0 }];
        let cause =
            StockCause { reason: adjustment.reason, order: None, actor: actor.user, note: adjustment.note.clone() };
        let after = tx.move_stock(&moves, &cause, now).await?;
        // Its row is locked, so what was found to be possible is possible.
        let level = *after.first().ok_or(InventoryError::TooFew { on_hand, reserved })?;
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: now,
            actor: actor.clone(),
            action: "stock.adjust".to_owned(),
            resource: "product".to_owned(),
            resource_id: Some(product.to_string()),
            details: json!({
                "reason": adjustment.reason,
                "note": adjustment.note,
                "before": { "on_hand": on_hand },
                "after": { "on_hand": level.on_hand },
            }),
        })
        .await?;
        let mut events = stock_events(&moves, &after).into_iter();
        let first = events.next().ok_or(InventoryError::TooFew { on_hand, reserved })?;
        tx.commit(Events::from(first).and_all(events)).await?;
        Ok(Stock { level, updated_at: now, ..before })
    }

    /// The newest changes of a book's stock: those before a version, where it is given.
    ///
    /// # Errors
    /// [`InventoryError::NotFound`], or the database's.
    pub async fn ledger(
        &self,
        product: ProductId,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Vec<StockChange>, InventoryError> {
        let changes = self.store.stock_ledger(product, before.unwrap_or(i64::MAX), i64::from(limit)).await?;
        if changes.is_empty() && self.store.stock(&[product]).await?.is_empty() {
            return Err(InventoryError::NotFound);
        }
        Ok(changes)
    }

    /// Compares what there is with what the ledger adds up to, book by book in the order of their ids, until `limit` are
    /// found that differ, or it has taken its time.
    ///
    /// # Errors
    /// The database's.
    pub async fn compare(&self, after: Option<ProductId>, limit: usize) -> Result<Comparison, InventoryError> {
        let begun = Instant::now();
        let mut after = after.unwrap_or(ProductId(Uuid::nil()));
        let (mut checked, mut imbalances) = (0, Vec::new());
        loop {
            let books = self.store.ledger_balances(after, CHECKED_AT_ONCE).await?;
            let is_last = (books.len() as i64) < CHECKED_AT_ONCE;
            for book in books {
                after = book.level.product;
                checked += 1;
                if !book.balances() {
                    imbalances.push(book);
                    if imbalances.len() == limit {
                        return Ok(Comparison { checked, imbalances, goes_on_after: Some(after) });
                    }
                }
            }
            if is_last {
                return Ok(Comparison { checked, imbalances, goes_on_after: None });
            }
            if begun.elapsed() >= CHECK_PATIENCE {
                return Ok(Comparison { checked, imbalances, goes_on_after: Some(after) });
            }
        }
    }

    /// Opens a stream of the changes of these books.
    ///
    /// # Errors
    /// [`InventoryError::Invalid`] where they are none or too many, or there are none such; [`InventoryError::Crowded`],
    /// [`InventoryError::Stopping`], or the database's.
    pub async fn watch(&self, watch: Watch, sees_drafts: bool) -> Result<Subscription, InventoryError> {
        Subscription::open(&self.hub, watch, sees_drafts).await
    }
}
