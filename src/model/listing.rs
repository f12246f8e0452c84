//! Lists of books: what they are filtered by, how they are sorted, where a page begins, and what is counted.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use super::date::PartialDate;
use super::ids::{ProductId, WorkId};
use super::isbn::Isbn13;
use super::money::Money;
use super::product::{Availability, Format, Rating, Series, Status, names};

/// A book as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductSummary {
    /// The identifier of this edition.
    pub id: ProductId,
    /// What it shares with other editions and formats.
    pub work_id: WorkId,
    /// The title.
    pub title: String,
    /// The subtitle.
    pub subtitle: Option<String>,
    /// The series.
    pub series: Option<Series>,
    /// The authors, in the order of the title page.
    pub authors: Vec<String>,
    /// The thirteen-digit ISBN.
    pub isbn13: Option<Isbn13>,
    /// The language, as a BCP 47 tag.
    pub language: Option<String>,
    /// The format, where it is known.
    pub format: Option<Format>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The day, month or year of publication.
    pub published: Option<PartialDate>,
    /// The genres, by their slugs.
    pub genres: Vec<String>,
    /// Where a picture of the cover is.
    pub cover_url: Option<String>,
    /// The price; a book without one cannot be bought.
    pub price: Option<Money>,
    /// Draft, active or retired.
    pub status: Status,
    /// What readers think.
    pub rating: Rating,
    /// Whether it can be had.
    pub availability: Availability,
    /// When it entered the catalogue.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// Which books are listed. A filter that is absent lets every book pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filters {
    /// Active for everybody, another status for administrators.
    pub status: Status,
    /// Slugs of genres, all of which a book must have; sorted, each once.
    pub genres: Vec<String>,
    /// The whole name of one of its authors; case and accents are ignored.
    pub author: Option<String>,
    /// The whole name of its series; case and accents are ignored.
    pub series: Option<String>,
    /// The whole name of its publisher; case and accents are ignored.
    pub publisher: Option<String>,
    /// A BCP 47 tag; `en` finds `en-US` too.
    pub language: Option<String>,
    /// Formats, one of which it must have; sorted, each once.
    pub formats: Vec<Format>,
    /// The lowest price in minor units; books without a price do not pass.
    pub min_price: Option<i64>,
    /// The highest price in minor units; books without a price do not pass.
    pub max_price: Option<i64>,
    /// The lowest average of its ratings.
    pub min_rating: Option<f64>,
    /// The first day of publication.
    pub published_from: Option<Date>,
    /// The last day of publication.
    pub published_to: Option<Date>,
    /// Whether a copy can be had.
    pub in_stock: Option<bool>,
    /// The work of which it is an edition.
    pub work: Option<WorkId>,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            status: Status::Active,
            genres: Vec::new(),
            author: None,
            series: None,
            publisher: None,
            language: None,
            formats: Vec::new(),
            min_price: None,
            max_price: None,
            min_rating: None,
            published_from: None,
            published_to: None,
            in_stock: None,
            work: None,
        }
    }
}

names!(
    /// The order of a list. Ties are broken by id, in the same direction.
    Sort {
        /// The most popular first.
        Popularity = "popularity",
        /// Those that came into the catalogue last first.
        Newest = "newest",
        /// The earliest published first, those without a date last.
        Published = "published",
        /// The latest published first, those without a date last.
        PublishedDescending = "-published",
        /// The cheapest first, those without a price last.
        Price = "price",
        /// The dearest first, those without a price last.
        PriceDescending = "-price",
        /// The best rated first, by a Bayesian average that one vote does not move far.
        Rating = "rating",
        /// By title, without case and accents.
        Title = "title",
    }
);

/// What a list is sorted by, as one book has it.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    /// Popularity.
    Popularity(f64),
    /// When it entered the catalogue.
    Created(OffsetDateTime),
    /// The first day of its publication.
    Published(Option<Date>),
    /// Minor units.
    Price(Option<i64>),
    /// The Bayesian average.
    Rating(f64),
    /// The title, lower case, without accents, cut to 200 characters.
    Title(String),
}

/// A book's place in a sorted list: what follows it is the next page.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// What the list is sorted by.
    pub key: SortKey,
    /// Breaks ties.
    pub id: ProductId,
}

names!(
    /// What books can be counted by.
    Facet {
        /// By genre. Respects the filter on genres: another genre narrows the list further.
        Genre = "genre",
        /// By format.
        Format = "format",
        /// By primary language: `en` counts `en-US` too.
        Language = "language",
        /// By bands of price.
        Price = "price",
        /// By average rating: so many stars and more.
        Rating = "rating",
        /// By what can be had.
        Availability = "availability",
        /// By decade of publication.
        Decade = "decade",
    }
);

/// The counts of one facet.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetCounts {
    /// Counted by what.
    pub facet: Facet,
    /// Whether every book that passes the filters was counted; otherwise the most popular ones were.
    pub complete: bool,
    /// The values that occur.
    pub values: Vec<FacetValue>,
}

/// How many books have one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value, in the notation of its filter; for ranges a name such as `500-999`.
    pub value: String,
    /// The lowest number that belongs to a range.
    pub from: Option<i64>,
    /// The highest number that belongs to a range.
    pub to: Option<i64>,
    /// Books.
    pub count: i64,
}
