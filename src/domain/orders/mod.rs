//! Orders: placing, reading, and moving them from state to state.

mod checkout;
mod input;
mod moves;

use std::sync::Arc;
use std::time::Duration;

pub use checkout::{LineRefusal, Placed};
pub use input::{Checkout, CheckoutDraft};
pub use moves::advance;

use super::pricing::{Pricing, PricingError};
use super::violation::Violation;
use crate::config;
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::cart::Buyer;
use crate::model::clock::Clock;
use crate::model::coupon::CouponRefusal;
use crate::model::ids::{OrderId, UserId};
use crate::model::money::Money;
use crate::model::order::{HistoryEntry, MoveError, Order};
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError};

pub use crate::store::orders::{MoveNote, OrderFilter};

/// Why something about an order was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OrderError {
    /// There is none of this id, or it is somebody else's.
    #[error("there is no such order")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    EmptyCart,
    /// Some of the books cannot be had.
    #[error("{} lines cannot be sold", .0.len())]
    Refused(Vec<LineRefusal>),
    /// The coupon in the cart does not count.
    #[error("the coupon {code} does not count: {refusal}")]
    Coupon {
        /// Which one.
        code: String,
        /// Why.
        refusal: CouponRefusal,
    },
    /// The price is not the one that the buyer expects.
    #[error("the total is {} by now", .total.amount)]
    PriceChanged {
        /// What it is.
        total: Money,
    },
    /// It cannot be priced.
    #[error(transparent)]
    Pricing(#[from] PricingError),
    /// Its state does not allow it.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// All of its money is on its way back, so its books stay.
    #[error("all of its money is on its way back")]
    BeingRefunded,
    /// The order has changed since it was read.
    #[error("the order is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The idempotency key belongs to another request.
    #[error("the key belongs to another request")]
    KeyReused,
    /// The request with this key is being worked on.
    #[error("the request is being worked on")]
    KeyRunning,
    /// The stock of its books is not what its reservation says, which is a defect.
    #[error("the stock of order {0} does not match its reservation")]
    Stock(OrderId),
    /// The account was closed while its owner ordered.
    #[error("the account is closed")]
    AccountClosed,
    /// The answer cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for OrderError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("orders_user_id_fkey") => Self::AccountClosed,
            _ => Self::Store(error),
        }
    }
}

impl Outage for OrderError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// Times that orders are held to.
#[derive(Clone, Copy, Debug)]
pub struct OrderRules {
    /// For how long books are kept for whoever has not paid yet.
    pub reservation: Duration,
    /// For how long the answer to a request is kept under its key.
    pub keys_live: Duration,
}

impl From<&config::Orders> for OrderRules {
    fn from(settings: &config::Orders) -> Self {
        Self { reservation: settings.reservation, keys_live: settings.idempotency_lifetime }
    }
}

/// A page of somebody's orders.
pub struct OrderPage {
    /// The newest first.
    pub orders: Vec<Order>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<OrderId>,
    /// How many were asked for.
    pub limit: u16,
}

/// How orders become answers.
#[derive(Clone, Copy)]
pub struct Pages {
    /// One order.
    pub order: Render<Order>,
    /// A page of them.
    pub page: Render<OrderPage>,
}

/// The service for orders.
#[derive(Clone)]
pub struct Orders {
    store: Store,
    clock: Arc<dyn Clock>,
    pricing: Pricing,
    rules: OrderRules,
    pages: Pages,
}

/// Whose orders somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Their own.
    Own(Buyer),
    /// Everybody's.
    All,
}

impl Sees {
    pub(in crate::domain) fn includes(self, order: &Order) -> bool {
        match self {
            Self::All => true,
            Self::Own(Buyer::User(user)) => order.user == Some(user),
            Self::Own(Buyer::Guest(hash)) => order.guest == Some(hash),
        }
    }
}

impl Orders {
    /// The service over this store; `pages` makes its answers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, pricing: Pricing, rules: OrderRules, pages: Pages) -> Self {
        Self { store, clock, pricing, rules, pages }
    }

    /// An order, for somebody who may see it.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], or the database's.
    pub async fn get(&self, id: OrderId, sees: Sees) -> Result<Order, OrderError> {
        self.store.order(id).await?.filter(|order| sees.includes(order)).ok_or(OrderError::NotFound)
    }

    /// The states that an order has had, the first one first.
    ///
    /// # Errors
    /// As [`Orders::get`].
    pub async fn history(&self, id: OrderId, sees: Sees) -> Result<Vec<HistoryEntry>, OrderError> {
        self.get(id, sees).await?;
        Ok(self.store.order_history(id).await?)
    }

    /// A page of the orders of a person with an account, from the cache.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, user: UserId, before: Option<OrderId>, limit: u16) -> Result<Answer, OrderError> {
        let key = Key::new(
            Family::UserOrders,
            format_args!("{user}:{}:{limit}", before.map(|id| id.to_string()).unwrap_or_default()),
        );
        let render = self.pages.page;
        let load = move |store: Store| async move {
            let orders = store.orders_of(user, before, i64::from(limit) + 1).await?;
            Ok::<_, OrderError>(Rendered::found(render(page(orders, limit))?))
        };
        self.store.cached(&key, &[Tag::orders_of(user)], load).await?.ok_or(OrderError::NotFound)
    }

    /// A page of the orders that a guest placed with their token.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_of_guest(
        &self,
        guest: [u8; 32],
        before: Option<OrderId>,
        limit: u16,
    ) -> Result<OrderPage, OrderError> {
        Ok(page(self.store.orders_of_guest(guest, before, i64::from(limit) + 1).await?, limit))
    }

    /// A page of the orders of everybody, for administrators.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_all(
        &self,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: u16,
    ) -> Result<OrderPage, OrderError> {
        Ok(page(self.store.all_orders(filter, before, i64::from(limit) + 1).await?, limit))
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, OrderError>
    where
        Fut: Future<Output = Result<T, OrderError>>,
    {
        self.store.retrying(|error| matches!(error, OrderError::Store(error) if error.is_collision()), work).await
    }
}

/// One more than `limit` was read, to tell whether there is a next page.
fn page(mut orders: Vec<Order>, limit: u16) -> OrderPage {
    let more = orders.len() > usize::from(limit);
    orders.truncate(usize::from(limit));
    let next = orders.last().filter(|_| more).map(|last| last.id);
    OrderPage { orders, next, limit }
}
