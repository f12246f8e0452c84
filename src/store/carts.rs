//! Carts. What belongs to one person is written by one statement, whose row of the outbox comes along.

use time::OffsetDateTime;

use super::sql::carts as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::cart::{Buyer, Cart, CartLine};
use crate::model::events::DomainEvent;
use crate::model::ids::{CartId, ProductId};
use crate::model::money::Currency;
use crate::model::product::Status;

/// Copies of a book for a cart.
#[derive(Clone, Copy, Debug)]
pub struct Put {
    /// Which book.
    pub product: ProductId,
    /// How many copies.
    pub quantity: i32,
    /// Whether they come to those that are there, or stand for them.
    pub adds: bool,
}

/// What carts are held to.
#[derive(Clone, Copy, Debug)]
pub struct CartLimits {
    /// Most copies of one book.
    pub max_quantity: i32,
    /// Most books.
    pub max_lines: i64,
    /// The currency that everything is sold in.
    pub currency: Currency,
}

/// When a cart changes, and when it is forgotten thereafter.
#[derive(Clone, Copy, Debug)]
pub struct Stamps {
    /// Now.
    pub now: OffsetDateTime,
    /// Then.
    pub expires_at: OffsetDateTime,
}

/// What a write to a cart found there and in the shop.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Whether the book is on sale.
    pub status: Status,
    /// Whether it has a price in the shop's currency.
    pub in_currency: bool,
    /// Copies that can be had.
    pub available: i32,
    /// Books that were in the cart.
    pub lines: i64,
    /// Copies of this one that were in it.
    pub before: i32,
    /// Copies that were to be in it.
    pub wanted: i32,
    /// Whether that was allowed.
    pub allowed: bool,
    /// Whether they are in it now; not where somebody else added to them at the same time, so that they would be too many.
    pub placed: bool,
}

impl Store {
    /// The cart with this id, unless it has expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cart(&self, id: CartId, now: OffsetDateTime) -> Result<Option<Cart>, StoreError> {
        self.read("carts.by_id", Consistency::Eventual, |mut c| async move { sql::by_id(&mut c, id, now).await }).await
    }

    /// Puts copies of a book into a cart where the book is on sale, there are so many, and the limits allow it. Says what it
    /// found, with the cart as it is then; nothing where there is no such book. The cart is missing where it did not change or
    /// could not be read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_cart_item(
        &self,
        buyer: &Buyer,
        put: &Put,
        limits: &CartLimits,
        at: &Stamps,
    ) -> Result<Option<(Found, Option<Cart>)>, StoreError> {
        self.write_once("carts.put", changed(buyer), |mut c, told| async move {
            let (found, told) = sql::put(&mut c, buyer, put, limits, at, &told).await?;
            let Some(found) = found else { return Ok((None, told)) };
            // At hand, and on connections that write its plan is made once. An error here says nothing of the write.
            let cart = if found.placed { sql::by_id(&mut c, buyer.cart(), at.now).await.ok().flatten() } else { None };
            Ok((Some((found, cart)), told))
        })
        .await
    }

    /// Takes a book out of a cart. Says whether it was there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_cart_item(&self, buyer: &Buyer, product: ProductId, at: &Stamps) -> Result<bool, StoreError> {
        self.write_once("carts.remove", changed(buyer), |mut c, told| async move {
            let told = sql::remove(&mut c, buyer.cart(), product, at, &told).await?;
            Ok((!told.is_empty(), told))
        })
        .await
    }

    /// Takes everything out of a cart, the coupon included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clear_cart(&self, buyer: &Buyer, at: &Stamps) -> Result<(), StoreError> {
        self.write_once("carts.clear", changed(buyer), |mut c, told| async move {
            Ok(((), sql::clear(&mut c, buyer.cart(), at, &told).await?))
        })
        .await
    }

    /// Puts a coupon into a cart, instead of the one that is there.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where there is none of this code.
    pub async fn put_cart_coupon(&self, buyer: &Buyer, code: &str, at: &Stamps) -> Result<(), StoreError> {
        self.write_once("carts.put_coupon", changed(buyer), |mut c, told| async move {
            Ok(((), sql::put_coupon(&mut c, buyer, code, at, &told).await?))
        })
        .await
    }

    /// Takes the coupon out of a cart, if there is one in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_cart_coupon(&self, buyer: &Buyer, at: &Stamps) -> Result<(), StoreError> {
        self.write_once("carts.remove_coupon", changed(buyer), |mut c, told| async move {
            Ok(((), sql::remove_coupon(&mut c, buyer.cart(), at, &told).await?))
        })
        .await
    }
}

fn changed(buyer: &Buyer) -> DomainEvent {
    DomainEvent::CartChanged { cart: buyer.cart() }
}

impl WriteTx {
    /// The cart with this id as it is at this moment, unless it has expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cart(&mut self, id: CartId, now: OffsetDateTime) -> Result<Option<Cart>, StoreError> {
        Ok(sql::by_id(&mut self.transaction, id, now).await?)
    }

    /// The cart with this id, unless it has expired, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cart_for_update(&mut self, id: CartId, now: OffsetDateTime) -> Result<Option<Cart>, StoreError> {
        // By a statement of its own: what follows sees what the one who had it before has left.
        sql::lock(&mut self.transaction, id).await?;
        self.cart(id, now).await
    }

    /// Locks a cart until the transaction ends, and makes an empty one before where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_cart(&mut self, buyer: &Buyer, at: &Stamps) -> Result<(), StoreError> {
        Ok(sql::ensure(&mut self.transaction, buyer, at).await?)
    }

    /// Makes a cart of these lines and this coupon, whatever it was before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_cart(
        &mut self,
        buyer: &Buyer,
        coupon: Option<&str>,
        lines: &[CartLine],
        at: &Stamps,
    ) -> Result<(), StoreError> {
        Ok(sql::replace(&mut self.transaction, buyer, coupon, lines, at).await?)
    }

    /// Removes a cart.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_cart(&mut self, id: CartId) -> Result<(), StoreError> {
        Ok(sql::delete(&mut self.transaction, id).await?)
    }

    /// Removes carts that have expired, at most `limit` of them, and says which.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_expired_carts(&mut self, now: OffsetDateTime, limit: i64) -> Result<Vec<CartId>, StoreError> {
        Ok(sql::delete_expired(&mut self.transaction, now, limit).await?)
    }
}
