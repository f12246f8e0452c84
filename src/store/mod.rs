//! Repositories: one file a resource, with the consistency that each read needs. `store/sql/` is the only home of
//! queries. The cache finds its place here, between the callers above and the database below.

mod audit;
pub mod cache_admin;
mod cached;
pub mod carts;
pub mod consistency;
mod coupons;
pub mod favourites;
mod genres;
pub mod hot_keys;
mod idempotency;
pub mod import;
mod inventory;
pub mod leaderboards;
pub mod limits;
mod listing;
mod merged_views;
pub mod orders;
pub mod payments;
mod products;
pub mod projections;
pub mod recommendations;
pub mod refunds;
mod related;
pub mod reviews;
mod search;
mod seed;
mod sessions;
mod sql;
mod stock;
mod trending;
mod user_stats;
mod users;
mod views;
pub mod webhooks;

use std::future::Future;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::db::{Db, WriteTransaction};
use crate::invalidation::Invalidation;
use crate::invalidation::outbox::{Bookkeeping, OutboxRows};
use crate::model::events::Events;
use cached::Fill;

pub use crate::cache::{Entry, Family, Key, Level, Outage};
pub use crate::invalidation::Announced;
pub use cached::{Rendered, Truth};

pub use inventory::{StockListener, StockNews};
pub use listing::{FacetCount, FacetQuery};

pub use crate::db::{DbError as StoreError, UnavailableReason};

/// All repositories. Cloning is cheap.
#[derive(Clone)]
pub struct Store {
    db: Db,
    invalidation: Invalidation,
    /// Within a load of the cache: what its reads have to see to.
    fill: Option<Fill>,
    /// What is read and is fresh for less than this is loaded again.
    renewing: Option<Duration>,
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
        Self { db, invalidation, fill: None, renewing: None }
    }

    /// The same, but whatever is read and is fresh for less than `at_least` is loaded again, before it runs out. For whoever
    /// reads ahead of the readers, not for those.
    #[must_use]
    pub fn renewing(&self, at_least: Duration) -> Self {
        Self { renewing: Some(at_least), ..self.clone() }
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

    /// Runs one statement that writes, and makes out of date what its events concern. It is given the rows of the outbox,
    /// which it has to write as well, and gives their ids: none where it changed nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while the primary is down, or what the statement met.
    async fn write_once<T, F, Fut>(
        &self,
        name: &'static str,
        events: impl Into<Events>,
        statement: F,
    ) -> Result<T, StoreError>
    where
        F: FnOnce(PoolConnection<Postgres>, OutboxRows) -> Fut,
        Fut: Future<Output = sqlx::Result<(T, Vec<i64>)>>,
    {
        let (value, announced) = self.invalidation.write_once(name, &events.into(), statement).await?;
        if let Some(announced) = announced {
            consistency::note(&announced.token);
        }
        Ok(value)
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
        self.commit_and_tell(events).await.map(drop)
    }

    /// The same, and tells what became of it: nothing where the primary went away before the floor could be learnt.
    ///
    /// # Errors
    /// As [`WriteTx::commit`].
    pub async fn commit_and_tell(self, events: impl Into<Events>) -> Result<Option<Announced>, StoreError> {
        let announced = self.invalidation.commit(self.transaction, &events.into()).await?;
        if let Some(announced) = &announced {
            consistency::note(&announced.token);
        }
        Ok(announced)
    }

    /// Commits book-keeping: what no answer of the shop shows from the cache, and nobody outside is told of.
    ///
    /// # Errors
    /// Where the connection broke; then whether it took place is unknown.
    pub async fn commit_bookkeeping(self) -> Result<(), StoreError> {
        self.transaction.commit_silently(&Bookkeeping).await
    }

    /// Ends a transaction that changed nothing.
    ///
    /// # Errors
    /// Where the connection broke.
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.transaction.rollback().await
    }
}
