//! Orders, on the primary alone.

use time::OffsetDateTime;

use super::sql::orders as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::events::DomainEvent;
use crate::model::idempotency::KeyedRequest;
use crate::model::ids::{CartId, OrderId, ProductId, UserId};
use crate::model::order::{HistoryEntry, Order, OrderState};
use crate::model::product::{Format, Status};

/// A cart as an order is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutCart {
    /// Counts its changes.
    pub version: i64,
    /// The coupon in it.
    pub coupon: Option<String>,
    /// The number that the order is to have.
    pub number: i64,
    /// At least one.
    pub lines: Vec<CheckoutLine>,
}

/// A line of it, with what is true of the book now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutLine {
    /// Which book.
    pub product: ProductId,
    /// Copies.
    pub quantity: i32,
    /// The title.
    pub title: String,
    /// The authors.
    pub authors: Vec<String>,
    /// The ISBN.
    pub isbn13: Option<String>,
    /// The format.
    pub format: Option<Format>,
    /// Whether it is sold at all.
    pub status: Status,
    /// The price in minor units, and its currency.
    pub price: Option<(i64, String)>,
    /// Copies that can be sold.
    pub available: i32,
}

/// Where an order comes from and how its answer is kept.
#[derive(Clone, Debug)]
pub struct Placement<'a> {
    /// The cart, which is emptied.
    pub cart: CartId,
    /// The version of the cart that the order was made of.
    pub cart_version: i64,
    /// Who uses the coupon.
    pub customer: &'a str,
    /// The request.
    pub request: &'a KeyedRequest,
    /// The answer to it.
    pub answer: &'a [u8],
}

/// Which orders of the whole shop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In this state.
    pub state: Option<OrderState>,
    /// Of this address.
    pub email: Option<String>,
    /// With this number.
    pub number: Option<i64>,
}

/// How an order is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveNote {
    /// Who did it; nobody where the shop did, or a guest.
    pub actor: Option<UserId>,
    /// Why.
    pub reason: Option<String>,
    /// By which the carrier knows the parcel.
    pub tracking: Option<String>,
}

impl Store {
    /// The order with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        self.read("orders.by_id", Consistency::PreferLatest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// The states that an order has had, the first one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_history(&self, id: OrderId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read("orders.history", Consistency::PreferLatest, |mut c| async move { sql::history(&mut c, id).await })
            .await
    }

    /// The newest orders of somebody, those before `before` where it is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn orders_of(&self, user: UserId, before: Option<OrderId>, limit: i64) -> Result<Vec<Order>, StoreError> {
        self.read("orders.of_user", Consistency::PreferLatest, |mut c| async move {
            sql::of_user(&mut c, user, before, limit).await
        })
        .await
    }

    /// The same for a guest, by the hash of their token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn orders_of_guest(
        &self,
        guest: [u8; 32],
        before: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Order>, StoreError> {
        self.read("orders.of_guest", Consistency::PreferLatest, |mut c| async move {
            sql::of_guest(&mut c, &guest, before, limit).await
        })
        .await
    }

    /// The newest orders of everybody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_orders(
        &self,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Order>, StoreError> {
        self.read("orders.of_all", Consistency::PreferLatest, |mut c| async move {
            sql::of_all(&mut c, filter, before, limit).await
        })
        .await
    }
}

impl WriteTx {
    /// What a cart would buy now; nothing where it is empty, has expired or never was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkout_cart(
        &mut self,
        cart: CartId,
        now: OffsetDateTime,
    ) -> Result<Option<CheckoutCart>, StoreError> {
        Ok(sql::cart(&mut self.transaction, cart, now).await?)
    }

    /// Writes an order and empties its cart.
    ///
    /// # Errors
    /// [`StoreError::Collision`] where the cart has changed since it was read.
    pub async fn place_order(&mut self, order: &Order, placement: &Placement<'_>) -> Result<(), StoreError> {
        if sql::place(&mut self.transaction, order, placement).await? { Ok(()) } else { Err(StoreError::Collision) }
    }

    /// The order with this id, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_for_update(&mut self, id: OrderId) -> Result<Option<Order>, StoreError> {
        Ok(sql::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// Brings a locked order into another state, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_order(
        &mut self,
        id: OrderId,
        to: OrderState,
        note: &MoveNote,
        now: OffsetDateTime,
    ) -> Result<i64, StoreError> {
        let MoveNote { actor, reason, tracking } = note;
        let moved = sql::Moved { to, tracking: tracking.as_deref(), actor: *actor, reason: reason.as_deref(), now };
        Ok(sql::advance(&mut self.transaction, id, moved).await?)
    }

    /// At most `limit` orders that were not paid for in time, locked. Those that others are at, and those that are just being
    /// paid for, are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_expired_orders(&mut self, now: OffsetDateTime, limit: i64) -> Result<Vec<Order>, StoreError> {
        Ok(sql::take_expired(&mut self.transaction, now, limit).await?)
    }

    /// Takes one of the uses that a coupon has left, and then counts how many this customer has. Says nothing where none was
    /// left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_coupon(&mut self, code: &str, customer: &str) -> Result<Option<i64>, StoreError> {
        if !sql::use_coupon(&mut self.transaction, code).await? {
            return Ok(None);
        }
        // The coupon is locked by now: nobody else can add to these.
        Ok(Some(sql::coupon_uses_of(&mut self.transaction, code, customer).await?))
    }

    /// Gives back the use of a coupon that an order has; at most once. Gives what is to be told of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_coupon(
        &mut self,
        order: OrderId,
        now: OffsetDateTime,
    ) -> Result<Option<DomainEvent>, StoreError> {
        let code = sql::release_coupon(&mut self.transaction, order, now).await?;
        Ok(code.map(|code| DomainEvent::CouponChanged { code }))
    }

    /// Whether somebody has orders that are not over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_open_orders(&mut self, user: UserId) -> Result<bool, StoreError> {
        Ok(sql::has_open(&mut self.transaction, user).await?)
    }

    /// Takes away what says whose orders these were. What was sold stays in the books.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_buyer(&mut self, user: UserId) -> Result<(), StoreError> {
        Ok(sql::forget_buyer(&mut self.transaction, user).await?)
    }
}
