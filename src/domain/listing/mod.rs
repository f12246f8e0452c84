//! Lists of books: filters, sorts, pages and facets.

mod cursor;
pub(super) mod dependencies;
mod facets;
mod filters;

pub use cursor::{CursorKey, Seal};
pub use facets::{FACET_LIMIT, count as count_facets, facet_query};
pub use filters::{FilterDraft, MAX_GENRES, is_slug};

use std::sync::Arc;

use futures::future::BoxFuture;

use super::violation::Violation;
use crate::model::answer::{Answer, RenderError, RenderQuery};
use crate::model::listing::{Facet, FacetCounts, Filters, Position, ProductSummary, Sort};
use crate::model::product::Status;
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError, Truth};

/// The most books on a page.
pub const MAX_LIMIT: u32 = 100;

/// The books on a page when the request does not say.
pub const DEFAULT_LIMIT: u32 = 20;

/// Why a request for a list was refused.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// The answer could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The answer was lost: a mistake in the code.
    #[error("there is always a page, if only an empty one")]
    Missing,
}

impl Outage for ListingError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
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
    render: RenderQuery<ListingPage>,
}

/// A request that was checked.
#[derive(Clone)]
struct Checked {
    filters: Filters,
    sort: Sort,
    limit: u32,
    after: Option<Position>,
    facets: Vec<Facet>,
    seal: Seal,
}

impl Listing {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(store: Store, render: RenderQuery<ListingPage>) -> Self {
        Self { store, render }
    }

    /// A page. One statement, and a second one where facets are asked for. `query` is the request as text, in the one form
    /// that all requests for the same page have: the page is kept by it.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, [`ListingError::Forbidden`] where somebody other than an
    /// administrator asks for books that are not active, or the database's.
    pub async fn page(
        &self,
        request: ListingRequest,
        query: &str,
        sees_unlisted: bool,
    ) -> Result<Answer, ListingError> {
        let checked = check(request)?;
        authorize(&checked.filters, sees_unlisted)?;
        let key = Key::new(Family::BookList, query);
        let load = self.load(checked, query);
        self.store.cached(&key, &[Tag::book_lists()], load).await?.ok_or(ListingError::Missing)
    }

    /// What the primary says of a page, whoever may see it.
    ///
    /// # Errors
    /// As [`Listing::page`].
    pub async fn truth(&self, request: ListingRequest, query: &str) -> Result<Truth, ListingError> {
        self.store.truth(self.load(check(request)?, query)).await
    }

    fn load(
        &self,
        checked: Checked,
        query: &str,
    ) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, ListingError>> + Clone + use<> {
        let (render, text): (_, Arc<str>) = (self.render, query.into());
        move |store: Store| {
            let (checked, text) = (checked.clone(), Arc::clone(&text));
            Box::pin(async move {
                let (page, tags) = Self::read(&store, checked).await?;
                Ok(Rendered::found(render(page, &text)?).depends_on_all(tags))
            })
        }
    }

    /// A page, and what it depends on.
    async fn read(store: &Store, request: Checked) -> Result<(ListingPage, Vec<Tag>), StoreError> {
        let Checked { filters, sort, limit, after, facets, seal } = request;
        let mut found = store.listing(&filters, sort, after.as_ref(), i64::from(limit) + 1).await?;
        let more = found.len() > limit as usize;
        // Where there is one book more, that one says whether there is a next page.
        let last = found.last().filter(|_| more).map(|(_, key)| key);
        let mut tags = dependencies::chosen_by(&filters, &facets);
        tags.extend(dependencies::ordered_by(sort, after.as_ref(), last));
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|(book, key)| seal.write(&key.to_text(), book.id));
        let facets = if facets.is_empty() {
            Vec::new()
        } else {
            let counts = store.facets(&filters, &facets, &facet_query()).await?;
            count_facets(&facets, counts, FACET_LIMIT)
        };
        let items: Vec<_> = found.into_iter().map(|(book, _)| book).collect();
        tags.extend(dependencies::shown(&items));
        Ok((ListingPage { items, next_cursor, facets }, tags))
    }
}

fn check(request: ListingRequest) -> Result<Checked, ListingError> {
    let sort = request.sort.unwrap_or(Sort::Popularity);
    let mut violations = Vec::new();
    let filters = keep(request.filters.check(), &mut violations);
    let limit = keep(check_limit(request.limit, DEFAULT_LIMIT, MAX_LIMIT).map_err(|v| vec![v]), &mut violations);
    let (Some(filters), Some(limit)) = (filters, limit) else {
        return Err(ListingError::Invalid(violations));
    };
    let seal = Seal::of(&("listing", sort, &filters));
    let after = match &request.cursor {
        Some(text) => Some(position(text, sort, seal)?),
        None => None,
    };
    Ok(Checked { filters, sort, limit, after, facets: request.facets, seal })
}

fn position(cursor: &str, sort: Sort, seal: Seal) -> Result<Position, ListingError> {
    let read = seal
        .read(cursor)
        .and_then(|(key, id)| Some(Position { key: crate::model::listing::SortKey::from_text(sort, &key)?, id }));
    read.ok_or_else(|| ListingError::Invalid(vec![foreign_cursor()]))
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
