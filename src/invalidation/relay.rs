//! For writers that could not: publishing what they left in the outbox, noting what was published, and tidying up.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::outbox;
use super::stream::hashes;
use super::{Invalidation, Message};
use crate::cache::key::LONGEST_LIFE;
use crate::db::DbError;
use crate::model::position::{Epoch, Position};

/// How often the outbox is told what was published.
const MARK_INTERVAL: Duration = Duration::from_millis(50);

/// How often floors are forgotten and old rows removed.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

impl Invalidation {
    /// Publishes until dropped what nobody has published. Every process does it; rows that one has, the others pass over.
    pub async fn relay(&self) -> Infallible {
        // Together a little more than half a lease: a writer may be cut off from Redis alone, while all others still hear the
        // stream and believe it.
        let (interval, grace) = (self.fraction(4), self.fraction(4));
        loop {
            tokio::time::sleep(interval).await;
            loop {
                match self.relay_some(grace).await {
                    Ok(0) => break,
                    Ok(relayed) => tracing::debug!(relayed, "published for writers that did not"),
                    Err(error) => {
                        tracing::debug!(%error, "the relay could not work");
                        break;
                    }
                }
            }
        }
    }

    async fn relay_some(&self, grace: Duration) -> Result<usize, DbError> {
        let inner = &self.inner;
        let Some((transaction, rows)) = outbox::take_unpublished(&inner.db, grace).await? else { return Ok(0) };
        if rows.is_empty() {
            transaction.rollback().await?;
            return Ok(0);
        }
        let tags = outbox::tags(rows.iter());
        // The rows are visible, so their commits lie before this position.
        let (epoch, position) = inner.db.raise_floor().await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        inner.cache.floors().raise(Position(position.0), hashes(&tags));
        let message = Message {
            epoch: Epoch(epoch),
            position: Position(position.0),
            tags,
            ids: ids.clone(),
            events: rows.into_iter().filter_map(|row| row.event).collect(),
            origin: inner.origin,
            sent: inner.started.elapsed().as_nanos() as u64,
        };
        if let Err(error) = inner.stream.publish(inner.cache.redis(), &message).await {
            tracing::debug!(%error, "the relay cannot publish either");
            transaction.rollback().await?;
            return Ok(0);
        }
        outbox::mark_published(transaction, &ids).await?;
        inner.relayed.fetch_add(ids.len() as u64, Ordering::Relaxed);
        Ok(ids.len())
    }

    /// Notes until dropped what this process has published.
    pub async fn mark(&self) -> Infallible {
        loop {
            self.mark_some().await;
            tokio::time::sleep(MARK_INTERVAL).await;
        }
    }

    /// Notes what was published so far, if anything. To be called once more at the end.
    pub async fn mark_some(&self) {
        let mut ids = Vec::new();
        {
            let mut waiting = self.inner.to_mark.lock().await;
            while let Ok(more) = waiting.try_recv() {
                ids.extend(more);
            }
        }
        if ids.is_empty() {
            return;
        }
        let marked = async {
            let transaction = outbox::begin_marking(&self.inner.db).await?;
            outbox::mark_published(transaction, &ids).await
        };
        if let Err(error) = marked.await {
            tracing::debug!(%error, "publications could not be noted; they are published once more");
        }
    }

    /// Forgets until dropped what is older than any entry lives.
    pub async fn tidy(&self) -> Infallible {
        let inner = &self.inner;
        let mut past: VecDeque<(Instant, Position)> = VecDeque::new();
        loop {
            tokio::time::sleep(TIDY_INTERVAL).await;
            let sample = inner.db.primary_sample();
            if sample.epoch != 0 {
                past.push_back((Instant::now(), Position(sample.position.0)));
            }
            let mut old = None;
            while past.front().is_some_and(|(at, _)| at.elapsed() > LONGEST_LIFE) {
                old = past.pop_front();
            }
            if let Some((_, position)) = old {
                inner.cache.floors().forget(position);
                if let Err(error) = inner.stream.settle(inner.cache.redis(), position, "").await {
                    tracing::debug!(%error, "old floors could not be forgotten in Redis");
                }
            }
            match outbox::remove_old(&inner.db).await {
                Ok(removed) => tracing::debug!(removed, "removed old rows of the outbox"),
                Err(error) => tracing::debug!(%error, "old rows of the outbox could not be removed"),
            }
        }
    }
}
