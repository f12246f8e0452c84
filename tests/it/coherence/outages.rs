//! Redis or the database gone: slower, never wrong.

use std::time::{Duration, Instant};

use bookstore::dev::Node;
use futures::future::join;
use serde_json::{Value, json};

use super::ground::{Ground, LEASE, LONG_LEASE, Lags, PATIENCE, follow, is_hit, last_message, shows, stays, warm};
use crate::support::{Process, Proxy, eventually};

/// Writes through the first, and follows that through the others, whose feed is gone.
async fn write_and_follow(ground: &Ground, processes: [&Process; 3], book: &super::ground::Book, title: &str) -> Lags {
    let [a, b, c] = processes;
    ground.retitle(a, book, title).await;
    let since = Instant::now();
    let (own, others) = join(
        follow(&[a], &book.pages, title, since, Duration::ZERO),
        follow(&[b, c], &book.pages, title, since, LEASE),
    )
    .await;
    assert_eq!(own.longest(), Duration::ZERO);
    others
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_change_is_read_everywhere_within_a_lease() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[]).await;
    let book = ground.book(&a, "Before").await;
    for (fault, times) in [("killed", 3), ("frozen", 3)] {
        let mut lags = Lags::default();
        let mut title = format!("Before it is {fault}");
        ground.retitle(&a, &book, &title).await;
        follow(&[&b, &c], &book.pages, &title, Instant::now(), PATIENCE).await;
        warm(&[&a, &b, &c], &book.pages, &title).await;
        match fault {
            "killed" => ground.stack.kill(Node::Redis).await.unwrap(),
            _ => ground.stack.pause(Node::Redis).await.unwrap(),
        }
        for round in 0..times {
            title = format!("Round {round} while it is {fault}");
            lags.add(write_and_follow(&ground, [&a, &b, &c], &book, &title).await);
            // What was loaded is kept without Redis too.
            warm(&[&b, &c], &book.pages, &title).await;
        }
        lags.tell(&format!("Redis {fault}"));
        match fault {
            "killed" => ground.stack.revive(Node::Redis).await.unwrap(),
            _ => ground.stack.resume(Node::Redis).await.unwrap(),
        }
        stays(&[&a, &b, &c], &book.pages, &title, LEASE * 2).await;
        for process in [&a, &b, &c] {
            eventually("Redis is used again", async || {
                // Something that only Redis or the database could know.
                process.get("/products/01900000-0000-7000-8000-000000000000").await.expect(404);
                process.metric("cache_breaker_state", &[]).await == 0.0
            })
            .await;
        }
    }
    let after = "After all";
    ground.retitle(&a, &book, after).await;
    follow(&[&b, &c], &book.pages, after, Instant::now(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_cut_off_from_redis_alone_is_heard_all_the_same() {
    let ground = Ground::take().await;
    let (to_redis, redis) = Proxy::before(ground.stack.redis_url()).await;
    let (a, b) = join(ground.process(&[("redis.url", &redis)]), ground.process(&[])).await;
    let mut title = "Round 0".to_owned();
    let book = ground.book(&a, &title).await;
    let mut lags = Lags::default();
    for round in 1..=4 {
        follow(&[&b], &book.pages, &title, Instant::now(), PATIENCE).await;
        warm(&[&b], &book.pages, &title).await;
        if round % 2 == 0 {
            to_redis.fall_silent()
        } else {
            to_redis.break_all()
        }
        title = format!("Round {round}");
        ground.retitle(&a, &book, &title).await;
        lags.add(follow(&[&b], &book.pages, &title, Instant::now(), PATIENCE).await);
        to_redis.open();
    }
    lags.tell("a writer without Redis, by the relay");
    ground.all_is_published().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hears_nothing_at_all_believes_nothing() {
    let ground = Ground::take().await;
    let (to_redis, redis) = Proxy::before(ground.stack.redis_url()).await;
    let (to_primary, primary) = Proxy::before(&ground.url(Node::Primary)).await;
    let cut_off = [("redis.url", redis.as_str()), ("database.url", primary.as_str())];
    let (a, b) = join(ground.process(&[]), ground.process(&cut_off)).await;
    let book = ground.book(&a, "Before").await;
    warm(&[&b], &book.pages, "Before").await;
    to_redis.fall_silent();
    to_primary.fall_silent();
    ground.retitle(&a, &book, "After").await;
    let since = Instant::now();
    // It has the replica left, whose answers it cannot keep.
    follow(&[&b], &book.pages, "After", since, LEASE).await;
    to_primary.open();
    to_redis.open();
    warm(&[&b], &book.pages, "After").await;
}

/// The names of the entries of a family in Redis.
async fn entries(ground: &Ground, family: &str) -> Vec<String> {
    ground.redis(&["KEYS", &format!("{}:entry:{{{family}:*", ground.name)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_database_what_is_known_is_served_and_what_was_invalidated_is_not() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[LONG_LEASE]).await;
    let book = ground.book(&a, "Before").await;
    let other = ground.book(&a, "Untouched").await;
    let shelf = "/products?limit=7".to_owned();
    warm(&[&a, &b], &book.pages, "Before").await;
    warm(&[&a, &b], &other.pages[..2], "Untouched").await;
    ground.retitle(&a, &book, "After").await;
    follow(&[&b], &book.pages[..1], "After", Instant::now(), PATIENCE).await;
    // An entry that was loaded long ago, as seen by a process that has none of its own.
    warm(&[&a], std::slice::from_ref(&shelf), "After").await;
    eventually("it is in Redis", async || entries(&ground, "books:list").await.len() > 1).await;
    for name in entries(&ground, "books:list").await {
        ground.redis::<()>(&["PEXPIRE", &name, "200000"]).await;
    }
    for node in [Node::Primary, Node::Replica(0)] {
        ground.stack.kill(node).await.unwrap();
    }

    for page in &other.pages[..2] {
        let answer = b.get(page).await.expect(200);
        assert!(is_hit(&answer) && shows(&answer, "Untouched"));
    }
    for page in &book.pages {
        // Somebody else may have loaded it again in time; if not, there is no answer.
        let answer = b.get(page).await;
        assert!(shows(&answer, "After") || answer.status == 503, "{page}: {answer:?}");
    }
    let stale = c.get(&shelf).await.expect(200);
    assert!(shows(&stale, "After"));
    assert_eq!(stale.header("cache-status"), "bookstore; hit; ttl=-1; detail=l2-stale");
    assert!(stale.header("age").parse::<u64>().unwrap() > 300, "{stale:?}");

    let (life, number, mut message) = last_message(&ground).await;
    message["tags"] = json!(["books:list"]);
    message["position"] = json!(message["position"].as_u64().unwrap() + 1_000_000);
    message["events"] = Value::Array(Vec::new());
    let id = format!("{life}-{}", number + 1);
    ground.redis::<String>(&["XADD", &ground.stream(), &id, "m", &message.to_string()]).await;
    eventually("it is heard", async || c.get(&shelf).await.status == 503).await;
    c.get(&shelf).await.expect(503);
    b.get(&book.pages[2]).await.expect(503);

    for node in [Node::Primary, Node::Replica(0)] {
        ground.stack.revive(node).await.unwrap();
    }
    eventually("it is loaded again", async || c.get(&shelf).await.status == 200).await;
    follow(&[&a, &b, &c], &book.pages, "After", Instant::now(), PATIENCE).await;
}
