//! The database: a primary and its streaming replicas, who of them answers a read, and the one kind of write
//! transaction.
//!
//! * [`Node`] is a pool with a health of its own, kept by a probe.
//! * [`Db::read`] chooses a node by the [`Consistency`] that the caller names, and goes on to the next one when a
//!   node dies under it.
//! * [`Db::begin`] opens the only kind of transaction that can write. All connections are read-only by default, so
//!   nothing else can; and it commits only together with a [`Journal`].

mod error;
mod monitor;
mod node;
mod position;
mod read;
mod schema;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use error::{DbError, UnavailableReason};
pub use node::{Health, Node, NodeReport, Sample};
pub use position::Lsn;
pub use read::ReadConnection;
pub use schema::{SchemaError, migrate, migrate_from};
pub use transaction::{Committed, Journal, WriteTransaction};

use tokio::sync::Notify;

use crate::config;
use position::Floor;

/// For how long after something happened positions are sampled often.
const BUSY: Duration = Duration::from_secs(1);

/// How new an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Any replica that has replayed what this process wrote; else the primary.
    Eventual,
    /// The primary; a replica only while the primary is gone.
    PreferLatest,
    /// The primary alone.
    Latest,
    /// Any replica that has replayed this much, whatever this process wrote; else the primary.
    AtLeast(Lsn),
}

/// The database as the rest of the service sees it. Cloning is cheap.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    primary: Node,
    replicas: Vec<Node>,
    /// Where the next eventual read starts to look for a replica.
    turn: AtomicUsize,
    /// The newest position that this process wrote at or heard of.
    floor: Floor,
    shared_floor: transaction::SharedFloor,
    /// The history that the primary was last seen in; 0 before it was seen at all.
    epoch: AtomicU64,
    /// Whether this process hears of what others write.
    hearing: AtomicBool,
    /// Until when positions are sampled often, in milliseconds after `started`.
    busy_until: AtomicU64,
    woken: Notify,
    started: Instant,
    settings: config::Database,
}

impl Db {
    /// The database that `settings` describe. Connections are opened when first needed; until [`Db::monitor`] runs,
    /// every node counts as down.
    ///
    /// # Errors
    /// Where an address is no Postgres URL.
    pub fn new(settings: &config::Database) -> Result<Self, DbError> {
        let primary = Node::new("primary", node::Role::Primary, &settings.url, settings)?;
        let replicas = settings
            .replicas
            .iter()
            .enumerate()
            .map(|(i, url)| Node::new(&format!("replica-{}", i + 1), node::Role::Replica, url, settings))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                primary,
                replicas,
                turn: AtomicUsize::new(0),
                floor: Floor::default(),
                shared_floor: transaction::SharedFloor::default(),
                epoch: AtomicU64::new(0),
                hearing: AtomicBool::new(true),
                busy_until: AtomicU64::new(0),
                woken: Notify::new(),
                started: Instant::now(),
                settings: settings.clone(),
            }),
        })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.inner.primary).chain(&self.inner.replicas)
    }

    /// How every node is.
    #[must_use]
    pub fn report(&self) -> Vec<NodeReport> {
        self.nodes().map(Node::report).collect()
    }

    /// Another process has written, at or below `position`: eventual reads of this one see it from now on.
    pub fn heard_of(&self, position: Lsn) {
        self.inner.floor.raise(position);
        self.stir();
    }

    /// Says whether this process hears of what others write. While it does not, eventual reads go to the primary.
    pub fn set_hearing(&self, hearing: bool) {
        self.inner.hearing.store(hearing, Ordering::Relaxed);
    }

    /// Where the primary was when it was last looked at; its epoch is 0 until it was seen for the first time.
    #[must_use]
    pub fn primary_sample(&self) -> Sample {
        self.inner.primary.sample()
    }

    /// Positions are of interest now: samples are taken often for a while.
    fn stir(&self) {
        let now = self.inner.started.elapsed();
        let until = (now + BUSY).as_millis() as u64;
        let before = self.inner.busy_until.swap(until, Ordering::Relaxed);
        if u128::from(before) < now.as_millis() {
            self.inner.woken.notify_waiters();
        }
    }

    fn is_busy(&self) -> bool {
        u128::from(self.inner.busy_until.load(Ordering::Relaxed)) > self.inner.started.elapsed().as_millis()
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        let pools = self.nodes().flat_map(|node| [node.pool(), node.writers()]);
        futures::future::join_all(pools.map(|pool| pool.close())).await;
    }
}
