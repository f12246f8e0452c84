//! A Redis that loses what it knew, or comes back with what it knew long ago.

use std::time::{Duration, Instant};

use bookstore::dev::Node;

use super::ground::{Ground, LEASE, LONG_LEASE, PATIENCE, follow, stays, warm};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_emptied_revives_nothing() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[]).await;
    let book = ground.book(&a, "Before").await;
    warm(&[&a, &b, &c], &book.pages, "Before").await;
    let mut title = String::new();
    for round in 0..3 {
        ground.redis::<()>(&["FLUSHALL"]).await;
        title = format!("After {round}");
        ground.retitle(&a, &book, &title).await;
        follow(&[&b, &c], &book.pages, &title, Instant::now(), PATIENCE).await;
        ground.redis::<()>(&["FLUSHALL"]).await;
        stays(&[&a, &b, &c], &book.pages, &title, Duration::from_millis(100)).await;
    }
    let fresh = ground.process(&[]).await;
    stays(&[&fresh, &a, &b, &c], &book.pages, &title, LEASE).await;
    warm(&[&fresh, &a, &b, &c], &book.pages, &title).await;
}

/// Waits until the pages are in Redis, and has it write down what it knows.
async fn save(ground: &Ground) {
    eventually("the pages are in Redis", async || {
        ground.redis::<Vec<String>>(&["KEYS", &format!("{}:entry:*", ground.name)]).await.len() >= 3
    })
    .await;
    ground.redis::<()>(&["SAVE"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_with_the_past_revives_nothing() {
    let ground = Ground::take().await;
    // With this lease nobody comes to doubt what Redis says merely because time has passed.
    let [a, b, c] = ground.three(&[LONG_LEASE]).await;
    let book = ground.book(&a, "Saved").await;
    warm(&[&a, &b, &c], &book.pages, "Saved").await;
    save(&ground).await;
    ground.retitle(&a, &book, "Not saved").await;
    follow(&[&b, &c], &book.pages, "Not saved", Instant::now(), PATIENCE).await;

    ground.stack.kill(Node::Redis).await.unwrap();
    ground.stack.revive(Node::Redis).await.unwrap();
    // The newcomer asks as soon as it can: Redis has the old pages and the old floors, and says so.
    let fresh = ground.process(&[LONG_LEASE]).await;
    stays(&[&fresh, &a, &b, &c], &book.pages, "Not saved", LEASE).await;
    eventually("the newcomer trusts what it knows", async || fresh.metric("cache_lease_valid", &[]).await == 1.0).await;
    stays(&[&fresh, &a, &b, &c], &book.pages, "Not saved", LEASE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_misleads_nobody_where_all_others_are_gone() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[LONG_LEASE]).await;
    let book = ground.book(&a, "Saved").await;
    warm(&[&a, &b, &c], &book.pages, "Saved").await;
    save(&ground).await;
    ground.retitle(&a, &book, "Not saved").await;
    follow(&[&b, &c], &book.pages, "Not saved", Instant::now(), PATIENCE).await;
    ground.all_is_published().await;
    drop([a, b, c]);
    ground.stack.kill(Node::Redis).await.unwrap();
    ground.stack.revive(Node::Redis).await.unwrap();
    let kept: Vec<String> = ground.redis(&["KEYS", &format!("{}:entry:*", ground.name)]).await;
    assert!(kept.len() >= 3, "{kept:?}: the past is there");
    let fresh = ground.process(&[LONG_LEASE]).await;
    eventually("it trusts what it knows", async || fresh.metric("cache_lease_valid", &[]).await == 1.0).await;
    stays(&[&fresh], &book.pages, "Not saved", LEASE).await;
}
