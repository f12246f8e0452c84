//! Kinds of books: what they are called, what their blurbs say, what they cost.

mod crime;
mod facts;
mod fiction;
mod foreign;
mod practice;
mod young;

use super::template::Slots;

/// One kind.
pub(super) struct Kind {
    /// The language of its texts, as a BCP 47 tag.
    pub(super) language: &'static str,
    /// How often it comes up among those of its language.
    pub(super) weight: u32,
    /// The genre that all its books have.
    pub(super) genre: &'static str,
    /// Genres that some of them have as well.
    pub(super) also: &'static [&'static str],
    /// Patterns of titles.
    pub(super) titles: &'static [&'static str],
    /// Patterns of subtitles; none where such books have none.
    pub(super) subtitles: &'static [&'static str],
    /// Patterns of the names of series; none where such books stand alone.
    pub(super) series: &'static [&'static str],
    /// The sentences with which a blurb begins, goes on and ends.
    pub(super) blurb: [&'static [&'static str]; 3],
    /// Words of its own.
    pub(super) words: Slots,
    /// Subject headings.
    pub(super) subjects: &'static [&'static str],
    /// What it costs, compared with a novel.
    pub(super) price: f64,
    /// The usual number of pages, from and to.
    pub(super) pages: (i64, i64),
}

/// All kinds, those of one language together.
pub(super) const KINDS: &[&[Kind]] =
    &[fiction::KINDS, crime::KINDS, young::KINDS, facts::KINDS, practice::KINDS, foreign::KINDS];

/// The sentences that may end any English blurb.
pub(super) const PRAISE: &[&str] = &[
    "A book to be read slowly and lent to friends.",
    "This edition has a new foreword by the author.",
    "Winner of the {place} Book Prize.",
    "Shortlisted for the {city} Literary Award.",
    "An unforgettable book from a writer at the height of their powers.",
    "With a reading guide and questions for book clubs.",
    "A favourite of booksellers from {city} to {city2}.",
    "Translated into {count} languages.",
    "Once begun, it is hard to put down.",
    "Now with a new afterword.",
];
