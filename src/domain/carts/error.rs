//! What can be the matter with a cart.

use crate::domain::pricing::PricingError;
use crate::domain::violation::Violation;
use crate::model::answer::RenderError;
use crate::model::coupon::CouponRefusal;
use crate::store::{Outage, StoreError};

/// Why a request about carts was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CartError {
    /// There is no such book, or none that is shown to customers.
    #[error("there is no such book")]
    NoSuchBook,
    /// The book is shown, but not sold.
    #[error("the book is not sold")]
    NotSold,
    /// There are fewer copies than wanted.
    #[error("there are {available} copies")]
    TooFew {
        /// How many there are.
        available: i32,
        /// How many of them are in the cart already.
        before: i32,
    },
    /// The cart is full.
    #[error("a cart takes {max_lines} books")]
    Full {
        /// How many books it takes.
        max_lines: i64,
    },
    /// The book is not in the cart.
    #[error("the book is not in the cart")]
    NotInCart,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// The coupon does not count.
    #[error("{0}")]
    Coupon(CouponRefusal),
    /// The account was closed meanwhile.
    #[error("the account was closed")]
    AccountClosed,
    /// No token could be made.
    #[error("the operating system has no random numbers")]
    Random,
    /// The cart cannot be priced.
    #[error(transparent)]
    Pricing(#[from] PricingError),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// The answer could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Outage for CartError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl From<StoreError> for CartError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("carts_user_id_fkey") => Self::AccountClosed,
            _ => Self::Store(error),
        }
    }
}
