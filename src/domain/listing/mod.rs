//! Lists of books: filters, sorts, pages and facets.

mod cursor;
mod facets;
mod filters;

pub use cursor::{CursorKey, Seal};
pub use facets::{FACET_LIMIT, count as count_facets, facet_query};
pub use filters::{FilterDraft, MAX_GENRES};

use super::violation::Violation;
use crate::model::listing::{Facet, FacetCounts, Filters, Position, ProductSummary, Sort};
use crate::model::product::Status;
use crate::store::{Store, StoreError};

/// The most books on a page.
pub const MAX_LIMIT: u32 = 100;

/// The books on a page when the request does not say.
pub const DEFAULT_LIMIT: u32 = 20;

/// Why a request for a list was refused.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// Rules are broken. Pointers name the parameters.
    #[error("{} parameters are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// Only administrators see books that are not active.
    #[error("only administrators see books that are not active")]
    Forbidden,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request for a page of a list.
#[derive(Clone, Debug, Default)]
pub struct ListingRequest {
    /// Which books.
    pub filters: FilterDraft,
    /// In which order; popular books first when absent.
    pub sort: Option<Sort>,
    /// How many, 1 to [`MAX_LIMIT`].
    pub limit: Option<u32>,
    /// Where the page begins: what the page before gave.
    pub cursor: Option<String>,
    /// What to count.
    pub facets: Vec<Facet>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListingPage {
    /// The books.
    pub items: Vec<ProductSummary>,
    /// The cursor of the next page, absent on the last one.
    pub next_cursor: Option<String>,
    /// The counts that were asked for, in that order.
    pub facets: Vec<FacetCounts>,
}

/// The service for lists.
#[derive(Clone)]
pub struct Listing {
    store: Store,
}

impl Listing {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// A page. One statement, and a second one where facets are asked for.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, [`ListingError::Forbidden`] where somebody other than an
    /// administrator asks for books that are not active, or the database's.
    pub async fn page(&self, request: ListingRequest, sees_unlisted: bool) -> Result<ListingPage, ListingError> {
        let sort = request.sort.unwrap_or(Sort::Popularity);
        let mut violations = Vec::new();
        let filters = keep(request.filters.check(), &mut violations);
        let limit = keep(check_limit(request.limit, DEFAULT_LIMIT, MAX_LIMIT).map_err(|v| vec![v]), &mut violations);
        let (Some(filters), Some(limit)) = (filters, limit) else {
            return Err(ListingError::Invalid(violations));
        };
        authorize(&filters, sees_unlisted)?;
        let seal = Seal::of(&("listing", sort, &filters));
        let after = match &request.cursor {
            Some(text) => Some(self.position(text, sort, seal)?),
            None => None,
        };

        let mut found = self.store.listing(&filters, sort, after.as_ref(), i64::from(limit) + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|(book, key)| seal.write(&key.to_text(), book.id));
        let facets = if request.facets.is_empty() {
            Vec::new()
        } else {
            let counts = self.store.facets(&filters, &request.facets, &facet_query()).await?;
            count_facets(&request.facets, counts, FACET_LIMIT)
        };
        Ok(ListingPage { items: found.into_iter().map(|(book, _)| book).collect(), next_cursor, facets })
    }

    fn position(&self, cursor: &str, sort: Sort, seal: Seal) -> Result<Position, ListingError> {
        let read = seal
            .read(cursor)
            .and_then(|(key, id)| Some(Position { key: crate::model::listing::SortKey::from_text(sort, &key)?, id }));
        read.ok_or_else(|| ListingError::Invalid(vec![foreign_cursor()]))
    }
}

/// The violation of a cursor that this query did not give.
#[must_use]
pub fn foreign_cursor() -> Violation {
    Violation::new("/cursor", "is no cursor of this list: use next_cursor of its page before, with the same filters")
}

/// Only administrators see books that are not active.
///
/// # Errors
/// [`ListingError::Forbidden`].
pub fn authorize(filters: &Filters, sees_unlisted: bool) -> Result<(), ListingError> {
    if filters.status == Status::Active || sees_unlisted { Ok(()) } else { Err(ListingError::Forbidden) }
}

/// A page's length.
///
/// # Errors
/// Where it is not between 1 and `most`.
pub fn check_limit(limit: Option<u32>, default: u32, most: u32) -> Result<u32, Violation> {
    match limit.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Violation::new("/limit", format!("must be between 1 and {most}"))),
    }
}

/// The value, or its violations added to the others.
fn keep<T>(checked: Result<T, Vec<Violation>>, violations: &mut Vec<Violation>) -> Option<T> {
    checked.map_err(|found| violations.extend(found)).ok()
}
