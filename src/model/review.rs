//! Reviews: what readers say of books.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ids::{ProductId, ReviewId, UserId};

/// What an event tells of a review: enough to count it, and to take it out again when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFacts {
    /// Which one.
    pub review: ReviewId,
    /// Of which book.
    pub product: ProductId,
    /// By whom; absent after the account was closed.
    pub user: Option<UserId>,
    /// One to five stars.
    pub rating: u8,
    /// When it was first written.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}
