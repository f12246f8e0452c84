//! What is counted of a person.

use serde::{Deserialize, Serialize};

/// What somebody has bought, said and kept in mind, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct UserStats {
    /// Their reviews, but for those that an administrator has hidden.
    pub reviews: i64,
    /// The mean of the stars that these give; nothing without any.
    pub average_rating: Option<f64>,
    /// The books that they keep in mind.
    pub favourites: i64,
    /// All orders that they have placed, whatever became of them.
    pub orders: i64,
    /// The books that they have bought: those of orders that were paid for and neither cancelled nor refunded as a whole.
    pub books: i64,
    /// Copies of these.
    pub copies: i64,
    /// The genres of the books that they have bought, that of most books first; the ten first ones.
    pub genres: Vec<GenreRead>,
}

/// A genre that somebody has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenreRead {
    /// Its name in addresses.
    pub slug: String,
    /// The name that people read.
    pub name: String,
    /// How many of the books that they have bought carry it.
    pub books: i64,
}
