//! Related books.

use super::sql::related as sql;
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::ids::ProductId;
use crate::model::related::{Kinship, Related};

impl Store {
    /// By what the relations of a book are found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn kinship(&self, id: ProductId) -> Result<Option<Kinship>, StoreError> {
        self.read("related.kinship", Consistency::Eventual, |mut c| async move { sql::kinship(&mut c, id).await }).await
    }

    /// At most `each` active books of every relation, the nearest first. A book may stand under several relations.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn related(&self, id: ProductId, kinship: &Kinship, each: i64) -> Result<Vec<Related>, StoreError> {
        self.read("related.books", Consistency::Eventual, |mut c| async move {
            sql::related(&mut c, id, kinship, each).await
        })
        .await
    }
}
