//! Loads: slow ones that an invalidation overtakes, and one for all who want the same.

use std::time::Instant;

use bookstore::dev::Node;
use futures::future::{join, join_all};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::ground::{Book, Ground, LEASE, LONG_LEASE, PATIENCE, follow, shows, stays, warm};
use crate::support::{Process, Proxy, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_overtaken_by_a_change_is_of_use_to_nobody_who_asks_later() {
    let ground = Ground::take().await;
    let (to_primary, primary) = Proxy::before(&ground.url(Node::Primary)).await;
    let (to_replica, replica) = Proxy::before(&ground.url(Node::Replica(0))).await;
    // Longer than all of it, so that whoever asks later finds the slow load still on its way, and may join it.
    let slow = [
        LONG_LEASE,
        ("database.url", primary.as_str()),
        ("database.replicas", &replica),
        ("database.read_timeout", "1m"),
        ("database.statement_timeout", "1m"),
    ];
    let (a, b) = join(ground.process(&[]), ground.process(&slow)).await;
    for number in 0..3 {
        let old = format!("The old title of {number}");
        let new = format!("The new title of {number}");
        let book = ground.book(&a, &old).await;
        let page = &book.pages[number..=number];
        // Not the page by ISBN: its load may try the replica first, find the old title there too, and be held.
        let witness = if number == 0 { &book.pages[2..] } else { &book.pages[..1] };
        warm(&[&b], witness, &old).await;
        forget_remotely(&ground, &a, &book).await;
        for proxy in [&to_primary, &to_replica] {
            proxy.hold(&old);
        }
        let early = b.get(&page[0]);
        let late = async {
            eventually("the old title is on its way", async || to_primary.has_caught() || to_replica.has_caught())
                .await;
            ground.retitle(&a, &book, &new).await;
            follow(&[&b], witness, &new, Instant::now(), PATIENCE).await;
            // By now it has been heard of.
            let late = b.get(&page[0]);
            let open = async {
                tokio::time::sleep(LEASE / 5).await;
                for proxy in [&to_primary, &to_replica] {
                    proxy.open();
                }
            };
            join(late, open).await.0
        };
        let (early, late) = join(early, late).await;
        let early = early.expect(200);
        assert!(shows(&early, &old) || shows(&early, &new), "whoever asked before may get what was true then");
        assert!(shows(&late.expect(200), &new), "whoever asks later may not");
        stays(&[&b, &a], page, &new, LEASE / 5).await;
    }
}

/// Takes out of Redis what the write-through of a new book put there.
async fn forget_remotely(ground: &Ground, writer: &Process, book: &Book) {
    let entry = format!("{}:entry:{{book:detail:{}}}", ground.name, book.id);
    eventually("the book is kept", async || {
        writer.get(book.detail()).await.expect(200);
        ground.redis::<i64>(&["DEL", &entry]).await == 1
    })
    .await;
}

/// How often the statement that reads one book was run on all servers.
async fn statements(ground: &Ground) -> i64 {
    let mut sum = 0;
    for node in [Node::Primary, Node::Replica(0)] {
        let mut sql = PgConnection::connect(&ground.stack.admin_url(node, &ground.name).unwrap()).await.unwrap();
        let row = sqlx::query(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)
               AND query LIKE 'SELECT%FROM products%WHERE%id = %' AND query NOT LIKE '%FOR UPDATE%'",
        )
        .bind(&ground.name)
        .fetch_one(&mut sql)
        .await
        .unwrap();
        sum += row.get::<i64, _>(0);
    }
    sum
}

async fn loads(processes: &[Process]) -> f64 {
    let all = processes
        .iter()
        .map(async |process| process.metric("cache_load_duration_seconds_count", &["family=\"book_detail\""]).await);
    join_all(all).await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_who_want_one_book_cause_one_query() {
    let ground = Ground::take().await;
    // On a machine this busy Redis may be waited for; whoever gives up waiting loads by itself.
    let patient = [LONG_LEASE, ("redis.soft_deadline", "10s"), ("redis.timeout", "10s")];
    let processes = ground.three(&[&patient[..], &[("http.max_in_flight", "4000")]].concat()).await;
    // A writer of its own, whose write-through would load too.
    let writer = ground.process(&[]).await;
    let book = ground.book(&writer, "Wanted").await;
    // Once it was kept, whoever loads it may keep it: its floor is flushed.
    forget_remotely(&ground, &writer, &book).await;
    drop(writer);
    let (queries_before, loads_before) = (statements(&ground).await, loads(&processes).await);
    let all = processes.iter().flat_map(|process| (0..1_000).map(|_| process.get(book.detail())));
    for answer in join_all(all).await {
        assert!(shows(&answer.expect(200), "Wanted"));
    }
    eventually("it is counted", async || loads(&processes).await > loads_before).await;
    let (queries, loads) = (statements(&ground).await - queries_before, loads(&processes).await - loads_before);
    assert_eq!((queries, loads), (1, 1.0));
}
