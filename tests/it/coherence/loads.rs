//! Loads: slow ones that an invalidation overtakes, and one for all who want the same.

use std::time::{Duration, Instant};

use bookstore::dev::Node;
use futures::future::{join, join_all};

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
    let (a, with_replica) = join(ground.process(&[]), ground.process(&slow)).await;
    // Where a replica was too slow, the load itself goes on to the primary; what the primary said is for others to refuse.
    let without = ground.process(&[&slow[..], &[("database.replicas", "")]].concat()).await;
    for (b, number) in [(&with_replica, 0), (&without, 0), (&without, 1), (&without, 2)] {
        let old = format!("The old title of {number}");
        let new = format!("The new title of {number}");
        let book = ground.book(&a, &old).await;
        let page = &book.pages[number..=number];
        // Not the page by ISBN: its load may try the replica first, find the old title there too, and be held.
        let witness = if number == 0 { &book.pages[2..] } else { &book.pages[..1] };
        warm(&[b], witness, &old).await;
        forget_remotely(&ground, &a, &book).await;
        for proxy in [&to_primary, &to_replica] {
            proxy.hold(&old);
        }
        let early = b.get(&page[0]);
        let late = async {
            eventually("the old title is on its way", async || to_primary.caught() + to_replica.caught() > 0).await;
            ground.retitle(&a, &book, &new).await;
            follow(&[b], witness, &new, Instant::now(), PATIENCE).await;
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
        stays(&[b, &a], page, &new, LEASE / 5).await;
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

async fn counted(processes: &[Process], name: &str, labels: &[&str]) -> f64 {
    join_all(processes.iter().map(async |process| process.metric(name, labels).await)).await.into_iter().sum()
}

/// Three times a thousand ask for a book that nobody has. Gives how many queries that took, how many loads, and how many looks
/// into Redis.
async fn stampede(
    ground: &Ground,
    writer: &Process,
    processes: &[Process],
    database: [&Proxy; 2],
) -> (usize, f64, f64) {
    const OF_BOOKS: &str = "family=\"book_detail\"";
    let book = ground.book(writer, "Wanted").await;
    // Once it was kept, whoever loads it may keep it: its floor is flushed.
    forget_remotely(ground, writer, &book).await;
    let count = async || {
        // Counters are told to the metrics once a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let loads = counted(processes, "cache_load_duration_seconds_count", &[OF_BOOKS]).await;
        let looks = counted(processes, "cache_requests_total", &[OF_BOOKS, "level=\"l2\""]).await;
        (loads, looks)
    };
    let before = count().await;
    for proxy in database {
        proxy.hold("Wanted");
    }
    let all = (0..1_000).flat_map(|_| processes.iter().map(|process| process.get(book.detail())));
    let caught = || database.iter().map(|proxy| proxy.caught()).sum::<usize>();
    let held = async {
        eventually("somebody loads it", async || caught() > 0).await;
        // Until everybody is there.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let queries = caught();
        for proxy in database {
            proxy.open();
        }
        queries
    };
    let (answers, queries) = join(join_all(all), held).await;
    for answer in answers {
        assert!(shows(&answer.expect(200), "Wanted"));
    }
    let after = count().await;
    (queries, after.0 - before.0, after.1 - before.1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_who_want_one_book_cause_one_query() {
    let ground = Ground::take().await;
    let (to_primary, primary) = Proxy::before(&ground.url(Node::Primary)).await;
    let (to_replica, replica) = Proxy::before(&ground.url(Node::Replica(0))).await;
    // On a machine this busy Redis may be waited for; whoever gives up waiting loads by itself.
    let patient = [
        LONG_LEASE,
        ("redis.soft_deadline", "10s"),
        ("redis.timeout", "10s"),
        ("http.max_in_flight", "4000"),
        ("http.request_timeout", "1m"),
        ("database.read_timeout", "1m"),
        ("database.statement_timeout", "1m"),
        ("database.url", &primary),
        ("database.replicas", &replica),
    ];
    let processes = ground.three(&patient).await;
    // A writer of its own, whose write-through loads too.
    let writer = ground.process(&[]).await;
    let mut seen = Vec::new();
    // A process that waits for another one's load for more than a second and a half loads by itself. That is no mistake, and
    // may happen on a machine that is busy with something else.
    for _ in 0..4 {
        let (queries, loads, looks) = stampede(&ground, &writer, &processes, [&to_primary, &to_replica]).await;
        println!("3 x 1000 requests: {queries} queries, {loads} loads, {looks} looks into Redis");
        if (queries, loads) == (1, 1.0) && looks < 1_000.0 {
            return;
        }
        seen.push((queries, loads, looks));
    }
    panic!("queries, loads and looks into Redis: {seen:?}");
}
