//! Books that belong to another one.

use serde::{Deserialize, Serialize};

use super::listing::ProductSummary;
use super::product::{Status, names};

names!(
    /// Why a book belongs to another one. The order is the one in which they are shown.
    Relation {
        /// Another edition or format of the same work.
        Edition = "edition",
        /// The same series.
        Series = "series",
        /// Readers in common.
        Readers = "readers",
        /// An author in common.
        Author = "author",
        /// Genres in common.
        Genre = "genre",
    }
);

/// What the relations of a book are found by.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinship {
    /// The book's status.
    pub status: Status,
    /// Its work.
    pub work: super::ids::WorkId,
    /// The folded name of its series.
    pub series: Option<String>,
    /// Its place in it.
    pub position: Option<f64>,
    /// The folded names of its authors.
    pub authors: Vec<String>,
    /// The slugs of its genres.
    pub genres: Vec<String>,
}

/// A book that belongs to another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// Why.
    pub relation: Relation,
    /// The book.
    pub book: ProductSummary,
}
