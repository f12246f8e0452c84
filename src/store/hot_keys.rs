//! The most read keys: what this process counted, and the ranking of all processes.

use super::sql::hot_keys as sql;
use super::{Store, StoreError, WriteTx};
use crate::cache::popularity::HALF_LIFE;
pub use crate::cache::{Heat, Outlook};
use crate::db::Consistency;
use crate::model::hot_keys::{KeyReads, RankedKey};

impl Store {
    /// The hottest keys of the ranking, the hottest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ranking(&self, most: usize) -> Result<Vec<RankedKey>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read("hot_keys.ranking", Consistency::Eventual, |mut c| async move {
            sql::hottest(&mut c, most, HALF_LIFE.as_secs_f64()).await
        })
        .await
    }
}

impl WriteTx {
    /// Adds to the ranking what a process counted, and keeps the `most` hottest keys of it. Writers come one after the other.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rank_keys(&mut self, reads: &[KeyReads], most: usize) -> Result<(), StoreError> {
        let (most, half_life) = (i64::try_from(most).unwrap_or(i64::MAX), HALF_LIFE.as_secs_f64());
        sql::lock(&mut self.transaction).await?;
        sql::add(&mut self.transaction, reads, half_life).await?;
        Ok(sql::prune(&mut self.transaction, most, half_life).await?)
    }
}
