//! The stack as a whole: bringing it up, its addresses, and taking it down.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::account::{self, Account};
use super::binaries::Binaries;
use super::bring_up::{self, Servers};
use super::cluster::Maker;
use super::error::StackError;
use super::faults::Node;
use super::guardian::Guardian;
use super::layout::{Layout, replica_name};
use super::leftovers;
use super::lock::Lock;
use super::ports;
use super::state::{DATABASE, State};

/// How often other ports are tried when somebody takes the chosen ones first.
const PORT_ATTEMPTS: usize = 5;

/// What kind of stack to run, and where.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The folder, created when missing. Data in it is used again.
    pub dir: PathBuf,
    /// How many streaming replicas.
    pub replicas: usize,
    /// Whether commits survive a crash of the machine (`fsync`). Without it, a damaged cluster is made anew.
    pub durable: bool,
    /// Postgres' `shared_buffers` in MiB, for each server.
    pub shared_buffers_mb: u32,
    /// Whether a guardian process stops the servers when this process ends without doing so. Without it, a killed owner
    /// leaves them running until the next start.
    pub guardian: bool,
}

impl StackOptions {
    /// For development: one replica, durable.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), replicas: 1, durable: true, shared_buffers_mb: 512, guardian: true }
    }

    /// For tests: one replica, small, and fast instead of durable.
    pub fn for_tests(dir: impl Into<PathBuf>) -> Self {
        Self { durable: false, shared_buffers_mb: 128, ..Self::new(dir) }
    }
}

/// A running stack. It belongs to no async runtime: it may be started in one and used in another.
///
/// Dropping it stops the servers too (and blocks meanwhile); [`Stack::stop`] also tells whether that went well.
pub struct Stack {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) servers: Servers,
    state: State,
    first_start: bool,
    primary_url: String,
    replica_urls: Vec<String>,
    redis_url: String,
    dir: PathBuf,
    // Dropped in this order, after the servers have stopped: the guardian holds the lock, too.
    guardian: Option<Guardian>,
    _lock: Lock,
}

impl Stack {
    /// Starts the stack, or starts it again: data, ports and passwords of an earlier run are kept, servers left behind by a
    /// killed owner are stopped first, a half-made cluster is made anew, and so is a replica that cannot follow any more.
    /// `progress` gets a short line for every step that takes time.
    ///
    /// # Errors
    /// [`StackError::AlreadyRunning`] when a live process owns the folder; otherwise what is missing or failed, with the end
    /// of the log in question.
    pub async fn start(options: StackOptions, progress: impl Fn(&str)) -> Result<Self, StackError> {
        let (say, mut said) = mpsc::unbounded_channel::<String>();
        let work = tokio::task::spawn_blocking(move || {
            Self::start_blocking(options, &|line| {
                // Nobody listens any more when the caller gave up; the stack is then stopped by its drop.
                let _ = say.send(line.to_owned());
            })
        });
        while let Some(line) = said.recv().await {
            progress(&line);
        }
        work.await.unwrap_or_else(|error| Err(StackError::failed(error.to_string(), "")))
    }

    fn start_blocking(options: StackOptions, say: &dyn Fn(&str)) -> Result<Self, StackError> {
        let (dir, account) = account::prepare(&options.dir, say)?;
        let layout = Layout::new(dir);
        let lock = Lock::acquire(&layout, account)?;
        let binaries = Binaries::find(&layout.data("primary"))?;
        leftovers::stop(layout.dir(), say)?;
        let replicas: Vec<String> = (0..options.replicas).map(replica_name).collect();
        let guardian = options.guardian.then(|| Guardian::start(&layout, &lock, &replicas)).transpose()?;
        let mut state = State::load(&layout)?;
        let (servers, first_start) = run(&layout, &options, &binaries, account, &mut state, say)?;
        let inner = Inner {
            primary_url: state.service_url(state.primary_port, DATABASE),
            replica_urls: servers.replicas.iter().map(|replica| state.service_url(replica.port, DATABASE)).collect(),
            redis_url: state.redis_url(),
            dir: layout.dir().to_owned(),
            servers,
            state,
            first_start,
            guardian,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The service's database on the primary. The role may create databases and see the statistics; it is no superuser.
    pub fn primary_url(&self) -> &str {
        &self.inner.primary_url
    }

    /// The service's database on each replica.
    pub fn replica_urls(&self) -> &[String] {
        &self.inner.replica_urls
    }

    /// Redis, database 0 of 1024. It starts empty every time.
    pub fn redis_url(&self) -> &str {
        &self.inner.redis_url
    }

    /// Another database on a Postgres server, as the service's role; `None` when there is no such server.
    pub fn url(&self, node: Node, database: &str) -> Option<String> {
        let port = self.inner.postgres_port(node)?;
        Some(self.inner.state.service_url(port, database))
    }

    /// A database on a Postgres server, as the superuser; `None` when there is no such server.
    pub fn admin_url(&self, node: Node, database: &str) -> Option<String> {
        let port = self.inner.postgres_port(node)?;
        Some(self.inner.state.admin_url(port, database))
    }

    /// Whether this start made the primary's cluster, so that its database is empty.
    pub fn first_start(&self) -> bool {
        self.inner.first_start
    }

    /// The process id of the guardian, if there is one.
    pub fn guardian_pid(&self) -> Option<i32> {
        self.inner.guardian.as_ref().map(Guardian::pid)
    }

    /// The folder in use, which may be another than the wanted one (see [`Stack::start`]'s progress).
    pub fn dir(&self) -> &std::path::Path {
        &self.inner.dir
    }

    /// Stops replicas, then the primary, and Redis meanwhile. Committed data stays.
    ///
    /// # Errors
    /// When a server cannot be stopped even by force.
    pub async fn stop(self) -> Result<(), StackError> {
        // The last handle goes with the closure: the guardian and the lock are gone when this returns.
        blocking(move || self.inner.servers.stop()).await
    }

    /// Stops the servers and blocks meanwhile, for places without a runtime. The folder stays owned until the drop.
    pub fn stop_blocking(&self) {
        // There is nobody to tell; what cannot be stopped is taken over by the next start.
        let _ = self.inner.servers.stop();
    }
}

// Passwords stay out of it.
impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stack").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

impl Inner {
    fn postgres_port(&self, node: Node) -> Option<u16> {
        match node {
            Node::Redis => None,
            node => self.servers.get(node).ok().map(|server| server.port),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.servers.stop();
    }
}

/// Chooses ports and brings the servers up; again with other ports when somebody was faster.
fn run(
    layout: &Layout,
    options: &StackOptions,
    binaries: &Binaries,
    account: Option<Account>,
    state: &mut State,
    say: &dyn Fn(&str),
) -> Result<(Servers, bool), StackError> {
    let mut taken = BTreeSet::new();
    loop {
        ports::choose(state, layout.dir(), options.replicas, &taken)?;
        state.save(layout, account)?;
        let maker = Maker { layout, options, binaries, account, state };
        let servers = Servers::new(&maker);
        match bring_up::all(&maker, &servers, say) {
            Ok(first_start) => return Ok((servers, first_start)),
            Err(error) => {
                // The first failure is what the caller needs to hear.
                let _ = servers.stop();
                match error {
                    StackError::PortTaken(port) if taken.len() < PORT_ATTEMPTS => taken.insert(port),
                    error => return Err(error),
                };
            }
        }
    }
}

/// Runs blocking work outside of the async workers.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StackError> + Send + 'static,
) -> Result<T, StackError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StackError::failed(error.to_string(), "")))
}
