//! What is made up, to have a shop to look at: books and their readers.

use time::OffsetDateTime;

use super::ids::{PaymentId, ProductId, ReviewId, UserId, WorkId};
use super::order::{HistoryEntry, Order};
use super::product::{Format, Product};

/// A generated book with what is on the shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededBook {
    /// The book.
    pub product: Product,
    /// Copies on the shelf.
    pub on_hand: i32,
}

/// A book of the catalogue, as far as made-up readers care.
#[derive(Clone, Debug, PartialEq)]
pub struct ShelvedBook {
    /// Which one.
    pub product: ProductId,
    /// What it shares with its other formats.
    pub work: WorkId,
    /// Its title.
    pub title: String,
    /// Its authors.
    pub authors: Vec<String>,
    /// Its ISBN.
    pub isbn13: Option<String>,
    /// Its format.
    pub format: Option<Format>,
    /// Its language.
    pub language: Option<String>,
    /// The first of its genres.
    pub genre: Option<String>,
    /// Its series.
    pub series: Option<String>,
    /// Its place in the series.
    pub volume: Option<f64>,
    /// Its price in minor units of the shop's currency.
    pub price: i64,
    /// What readers elsewhere think of it, in stars.
    pub rating: Option<f64>,
    /// How well known it is.
    pub popularity: f64,
}

/// A made-up account.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededPerson {
    /// The identifier.
    pub id: UserId,
    /// The address, in a domain that does not exist.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// When the account was opened.
    pub created_at: OffsetDateTime,
}

/// A made-up order whose books have left.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededOrder {
    /// The order; the database gives it its number.
    pub order: Order,
    /// Its states, the first one first.
    pub history: Vec<HistoryEntry>,
    /// By what it was paid for.
    pub payment: PaymentId,
}

/// A made-up review. The votes on it are counted where they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededReview {
    /// The identifier.
    pub id: ReviewId,
    /// Of which book.
    pub product: ProductId,
    /// By whom.
    pub user: UserId,
    /// One to five stars.
    pub rating: i16,
    /// Its title.
    pub title: Option<String>,
    /// What it says.
    pub body: Option<String>,
    /// In which language.
    pub language: Option<&'static str>,
    /// Whether its writer has bought the book.
    pub verified: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// What a made-up reader thinks of a made-up review.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeededVote {
    /// Of which one.
    pub review: ReviewId,
    /// Who thinks so.
    pub user: UserId,
    /// Whether it was helpful.
    pub helpful: bool,
    /// Since when.
    pub voted_at: OffsetDateTime,
}

/// A book that a made-up reader keeps in mind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeededFavourite {
    /// Who.
    pub user: UserId,
    /// Which one.
    pub product: ProductId,
    /// Since when.
    pub added_at: OffsetDateTime,
}

/// Made-up readers with all that they have done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeededReaders {
    /// Who they are.
    pub people: Vec<SeededPerson>,
    /// What they have bought.
    pub orders: Vec<SeededOrder>,
    /// What they have written.
    pub reviews: Vec<SeededReview>,
    /// What they think of what others have written.
    pub votes: Vec<SeededVote>,
    /// What they keep in mind.
    pub favourites: Vec<SeededFavourite>,
}
