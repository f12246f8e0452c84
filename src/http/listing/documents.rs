//! Lists as JSON.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::documents::{MoneyDocument, RatingDocument, SeriesDocument};
use crate::http::products::{FormatDocument, StatusDocument};
use crate::model::listing::{FacetCounts, FacetValue, ProductSummary};

/// A book as lists show it: without what only its own page needs, such as the description.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProductSummary)]
pub struct SummaryDocument {
    /// The identifier of this edition.
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    id: Uuid,
    /// What it shares with other editions and formats of the same book.
    #[schema(example = "0198c0de-7a10-7000-8000-000000000000")]
    work_id: Uuid,
    /// The title, without subtitle and series.
    #[schema(example = "A Wizard of Earthsea")]
    title: String,
    /// The subtitle.
    subtitle: Option<String>,
    /// The series.
    series: Option<SeriesDocument>,
    /// The authors, in the order of the title page.
    #[schema(example = json!(["Ursula K. Le Guin"]))]
    authors: Vec<String>,
    /// The thirteen-digit ISBN.
    #[schema(example = "9780547773742")]
    isbn13: Option<String>,
    /// The language, as a BCP 47 tag.
    #[schema(example = "en")]
    language: Option<String>,
    /// The format.
    format: Option<FormatDocument>,
    /// The publisher.
    #[schema(example = "Parnassus Press")]
    publisher: Option<String>,
    /// The year, month or day of publication.
    #[schema(example = "1968")]
    published: Option<String>,
    /// The genres, by their slugs.
    #[schema(example = json!(["fantasy"]))]
    genres: Vec<String>,
    /// Where a picture of the cover is.
    cover_url: Option<String>,
    /// The price; a book without one cannot be bought.
    price: Option<MoneyDocument>,
    /// `active`, unless an administrator asked for another status.
    status: StatusDocument,
    /// What readers think.
    rating: RatingDocument,
    /// `in_stock`, `few_left` (five copies or fewer) or `out_of_stock`.
    #[schema(example = "in_stock")]
    availability: &'static str,
    /// When it entered the catalogue.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<ProductSummary> for SummaryDocument {
    fn from(book: ProductSummary) -> Self {
        Self {
            id: book.id.0,
            work_id: book.work_id.0,
            title: book.title,
            subtitle: book.subtitle,
            series: book.series.map(Into::into),
            authors: book.authors,
            isbn13: book.isbn13.map(String::from),
            language: book.language,
            format: book.format.map(Into::into),
            publisher: book.publisher,
            published: book.published.map(String::from),
            genres: book.genres,
            cover_url: book.cover_url,
            price: book.price.map(Into::into),
            status: book.status.into(),
            rating: book.rating.into(),
            availability: book.availability.as_str(),
            created_at: book.created_at,
            updated_at: book.updated_at,
        }
    }
}

/// A page of a list of books.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProductPage)]
pub struct PageDocument {
    /// The books.
    pub items: Vec<SummaryDocument>,
    /// The `cursor` of the next page; `null` on the last one.
    pub next_cursor: Option<String>,
    /// The counts that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub facets: Vec<FacetDocument>,
}

/// How many books have which value.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Facet)]
pub struct FacetDocument {
    /// Counted by what.
    #[schema(example = "format")]
    name: &'static str,
    /// Whether all books that pass the filters were counted. Where more than 5,000 pass, the most popular 5,000 are
    /// counted; a search counts the matches that it ranks.
    complete: bool,
    /// The values that occur.
    values: Vec<FacetValueDocument>,
}

/// One value of a facet.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = FacetValue)]
pub struct FacetValueDocument {
    /// The value, as its filter takes it; ranges have a name such as `500-999`.
    #[schema(example = "paperback")]
    value: String,
    /// The lowest number of a range: for `min_price`, `min_rating` or `published_from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    /// The highest number of a range: for `max_price` or `published_to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    /// Books.
    #[schema(minimum = 0, example = 1204)]
    count: i64,
}

impl From<FacetCounts> for FacetDocument {
    fn from(facet: FacetCounts) -> Self {
        Self {
            name: facet.facet.as_str(),
            complete: facet.complete,
            values: facet.values.into_iter().map(FacetValueDocument::from).collect(),
        }
    }
}

impl From<FacetValue> for FacetValueDocument {
    fn from(value: FacetValue) -> Self {
        Self { value: value.value, from: value.from, to: value.to, count: value.count }
    }
}
