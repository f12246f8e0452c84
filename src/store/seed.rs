//! Loading many books at once.

use super::sql::seed as sql;
use super::{StoreError, WriteTx};
use crate::model::isbn::Isbn13;
use crate::model::seed::SeededBook;

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

    /// Leaves indexes and statistics as if the books had always been there: without it the first searches would walk
    /// through unsorted index entries, and the planner would think the tables empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_bulk_load(&mut self) -> Result<(), StoreError> {
        Ok(sql::finish_bulk_load(&mut self.transaction).await?)
    }
}
