//! Stock: copies on the shelf and reserved, on the primary alone.

use time::OffsetDateTime;

use super::sql::stock as sql;
use super::{StoreError, WriteTx};
use crate::model::ids::ProductId;
use crate::model::stock::{StockCause, StockLevel, StockMove};

impl WriteTx {
    /// Moves copies where that leaves neither fewer than none on the shelf nor more reserved than there are, and gives what
    /// is left of those books: a book that is missing in the answer was not moved. Each book may be named once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_stock(
        &mut self,
        moves: &[StockMove],
        cause: &StockCause,
        now: OffsetDateTime,
    ) -> Result<Vec<StockLevel>, StoreError> {
        Ok(sql::apply(&mut self.transaction, moves, cause, now).await?)
    }

    /// What there is of these books.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock_levels(&mut self, products: &[ProductId]) -> Result<Vec<StockLevel>, StoreError> {
        Ok(sql::levels(&mut self.transaction, products).await?)
    }
}
