//! The probes: how every node is and how far it has come.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, PgConnection};

use super::node::{Health, Node, Role};
use super::position::Lsn;
use super::{Db, config};
use crate::telemetry::database as telemetry;

/// Where the primary was, and when, for as far back as lag is of interest. Lag is read off it, so it needs no clock
/// but this machine's and an idle primary makes no replica look late.
#[derive(Default)]
struct History(VecDeque<(Instant, Lsn)>);

impl History {
    fn push(&mut self, at: Instant, position: Lsn, keep: Duration) {
        if self.0.back().is_none_or(|(_, last)| *last < position) {
            self.0.push_back((at, position));
        }
        while self.0.len() > 1 && self.0[0].0 + keep < at {
            self.0.pop_front();
        }
    }

    /// For how long a node at `position` has been behind.
    fn lag(&self, now: Instant, position: Lsn) -> Duration {
        let first_missing = self.0.iter().find(|(_, known)| *known > position);
        first_missing.map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(*at))
    }
}

/// How often a probe asks whether the server was promoted.
const EPOCH_INTERVAL: Duration = Duration::from_millis(500);

/// How long to wait before a probe that broke is sent again.
const PAUSE_OF_BROKEN_PROBE: Duration = Duration::from_millis(5);

struct Probe {
    standby: bool,
    position: Lsn,
    epoch: u64,
}

/// A probe's own connection, and which history the server was in when that was last asked.
struct Connection {
    open: PgConnection,
    epoch: u64,
    epoch_asked: Instant,
}

impl Db {
    /// Probes all nodes once, so that a start does not take the first answers for an outage.
    pub async fn probe_once(&self) {
        let history = Mutex::new(History::default());
        let monitors = self.nodes().map(|node| async {
            let mut connection: Option<Connection> = None;
            self.probe(node, &mut connection, &history).await;
        });
        futures::future::join_all(monitors).await;
    }

    /// Probes all nodes until the future is dropped.
    pub async fn monitor(&self) {
        let history = Arc::new(Mutex::new(History::default()));
        let monitors = self.nodes().map(|node| self.monitor_node(node.clone(), Arc::clone(&history)));
        futures::future::join_all(monitors).await;
    }

    async fn monitor_node(&self, node: Node, history: Arc<Mutex<History>>) {
        let mut connection: Option<Connection> = None;
        loop {
            self.probe(&node, &mut connection, &history).await;
            let (pool, writers) = (node.pool(), node.writers());
            telemetry::record_pool(node.name(), pool.size() + writers.size(), pool.num_idle() + writers.num_idle());
            let settings = &self.inner.settings;
            // While nobody is interested, looks are rare; the next one who is shortens the pause.
            let woken = async {
                if !self.is_busy() {
                    self.inner.woken.notified().await;
                }
                tokio::time::sleep(settings.sample_interval).await;
            };
            tokio::select! {
                () = tokio::time::sleep(settings.probe_interval) => {}
                () = woken => {}
                () = node.suspected() => {}
            }
        }
    }

    async fn probe(&self, node: &Node, connection: &mut Option<Connection>, history: &Mutex<History>) {
        let settings = &self.inner.settings;
        let generation = self.inner.floor.generation();
        let found = tokio::time::timeout(settings.probe_timeout, ask(node, connection)).await;
        let health = match found {
            Ok(Ok(probe)) => self.judge_probe(node, &probe, generation, history, settings),
            Ok(Err(error)) => down(error.to_string()),
            Err(_) => down(format!("no answer within {:?}", settings.probe_timeout)),
        };
        if !health.up {
            *connection = None;
        }
        telemetry::record_node(node.name(), health.up, health.lag);
        node.set_health(health);
    }

    fn judge_probe(
        &self,
        node: &Node,
        probe: &Probe,
        generation: u64,
        history: &Mutex<History>,
        settings: &config::Database,
    ) -> Health {
        let now = Instant::now();
        let mut history = history.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (node.role(), probe.standby) {
            (Role::Primary, true) => return down("is a standby, not a primary".into()),
            (Role::Replica, false) => return down("is no standby: it was promoted, or never was one".into()),
            (Role::Primary, false) => {
                history.push(now, probe.position, settings.max_replica_lag * 4);
                self.inner.floor.settle(generation, probe.position);
                self.inner.epoch.store(probe.epoch, Ordering::Relaxed);
            }
            (Role::Replica, true) => {}
        }
        // Without the primary nobody can say who is late, and late is all there is.
        let lag = match node.role() {
            Role::Replica if self.inner.primary.is_up() => history.lag(now, probe.position),
            _ => Duration::ZERO,
        };
        let late = lag > settings.max_replica_lag;
        let detail =
            if late { format!("replays {:.1} s behind the primary", lag.as_secs_f64()) } else { String::new() };
        Health { up: true, position: probe.position, epoch: probe.epoch, lag, detail }
    }
}

fn down(detail: String) -> Health {
    Health { up: false, position: Lsn::default(), epoch: 0, lag: Duration::ZERO, detail }
}

/// Asks over a connection of the probe's own: a full pool is not a dead server. Nor is a dead connection, however many
/// die in a row: a server is down when it lets nobody in, or when the caller runs out of patience.
async fn ask(node: &Node, connection: &mut Option<Connection>) -> sqlx::Result<Probe> {
    loop {
        match ask_once(node, connection).await {
            Err(error) if died_alone(&error) => {
                tracing::debug!(node = node.name(), %error, "a probe broke");
                *connection = None;
                tokio::time::sleep(PAUSE_OF_BROKEN_PROBE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn ask_once(node: &Node, connection: &mut Option<Connection>) -> sqlx::Result<Probe> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let options = node.connect_options().clone().application_name("bookstore probe");
            let mut open = options.connect().await?;
            let epoch = epoch(&mut open).await?;
            connection.insert(Connection { open, epoch, epoch_asked: Instant::now() })
        }
    };
    // Within one connection the history can only change by a promotion, and the server is not asked at each sample.
    if connection.epoch_asked.elapsed() > EPOCH_INTERVAL {
        connection.epoch = epoch(&mut connection.open).await?;
        connection.epoch_asked = Instant::now();
    }
    position(&mut connection.open, connection.epoch).await
}

/// Names the history that the server is in: which cluster, which timeline, which database. A standby knows its timeline
/// from its last restart point, so after a promotion it counts as behind until the next one.
async fn epoch(connection: &mut PgConnection) -> sqlx::Result<u64> {
    let row = sqlx::query!(
        r#"SELECT system_identifier AS "system!", current_database() AS "database!",
                  CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
                       ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer
                  END AS "timeline!"
           FROM pg_control_system()"#
    )
    .fetch_one(connection)
    .await?;
    let name = format!("{} {} {}", row.system, row.timeline, row.database);
    // Zero means that it is not known.
    Ok(xxhash_rust::xxh3::xxh3_64(name.as_bytes()).max(1))
}

/// Whether a connection broke in a way that says nothing of its server. One that refuses, or that is starting or has no
/// room, has spoken for itself.
fn died_alone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // 57P01 admin shutdown, which a terminated connection is told too; 57P02 crash shutdown.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

async fn position(connection: &mut PgConnection, epoch: u64) -> sqlx::Result<Probe> {
    // What is not flushed on the primary can be lost in a crash and its position used again: hence the flush
    // position, not the insert position.
    let row = sqlx::query!(
        r#"SELECT pg_is_in_recovery() AS "standby!",
                  ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)
                   - '0/0'::pg_lsn)::bigint AS position"#
    )
    .fetch_one(connection)
    .await?;
    Ok(Probe { standby: row.standby, position: Lsn::from_offset(row.position.unwrap_or(0)), epoch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_the_age_of_the_first_thing_missed() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut history = History::default();
        for (ms, position) in [(0, 10), (100, 20), (200, 30), (300, 30)] {
            history.push(at(ms), Lsn(position), Duration::from_secs(20));
        }
        assert_eq!(history.lag(at(400), Lsn(30)), Duration::ZERO);
        assert_eq!(history.lag(at(400), Lsn(25)), Duration::from_millis(200));
        assert_eq!(history.lag(at(400), Lsn(5)), Duration::from_millis(400));
    }

    #[test]
    fn an_idle_primary_makes_nobody_late() {
        let start = Instant::now();
        let mut history = History::default();
        for second in 0..60 {
            history.push(start + Duration::from_secs(second), Lsn(10), Duration::from_secs(20));
        }
        assert_eq!(history.lag(start + Duration::from_secs(60), Lsn(10)), Duration::ZERO);
        assert_eq!(history.0.len(), 1);
    }
}
