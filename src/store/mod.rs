//! Repositories: one file a resource, with the consistency that each read needs. `store/sql/` is the only home of
//! queries. The cache finds its place here, between the callers above and the database below.

mod audit;
mod cached;
pub mod consistency;
mod genres;
pub mod import;
mod listing;
mod products;
mod related;
mod search;
mod seed;
mod sessions;
mod sql;
mod users;
mod views;

use std::future::Future;

use crate::db::{Db, WriteTransaction};
use crate::invalidation::Invalidation;
use crate::model::events::Events;
use cached::Fill;

pub use crate::cache::{Entry, Family, Key, Level, Outage};
pub use cached::{Rendered, Truth};

pub use listing::{FacetCount, FacetQuery};

pub use crate::db::{DbError as StoreError, UnavailableReason};

/// All repositories. Cloning is cheap.
#[derive(Clone)]
pub struct Store {
    db: Db,
    invalidation: Invalidation,
    /// Within a load of the cache: what its reads have to see to.
    fill: Option<Fill>,
}

/// A transaction that can write, with the writes of all repositories as its methods. Dropped without
/// [`WriteTx::commit`], it never happened.
pub struct WriteTx {
    transaction: WriteTransaction,
    invalidation: Invalidation,
}

impl Store {
    /// Repositories over this database, behind the cache of `invalidation`.
    #[must_use]
    pub fn new(db: Db, invalidation: Invalidation) -> Self {
        Self { db, invalidation, fill: None }
    }

    /// What makes the cache out of date.
    #[must_use]
    pub fn invalidation(&self) -> &Invalidation {
        &self.invalidation
    }

    /// Begins a write. `name` names it in traces and metrics.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while the primary is down.
    pub async fn begin(&self, name: &'static str) -> Result<WriteTx, StoreError> {
        Ok(WriteTx { transaction: self.db.begin(name).await?, invalidation: self.invalidation.clone() })
    }

    /// Runs `work`, a whole transaction, again when it collided with another one. See [`Db::retrying`].
    ///
    /// # Errors
    /// What `work` met.
    pub async fn retrying<T, E, F, Fut>(&self, is_collision: impl Fn(&E) -> bool, work: F) -> Result<T, E>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.db.retrying(is_collision, work).await
    }
}

impl WriteTx {
    /// Writes the events to the outbox, commits, and makes out of date what they concern, here and everywhere.
    ///
    /// # Errors
    /// See [`WriteTransaction::commit`].
    pub async fn commit(self, events: impl Into<Events>) -> Result<(), StoreError> {
        let token = self.invalidation.commit(self.transaction, &events.into()).await?;
        if let Some(token) = &token {
            consistency::note(token);
        }
        Ok(())
    }

    /// Ends a transaction that changed nothing.
    ///
    /// # Errors
    /// Where the connection broke.
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.transaction.rollback().await
    }
}
