//! What is counted of people.

use super::sql::user_stats as sql;
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::ids::UserId;
use crate::model::user_stats::UserStats;

impl Store {
    /// What is counted of somebody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_stats(&self, user: UserId) -> Result<UserStats, StoreError> {
        self.read("user_stats.of", Consistency::Eventual, |mut c| async move { sql::of(&mut c, user).await }).await
    }
}
