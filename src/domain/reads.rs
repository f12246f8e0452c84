//! From a key of the cache back to the read that fills it: the one place that knows, for all that read without being asked
//! by a reader.

use std::fmt::Display;

use super::genres::Genres;
use super::listing::{Listing, ListingRequest};
use super::products::Products;
use super::related::RelatedBooks;
use super::search::{Search, SearchRequest};
use super::trending::{TrendingBooks, TrendingRequest};
use crate::model::answer::{Answer, Source};
use crate::model::ids::ProductId;
use crate::model::isbn::Isbn13;
use crate::model::product::Status;
use crate::store::{Family, Key, Outage, Truth};

/// Reads the queries by which pages are kept.
#[derive(Clone, Copy)]
pub struct Queries {
    /// Of lists.
    pub list: fn(&str) -> Option<ListingRequest>,
    /// Of searches.
    pub search: fn(&str) -> Option<SearchRequest>,
}

/// What anybody may ask.
#[derive(Clone, Debug)]
pub enum Read {
    /// A book.
    Book(ProductId),
    /// A book by its ISBN.
    BookByIsbn(Isbn13),
    /// The genres.
    Genres,
    /// A page of a list.
    List(ListingRequest),
    /// A page of a search.
    Search(SearchRequest),
    /// Suggestions.
    Suggest {
        /// What was typed.
        text: String,
        /// The most suggestions.
        limit: u32,
    },
    /// Books that belong to another one.
    Related {
        /// That one.
        book: ProductId,
        /// The most books.
        limit: u32,
    },
    /// The books that are looked at most.
    Trending(TrendingRequest),
}

/// What came of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is an answer, and it is kept where that can be.
    Answered(Source),
    /// Nothing can be asked by this key, or there is nothing to be had.
    Nothing,
    /// The database could not be reached.
    Failed,
}

/// All services that answer what anybody may ask.
#[derive(Clone)]
pub struct Reads {
    /// Books.
    pub products: Products,
    /// Genres.
    pub genres: Genres,
    /// Lists.
    pub listing: Listing,
    /// Searches and suggestions.
    pub search: Search,
    /// Related books.
    pub related: RelatedBooks,
    /// The books that are looked at most.
    pub trending: TrendingBooks,
    /// How queries are read.
    pub queries: Queries,
}

impl Reads {
    /// What a key stands for; nothing where it is no key of this release, or somebody's own.
    #[must_use]
    pub fn of(&self, key: &Key) -> Option<Read> {
        let rest = key.rest();
        Some(match key.family() {
            Family::BookDetail => Read::Book(rest.parse().ok()?),
            Family::BookByIsbn => Read::BookByIsbn(rest.parse().ok()?),
            Family::Genres => Read::Genres,
            Family::BookList => Read::List((self.queries.list)(rest)?),
            Family::BookSearch => Read::Search((self.queries.search)(rest)?),
            Family::BookSuggest => {
                let (limit, text) = rest.split_once(':')?;
                Read::Suggest { text: text.to_owned(), limit: limit.parse().ok()? }
            }
            Family::BookRelated => {
                let (book, limit) = rest.split_once(':')?;
                Read::Related { book: book.parse().ok()?, limit: limit.parse().ok()? }
            }
            Family::BookTrending => Read::Trending(TrendingRequest::of_key(rest)?),
            // Nobody reads these ahead yet.
            Family::BookReviews | Family::Leaderboard => return None,
            // Nobody but their owners may.
            Family::Cart | Family::UserOrders | Family::UserStats | Family::UserRecommendations | Family::Session => {
                return None;
            }
        })
    }

    /// Whether anybody may ask for a key: the lists of administrators are the same for all of them, and for nobody else.
    #[must_use]
    pub fn is_public(&self, key: &Key) -> bool {
        match self.of(key) {
            Some(Read::List(request)) => request.filters.status.is_none_or(|status| status == Status::Active),
            read => read.is_some(),
        }
    }

    /// Reads what a key stands for, as somebody without an account would.
    pub async fn answer(&self, key: &Key) -> Outcome {
        let Some(read) = self.of(key) else { return Outcome::Nothing };
        let query = key.rest();
        match read {
            Read::Book(id) => told(key, self.products.get(id, false).await),
            Read::BookByIsbn(isbn) => told(key, self.products.get_by_isbn(isbn.as_str(), false).await),
            Read::Genres => told(key, self.genres.all().await),
            Read::List(request) => told(key, self.listing.page(request, query, false).await),
            Read::Search(request) => told(key, self.search.page(request, query).await),
            Read::Suggest { text, limit } => told(key, self.search.suggest(&text, Some(limit)).await),
            Read::Related { book, limit } => told(key, self.related.of(book, Some(limit)).await),
            Read::Trending(request) => told(key, self.trending.page(request).await),
        }
    }

    /// Whether [`Reads::truth`] says anything of this family.
    #[must_use]
    pub fn tells_truth(family: Family) -> bool {
        matches!(family, Family::BookDetail | Family::BookByIsbn | Family::Genres | Family::BookList)
    }

    /// What the primary says of a key; nothing where it does not, or where that cannot be compared with what is kept:
    /// searches weigh and guess, and what is looked at most changes without an event.
    pub async fn truth(&self, key: &Key) -> Option<Truth> {
        let truth = match self.of(key)? {
            Read::Book(id) => self.products.truth(id).await.ok()?,
            Read::BookByIsbn(isbn) => self.products.truth_by_isbn(isbn).await.ok()?,
            Read::Genres => self.genres.truth().await.ok()?,
            Read::List(request) => self.listing.truth(request, key.rest()).await.ok()?,
            Read::Search(_) | Read::Suggest { .. } | Read::Related { .. } | Read::Trending(_) => return None,
        };
        (truth != Truth::Unknown).then_some(truth)
    }
}

fn told<E: Outage + Display>(key: &Key, answer: Result<Answer, E>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::Answered(answer.source),
        Err(error) => {
            tracing::debug!(key = %key.text(), %error, "could not be read ahead");
            if error.is_outage() { Outcome::Failed } else { Outcome::Nothing }
        }
    }
}
