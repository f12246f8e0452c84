//! From tastes to the neighbours of books, book by book and in batches, by one process at a time.
//!
//! A list is due when the readers of its book, or their books, have changed, and once in a while anyhow: how many readers its
//! neighbours have elsewhere moves their scores a little and marks nothing, or one sale of a best-seller would concern half
//! the shop. What is read for a list bears a number of changes, and the list is due as long as there are later ones: so a
//! replica that lags, or a process that dies in the middle, costs a computation and never a change.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::similarity::{Similarity, nearest};
use super::{RecommendationError, Recommendations};
use crate::model::events::DomainEvent;
use crate::model::recommendation::NeighbourList;
use crate::telemetry::recommendations as telemetry;

/// After so long a batch ends, however many books it has: its lock is one of a transaction, which must not idle for long.
const BATCH_LASTS: Duration = Duration::from_secs(2);

/// Least pause after a batch. It is as long as the batch took, so that half of the time is left to others.
const PAUSE: Duration = Duration::from_millis(20);

impl Recommendations {
    /// Computes neighbours as they become due, until dropped.
    pub async fn run_computer(&self) -> Infallible {
        loop {
            let begun = Instant::now();
            let computed = self.compute_batch().await.unwrap_or_else(|error| {
                tracing::info!(%error, "neighbours of books wait to be computed");
                0
            });
            match self.store.neighbour_queue(self.clock.now()).await {
                Ok(queue) => telemetry::set_queue(queue.depth, queue.oldest),
                Err(error) => tracing::debug!(%error, "nobody knows how many neighbours wait to be computed"),
            }
            if computed > 0 {
                tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
            } else {
                tokio::select! {
                    () = tokio::time::sleep(self.settings.interval) => {}
                    () = self.marked.notified() => {}
                }
            }
        }
    }

    /// Computes the neighbours of some of the books that have waited longest. Says of how many; of none where another process
    /// is at it.
    ///
    /// # Errors
    /// The database's.
    pub async fn compute_batch(&self) -> Result<usize, RecommendationError> {
        let now = self.clock.now();
        let limit = i64::from(self.settings.batch);
        if self.store.due_neighbour_lists(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin("recommendations.compute").await?;
        if !tx.try_lock_neighbours().await? {
            tx.rollback().await?;
            return Ok(0);
        }
        let begun = Instant::now();
        let mut lists = Vec::new();
        // Read again under the lock: the process before may have computed them.
        for book in self.store.due_neighbour_lists(now, limit).await? {
            if begun.elapsed() > BATCH_LASTS {
                break;
            }
            let Some(readership) = self.store.readership(book).await? else { continue };
            let neighbours = nearest(Similarity::OF_SHOP, &readership.shared);
            lists.push(NeighbourList { book, marks: readership.marks, neighbours });
        }
        if lists.is_empty() {
            tx.rollback().await?;
            return Ok(0);
        }
        let products = tx.write_neighbours(&lists, now, now + self.settings.refresh_after).await?;
        if products.is_empty() {
            tx.commit_bookkeeping().await?;
        } else {
            tx.commit(DomainEvent::NeighboursChanged { products }).await?;
        }
        telemetry::record_batch(lists.len(), begun.elapsed());
        Ok(lists.len())
    }
}
