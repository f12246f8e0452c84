//! What readers like, which books they share, and what is recommended to whom and why.

use serde::Serialize;
use time::OffsetDateTime;

use super::ids::{ProductId, UserId, WorkId};
use super::listing::ProductSummary;

/// How many readers of a book are looked at to find its neighbours: the latest of them. That bounds what one book costs,
/// and of a best-seller's readers a sample says as much as all of them.
pub const SAMPLED_READERS: usize = 2_000;

/// How many books of a reader are looked at: the latest of them. Whoever has more has no one taste. The trigger
/// `mark_neighbours` knows the same number.
pub const SAMPLED_BOOKS: usize = 200;

/// How many neighbours of a book are kept.
pub const NEIGHBOURS: usize = 50;

/// How it is known that somebody likes a book, the surest sign first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// They gave it four or five stars.
    Liked,
    /// They bought it and kept it.
    Bought,
    /// They keep it in mind.
    Favourite,
}

/// That somebody likes a book, as far as what they did tells: at least one of the times is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taste {
    /// The book.
    pub product: ProductId,
    /// When they ordered it last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub bought_at: Option<OffsetDateTime>,
    /// Since when they keep it in mind.
    #[serde(with = "time::serde::rfc3339::option")]
    pub favourite_at: Option<OffsetDateTime>,
    /// When they first reviewed it, where it has four or five stars by now.
    #[serde(with = "time::serde::rfc3339::option")]
    pub liked_at: Option<OffsetDateTime>,
}

impl Taste {
    /// The surest sign of it.
    #[must_use]
    pub fn sign(&self) -> Sign {
        match (self.liked_at, self.bought_at) {
            (Some(_), _) => Sign::Liked,
            (None, Some(_)) => Sign::Bought,
            (None, None) => Sign::Favourite,
        }
    }
}

/// A book of a reader, and what is needed of it to recommend others.
#[derive(Clone, Debug, PartialEq)]
pub struct TastedBook {
    /// How it is known that they like it.
    pub sign: Sign,
    /// The book.
    pub id: ProductId,
    /// Its title.
    pub title: String,
    /// Its genres, by their slugs.
    pub genres: Vec<String>,
}

/// What recommendations to somebody begin with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReaderProfile {
    /// The latest books that they like.
    pub tastes: Vec<TastedBook>,
    /// The works that they ordered or keep in mind: they know these.
    pub known: Vec<WorkId>,
}

/// A book that the readers of another one like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Which one.
    pub book: ProductId,
    /// How near it is: comparable with those of other books.
    pub score: f32,
    /// How many readers they share, of those that were looked at.
    pub together: u32,
}

/// How many readers two books have, and how many of them both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// Readers of the one book that were looked at.
    pub sampled: u64,
    /// Those of them who like the other one too.
    pub together: u64,
    /// All readers of the one.
    pub readers: u64,
    /// All readers of the other.
    pub others: u64,
}

/// What is counted of a book to find its neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Readership {
    /// The book.
    pub book: ProductId,
    /// How many of the changes of its readers and their books are in these counts.
    pub marks: i64,
    /// The other books of its readers, but for other editions of its work.
    pub shared: Vec<(ProductId, Overlap)>,
}

/// The list of a book, as it is to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NeighbourList {
    /// The book.
    pub book: ProductId,
    /// How many of the changes of its readers and their books it has seen.
    pub marks: i64,
    /// The nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// Whose tastes may have changed, and in what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// These people in these books.
    pub pairs: Vec<(UserId, ProductId)>,
    /// Those who placed these orders, in what is in them.
    pub orders: Vec<super::ids::OrderId>,
}

impl Touched {
    /// Whether nothing has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.orders.is_empty()
    }
}

/// How many lists wait to be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighbourQueue {
    /// How many.
    pub depth: i64,
    /// For how long the oldest of them does.
    pub oldest: std::time::Duration,
}

/// Why a book is recommended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Readers of this book like it, and so does whom it is recommended to.
    Because {
        /// How that is known.
        sign: Sign,
        /// The book.
        book: ProductId,
        /// Its title.
        title: String,
    },
    /// It is popular in this genre, which whom it is recommended to reads.
    PopularInGenre(String),
    /// It is popular.
    Popular,
}

/// A book that is recommended.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Why.
    pub reason: Reason,
    /// The book.
    pub book: ProductSummary,
}
