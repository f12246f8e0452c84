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
use std::sync::atomic::AtomicUsize;

pub use error::{DbError, UnavailableReason};
pub use node::{Health, Node, NodeReport};
pub use position::Lsn;
pub use read::ReadConnection;
pub use schema::{SchemaError, migrate, migrate_from};
pub use transaction::{Journal, WriteTransaction};

use crate::config;
use position::Floor;

/// How new an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Any replica that has replayed what this process wrote; else the primary.
    Eventual,
    /// The primary; a replica only while the primary is gone.
    PreferLatest,
    /// The primary alone.
    Latest,
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
    /// The newest position that this process wrote at.
    floor: Floor,
    settings: config::Database,
}

impl Db {
    /// The database that `settings` describe. Connections are opened when first needed; until [`Db::monitor`] runs,
    /// every node counts as down.
    ///
    /// # Errors
    /// Where an address is no Postgres URL.
    pub fn new(settings: &config::Database) -> Result<Self, DbError> {
        let primary = Node::new("primary".into(), node::Role::Primary, &settings.url, settings)?;
        let replicas = settings
            .replicas
            .iter()
            .enumerate()
            .map(|(i, url)| Node::new(format!("replica-{}", i + 1), node::Role::Replica, url, settings))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                primary,
                replicas,
                turn: AtomicUsize::new(0),
                floor: Floor::default(),
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

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        futures::future::join_all(self.nodes().map(|node| node.pool().close())).await;
    }
}
