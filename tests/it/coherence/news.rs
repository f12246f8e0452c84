//! What was written through one process is read through the others.

use std::time::{Duration, Instant};

use bookstore::dev::Node;
use futures::future::join;
use reqwest::Method;

use super::ground::{Ground, LEASE, LONG_LEASE, Lags, PATIENCE, follow, is_hit, shows, stays, warm};
use crate::support::Proxy;
use crate::support::process::send;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_read_through_every_process_as_soon_as_it_is_made() {
    let ground = Ground::take().await;
    // Nothing but the stream can be so quick: with this lease the outbox is asked after eight seconds, and relayed after five.
    let [a, b, c] = ground.three(&[LONG_LEASE]).await;
    let mut title = "Round 0".to_owned();
    let book = ground.book(&a, &title).await;
    let mut lags = Lags::default();
    for round in 1..=12 {
        warm(&[&a, &b, &c], &book.pages, &title).await;
        title = format!("Round {round}");
        ground.retitle(&a, &book, &title).await;
        let since = Instant::now();
        let (own, others) = join(
            follow(&[&a], &book.pages, &title, since, Duration::ZERO),
            follow(&[&b, &c], &book.pages, &title, since, Duration::from_secs(4)),
        )
        .await;
        assert_eq!(own.longest(), Duration::ZERO);
        lags.add(others);
    }
    lags.tell("a change, through the other processes");
    // A book that was not there is there.
    let missing = book.detail().replace(&book.id, "01900000-0000-7000-8000-000000000000");
    assert_eq!(b.get(&missing).await.status, 404);
    stays(&[&a, &b, &c], &book.pages, &title, Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wrote_reads_it_through_a_process_that_has_not_heard_of_it() {
    let ground = Ground::take().await;
    let (to_redis, redis) = Proxy::before(ground.stack.redis_url()).await;
    let a = ground.process(&[]).await;
    // Nothing is loaded at the second process but for those who ask.
    let b = ground.process(&[("redis.url", &redis), LONG_LEASE, ("cache.hot_keys", "0")]).await;
    let mut title = "Round 0".to_owned();
    let book = ground.book(&a, &title).await;
    for round in 1..=3 {
        warm(&[&b], &book.pages, &title).await;
        to_redis.fall_silent();
        let before = std::mem::replace(&mut title, format!("Round {round}"));
        let written = ground.retitle(&a, &book, &title).await;
        let token = written.header("consistency-token");
        for page in &book.pages {
            let old = b.get(page).await.expect(200);
            assert!(is_hit(&old) && shows(&old, &before), "{page}: nobody else waits for the feed, but {old:?}");
            let own = b.request(Method::GET, page).header("consistency-token", token);
            let own = send(own).await.unwrap().expect(200);
            assert!(shows(&own, &title), "{page}: {own:?}");
        }
        to_redis.open();
        follow(&[&b], &book.pages, &title, Instant::now(), PATIENCE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_frozen_does_not_wake_up_with_the_past() {
    let ground = Ground::take().await;
    let (to_redis, redis) = Proxy::before(ground.stack.redis_url()).await;
    let (a, b) = join(ground.process(&[]), ground.process(&[("redis.url", &redis)])).await;
    let mut title = "Round 0".to_owned();
    let book = ground.book(&a, &title).await;
    for round in 1..=4 {
        warm(&[&b], &book.pages, &title).await;
        // What came meanwhile is read first, or nothing came.
        if round % 2 == 0 {
            to_redis.fall_silent();
        }
        b.pause();
        title = format!("Round {round}");
        ground.retitle(&a, &book, &title).await;
        tokio::time::sleep(LEASE + Duration::from_millis(50)).await;
        b.resume();
        follow(&[&b], &book.pages, &title, Instant::now(), Duration::ZERO).await;
        to_redis.open();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_brings_nothing_old_back() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[]).await;
    let book = ground.book(&a, "Before").await;
    let other = ground.book(&a, "Another").await;
    warm(&[&a, &b, &c], &book.pages, "Before").await;
    warm(&[&b], &other.pages, "Another").await;
    ground.replay(false).await;
    ground.retitle(&a, &book, "After").await;
    follow(&[&b, &c], &book.pages, "After", Instant::now(), PATIENCE).await;
    // What was loaded meanwhile can be kept, and so did not come from the replica.
    warm(&[&a, &b, &c], &book.pages, "After").await;
    follow(&[&b], &other.pages[..2], "Another", Instant::now(), Duration::ZERO).await;
    // Nor does it once all that is cached is lost.
    ground.redis::<()>(&["FLUSHALL"]).await;
    let fresh = ground.process(&[]).await;
    stays(&[&fresh, &a, &b, &c], &book.pages, "After", LEASE).await;
    ground.replay(true).await;
    stays(&[&fresh, &a, &b, &c], &book.pages, "After", LEASE).await;
    assert!(ground.stack.pid(Node::Replica(0)).is_some());
}
