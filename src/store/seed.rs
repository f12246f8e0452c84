//! Loading many books or readers at once.

use super::sql::seed as sql;
use super::sql::seed::readers as sql_readers;
use super::{StoreError, WriteTx};
use crate::model::isbn::Isbn13;
use crate::model::money::Currency;
use crate::model::seed::{SeededBook, SeededReaders, SeededReview, SeededVote, ShelvedBook};

impl WriteTx {
    /// Makes this transaction one that loads much: nobody else's limits on time, and only one of its kind at a time.
    /// False where another one runs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_bulk_load(&mut self) -> Result<bool, StoreError> {
        Ok(sql::begin_bulk_load(&mut self.transaction).await?)
    }

    /// Whether there is any book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_products(&mut self) -> Result<bool, StoreError> {
        Ok(sql::has_products(&mut self.transaction).await?)
    }

    /// The greatest ISBN between two, both included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn greatest_isbn(&mut self, from: &Isbn13, to: &Isbn13) -> Result<Option<Isbn13>, StoreError> {
        Ok(sql::greatest_isbn13(&mut self.transaction, from.as_str(), to.as_str()).await?)
    }

    /// Adds books with their ratings and stock, by COPY.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where one clashes with a book that is there.
    pub async fn copy_books(&mut self, books: &[SeededBook]) -> Result<(), StoreError> {
        sql::copy_products(&mut self.transaction, books).await?;
        Ok(sql::copy_stock(&mut self.transaction, books).await?)
    }

    /// Whether anybody has ordered or reviewed anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_readers(&mut self) -> Result<bool, StoreError> {
        Ok(sql_readers::has_readers(&mut self.transaction).await?)
    }

    /// The greatest number of a made-up reader, told by a pattern of their addresses whose first group it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn greatest_reader(&mut self, pattern: &str) -> Result<Option<u64>, StoreError> {
        let greatest = sql_readers::greatest_number(&mut self.transaction, pattern).await?;
        Ok(greatest.and_then(|number| u64::try_from(number).ok()))
    }

    /// At most so many books that can be bought in this currency, the best known one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shelved_books(&mut self, currency: Currency, most: u64) -> Result<Vec<ShelvedBook>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Ok(sql_readers::books(&mut self.transaction, currency, most).await?)
    }

    /// Adds readers with their orders and favourites, by COPY. All of them have this hash for a password.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where one clashes with somebody who is there.
    pub async fn copy_readers(&mut self, readers: &SeededReaders, password_hash: &str) -> Result<(), StoreError> {
        Ok(sql_readers::copy_readers(&mut self.transaction, readers, password_hash).await?)
    }

    /// Adds reviews with the votes on them, by COPY. Each book that they are of is counted anew once.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where one clashes with what is there.
    pub async fn copy_reviews(&mut self, reviews: &[SeededReview], votes: &[SeededVote]) -> Result<(), StoreError> {
        sql_readers::copy_reviews(&mut self.transaction, reviews).await?;
        Ok(sql_readers::copy_votes(&mut self.transaction, votes).await?)
    }

    /// Leaves indexes and statistics as if the rows had always been there: without it the first searches would walk
    /// through unsorted index entries, and the planner would think the tables empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_bulk_load(&mut self) -> Result<(), StoreError> {
        Ok(sql::finish_bulk_load(&mut self.transaction).await?)
    }
}
