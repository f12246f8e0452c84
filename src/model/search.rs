//! Searches: what was typed, what was found, and what may have been meant.

use serde::{Deserialize, Serialize};

use super::ids::ProductId;
use super::listing::ProductSummary;
use super::product::names;

/// What to look for, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextQuery {
    /// The words, in the notation of `to_tsquery`: all must occur, the last one may be the beginning of a word.
    pub expression: String,
    /// What was typed, for comparing with whole titles.
    pub phrase: String,
}

/// A place among the matches, which are sorted by score and id, both descending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// How well the book matches.
    pub score: f64,
    /// Breaks ties.
    pub id: ProductId,
}

/// A book that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The book.
    pub book: ProductSummary,
    /// Its place.
    pub rank: Rank,
    /// Where the words occur.
    pub highlights: Highlights,
}

/// Texts of a book with the matching words between [`MARK_START`] and [`MARK_END`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlights {
    /// The whole title.
    pub title: String,
    /// The authors.
    pub authors: Vec<String>,
    /// The whole name of the series.
    pub series: Option<String>,
    /// Fragments of the beginning of the description.
    pub description: Option<String>,
}

/// Begins a matching word: a character for private use, which is taken out of the texts before.
pub const MARK_START: char = '\u{e000}';

/// Ends a matching word.
pub const MARK_END: char = '\u{e001}';

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// The books of the page.
    pub hits: Vec<Hit>,
    /// How many books were ranked.
    pub ranked: i64,
}

/// What a word that nothing matches may have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The place of the word in the query, from 0.
    pub position: usize,
    /// Another word.
    pub word: String,
    /// Books with that word, counted up to a small number.
    pub books: i64,
    /// How alike they look, 0 to 1.
    pub likeness: f32,
}

names!(
    /// What a suggestion is.
    SuggestionKind {
        /// A book.
        Title = "title",
        /// An author.
        Author = "author",
        /// A series.
        Series = "series",
    }
);

/// Something that begins with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it is.
    pub kind: SuggestionKind,
    /// Its name.
    pub text: String,
    /// The book, where it is a title.
    pub id: Option<ProductId>,
}
