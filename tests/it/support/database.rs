//! A database of its own for every test, copied from a migrated template.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bookstore::dev::{Node, Stack};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use super::stack::stack;

const TEMPLATE: &str = "test_template";
/// Redis has 1024 databases; 0 is left to whoever does not care.
const REDIS_DATABASES: usize = 1023;

/// A freshly migrated, empty database on the shared stack, and a Redis database that goes with it. Dropped in the background
/// when it goes out of scope, with whatever connections it still has.
#[derive(Debug)]
pub struct TestDatabase {
    /// The database's name.
    pub name: String,
    /// On the primary, as the service's role.
    pub primary_url: String,
    /// On the replica, which has it already.
    pub replica_url: String,
    /// A Redis database that no other of the next thousand tests uses. Channels of publish and subscribe are shared.
    pub redis_url: String,
}

/// Makes a database for one test.
pub async fn database() -> TestDatabase {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let stack = stack().await;
    template(stack).await;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{number}");
    let mut primary = admin(stack, Node::Primary).await;
    run(&mut primary, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER bookstore")).await;
    wait_for_replica(stack, &mut primary).await;
    let url = |node| stack.url(node, &name).unwrap();
    let redis = stack.redis_url().strip_suffix("/0").unwrap();
    TestDatabase {
        primary_url: url(Node::Primary),
        replica_url: url(Node::Replica(0)),
        redis_url: format!("{redis}/{}", 1 + number % REDIS_DATABASES),
        name,
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // At the very end of the process nobody takes the name any more; the next run drops what is left.
        let _ = DROPPER.send(std::mem::take(&mut self.name));
    }
}

/// Drops databases one after the other, since each one takes a checkpoint, in a thread and a runtime of its own: the test
/// that used the database is over, and so is its runtime.
static DROPPER: LazyLock<mpsc::Sender<String>> = LazyLock::new(|| {
    let (sender, names) = mpsc::channel::<String>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for name in names {
            runtime.block_on(async {
                let mut primary = admin(stack().await, Node::Primary).await;
                run(&mut primary, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        }
    });
    sender
});

/// Makes the template once in a process: always anew, so that it never lags behind the migrations.
async fn template(stack: &Stack) {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let make = async {
        let mut primary = admin(stack, Node::Primary).await;
        let old: Vec<String> =
            sqlx::query_scalar(r"SELECT datname::text FROM pg_database WHERE datname LIKE 'test\_%'")
                .fetch_all(&mut primary)
                .await
                .unwrap();
        for name in old {
            run(&mut primary, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        run(&mut primary, &format!("CREATE DATABASE {TEMPLATE} OWNER bookstore")).await;
        migrate(&stack.url(Node::Primary, TEMPLATE).unwrap()).await;
    };
    MADE.get_or_init(|| make).await;
}

/// Applies the migrations of the checkout as they are on disk.
pub async fn migrate(url: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    if folder.is_dir() {
        let mut connection = PgConnection::connect(url).await.unwrap();
        Migrator::new(folder).await.unwrap().run_direct(None, &mut connection, false).await.unwrap();
        // A copy of the template needs it without any connection, so the end of this one is waited for.
        connection.close().await.unwrap();
    }
}

/// Waits until the replica has applied everything that the primary has written up to now.
pub async fn wait_for_replica(stack: &Stack, primary: &mut PgConnection) {
    let written: String = sqlx::query_scalar("SELECT pg_current_wal_lsn()::text").fetch_one(primary).await.unwrap();
    let mut replica = admin(stack, Node::Replica(0)).await;
    let begun = Instant::now();
    loop {
        let applied: bool = sqlx::query_scalar("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn")
            .bind(&written)
            .fetch_one(&mut replica)
            .await
            .unwrap();
        if applied {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the replica does not reach {written}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A connection of the superuser to the `postgres` database.
pub async fn admin(stack: &Stack, node: Node) -> PgConnection {
    PgConnection::connect(&stack.admin_url(node, "postgres").unwrap()).await.unwrap()
}

/// Runs a statement that takes no parameters.
pub async fn run(connection: &mut PgConnection, sql: &str) {
    if let Err(error) = connection.execute(AssertSqlSafe(sql)).await {
        panic!("{sql}: {error}");
    }
}

/// The statements about books that the servers were given, by their own count.
pub async fn statements(name: &str) -> i64 {
    let stack = stack().await;
    let mut sum = 0;
    for node in [Node::Primary, Node::Replica(0)] {
        let mut sql = PgConnection::connect(&stack.admin_url(node, name).unwrap()).await.unwrap();
        let calls: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
             WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND query ~ '(products|genres|search_words)' AND query !~ 'pg_stat_statements'",
        )
        .fetch_one(&mut sql)
        .await
        .unwrap();
        sum += calls;
    }
    sum
}
