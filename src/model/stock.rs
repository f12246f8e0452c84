//! Copies of books: how many there are, and why that changed.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::events::DomainEvent;
use super::ids::{OrderId, ProductId, UserId};
use super::product::{Availability, Status, names};

/// How many copies of a book there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// Which book.
    pub product: ProductId,
    /// Counts the changes of this book's stock, without a gap.
    pub version: i64,
    /// Copies on the shelf.
    pub on_hand: i32,
    /// Copies among them that belong to orders which have not left yet.
    pub reserved: i32,
}

impl StockLevel {
    /// Copies that can be sold.
    #[must_use]
    pub fn available(&self) -> i32 {
        self.on_hand - self.reserved
    }

    /// The class that lists show.
    #[must_use]
    pub fn availability(&self) -> Availability {
        Availability::of(self.available())
    }
}

/// What there is of a book, as its readers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// How many copies.
    pub level: StockLevel,
    /// Where the book stands: drafts are shown to administrators alone.
    pub status: Status,
    /// When the number last changed.
    pub updated_at: OffsetDateTime,
}

names!(
    /// Why stock changed.
    StockReason {
        /// What there was when the ledger began, or when the book was added.
        Opening = "opening",
        /// An import told a new count.
        Import = "import",
        /// A delivery came in.
        Received = "received",
        /// Somebody counted the shelf.
        Counted = "counted",
        /// Copies were damaged.
        Damaged = "damaged",
        /// Copies were lost.
        Lost = "lost",
        /// A customer sent copies back.
        Returned = "returned",
        /// A mistake was put right.
        Correction = "correction",
        /// An order was placed.
        Reserved = "reserved",
        /// An order was cancelled or expired before it left.
        Released = "released",
        /// An order left.
        Shipped = "shipped",
    }
);

/// Copies that come, go, or change between free and reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// Of which book.
    pub product: ProductId,
    /// What is added to the copies on the shelf; negative for what leaves.
    pub on_hand: i32,
    /// What is added to the reserved ones.
    pub reserved: i32,
}

/// What moves stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockCause {
    /// The reason.
    pub reason: StockReason,
    /// For which order.
    pub order: Option<OrderId>,
    /// By which administrator.
    pub actor: Option<UserId>,
    /// In their words.
    pub note: Option<String>,
}

/// What a transaction tells of the stock that it moved; nothing where it moved none. The books whose class of availability
/// changed are told apart: they alone make lists and details out of date.
#[must_use]
pub fn stock_events(moves: &[StockMove], after: &[StockLevel]) -> Vec<DomainEvent> {
    if after.is_empty() {
        return Vec::new();
    }
    let other_class = |level: &&StockLevel| {
        let moved = moves.iter().find(|one| one.product == level.product);
        let before = level.available() - moved.map_or(0, |one| one.on_hand - one.reserved);
        Availability::of(before) != level.availability()
    };
    let products: Vec<ProductId> = after.iter().filter(other_class).map(|level| level.product).collect();
    let mut events = vec![DomainEvent::StockChanged { levels: after.to_vec() }];
    if !products.is_empty() {
        events.push(DomainEvent::AvailabilityChanged { products });
    }
    events
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// What the change left.
    pub level: StockLevel,
    /// By how many copies the shelf changed.
    pub on_hand_change: i32,
    /// By how many copies the reservations changed.
    pub reserved_change: i32,
    /// Why.
    pub reason: StockReason,
    /// For which order.
    pub order: Option<OrderId>,
    /// By whom, where an administrator did it.
    pub actor: Option<UserId>,
    /// In their words.
    pub note: Option<String>,
    /// When.
    pub occurred_at: OffsetDateTime,
}

/// What the ledger says of a book, beside what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerBalance {
    /// What there is.
    pub level: StockLevel,
    /// How many changes the ledger tells of.
    pub entries: i64,
    /// The version that the last of them left.
    pub last_version: i64,
    /// What they add up to on the shelf.
    pub on_hand: i64,
    /// What they add up to of reservations.
    pub reserved: i64,
    /// Whether each of them leaves what those up to it add up to.
    pub in_step: bool,
}

impl LedgerBalance {
    /// Whether the ledger explains what there is.
    #[must_use]
    pub fn balances(&self) -> bool {
        let StockLevel { version, on_hand, reserved, .. } = self.level;
        self.in_step
            && (self.entries, self.last_version) == (version, version)
            && (self.on_hand, self.reserved) == (i64::from(on_hand), i64::from(reserved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_class_is_news_to_lists() {
        let product = ProductId::generate();
        let told = |available: i32, sold: i32| {
            let after = StockLevel { product, version: 2, on_hand: available, reserved: sold };
            let events = stock_events(&[StockMove { product, on_hand: 0, reserved: sold }], &[after]);
            events.iter().map(DomainEvent::kind).collect::<Vec<_>>()
        };
        assert_eq!(told(20, 1), ["stock_changed"]);
        assert_eq!(told(6, 1), ["stock_changed", "availability_changed"]);
        assert_eq!(told(5, 1), ["stock_changed"]);
        assert_eq!(told(5, 5), ["stock_changed", "availability_changed"]);
        assert!(stock_events(&[], &[]).is_empty());
    }
}
