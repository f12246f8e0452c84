//! Bringing all servers up, side by side where that helps.

use std::ffi::OsString;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use super::cluster::Maker;
use super::error::StackError;
use super::faults::Node;
use super::files;
use super::layout::{replica_name, slot_name};
use super::process;
use super::redis;
use super::server::{Kind, Server};

/// How long a replica may take until it streams, before it is copied anew.
const FOLLOW_LIMIT: Duration = Duration::from_secs(60);

/// What a replica's log says when it can never follow its primary again.
const BROKEN: [&str; 8] = [
    "has already been removed",
    "can no longer get changes from replication slot",
    "can no longer access replication slot",
    "database system identifier differs",
    "is behind recovery timeline",
    "is not in this server's history",
    "forked off current database system timeline",
    "is ahead of the WAL flush position",
];

/// The servers of a stack.
pub(super) struct Servers {
    pub(super) primary: Server,
    pub(super) replicas: Vec<Server>,
    pub(super) redis: Server,
}

impl Servers {
    pub(super) fn new(maker: &Maker<'_>) -> Self {
        let (state, layout) = (maker.state, maker.layout);
        let postgres = |name: String, port| {
            let data = layout.data(&name);
            let arguments = vec![OsString::from("-D"), data.clone().into_os_string()];
            server(maker, name, Kind::Postgres { data }, maker.binaries.postgres("postgres"), arguments, port)
        };
        let replicas = state.replica_ports.iter().take(maker.options.replicas).enumerate();
        Self {
            primary: postgres("primary".to_owned(), state.primary_port),
            replicas: replicas.map(|(index, port)| postgres(replica_name(index), *port)).collect(),
            redis: server(
                maker,
                "redis".to_owned(),
                Kind::Redis { password: state.redis_password.clone() },
                maker.binaries.redis.clone(),
                vec![layout.redis_conf().into_os_string()],
                state.redis_port,
            ),
        }
    }

    pub(super) fn get(&self, node: Node) -> Result<&Server, StackError> {
        match node {
            Node::Primary => Ok(&self.primary),
            Node::Redis => Ok(&self.redis),
            Node::Replica(index) => {
                let replica = self.replicas.get(index);
                replica.ok_or_else(|| StackError::failed(format!("there is no {}", replica_name(index)), ""))
            }
        }
    }

    /// Stops the replicas, then the primary, and Redis meanwhile.
    pub(super) fn stop(&self) -> Result<(), StackError> {
        thread::scope(|scope| {
            let redis = scope.spawn(|| self.redis.stop());
            let replicas: Vec<_> = self.replicas.iter().map(|replica| scope.spawn(|| replica.stop())).collect();
            let replicas: Vec<_> = replicas.into_iter().map(join).collect();
            let primary = self.primary.stop();
            // Every server is tried before the first error is reported.
            replicas.into_iter().chain([primary, join(redis)]).collect()
        })
    }
}

fn server(
    maker: &Maker<'_>,
    name: String,
    kind: Kind,
    program: std::path::PathBuf,
    arguments: Vec<OsString>,
    port: u16,
) -> Server {
    Server {
        log: maker.layout.log(&name),
        dir: maker.layout.dir().to_owned(),
        account: maker.account,
        child: Mutex::new(None),
        name,
        kind,
        program,
        arguments,
        port,
    }
}

/// Starts everything and waits until every replica streams. Returns whether the primary's cluster was made by this start.
pub(super) fn all(maker: &Maker<'_>, servers: &Servers, say: &dyn Fn(&str)) -> Result<bool, StackError> {
    files::write_private(&maker.layout.redis_conf(), &redis::configuration(maker.layout, maker.state), maker.account)?;
    let fresh = !maker.layout.ready("primary").exists();
    thread::scope(|scope| {
        let redis = scope.spawn(|| servers.redis.start());
        // A replica that was made before starts beside its primary and finds it when it is there.
        let begun: Vec<_> = servers
            .replicas
            .iter()
            .map(|replica| (!fresh && maker.is_replica(&replica.name)).then(|| scope.spawn(|| begin(maker, replica))))
            .collect();
        let primary = start_primary(maker, servers, fresh, say);
        let begun: Vec<_> = begun.into_iter().map(|handle| handle.map(join).transpose()).collect();
        let fresh = primary?;
        for (replica, begun) in servers.replicas.iter().zip(begun) {
            ensure_follows(maker, replica, begun?.flatten().filter(|_| !fresh), say)?;
        }
        join(redis)?;
        Ok(fresh)
    })
}

/// Starts an existing replica; returns from where on its log belongs to this start, or nothing when it does not come up.
fn begin(maker: &Maker<'_>, replica: &Server) -> Result<Option<u64>, StackError> {
    maker.configure(&replica.name, replica.port, Some(maker.state.primary_port))?;
    let from = replica.log_length();
    match replica.start() {
        Ok(()) => Ok(Some(from)),
        Err(StackError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Starts the primary, making it first when `fresh`. Returns whether it was made.
fn start_primary(maker: &Maker<'_>, servers: &Servers, fresh: bool, say: &dyn Fn(&str)) -> Result<bool, StackError> {
    if !fresh {
        say("Starting PostgreSQL");
        maker.configure("primary", maker.state.primary_port, None)?;
        match servers.primary.start() {
            Ok(()) => return Ok(false),
            Err(StackError::Failed { .. }) if !maker.options.durable => say("The cluster is damaged"),
            Err(error) => return Err(error),
        }
    }
    say("Creating a PostgreSQL cluster");
    maker.init_primary()?;
    maker.configure("primary", maker.state.primary_port, None)?;
    servers.primary.start()?;
    maker.populate_primary()?;
    Ok(true)
}

/// Waits until a replica streams; copies the primary when it cannot or when there is none yet.
fn ensure_follows(
    maker: &Maker<'_>,
    replica: &Server,
    begun: Option<u64>,
    say: &dyn Fn(&str),
) -> Result<(), StackError> {
    if let Some(from) = begun {
        match follow(maker, replica, from)? {
            None => return Ok(()),
            Some(why) => say(&format!("The replica cannot follow any more ({why})")),
        }
    }
    say(&format!("Copying the primary to {}", replica.name));
    replica.kill()?;
    maker.copy_primary(&replica.name)?;
    maker.configure(&replica.name, replica.port, Some(maker.state.primary_port))?;
    let from = replica.log_length();
    replica.start()?;
    match follow(maker, replica, from)? {
        None => Ok(()),
        Some(why) => {
            let log = files::last_lines(&files::log_since(&replica.log, from));
            Err(StackError::failed(format!("{} does not follow the primary ({why})", replica.name), log))
        }
    }
}

/// Waits until the primary sees the replica streaming; `Some` says why that will not happen.
fn follow(maker: &Maker<'_>, replica: &Server, from: u64) -> Result<Option<&'static str>, StackError> {
    let query = format!(
        "SELECT (SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{}'), \
         (SELECT state FROM pg_stat_replication WHERE application_name = '{}' ORDER BY backend_start DESC LIMIT 1)",
        slot_name(&replica.name),
        replica.name
    );
    let mut outcome = Ok(Some("it does not stream"));
    process::wait_until(FOLLOW_LIMIT, || {
        let row = match maker.psql("postgres", &query) {
            Ok(row) => row,
            Err(error) => {
                outcome = Err(error);
                return true;
            }
        };
        let (slot, state) = row.split_once('|').unwrap_or_default();
        let log = files::log_since(&replica.log, from);
        let verdict = match (slot, state) {
            ("", _) => Some("its replication slot is gone"),
            ("lost", _) => Some("the primary no longer has what it needs"),
            (_, "streaming") => None,
            _ if BROKEN.iter().any(|sign| log.contains(sign)) => Some("its log says so"),
            _ if replica.pid().is_none() => Some("it ended"),
            _ => return false,
        };
        outcome = Ok(verdict);
        true
    });
    outcome
}

/// A panic of a helper thread becomes an error.
fn join<T>(handle: ScopedJoinHandle<'_, Result<T, StackError>>) -> Result<T, StackError> {
    handle.join().unwrap_or_else(|_| Err(StackError::failed("a helper thread panicked", "")))
}
