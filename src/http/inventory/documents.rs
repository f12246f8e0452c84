//! Stock as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::inventory::AdjustmentDraft;
use crate::model::stock::{LedgerBalance, Stock, StockChange, StockReason};

/// What there is of a book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inventory)]
pub struct InventoryDocument {
    /// The book.
    product_id: Uuid,
    /// Counts the changes, without a gap.
    #[schema(minimum = 1, example = 7)]
    version: i64,
    /// Copies on the shelf.
    #[schema(minimum = 0, example = 40)]
    on_hand: i32,
    /// Copies among them that belong to orders which have not left yet.
    #[schema(minimum = 0, example = 2)]
    reserved: i32,
    /// Copies that can be sold.
    #[schema(minimum = 0, example = 38)]
    available: i32,
    /// `in_stock`, `few_left` (five copies or fewer) or `out_of_stock`.
    #[schema(example = "in_stock")]
    availability: &'static str,
    /// When that last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Stock> for InventoryDocument {
    fn from(stock: Stock) -> Self {
        let level = stock.level;
        Self {
            product_id: level.product.0,
            version: level.version,
            on_hand: level.on_hand,
            reserved: level.reserved,
            available: level.available(),
            availability: level.availability().as_str(),
            updated_at: stock.updated_at,
        }
    }
}

/// A change as everybody may know it.
#[derive(Debug, Serialize)]
pub(super) struct ChangeDocument {
    product_id: Uuid,
    version: i64,
    on_hand: i32,
    reserved: i32,
    available: i32,
    availability: &'static str,
    on_hand_change: i32,
    reserved_change: i32,
    reason: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

impl From<&StockChange> for ChangeDocument {
    fn from(change: &StockChange) -> Self {
        let level = change.level;
        Self {
            product_id: level.product.0,
            version: level.version,
            on_hand: level.on_hand,
            reserved: level.reserved,
            available: level.available(),
            availability: level.availability().as_str(),
            on_hand_change: change.on_hand_change,
            reserved_change: change.reserved_change,
            reason: change.reason.as_str(),
            occurred_at: change.occurred_at,
        }
    }
}

/// Why somebody changes the number of copies.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = AdjustmentReason)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReasonInput {
    /// A delivery came in.
    Received,
    /// Somebody counted the shelf.
    Counted,
    /// Copies were damaged.
    Damaged,
    /// Copies were lost.
    Lost,
    /// A customer sent copies back.
    Returned,
    /// A mistake is put right.
    Correction,
}

impl From<ReasonInput> for StockReason {
    fn from(reason: ReasonInput) -> Self {
        match reason {
            ReasonInput::Received => Self::Received,
            ReasonInput::Counted => Self::Counted,
            ReasonInput::Damaged => Self::Damaged,
            ReasonInput::Lost => Self::Lost,
            ReasonInput::Returned => Self::Returned,
            ReasonInput::Correction => Self::Correction,
        }
    }
}

/// What happened at the shelf: either `change` or `counted`.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[schema(as = StockAdjustmentInput)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustmentInput {
    /// How many copies came; negative for those that are gone. It cannot be 0.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000, example = -3)]
    change: Option<i32>,
    /// How many copies there are, with the reason `counted` or `correction`.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    counted: Option<i32>,
    /// Why.
    #[schema(example = "damaged")]
    reason: ReasonInput,
    /// In your own words, for whoever reads the ledger.
    #[schema(max_length = 500, example = "Water from the roof")]
    note: Option<String>,
}

impl From<AdjustmentInput> for AdjustmentDraft {
    fn from(input: AdjustmentInput) -> Self {
        let AdjustmentInput { change, counted, reason, note } = input;
        Self { change, counted, reason: reason.into(), note }
    }
}

/// A change of a book's stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLedgerEntry)]
pub(super) struct LedgerEntryDocument {
    /// The version that it left.
    #[schema(minimum = 1, example = 7)]
    version: i64,
    /// By how many copies the shelf changed.
    #[schema(example = -3)]
    on_hand_change: i32,
    /// By how many copies the reservations changed.
    #[schema(example = 0)]
    reserved_change: i32,
    /// Copies on the shelf afterwards.
    #[schema(minimum = 0, example = 37)]
    on_hand: i32,
    /// Copies that were reserved afterwards.
    #[schema(minimum = 0, example = 2)]
    reserved: i32,
    /// Copies that could be sold afterwards.
    #[schema(minimum = 0, example = 35)]
    available: i32,
    /// Why: `opening`, `import`, `received`, `counted`, `damaged`, `lost`, `returned`, `correction`, `reserved`, `released` or
    /// `shipped`.
    #[schema(example = "damaged")]
    reason: &'static str,
    /// For which order.
    order_id: Option<Uuid>,
    /// Which administrator did it.
    actor_id: Option<Uuid>,
    /// In their words.
    note: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

impl From<StockChange> for LedgerEntryDocument {
    fn from(change: StockChange) -> Self {
        let level = change.level;
        Self {
            version: level.version,
            on_hand_change: change.on_hand_change,
            reserved_change: change.reserved_change,
            on_hand: level.on_hand,
            reserved: level.reserved,
            available: level.available(),
            reason: change.reason.as_str(),
            order_id: change.order.map(|order| order.0),
            actor_id: change.actor.map(|actor| actor.0),
            note: change.note,
            occurred_at: change.occurred_at,
        }
    }
}

/// A page of a book's ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockLedgerPage)]
pub(super) struct LedgerPageDocument {
    /// The newest first.
    pub items: Vec<LedgerEntryDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A book whose ledger does not explain what there is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockImbalance)]
pub(super) struct ImbalanceDocument {
    /// The book.
    product_id: Uuid,
    /// The version of its stock.
    version: i64,
    /// Copies on the shelf.
    on_hand: i32,
    /// Copies that are reserved.
    reserved: i32,
    /// How many changes the ledger has.
    ledger_entries: i64,
    /// The version of the last of them.
    ledger_version: i64,
    /// What they add up to on the shelf.
    ledger_on_hand: i64,
    /// What they add up to of reservations.
    ledger_reserved: i64,
    /// Whether each of them leaves what those up to it add up to.
    ledger_in_step: bool,
}

impl From<LedgerBalance> for ImbalanceDocument {
    fn from(balance: LedgerBalance) -> Self {
        Self {
            product_id: balance.level.product.0,
            version: balance.level.version,
            on_hand: balance.level.on_hand,
            reserved: balance.level.reserved,
            ledger_entries: balance.entries,
            ledger_version: balance.last_version,
            ledger_on_hand: balance.on_hand,
            ledger_reserved: balance.reserved,
            ledger_in_step: balance.in_step,
        }
    }
}

/// What a comparison of stock with its ledger found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InventoryCheck)]
pub(super) struct CheckDocument {
    /// How many books were compared.
    #[schema(minimum = 0, example = 100_000)]
    pub checked: u64,
    /// Those whose ledger does not explain what there is. There should be none.
    pub imbalances: Vec<ImbalanceDocument>,
    /// Where to go on; `null` where all books were compared.
    pub next_cursor: Option<String>,
}
