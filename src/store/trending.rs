//! Books that are looked at most in these days.

use time::Date;

use super::sql::trending as sql;
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::trending::Trending;

impl Store {
    /// At most `limit` active books, of this genre alone where one is given, by their looks in the days that end `today`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn trending(&self, today: Date, genre: Option<&str>, limit: u32) -> Result<Vec<Trending>, StoreError> {
        self.read("trending.books", Consistency::Eventual, |mut c| async move {
            sql::trending(&mut c, today, genre, i64::from(limit)).await
        })
        .await
    }
}
