//! Searches.

use super::sql::{search as sql, suggestions};
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::isbn::Isbn13;
use crate::model::listing::{Filters, ProductSummary};
use crate::model::search::{Candidate, Hits, Rank, Suggestion, TextQuery};

impl Store {
    /// At most `limit` matches after `after`; the `bound` most popular ones are ranked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn search(
        &self,
        filters: &Filters,
        query: &TextQuery,
        after: Option<Rank>,
        limit: i64,
        bound: i64,
    ) -> Result<Hits, StoreError> {
        self.read("search.page", Consistency::Eventual, |mut c| async move {
            sql::page(&mut c, filters, query, after, limit, bound).await
        })
        .await
    }

    /// The book with this ISBN, where it passes the filters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn search_isbn(&self, filters: &Filters, isbn: &Isbn13) -> Result<Option<ProductSummary>, StoreError> {
        self.read("search.isbn", Consistency::Eventual, |mut c| async move {
            sql::by_isbn(&mut c, filters, isbn.as_str()).await
        })
        .await
    }

    /// Words like those of `words` that no active book has. `operands` are the words in the notation of `to_tsquery`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn word_candidates(&self, words: &[String], operands: &[String]) -> Result<Vec<Candidate>, StoreError> {
        self.read("search.candidates", Consistency::Eventual, |mut c| async move {
            sql::candidates(&mut c, words, operands).await
        })
        .await
    }

    /// Names that begin with `phrase` or have a word that does, among the books that match `expression`, or where there is
    /// none, among the most popular ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suggestions(
        &self,
        phrase: &str,
        expression: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Suggestion>, StoreError> {
        self.read("search.suggestions", Consistency::Eventual, |mut c| async move {
            suggestions::find(&mut c, phrase, expression, limit).await
        })
        .await
    }
}
