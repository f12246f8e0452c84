//! Which database node answers, and what happens when one is killed, frozen or late. Real servers, really disturbed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bookstore::config::Config;
use bookstore::db::{Consistency, Db, DbError, Journal};
use bookstore::dev::{Node, Stack};
use sqlx::{Connection, PgConnection};

use crate::support::{database, eventually, own_stack};

struct Silence;

impl Journal for Silence {
    type Record = ();

    async fn append(&self, _: &mut PgConnection) -> sqlx::Result<()> {
        Ok(())
    }
}

/// A database over a stack, with its monitor running.
struct Watched {
    db: Db,
    monitor: tokio::task::JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.monitor.abort();
    }
}

async fn watch(primary: &str, replica: &str, more: &[(&str, &str)]) -> Watched {
    let settings = [
        ("database.url", primary),
        ("database.replicas", replica),
        ("database.probe_interval", "20ms"),
        ("database.probe_timeout", "3s"),
        ("database.acquire_timeout", "10s"),
        ("redis.url", "redis://127.0.0.1:1/0"),
    ];
    let overrides = settings.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let config = Config::load(None, [], overrides).unwrap();
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let monitor = tokio::spawn({
        let db = db.clone();
        async move { db.monitor().await }
    });
    Watched { db, monitor }
}

/// Whether the answer came from a replica.
async fn asks_replica(db: &Db, consistency: Consistency) -> Result<bool, DbError> {
    db.read("test.where", consistency, |mut connection| async move {
        sqlx::query_scalar::<_, bool>("SELECT pg_is_in_recovery()").fetch_one(&mut *connection).await
    })
    .await
}

async fn write(db: &Db, value: i64) -> Result<(), DbError> {
    let mut tx = db.begin("test.write").await?;
    sqlx::query("INSERT INTO notes VALUES ($1)").bind(value).execute(&mut *tx).await?;
    tx.commit(&Silence).await.map(drop)
}

async fn newest(db: &Db) -> Result<i64, DbError> {
    db.read("test.newest", Consistency::Eventual, |mut connection| async move {
        sqlx::query_scalar("SELECT coalesce(max(value), 0) FROM notes").fetch_one(&mut *connection).await
    })
    .await
}

async fn notes(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query("CREATE TABLE notes (value bigint)").execute(&mut connection).await.unwrap();
    connection
}

/// Reads without pause from eight tasks until told to stop, and counts those that fail.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(db: &Db) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..8).map(|_| {
            let (db, stop, done) = (db.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match asks_replica(&db, Consistency::Eventual).await {
                        Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                        Err(error) => {
                            failures.push(error.to_string());
                            // An outage fails at once: without a pause the failures would fill the memory.
                            tokio::time::sleep(Duration::from_millis(1)).await;
                            0
                        }
                    };
                }
                failures
            })
        });
        let tasks = tasks.collect();
        Self { stop, done, tasks }
    }

    /// Lets some more reads pass.
    async fn go_on(&self) {
        let target = self.done.load(Ordering::Relaxed) + 2_000;
        eventually("the load goes on", async || self.done.load(Ordering::Relaxed) >= target).await;
    }

    async fn failures(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for task in self.tasks {
            failures.extend(task.await.unwrap());
        }
        failures
    }
}

async fn loaded(name: &str) -> (Stack, Watched) {
    let stack = own_stack(name).await;
    let watched = watch(stack.primary_url(), &stack.replica_urls()[0], &[]).await;
    eventually("the replica answers", async || {
        asks_replica(&watched.db, Consistency::Eventual).await.is_ok_and(|it| it)
    })
    .await;
    (stack, watched)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_fails_while_a_node_is_left() {
    let (stack, watched) = loaded("nodes-killed").await;
    let db = &watched.db;
    let load = Load::start(db);
    load.go_on().await;

    stack.kill(Node::Replica(0)).await.unwrap();
    load.go_on().await;
    assert!(!asks_replica(db, Consistency::Eventual).await.unwrap());

    stack.revive(Node::Replica(0)).await.unwrap();
    eventually("the replica comes back by itself", async || {
        asks_replica(db, Consistency::Eventual).await.is_ok_and(|it| it)
    })
    .await;

    stack.kill(Node::Primary).await.unwrap();
    load.go_on().await;
    assert!(asks_replica(db, Consistency::Eventual).await.unwrap());
    assert!(asks_replica(db, Consistency::PreferLatest).await.unwrap());
    let begun = Instant::now();
    assert!(matches!(asks_replica(db, Consistency::Latest).await, Err(DbError::Unavailable { .. })));
    assert!(matches!(db.begin("test.write").await, Err(DbError::Unavailable { .. })));
    assert!(begun.elapsed() < Duration::from_secs(1), "an outage that is known costs nobody a wait");

    stack.revive(Node::Primary).await.unwrap();
    eventually("the primary comes back by itself", async || db.begin("test.write").await.is_ok()).await;
    load.go_on().await;
    let failures = load.failures().await;
    assert!(failures.is_empty(), "{} reads failed, the first: {}", failures.len(), failures[0]);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_replica_is_left_out() {
    let (stack, watched) = loaded("nodes-frozen").await;
    let db = &watched.db;
    let load = Load::start(db);
    load.go_on().await;
    stack.pause(Node::Replica(0)).await.unwrap();
    load.go_on().await;
    assert!(!asks_replica(db, Consistency::Eventual).await.unwrap());
    stack.resume(Node::Replica(0)).await.unwrap();
    eventually("the replica comes back by itself", async || {
        asks_replica(db, Consistency::Eventual).await.is_ok_and(|it| it)
    })
    .await;
    let failures = load.failures().await;
    assert!(failures.is_empty(), "{} reads failed, the first: {}", failures.len(), failures[0]);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_replica_is_left_out() {
    let stack = own_stack("nodes-late").await;
    let watched = watch(stack.primary_url(), &stack.replica_urls()[0], &[("database.max_replica_lag", "200ms")]).await;
    let db = &watched.db;
    let mut primary = PgConnection::connect(&stack.admin_url(Node::Primary, "postgres").unwrap()).await.unwrap();
    let mut replica = PgConnection::connect(&stack.admin_url(Node::Replica(0), "postgres").unwrap()).await.unwrap();
    sqlx::query("SELECT pg_wal_replay_pause()").execute(&mut replica).await.unwrap();
    // Written by somebody else, so that this process' own floor does not keep the replica out.
    sqlx::query("SELECT pg_logical_emit_message(true, 'test', 'x')").execute(&mut primary).await.unwrap();
    eventually("it is left out", async || !asks_replica(db, Consistency::Eventual).await.unwrap()).await;
    sqlx::query("SELECT pg_wal_replay_resume()").execute(&mut replica).await.unwrap();
    eventually("it comes back by itself", async || asks_replica(db, Consistency::Eventual).await.unwrap()).await;
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_reads_what_it_wrote() {
    let database = database().await;
    drop(notes(&database.primary_url).await);
    let watched = watch(&database.primary_url, &database.replica_url, &[]).await;
    let mut from_replica = 0;
    for value in 1..=300 {
        write(&watched.db, value).await.unwrap();
        assert_eq!(newest(&watched.db).await.unwrap(), value);
        if value % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            from_replica += u32::from(asks_replica(&watched.db, Consistency::Eventual).await.unwrap());
            assert_eq!(newest(&watched.db).await.unwrap(), value);
        }
    }
    assert!(from_replica > 0, "the replica never answered, so nothing was shown");
}

/// Writers who wait at the same moment share a floor. It must lie behind the commit of each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_floor_is_behind_every_commit_that_it_is_for() {
    let database = database().await;
    drop(notes(&database.primary_url).await);
    let watched = watch(&database.primary_url, &database.replica_url, &[]).await;
    let writers = (0..12).map(|writer| {
        let db = watched.db.clone();
        tokio::spawn(async move {
            for round in 0..25 {
                let mut tx = db.begin("test.write").await.unwrap();
                sqlx::query("INSERT INTO notes VALUES ($1)")
                    .bind(writer * 100 + round)
                    .execute(&mut *tx)
                    .await
                    .unwrap();
                let before_commit: i64 =
                    sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
                        .fetch_one(&mut *tx)
                        .await
                        .unwrap();
                let (_, floor) = tx.commit(&Silence).await.unwrap().floor.unwrap();
                assert!(floor.0 > before_commit.unsigned_abs(), "{floor:?} is before a commit at {before_commit}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_write_transaction_can_write() {
    let database = database().await;
    drop(notes(&database.primary_url).await);
    let watched = watch(&database.primary_url, &database.replica_url, &[]).await;
    let refused = watched
        .db
        .read("test.sneak", Consistency::Latest, |mut connection| async move {
            sqlx::query("INSERT INTO notes VALUES (1)").execute(&mut *connection).await
        })
        .await;
    let Err(DbError::Unexpected(cause)) = refused else { panic!("a read wrote") };
    assert!(cause.to_string().contains("read-only transaction"), "{cause}");
    let dropped = watched.db.begin("test.dropped").await.unwrap();
    drop(dropped);
    assert_eq!(newest(&watched.db).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_connection_is_no_outage() {
    let database = database().await;
    drop(notes(&database.primary_url).await);
    // No replica: the second try has to succeed at the primary itself.
    let watched = watch(&database.primary_url, "", &[]).await;
    for round in 0..20 {
        write(&watched.db, round).await.unwrap();
        let mut killer = PgConnection::connect(&database.primary_url).await.unwrap();
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'bookstore'",
        )
        .execute(&mut killer)
        .await
        .unwrap();
        assert_eq!(newest(&watched.db).await.unwrap(), round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_probe_is_no_outage() {
    let database = database().await;
    // No replica that could stand in for the primary meanwhile.
    let watched = watch(&database.primary_url, "", &[]).await;
    let load = Load::start(&watched.db);
    let mut killer = PgConnection::connect(&database.primary_url).await.unwrap();
    // With and without pauses: the second and the third probe in a row may break as well.
    for pause in [60, 60, 60, 60, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 60, 60, 60] {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'bookstore probe'",
        )
        .execute(&mut killer)
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    load.go_on().await;
    let failures = load.failures().await;
    assert!(failures.is_empty(), "{} reads failed, the first: {}", failures.len(), failures[0]);
}
