//! One database server: its pool and its health.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::sync::{Notify, watch};

use super::error::DbError;
use super::position::Lsn;
use crate::config;

/// What a node is configured to be. A server that turns out to be the other thing counts as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Primary,
    Replica,
}

/// What the last probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Whether it answers and is what it should be.
    pub up: bool,
    /// How far it is: flushed on the primary, replayed on a replica.
    pub position: Lsn,
    /// Which history of which database that is a position of.
    pub epoch: u64,
    /// How long ago the primary was where the replica is now.
    pub lag: Duration,
    /// Why it is down or left out; empty when all is well.
    pub detail: String,
}

/// What a read is known to reflect: where its node was **before** it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The node.
    pub node: Arc<str>,
    /// All writes up to here. Sampled in the background at the same node, so it may be some milliseconds old; positions
    /// only grow, so that makes it smaller than it need be and never wrong.
    pub position: Lsn,
    /// Which history of which database that is a position of; 0 where it is not known.
    pub epoch: u64,
    /// Whether the node is the primary, where a read contains everything that was committed before it.
    pub latest: bool,
}

/// How a node is, for people.
#[derive(Clone, Debug)]
pub struct NodeReport {
    /// `primary`, `replica-1`, …
    pub name: String,
    /// Whether reads may go there.
    pub usable: bool,
    /// The last probe.
    pub health: Health,
}

/// A database server. Cloning is cheap.
#[derive(Clone)]
pub struct Node {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    role: Role,
    /// Its connections cannot write.
    pool: PgPool,
    /// Those that can, to the primary.
    writers: PgPool,
    options: PgConnectOptions,
    health: watch::Sender<Health>,
    max_lag: Duration,
    started: Instant,
    /// Milliseconds after `started` at which the node was last seen to go down. Connections opened before are dead.
    broken_at: Arc<AtomicU64>,
    look_now: Notify,
}

impl Node {
    pub(super) fn new(
        name: &str,
        role: Role,
        url: &SecretString,
        settings: &config::Database,
    ) -> Result<Self, DbError> {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let options = url
            .expose_secret()
            .parse::<PgConnectOptions>()
            .map_err(|error| DbError::Unexpected(error.into()))?
            .application_name("bookstore")
            .options([
                ("default_transaction_read_only", "on".to_owned()),
                ("statement_timeout", millis(settings.statement_timeout)),
                ("lock_timeout", millis(settings.lock_timeout)),
                ("idle_in_transaction_session_timeout", millis(settings.statement_timeout * 2)),
                // Optional filters are `$1 IS NULL OR …`: with the values known, the planner drops what is not asked
                // for and sees how selective the rest is. A generic plan would serve all filters equally badly.
                ("plan_cache_mode", "force_custom_plan".to_owned()),
                // Requests are many and short: cores are for one request each, and compiling takes longer than running.
                ("max_parallel_workers_per_gather", "0".to_owned()),
                ("jit", "off".to_owned()),
                ("timezone", "UTC".to_owned()),
            ])
            .log_statements(log::LevelFilter::Off)
            .log_slow_statements(log::LevelFilter::Warn, Duration::from_secs(1));
        let started = Instant::now();
        let broken_at = Arc::new(AtomicU64::new(0));
        let broken = Arc::clone(&broken_at);
        let pooled = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .idle_timeout(settings.idle_timeout)
            .max_lifetime(settings.max_lifetime)
            // A ping before every use would cost each read a round trip. What breaks is noticed in use, and what was
            // opened before the node broke is dropped here.
            .test_before_acquire(false)
            .before_acquire(move |_, meta| {
                let opened = started.elapsed().saturating_sub(meta.age);
                let alive = opened.as_millis() as u64 >= broken.load(Ordering::Relaxed);
                Box::pin(async move { Ok(alive) })
            });
        // Apart from those for reads, so that no read can write. Writes name their rows by keys: one plan serves all, and
        // planning would cost more than the rest.
        let writing = options.clone().options([("default_transaction_read_only", "off"), ("plan_cache_mode", "auto")]);
        let writers = pooled.clone().connect_lazy_with(writing);
        let pool = pooled.min_connections(settings.min_connections).connect_lazy_with(options.clone());
        let (health, _) = watch::channel(Health {
            up: false,
            position: Lsn::default(),
            epoch: 0,
            lag: Duration::ZERO,
            detail: "not probed yet".into(),
        });
        let max_lag = settings.max_replica_lag;
        Ok(Self {
            shared: Arc::new(Shared {
                name: name.into(),
                role,
                pool,
                writers,
                options,
                health,
                max_lag,
                started,
                broken_at,
                look_now: Notify::new(),
            }),
        })
    }

    /// `primary`, `replica-1`, …
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    pub(super) fn role(&self) -> Role {
        self.shared.role
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// The connections that can write.
    pub(super) fn writers(&self) -> &PgPool {
        &self.shared.writers
    }

    /// Whether the pool may open another connection.
    pub(super) fn has_room(&self) -> bool {
        self.shared.pool.size() < self.shared.pool.options().get_max_connections()
    }

    pub(super) fn connect_options(&self) -> &PgConnectOptions {
        &self.shared.options
    }

    pub(super) fn is_up(&self) -> bool {
        self.shared.health.borrow().up
    }

    /// Whether the node is up, recent, of this epoch, and has replayed `floor`.
    pub(super) fn has(&self, epoch: u64, floor: Lsn) -> bool {
        let health = self.shared.health.borrow();
        health.up && health.lag <= self.shared.max_lag && health.position >= floor && health.epoch == epoch
    }

    /// Where it was when it was last looked at.
    pub(super) fn sample(&self) -> Sample {
        let health = self.shared.health.borrow();
        Sample {
            node: Arc::clone(&self.shared.name),
            position: health.position,
            epoch: health.epoch,
            latest: self.shared.role == Role::Primary,
        }
    }

    pub(super) fn set_health(&self, health: Health) {
        let was_up = self.is_up();
        if was_up && !health.up {
            self.note_break();
        }
        if was_up != health.up {
            if health.up {
                tracing::info!(node = self.name(), "database node is up");
            } else {
                tracing::warn!(node = self.name(), reason = health.detail, "database node is down");
            }
        }
        self.shared.health.send_replace(health);
    }

    /// Called by whoever met a dead connection: no other of that age is used again, and the probe looks at once.
    /// Whether the node is down is for the probe to say: one connection can die alone.
    pub(super) fn suspect(&self, error: &sqlx::Error) {
        tracing::debug!(node = self.name(), %error, "a database connection broke");
        self.note_break();
        self.shared.look_now.notify_one();
    }

    /// Resolves when somebody suspects the node.
    pub(super) async fn suspected(&self) {
        self.shared.look_now.notified().await;
    }

    fn note_break(&self) {
        // One more, so that a connection opened in this very millisecond is dropped too.
        let now = self.shared.started.elapsed().as_millis() as u64 + 1;
        self.shared.broken_at.fetch_max(now, Ordering::Relaxed);
    }

    /// Resolves when the node is down.
    pub(super) async fn went_down(&self) {
        let mut health = self.shared.health.subscribe();
        // The sender lives as long as the node does, so this ends with a node that is down.
        let _ = health.wait_for(|health| !health.up).await;
    }

    pub(super) fn report(&self) -> NodeReport {
        let health = self.shared.health.borrow().clone();
        NodeReport {
            name: self.shared.name.to_string(),
            usable: health.up && health.lag <= self.shared.max_lag,
            health,
        }
    }
}
