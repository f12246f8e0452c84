//! Loads: slow ones that an invalidation overtakes, and one for all who want the same.

use std::time::Instant;

use bookstore::dev::Node;
use futures::future::{join, join_all};
use sqlx::Row as _;

use super::ground::{Ground, LEASE, LONG_LEASE, follow, shows, stays};
use crate::support::{Process, Proxy, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_overtaken_by_a_change_is_of_use_to_nobody_who_asks_later() {
    let ground = Ground::take().await;
    let (to_primary, primary) = Proxy::before(&ground.url(Node::Primary)).await;
    let (to_replica, replica) = Proxy::before(&ground.url(Node::Replica(0))).await;
    let slow = [
        ("database.url", primary.as_str()),
        ("database.replicas", &replica),
        ("database.read_timeout", "1m"),
        ("database.statement_timeout", "1m"),
        ("database.probe_timeout", "1m"),
    ];
    let (a, b) = join(ground.process(&[]), ground.process(&slow)).await;
    for page in 0..3 {
        let old = format!("The old title of {page}");
        let new = format!("The new title of {page}");
        let book = ground.book(&a, &old).await;
        let page = &book.pages[page..=page];
        for proxy in [&to_primary, &to_replica] {
            proxy.hold_answers();
        }
        let early = b.get(&page[0]);
        let late = async {
            eventually("the old title is on its way", async || to_primary.holds(&old) || to_replica.holds(&old)).await;
            ground.retitle(&a, &book, &new).await;
            // By now it has been heard of, or nothing is believed any more.
            tokio::time::sleep(LEASE).await;
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
        assert!(shows(&early.expect(200), &old), "whoever asked before may get what was true then");
        assert!(shows(&late.expect(200), &new), "whoever asks later may not");
        stays(&[&b, &a], page, &new, LEASE).await;
        follow(&[&ground.process(&[]).await], page, &new, Instant::now(), LEASE).await;
    }
}

/// How often the statement that reads one book was run on all servers.
async fn statements(ground: &Ground) -> i64 {
    let mut sum = 0;
    for node in [Node::Primary, Node::Replica(0)] {
        let mut sql = crate::support::database::admin(ground.stack, node).await;
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
    eventually("the book is nowhere", async || {
        ground.redis::<()>(&["DEL", &format!("{}:entry:{{book:detail:{}}}", ground.name, book.id)]).await;
        // Whoever loads from now on may keep it: its floor is flushed and replayed.
        let answer = writer.get(book.detail()).await;
        super::ground::is_hit(&answer)
    })
    .await;
    drop(writer);
    ground.redis::<()>(&["DEL", &format!("{}:entry:{{book:detail:{}}}", ground.name, book.id)]).await;
    let (queries_before, loads_before) = (statements(&ground).await, loads(&processes).await);
    let all = processes.iter().flat_map(|process| (0..1_000).map(|_| process.get(book.detail())));
    for answer in join_all(all).await {
        assert!(shows(&answer.expect(200), "Wanted"));
    }
    eventually("it is counted", async || loads(&processes).await > loads_before).await;
    let (queries, loads) = (statements(&ground).await - queries_before, loads(&processes).await - loads_before);
    assert_eq!((queries, loads), (1, 1.0));
}
