//! The two rules on which all else rests, under stress: the floor of a write is a record of its own after COMMIT, and what a
//! read reflects is sampled before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bookstore::config::Config;
use bookstore::db::{Consistency, Db, Journal, Lsn};
use bookstore::dev::Node;
use futures::future::join_all;
use sqlx::PgConnection;

use super::ground::Ground;
use crate::support::database::{admin, run, wait_for_replica};

const READERS: usize = 3;
const TIME: Duration = Duration::from_secs(3);

struct NoNews;

impl Journal for NoNews {
    type Record = ();

    async fn append(&self, _: &mut PgConnection) -> sqlx::Result<()> {
        Ok(())
    }
}

/// Counts up without a pause; gives the floor of each write.
async fn write(db: &Db, row: i32, stop: &AtomicBool) -> Vec<u64> {
    let mut floors = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut transaction = db.begin("stress.write").await.unwrap();
        sqlx::query("UPDATE counters SET value = value + 1 WHERE id = $1")
            .bind(row)
            .execute(&mut *transaction)
            .await
            .unwrap();
        let committed = transaction.commit(&NoNews).await.unwrap();
        floors.push(committed.floor.unwrap().1.0);
    }
    floors
}

/// A read: what it claims to reflect, and what it saw.
struct Seen {
    position: u64,
    primary: bool,
    values: Vec<i64>,
}

async fn read(db: &Db, consistency: Consistency, stop: &AtomicBool) -> Vec<Seen> {
    let mut all = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let (values, sample) = db
            .read_sampled("stress.read", consistency, |mut connection| async move {
                sqlx::query_scalar::<_, Vec<i64>>("SELECT array_agg(value ORDER BY id) FROM counters")
                    .fetch_one(&mut *connection)
                    .await
            })
            .await
            .unwrap();
        all.push(Seen { position: sample.position.0, primary: sample.latest, values });
    }
    all
}

/// Writes and reads for a while. Gives how many reads there were of the primary and of the replica, and how many of each
/// claimed a position at or above the floor of a write that they did not see.
async fn stress(ground: &Ground, writers: i32) -> [(usize, usize); 2] {
    let (primary, replica) = (ground.url(Node::Primary), ground.url(Node::Replica(0)));
    let settings = [
        ("database.url", primary.as_str()),
        ("database.replicas", &replica),
        ("database.sample_interval", "1ms"),
        ("database.probe_timeout", "10s"),
        ("redis.url", "redis://127.0.0.1:1/0"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let db = Db::new(&Config::load(None, [], settings).unwrap().database).unwrap();
    db.probe_once().await;
    let stop = Arc::new(AtomicBool::new(false));
    let monitor = tokio::spawn({
        let db = db.clone();
        async move { db.monitor().await }
    });
    let writers: Vec<_> = (1..=writers)
        .map(|row| {
            let (db, stop) = (db.clone(), Arc::clone(&stop));
            tokio::spawn(async move { write(&db, row, &stop).await })
        })
        .collect();
    let readers: Vec<_> = [Consistency::Latest, Consistency::AtLeast(Lsn(0))]
        .iter()
        .flat_map(|consistency| (0..READERS).map(|_| *consistency))
        .map(|consistency| {
            let (db, stop) = (db.clone(), Arc::clone(&stop));
            tokio::spawn(async move { read(&db, consistency, &stop).await })
        })
        .collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    let floors: Vec<Vec<u64>> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let reads: Vec<Seen> = join_all(readers).await.into_iter().flat_map(Result::unwrap).collect();
    monitor.abort();
    println!("{} writes", floors.iter().map(Vec::len).sum::<usize>());
    let wrong = |seen: &Seen| {
        let mut rows = seen.values.iter().zip(&floors);
        rows.any(|(value, floors)| floors.get(*value as usize).is_some_and(|floor| *floor <= seen.position))
    };
    [true, false].map(|primary| {
        let of_node = reads.iter().filter(|seen| seen.primary == primary);
        (of_node.clone().count(), of_node.filter(|seen| wrong(seen)).count())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_claims_a_write_that_it_did_not_see() {
    let ground = Ground::take().await;
    let mut primary = admin(ground.stack, Node::Primary).await;
    let mut sql = ground.sql().await;
    run(&mut sql, "CREATE TABLE counters (id integer PRIMARY KEY, value bigint NOT NULL)").await;
    run(&mut sql, "INSERT INTO counters SELECT id, 0 FROM generate_series(1, 4) id").await;
    wait_for_replica(ground.stack, &mut primary).await;
    // A commit that waits for a standby is in the log long before its rows are seen, and one writer alone adds nothing after it.
    for (standby, writers) in [("", 4), ("*", 1)] {
        run(&mut primary, &format!("ALTER SYSTEM SET synchronous_standby_names = '{standby}'")).await;
        run(&mut primary, "SELECT pg_reload_conf()").await;
        run(&mut sql, "UPDATE counters SET value = 0").await;
        wait_for_replica(ground.stack, &mut primary).await;
        let [at_primary, at_replica] = stress(&ground, writers).await;
        let mode = if standby.is_empty() { "commits at once" } else { "commits that wait for the standby" };
        println!("{mode}: primary {at_primary:?}, replica {at_replica:?} (reads, wrong ones)");
        assert!(at_primary.0 > 20 && at_replica.0 > 20, "{mode}: too few reads to say anything");
        assert_eq!((at_primary.1, at_replica.1), (0, 0), "{mode}");
    }
    run(&mut primary, "ALTER SYSTEM RESET synchronous_standby_names").await;
    run(&mut primary, "SELECT pg_reload_conf()").await;
}
