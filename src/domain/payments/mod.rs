//! Paying for orders: through a provider behind a trait, which is never asked while a connection to the database is held.
//!
//! A payment is written down as being worked on before the provider is asked, and recorded afterwards in a second step. What
//! lies between them may be lost, with the process or the answer; then the provider's event, the worker ([`worker`]), or the
//! customer's repeated request finds out what became of it, and records it once.

mod charging;
mod events;
pub mod provider;
mod refunding;
mod settling;
pub mod signature;
pub mod test_provider;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub use refunding::RefundDraft;
pub use worker::Done;

use super::orders::{OrderError, Sees};
use super::violation::Violation;
use crate::model::answer::RenderError;
use crate::model::clock::Clock;
use crate::model::idempotency::KeptAnswer;
use crate::model::ids::OrderId;
use crate::model::order::{Order, OrderState};
use crate::model::payment::{Payment, Refund};
use crate::store::{Store, StoreError};
use provider::{EventError, PaymentProvider};

/// Why something about a payment or refund was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PaymentError {
    /// There is no such order, or it is somebody else's.
    #[error("there is no such order")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// The time in which it could be paid for is over.
    #[error("the order waits no longer")]
    TooLate,
    /// It costs nothing.
    #[error("the order costs nothing")]
    NothingToPay,
    /// Another payment for it is being worked on.
    #[error("another payment is being worked on")]
    Busy,
    /// Less than that can be sent back.
    #[error("only {left} can be sent back")]
    TooMuch {
        /// What is left, in minor units.
        left: i64,
    },
    /// The books have not left the shop, so none can have come back.
    #[error("the order's books have not left")]
    NotSent(OrderState),
    /// The idempotency key belongs to another request.
    #[error("the key belongs to another request")]
    KeyReused,
    /// The request with this key is being worked on.
    #[error("the request is being worked on")]
    KeyRunning,
    /// Moving the order failed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The answer cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentError {
    fn is_collision(&self) -> bool {
        match self {
            Self::Store(error) | Self::Order(OrderError::Store(error)) => error.is_collision(),
            _ => false,
        }
    }
}

/// Why an event of a provider was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EventRefusal {
    /// There is no provider of this name.
    #[error("there is no such provider")]
    UnknownProvider,
    /// It is none, or not from the provider.
    #[error(transparent)]
    Event(#[from] EventError),
    /// What it is about is not known here.
    #[error("what the event is about is not known")]
    UnknownSubject,
    /// It cannot be applied now.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for EventRefusal {
    fn from(error: StoreError) -> Self {
        Self::Payment(error.into())
    }
}

/// Times of payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRules {
    /// Longest wait for an answer of the provider.
    pub timeout: Duration,
    /// Age at which the provider is asked what became of a payment; longer than `timeout`.
    pub recheck_after: Duration,
    /// Age at which a payment counts as failed whatever the provider says.
    pub give_up_after: Duration,
    /// For how long the answer to a request is kept under its key.
    pub keys_live: Duration,
}

/// How payments become answers that are kept.
#[derive(Clone, Copy)]
pub struct Pages {
    /// A payment.
    pub payment: fn(&Payment) -> Result<Vec<u8>, RenderError>,
    /// A refund.
    pub refund: fn(&Refund) -> Result<Vec<u8>, RenderError>,
}

/// The answer to a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer, the same for each repetition of the request.
    pub answer: KeptAnswer,
    /// Whether this was such a repetition.
    pub replayed: bool,
}

/// The service for payments and refunds.
#[derive(Clone)]
pub struct Payments {
    store: Store,
    clock: Arc<dyn Clock>,
    provider: Arc<dyn PaymentProvider>,
    rules: PaymentRules,
    pages: Pages,
}

impl Payments {
    /// The service over this store and provider; `pages` makes its answers.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        provider: Arc<dyn PaymentProvider>,
        rules: PaymentRules,
        pages: Pages,
    ) -> Self {
        Self { store, clock, provider, rules, pages }
    }

    /// The payments for an order, the oldest first.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`], or the database's.
    pub async fn list(&self, order: OrderId, sees: Sees) -> Result<Vec<Payment>, PaymentError> {
        self.order(order, sees).await?;
        Ok(self.store.payments_of(order).await?)
    }

    /// The refunds of an order, the oldest first.
    ///
    /// # Errors
    /// As [`Payments::list`].
    pub async fn refunds(&self, order: OrderId, sees: Sees) -> Result<Vec<Refund>, PaymentError> {
        self.order(order, sees).await?;
        Ok(self.store.refunds_of(order).await?)
    }

    async fn order(&self, id: OrderId, sees: Sees) -> Result<Order, PaymentError> {
        self.store.order(id).await?.filter(|order| sees.includes(order)).ok_or(PaymentError::NotFound)
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, PaymentError>
    where
        Fut: Future<Output = Result<T, PaymentError>>,
    {
        self.store.retrying(PaymentError::is_collision, work).await
    }
}
