//! Searching: full text with corrections, and suggestions as somebody types.

mod query;

pub use query::{MAX_LENGTH, Typed};

use std::sync::Arc;

use super::listing::dependencies::{chosen_by, shown};
use super::listing::{
    DEFAULT_LIMIT, FilterDraft, ListingError, MAX_LIMIT, Seal, check_limit, count_facets, facet_query, foreign_cursor,
};
use crate::model::answer::{Answer, Render, RenderQuery};
use crate::model::ids::ProductId;
use crate::model::listing::{Facet, FacetCounts, Filters, ProductSummary};
use crate::model::search::{Highlights, Hit, Hits, Rank, Suggestion};
use crate::model::tags::Tag;
use crate::store::{FacetQuery, Family, Key, Rendered, Store, StoreError};

/// At most so many matches are ranked, the most popular ones: the price of the most frequent words is bounded.
pub const RANKED: i64 = 200;

/// The most suggestions, and how many there are when the request does not say.
pub const MAX_SUGGESTIONS: u32 = 10;

/// From this length on the last word is looked up in the full text; shorter beginnings among the most popular books and
/// the beginnings of titles.
const SEARCHED_BEGINNING: usize = 3;

/// A request for matches.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    /// What was typed.
    pub text: String,
    /// Which books.
    pub filters: FilterDraft,
    /// How many, 1 to 100.
    pub limit: Option<u32>,
    /// Where the page begins: what the page before gave.
    pub cursor: Option<String>,
    /// What to count.
    pub facets: Vec<Facet>,
}

/// A page of matches.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPage {
    /// The matches, the best first.
    pub hits: Vec<Hit>,
    /// The cursor of the next page, absent on the last one.
    pub next_cursor: Option<String>,
    /// What was looked for instead, because nothing matched what was typed.
    pub corrected: Option<String>,
    /// How many matches were ranked.
    pub ranked: i64,
    /// Whether these were all matches.
    pub complete: bool,
    /// The counts that were asked for, in that order.
    pub facets: Vec<FacetCounts>,
}

/// Suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestions {
    /// The best first.
    pub items: Vec<Suggestion>,
    /// What was looked for instead, because nothing begins like what was typed.
    pub corrected: Option<String>,
}

/// The service for searches. It refuses what lists refuse.
#[derive(Clone)]
pub struct Search {
    store: Store,
    pages: SearchPages,
}

/// How searches become answers.
#[derive(Clone, Copy)]
pub struct SearchPages {
    /// A page of matches.
    pub matches: RenderQuery<SearchPage>,
    /// Suggestions.
    pub suggestions: Render<Suggestions>,
}

impl Search {
    /// The service over this store; `pages` makes its answers.
    #[must_use]
    pub fn new(store: Store, pages: SearchPages) -> Self {
        Self { store, pages }
    }

    /// A page of matches. `query` is the request as text, in the one form that all requests for the same page have: the page
    /// is kept by it.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, or the database's.
    pub async fn page(&self, request: SearchRequest, query: &str) -> Result<Answer, ListingError> {
        let (pages, text): (_, Arc<str>) = (self.pages, query.into());
        let load = move |store: Store| {
            let (request, text) = (request.clone(), Arc::clone(&text));
            async move {
                let (found, mut tags) = Self { store, pages }.find(request).await?;
                tags.extend(shown(found.hits.iter().map(|hit| &hit.book)));
                Ok::<_, ListingError>(Rendered::found((pages.matches)(found, &text)?).depends_on_all(tags))
            }
        };
        let key = Key::new(Family::BookSearch, query);
        self.store.cached(&key, &[Tag::book_lists()], load).await?.ok_or(ListingError::Missing)
    }

    /// Titles, authors and series that begin with what was typed, or have a word that does.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, or the database's.
    pub async fn suggest(&self, text: &str, limit: Option<u32>) -> Result<Answer, ListingError> {
        let (pages, typed): (_, Arc<str>) = (self.pages, text.trim().into());
        let key = Key::new(Family::BookSuggest, format_args!("{}:{typed}", limit.unwrap_or(MAX_SUGGESTIONS)));
        let load = move |store: Store| {
            let typed = Arc::clone(&typed);
            async move {
                let found = Self { store, pages }.find_names(&typed, limit).await?;
                Ok::<_, ListingError>(Rendered::found((pages.suggestions)(found)?))
            }
        };
        self.store.cached(&key, &[Tag::book_lists()], load).await?.ok_or(ListingError::Missing)
    }

    /// A page of matches, and what its choice depends on; its order is that of words and popularity. One statement; where nothing matches, one for candidates and one for the corrected query; one
    /// more for facets.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, or the database's.
    async fn find(&self, request: SearchRequest) -> Result<(SearchPage, Vec<Tag>), ListingError> {
        let mut violations = Vec::new();
        let typed = Typed::read(&request.text).map_err(|violation| violations.push(violation)).ok();
        let filters = request.filters.check().map_err(|found| violations.extend(found)).ok();
        let limit = check_limit(request.limit, DEFAULT_LIMIT, MAX_LIMIT).map_err(|found| violations.push(found)).ok();
        let (Some(typed), Some(filters), Some(limit)) = (typed, filters, limit) else {
            return Err(ListingError::Invalid(violations));
        };
        let tags = chosen_by(&filters, &request.facets);
        let seal = Seal::of(&("search", typed.phrase(), &filters));
        let (after, mut corrected) = match &request.cursor {
            Some(cursor) => read_cursor(seal, cursor).ok_or_else(|| ListingError::Invalid(vec![foreign_cursor()]))?,
            None => (None, None),
        };
        if let Some(isbn) = typed.isbn() {
            let book = self.store.search_isbn(&filters, &isbn).await?;
            return Ok((self.one_book(book, &filters, &request.facets).await?, tags));
        }
        let mut meant = corrected.clone().unwrap_or(typed);
        let mut found = self.hits(&filters, &meant, after, limit).await?;
        if found.hits.is_empty()
            && request.cursor.is_none()
            && let Some(other) = self.correct(&meant).await?
        {
            let others = self.hits(&filters, &other, None, limit).await?;
            if !others.hits.is_empty() {
                (found, meant) = (others, other.clone());
                corrected = Some(other);
            }
        }
        let more = found.hits.len() > limit as usize;
        found.hits.truncate(limit as usize);
        let next_cursor =
            found.hits.last().filter(|_| more).map(|hit| write_cursor(seal, hit.rank, corrected.as_ref()));
        let facets = self.facets(&filters, &request.facets, Some(meant.query().expression)).await?;
        let page = SearchPage {
            hits: found.hits,
            next_cursor,
            corrected: corrected.map(|typed| typed.phrase().to_owned()),
            ranked: found.ranked,
            complete: found.ranked < RANKED,
            facets,
        };
        Ok((page, tags))
    }

    /// Titles, authors and series that begin with what was typed, or have a word that does. One statement; where there is
    /// nothing, one for candidates and one for the corrected query.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, or the database's.
    async fn find_names(&self, text: &str, limit: Option<u32>) -> Result<Suggestions, ListingError> {
        let mut violations = Vec::new();
        let typed = Typed::read(text).map_err(|violation| violations.push(violation)).ok();
        let limit = check_limit(limit, MAX_SUGGESTIONS, MAX_SUGGESTIONS).map_err(|found| violations.push(found)).ok();
        let (Some(typed), Some(limit)) = (typed, limit) else { return Err(ListingError::Invalid(violations)) };
        let items = self.suggestions(&typed, limit).await?;
        if items.is_empty()
            && let Some(other) = self.correct(&typed).await?
        {
            let items = self.suggestions(&other, limit).await?;
            let corrected = (!items.is_empty()).then(|| other.phrase().to_owned());
            return Ok(Suggestions { items, corrected });
        }
        Ok(Suggestions { items, corrected: None })
    }

    async fn hits(
        &self,
        filters: &Filters,
        typed: &Typed,
        after: Option<Rank>,
        limit: u32,
    ) -> Result<Hits, StoreError> {
        self.store.search(filters, &typed.query(), after, i64::from(limit) + 1, RANKED).await
    }

    async fn suggestions(&self, typed: &Typed, limit: u32) -> Result<Vec<Suggestion>, StoreError> {
        let expression = (typed.last_length() >= SEARCHED_BEGINNING).then(|| typed.query().expression);
        self.store.suggestions(typed.phrase(), expression.as_deref(), i64::from(limit)).await
    }

    async fn correct(&self, typed: &Typed) -> Result<Option<Typed>, StoreError> {
        let candidates = self.store.word_candidates(typed.words(), &typed.operands()).await?;
        Ok(typed.corrected(&candidates))
    }

    async fn facets(
        &self,
        filters: &Filters,
        wanted: &[Facet],
        expression: Option<String>,
    ) -> Result<Vec<FacetCounts>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let query = FacetQuery { limit: RANKED, expression, ..facet_query() };
        Ok(count_facets(wanted, self.store.facets(filters, wanted, &query).await?, RANKED))
    }

    /// The answer to an ISBN: the book or nothing, and no facets to choose among.
    async fn one_book(
        &self,
        book: Option<ProductSummary>,
        filters: &Filters,
        wanted: &[Facet],
    ) -> Result<SearchPage, ListingError> {
        let facets = match &book {
            Some(book) => {
                let filters = Filters { work: Some(book.work_id), ..filters.clone() };
                self.facets(&filters, wanted, None).await?
            }
            None => Vec::new(),
        };
        let hits: Vec<Hit> = book.into_iter().map(unmarked).collect();
        let ranked = i64::from(!hits.is_empty());
        Ok(SearchPage { hits, next_cursor: None, corrected: None, ranked, complete: true, facets })
    }
}

/// A hit in whose texts nothing matched.
fn unmarked(book: ProductSummary) -> Hit {
    Hit {
        rank: Rank { score: 0.0, id: book.id },
        highlights: Highlights {
            title: book.title.clone(),
            authors: book.authors.clone(),
            series: book.series.as_ref().map(|series| series.name.clone()),
            description: None,
        },
        book,
    }
}

/// The place of a match and, after a space, what was looked for instead.
fn write_cursor(seal: Seal, rank: Rank, corrected: Option<&Typed>) -> String {
    let corrected = corrected.map_or(String::new(), |typed| format!(" {}", typed.phrase()));
    seal.write(&format!("{}{corrected}", rank.score), rank.id)
}

fn read_cursor(seal: Seal, cursor: &str) -> Option<(Option<Rank>, Option<Typed>)> {
    let (key, id): (String, ProductId) = seal.read(cursor)?;
    let (score, corrected) = key.split_once(' ').map_or((key.as_str(), None), |(score, rest)| (score, Some(rest)));
    let score = score.parse::<f64>().ok().filter(|score| score.is_finite())?;
    let corrected = match corrected {
        Some(text) => Some(Typed::read(text).ok()?),
        None => None,
    };
    Some((Some(Rank { score, id }), corrected))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_keeps_the_correction(score in -100.0..100.0_f64, id in any::<u128>(), correct in any::<bool>()) {
            let seal = Seal::of(&"draagon");
            let rank = Rank { score, id: ProductId(Uuid::from_u128(id)) };
            let corrected = correct.then(|| Typed::read("dragon king").unwrap());
            let read = read_cursor(seal, &write_cursor(seal, rank, corrected.as_ref()));
            prop_assert_eq!(read, Some((Some(rank), corrected)));
        }

        #[test]
        fn a_hostile_cursor_is_refused(key in "[^0-9-]?.*") {
            let seal = Seal::of(&"q");
            let read = read_cursor(seal, &seal.write(&key, ProductId(Uuid::nil())));
            let score = key.split(' ').next().unwrap_or_default().parse::<f64>();
            if score.is_err() {
                prop_assert_eq!(read, None);
            }
        }
    }
}
