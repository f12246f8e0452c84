//! Orders, and the one machine by which they move from state to state.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ids::{OrderId, ProductId, UserId};
use super::money::Currency;
use super::product::{Format, names};

names!(
    /// Where an order stands.
    OrderState {
        /// Its books are reserved, and it waits to be paid for.
        Pending = "pending",
        /// It is paid for.
        Paid = "paid",
        /// Its books have left.
        Shipped = "shipped",
        /// They have arrived.
        Delivered = "delivered",
        /// It was called off before its books left.
        Cancelled = "cancelled",
        /// All of its money was sent back.
        Refunded = "refunded",
        /// Nobody paid in time.
        Expired = "expired",
    }
);

names!(
    /// What can happen to an order.
    OrderMove {
        /// Its payment succeeded.
        Pay = "pay",
        /// Somebody called it off.
        Cancel = "cancel",
        /// Its time to be paid for ran out.
        Expire = "expire",
        /// Its books left.
        Ship = "ship",
        /// They arrived.
        Deliver = "deliver",
        /// The last of its money was sent back.
        Refund = "refund",
    }
);

/// What a move does to the copies that an order has reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockEffect {
    /// Nothing.
    None,
    /// They can be sold to others.
    Release,
    /// They leave the shelf.
    Ship,
}

/// A move that the state of an order does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveError {
    /// Where it stands.
    pub state: OrderState,
    /// What was asked.
    pub wanted: OrderMove,
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, wanted } = self;
        write!(f, "{wanted} is not possible while the order is {state}")?;
        let allowed: Vec<&str> = state.moves().map(OrderMove::as_str).collect();
        if allowed.is_empty() { f.write_str("; nothing is") } else { write!(f, "; possible: {}", allowed.join(", ")) }
    }
}

impl std::error::Error for MoveError {}

impl OrderState {
    /// Where a move leads. This is the whole table:
    ///
    /// | from | pay | cancel | expire | ship | deliver | refund |
    /// |---|---|---|---|---|---|---|
    /// | pending | paid | cancelled | expired | | | |
    /// | paid | | cancelled | | shipped | | refunded |
    /// | shipped | | | | | delivered | refunded |
    /// | delivered | | | | | | refunded |
    /// | cancelled, refunded, expired | | | | | | |
    ///
    /// # Errors
    /// [`MoveError`] for every other move; it says which ones are possible.
    pub fn after(self, wanted: OrderMove) -> Result<Self, MoveError> {
        use OrderMove as M;
        Ok(match (self, wanted) {
            (Self::Pending, M::Pay) => Self::Paid,
            (Self::Pending | Self::Paid, M::Cancel) => Self::Cancelled,
            (Self::Pending, M::Expire) => Self::Expired,
            (Self::Paid, M::Ship) => Self::Shipped,
            (Self::Shipped, M::Deliver) => Self::Delivered,
            (Self::Paid | Self::Shipped | Self::Delivered, M::Refund) => Self::Refunded,
            (state, wanted) => return Err(MoveError { state, wanted }),
        })
    }

    /// The moves that it allows.
    pub fn moves(self) -> impl Iterator<Item = OrderMove> {
        OrderMove::ALL.iter().copied().filter(move |wanted| self.after(*wanted).is_ok())
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.moves().next().is_none()
    }

    /// Whether its books are still reserved: they have neither left nor been given back.
    #[must_use]
    pub fn holds_stock(self) -> bool {
        matches!(self, Self::Pending | Self::Paid)
    }

    /// Whether its books are its buyer's: they were paid for, and neither called off nor given back.
    #[must_use]
    pub fn is_bought(self) -> bool {
        matches!(self, Self::Paid | Self::Shipped | Self::Delivered)
    }

    /// What a move from here does to the copies that the order has reserved.
    #[must_use]
    pub fn stock_effect(self, wanted: OrderMove) -> StockEffect {
        match wanted {
            OrderMove::Ship => StockEffect::Ship,
            OrderMove::Cancel | OrderMove::Expire | OrderMove::Refund if self.holds_stock() => StockEffect::Release,
            _ => StockEffect::None,
        }
    }
}

/// What a book cost in an order, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Which book.
    pub product: ProductId,
    /// Its title when it was sold.
    pub title: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// Its ISBN.
    pub isbn13: Option<String>,
    /// Its format.
    pub format: Option<Format>,
    /// Copies.
    pub quantity: i32,
    /// Price of one copy, before tax.
    pub unit_price: i64,
    /// Price of all copies.
    pub subtotal: i64,
    /// This line's share of the discount.
    pub discount: i64,
    /// The tax on what is left.
    pub tax: i64,
    /// What the line costs in the end.
    pub total: i64,
}

/// Where the books go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Who receives them.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// More of that.
    pub line2: Option<String>,
    /// The town.
    pub city: String,
    /// The state or province.
    pub region: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The country, by ISO 3166-1 alpha-2.
    pub country: String,
}

/// A state that an order has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Which one.
    pub state: OrderState,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who brought it there; absent where the shop did, or a guest.
    pub actor: Option<UserId>,
    /// Why.
    pub reason: Option<String>,
}

/// An order. Amounts are in minor units of its currency; `total = subtotal - discount + shipping + tax`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The identifier.
    pub id: OrderId,
    /// What people call it.
    pub number: i64,
    /// Who placed it; absent for guests, and after the account was closed.
    pub user: Option<UserId>,
    /// The hash of the token by which a guest reads it.
    #[serde(skip)]
    pub guest: Option<[u8; 32]>,
    /// Where its owner is written to.
    pub email: String,
    /// Where the books go.
    pub address: Address,
    /// How.
    pub shipping_method: String,
    /// The coupon that made it cheaper.
    pub coupon: Option<String>,
    /// Where it stands.
    pub state: OrderState,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The goods.
    pub subtotal: i64,
    /// What the coupon took off.
    pub discount: i64,
    /// The shipping.
    pub shipping: i64,
    /// The tax on goods and shipping.
    pub tax: i64,
    /// What is to be paid.
    pub total: i64,
    /// What was sent back, or is on its way back.
    pub refunded: i64,
    /// Counts the changes; part of the `ETag`.
    pub version: i64,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Until when its books are reserved without payment.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// By which the carrier knows the parcel.
    pub tracking: Option<String>,
    /// What was bought.
    pub lines: Vec<OrderLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_allows_what_the_table_says_and_no_more() {
        let moves = |state: OrderState| state.moves().map(OrderMove::as_str).collect::<Vec<_>>().join(" ");
        for (state, allowed) in [
            (OrderState::Pending, "pay cancel expire"),
            (OrderState::Paid, "cancel ship refund"),
            (OrderState::Shipped, "deliver refund"),
            (OrderState::Delivered, "refund"),
            (OrderState::Cancelled, ""),
            (OrderState::Refunded, ""),
            (OrderState::Expired, ""),
        ] {
            assert_eq!(moves(state), allowed, "{state}");
            assert_eq!(state.is_final(), allowed.is_empty());
        }
        let refusal = OrderState::Shipped.after(OrderMove::Cancel).unwrap_err();
        assert_eq!(refusal.to_string(), "cancel is not possible while the order is shipped; possible: deliver, refund");
    }

    #[test]
    fn books_are_given_back_once() {
        for state in OrderState::ALL {
            for wanted in state.moves() {
                let after = state.after(wanted).unwrap();
                let given_up = state.holds_stock() && !after.holds_stock();
                assert_eq!(state.stock_effect(wanted) != StockEffect::None, given_up, "{state} {wanted}");
            }
        }
    }
}
