//! Reads: who answers, and who is asked next when a node dies.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::error::{DbError, UnavailableReason, Verdict, judge};
use super::node::{Node, Sample};
use super::{Consistency, Db};
use crate::telemetry::database as telemetry;

/// A connection on which one read runs. It can read and nothing else.
pub struct ReadConnection {
    connection: PoolConnection<Postgres>,
    abandoned: Arc<AtomicBool>,
}

impl Deref for ReadConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for ReadConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for ReadConnection {
    fn drop(&mut self) {
        // Dropped in the middle of a statement of a node that hangs: giving it back to the pool would wait for it.
        if self.abandoned.load(Ordering::Relaxed) {
            self.connection.close_on_drop();
        }
    }
}

enum Failure {
    Query(sqlx::Error),
    NodeWentDown,
    TimedOut,
}

impl Db {
    /// Runs `query` on a node that satisfies `consistency`. When the node dies under it, the next one is asked, so
    /// `query` must bear to be run more than once. `name` names the read in traces and metrics.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when no suitable node is left or the statement took too long; else what the query met.
    pub async fn read<T, F, Fut>(&self, name: &'static str, consistency: Consistency, query: F) -> Result<T, DbError>
    where
        F: Fn(ReadConnection) -> Fut,
        Fut: Future<Output = sqlx::Result<T>> + Send,
    {
        Ok(self.read_sampled(name, consistency, query).await?.0)
    }

    /// The same, with what the answer is known to reflect.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read_sampled<T, F, Fut>(
        &self,
        name: &'static str,
        consistency: Consistency,
        query: F,
    ) -> Result<(T, Sample), DbError>
    where
        F: Fn(ReadConnection) -> Fut,
        Fut: Future<Output = sqlx::Result<T>> + Send,
    {
        self.stir();
        let mut last = None;
        let mut timed_out = false;
        for node in self.candidates(consistency) {
            // A connection may have died while it lay in the pool, of a node that is well: each gets a second chance.
            for _ in 0..2 {
                let started = Instant::now();
                let span = tracing::info_span!(
                    "db.read",
                    otel.name = name,
                    db.system.name = "postgresql",
                    db.node = node.name()
                );
                // Before the statement, never with or after it: what commits in between would be claimed and not seen.
                let sample = node.sample();
                let outcome = self.attempt(&node, &query).instrument(span).await;
                telemetry::record_operation(name, node.name(), started.elapsed(), outcome.is_ok());
                last = match outcome {
                    Ok(value) => return Ok((value, sample)),
                    Err(Failure::NodeWentDown) => None,
                    Err(Failure::TimedOut) => {
                        timed_out = true;
                        None
                    }
                    // No connection came although there was room for one: whoever is slow to let us in is as good as down.
                    Err(Failure::Query(sqlx::Error::PoolTimedOut)) if node.has_room() => {
                        timed_out = true;
                        None
                    }
                    Err(Failure::Query(error)) => match judge(&error) {
                        Verdict::NodeFine => return Err(error.into()),
                        Verdict::TryAnother => Some(error),
                        Verdict::NodeDown => {
                            node.suspect(&error);
                            last = None;
                            continue;
                        }
                    },
                };
                break;
            }
        }
        Err(last.map_or_else(
            || {
                DbError::unavailable(match consistency {
                    _ if timed_out => UnavailableReason::Timeout,
                    Consistency::Latest => UnavailableReason::Primary,
                    Consistency::Eventual | Consistency::PreferLatest | Consistency::AtLeast(_) => {
                        UnavailableReason::AllNodes
                    }
                })
            },
            DbError::from,
        ))
    }

    async fn attempt<T, F, Fut>(&self, node: &Node, query: &F) -> Result<T, Failure>
    where
        F: Fn(ReadConnection) -> Fut,
        Fut: Future<Output = sqlx::Result<T>> + Send,
    {
        let abandoned = Arc::new(AtomicBool::new(false));
        let (begin, begun) = oneshot::channel();
        let work = async {
            #[expect(clippy::disallowed_methods, reason = "the one place that takes a connection to read")]
            let connection = node.pool().acquire().await?;
            // Nobody listens where the node went down meanwhile, and then nobody waits for the rest either.
            let _ = begin.send(());
            query(ReadConnection { connection, abandoned: Arc::clone(&abandoned) }).await
        };
        // The server ends a slow statement by itself; this guard is for a server that no longer does anything.
        let patience = async {
            let _ = begun.await;
            tokio::time::sleep(self.inner.settings.read_timeout).await;
        };
        let mut work = std::pin::pin!(work);
        let failure = tokio::select! {
            // A finished answer counts even when the node is found down at the same moment.
            biased;
            outcome = &mut work => return outcome.map_err(Failure::Query),
            () = node.went_down() => Failure::NodeWentDown,
            () = patience => Failure::TimedOut,
        };
        abandoned.store(true, Ordering::Relaxed);
        Err(failure)
    }

    /// The nodes that may answer, best first.
    fn candidates(&self, consistency: Consistency) -> Vec<Node> {
        let inner = &self.inner;
        let primary = inner.primary.is_up().then(|| inner.primary.clone());
        match consistency {
            Consistency::Latest => primary.into_iter().collect(),
            Consistency::PreferLatest => primary.into_iter().chain(self.replicas_in_turn(Node::is_up)).collect(),
            Consistency::Eventual | Consistency::AtLeast(_) => {
                let floor = match consistency {
                    Consistency::AtLeast(floor) => Some(floor),
                    _ if inner.hearing.load(Ordering::Relaxed) => inner.floor.required(),
                    _ => None,
                };
                // The last one that is known: with the primary gone its replicas still are what they were.
                let epoch = inner.epoch.load(Ordering::Relaxed);
                let mut nodes = match floor {
                    Some(floor) => self.replicas_in_turn(|node| node.has(epoch, floor)),
                    None => Vec::new(),
                };
                nodes.extend(primary);
                // With the primary gone an older answer is better than none.
                nodes.extend(
                    self.replicas_in_turn(|node| node.is_up() && nodes.iter().all(|n| n.name() != node.name())),
                );
                nodes
            }
        }
    }

    fn replicas_in_turn(&self, suitable: impl Fn(&Node) -> bool) -> Vec<Node> {
        let replicas = &self.inner.replicas;
        if replicas.is_empty() {
            return Vec::new();
        }
        let first = self.inner.turn.fetch_add(1, Ordering::Relaxed) % replicas.len();
        replicas[first..].iter().chain(&replicas[..first]).filter(|node| suitable(node)).cloned().collect()
    }
}
