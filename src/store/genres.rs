//! Genres.

use super::sql::genres as sql;
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::product::Genre;

impl Store {
    /// Every genre with the number of its active books, by slug.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn genres(&self) -> Result<Vec<Genre>, StoreError> {
        self.read("genres.all", Consistency::Eventual, |mut c| async move { sql::all(&mut c).await }).await
    }
}
