//! Books.

use super::sql::products as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::ids::{ProductId, WorkId};
use crate::model::isbn::Isbn13;
use crate::model::product::{Product, ProductFields};
use time::OffsetDateTime;

impl Store {
    /// The book with this id, whatever its status.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn product(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        self.read("products.by_id", Consistency::Eventual, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// Those of these books that there are, in no certain order. One statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn products(&self, ids: &[ProductId]) -> Result<Vec<Product>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let ids = ids.as_slice();
        self.read("products.by_ids", Consistency::Eventual, |mut c| async move { sql::by_ids(&mut c, ids).await }).await
    }

    /// The book with this ISBN.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn product_by_isbn(&self, isbn: &Isbn13) -> Result<Option<Product>, StoreError> {
        self.read("products.by_isbn", Consistency::Eventual, |mut c| async move {
            sql::by_isbn13(&mut c, isbn.as_str()).await
        })
        .await
    }
}

impl WriteTx {
    /// The book with this id, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn product_for_update(&mut self, id: ProductId) -> Result<Option<Product>, StoreError> {
        Ok(sql::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// Adds a book, with an empty shelf.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where its ISBN is taken.
    pub async fn insert_product(
        &mut self,
        id: ProductId,
        work: WorkId,
        fields: &ProductFields,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        Ok(sql::insert(&mut self.transaction, id, work, fields, now).await?)
    }

    /// Replaces what administrators wrote about a book and counts its version up.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where its ISBN is taken.
    pub async fn update_product(
        &mut self,
        id: ProductId,
        fields: &ProductFields,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        Ok(sql::update(&mut self.transaction, id, fields, now).await?)
    }

    /// Makes sure that every slug names a genre; a new one is named after its slug.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_genres(&mut self, genres: &[(String, String)]) -> Result<(), StoreError> {
        Ok(sql::ensure_genres(&mut self.transaction, genres).await?)
    }
}
