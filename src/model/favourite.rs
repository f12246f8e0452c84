//! Favourites: the books that somebody keeps in mind.

use serde::Serialize;
use time::OffsetDateTime;

use super::ids::ProductId;
use super::listing::ProductSummary;

/// A book that somebody keeps in mind; also its place in the list, which the newest one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Favourite {
    /// Which one.
    pub product: ProductId,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub added_at: OffsetDateTime,
}

/// The same, as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct FavouriteBook {
    /// The book.
    pub book: ProductSummary,
    /// Since when it is kept in mind.
    pub added_at: OffsetDateTime,
}
