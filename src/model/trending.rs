//! Books that are looked at most in these days.

use super::listing::ProductSummary;

/// How many days count, the present one included.
pub const DAYS: i32 = 7;

/// A book, and how much it was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Trending {
    /// The book.
    pub book: ProductSummary,
    /// The looks of each day, halved for every day that has passed since: the sum of `views × 0.5 ^ days`, by days in UTC.
    pub score: f64,
    /// The looks of all these days.
    pub views: i64,
}
