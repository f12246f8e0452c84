//! Several processes, and their deaths.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::ground::{QUICK, Receiver, book, deliveries, register};
use crate::support::process::{Process, send};
use crate::support::{Shop, eventually};

#[tokio::test]
async fn several_processes_send_each_event_once() {
    let shop = Shop::open_with(&QUICK).await;
    let (second, third) = (shop.beside(&QUICK).await, shop.beside(&QUICK).await);
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    for _ in 0..10 {
        for shop in [&shop, &second, &third] {
            book(shop, &admin).await;
        }
    }
    receiver.wait_for(30).await;
    eventually("all is noted", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 30).await;
    let mut ids: Vec<String> = receiver.received().into_iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), 30);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 30, "one event was sent twice");
}

/// The settings of a process of its own beside a shop.
fn settings(shop: &Shop, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let database = shop.database();
    let prefix = database.primary_url.rsplit('/').next().unwrap().to_owned();
    let fixed = [
        ("database.url", database.primary_url.as_str()),
        ("database.replicas", &database.replica_url),
        ("redis.url", &database.redis_url),
        ("redis.prefix", &prefix),
        ("http.bind", "127.0.0.1:0"),
        ("metrics.bind", "127.0.0.1:0"),
        ("limits.enabled", "false"),
        ("cache.warm_books", "0"),
        ("cache.hot_keys", "0"),
        ("webhooks.timeout", "1s"),
    ];
    fixed.iter().chain(&QUICK).chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn nothing_is_lost_with_a_process_that_is_killed() {
    // It does nothing by itself: it is there to ask, and for its database.
    let shop = Shop::open_with(&[QUICK[2], QUICK[3]]).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    // So that the death meets messages that are under way.
    receiver.slow(Duration::from_millis(150));
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        let process = Process::start(&settings(&shop, &[]), &[]).await;
        for number in 0..12 {
            let new = json!({"title": format!("Book {number}"), "authors": ["A. Mortal"]});
            let made = send(process.request(Method::POST, "/products").bearer_auth(&admin).json(&new)).await.unwrap();
            expected.push(made.expect(201).json()["id"].as_str().unwrap().to_owned());
        }
        let so_far = receiver.received().len();
        receiver.wait_for(so_far + 1).await;
        process.kill();
    }
    let last = Process::start(&settings(&shop, &[]), &[]).await;
    receiver.slow(Duration::ZERO);
    expected.sort();
    let told = || {
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for message in receiver.received() {
            let product = message.json()["data"]["product_id"].as_str().unwrap().to_owned();
            told.entry(product).or_default().push(message.id);
        }
        told
    };
    eventually("everything has arrived", async || told().keys().eq(&expected)).await;
    eventually("nothing waits", async || deliveries(&shop, &admin, "&state=pending").await.is_empty()).await;
    for (product, ids) in told() {
        assert!(ids.iter().all(|id| *id == ids[0]), "{product} was told by several ids: {ids:?}");
    }
    assert!(last.metric("webhook_attempts_total", &["delivered"]).await > 0.0);
}
