//! How often books are looked at.

use std::time::Duration;

use time::Date;

use super::sql::views as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::ids::{ProductId, ViewBatchId};
use crate::model::views::{ViewCount, ViewTotals};

impl Store {
    /// How often a book was looked at, with the week that ends `today`, and which of these batches are counted in that;
    /// nothing where there is no such book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn view_totals(
        &self,
        book: ProductId,
        today: Date,
        batches: &[ViewBatchId],
    ) -> Result<Option<(ViewTotals, Vec<ViewBatchId>)>, StoreError> {
        self.read("views.totals", Consistency::PreferLatest, |mut c| async move {
            sql::totals(&mut c, book, today, batches).await
        })
        .await
    }
}

impl WriteTx {
    /// Notes that this batch is counted; says whether it was not before. Waits for a transaction that is about to note the
    /// same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enter_view_batch(&mut self, batch: ViewBatchId) -> Result<bool, StoreError> {
        Ok(sql::enter_batch(&mut self.transaction, batch).await?)
    }

    /// Adds to the counts of books. What is counted for books that do not exist is left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_views(&mut self, counts: &[ViewCount]) -> Result<(), StoreError> {
        Ok(sql::add(&mut self.transaction, counts).await?)
    }

    /// Forgets some of the batches that were noted longer ago than `age`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_view_batches(&mut self, age: Duration) -> Result<(), StoreError> {
        Ok(sql::forget_batches(&mut self.transaction, age).await?)
    }
}
