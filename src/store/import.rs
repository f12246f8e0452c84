//! Books in bulk.

use time::OffsetDateTime;

use super::sql::import as sql;
use super::{StoreError, WriteTx};
use crate::model::ids::{ProductId, WorkId};
use crate::model::product::{ProductFields, Rating};

/// A book of the shop that a row may be about, locked until the transaction ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportTarget {
    /// Which.
    pub id: ProductId,
    /// Its ISBN.
    pub isbn13: Option<String>,
    /// The catalogue that it came from.
    pub source: Option<String>,
    /// What it is called there.
    pub source_id: Option<String>,
    /// Copies that are reserved for orders.
    pub reserved: i32,
}

/// A book as a file has it. What is absent stays as it is.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The book of the shop, or the identifier of a new one.
    pub id: ProductId,
    /// The work, where no book of the same title and first author is known.
    pub work: WorkId,
    /// What the file says.
    pub fields: ProductFields,
    /// Whether the file says the status; else it is that of a new book alone.
    pub has_status: bool,
    /// Whether the date is that of the work, which fills a gap and replaces nothing.
    pub dates_from_work: bool,
    /// Ratings of another site. Those without a histogram never replace those with one.
    pub rating: Option<Rating>,
    /// Catalogue and name in it.
    pub origin: Option<(String, String)>,
    /// Copies on the shelf.
    pub stock: Option<i32>,
}

impl WriteTx {
    /// The books that have one of these ISBNs or origins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn import_targets(
        &mut self,
        isbns: &[String],
        origins: &[(String, String)],
    ) -> Result<Vec<ImportTarget>, StoreError> {
        Ok(sql::targets(&mut self.transaction, isbns, origins).await?)
    }

    /// Adds books. One of the same title and first author as an active one is an edition of its work.
    ///
    /// # Errors
    /// [`StoreError::Collision`] where somebody else added one of them at the same time; the transaction is of no more
    /// use then.
    pub async fn import_new(&mut self, rows: &[ImportRow], now: OffsetDateTime) -> Result<Vec<ProductId>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let created = sql::insert(&mut self.transaction, rows, now).await?;
        if created.len() == rows.len() { Ok(created) } else { Err(StoreError::Collision) }
    }

    /// Changes books into what the rows say, and names those that were different before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn import_known(
        &mut self,
        rows: &[ImportRow],
        now: OffsetDateTime,
    ) -> Result<Vec<ProductId>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut changed = sql::update(&mut self.transaction, rows, now).await?;
        changed.extend(sql::stock(&mut self.transaction, rows, now).await?);
        changed.sort_unstable();
        changed.dedup();
        Ok(changed)
    }
}
