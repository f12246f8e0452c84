//! Stock: what people change, the ledger that explains it, and streams of the changes.

mod adjustments;
mod faults;
mod many;
mod reader;
mod streams;

use serde_json::{Value, json};

use crate::support::{Answer, Process, Shop};

/// Adds a book and gives its id.
async fn book(shop: &Shop, admin: &str) -> String {
    let book = json!({"title": "Counted", "authors": ["A. Counter"], "price": {"amount": 100, "currency": "USD"}});
    let answer = shop.post("/products").token(admin).json(&book).send().await.expect(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Some books.
async fn books(shop: &Shop, admin: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(book(shop, admin).await);
    }
    ids
}

/// Asks for an adjustment.
async fn adjust(shop: &Shop, admin: &str, book: &str, body: &Value) -> Answer {
    shop.post(&format!("/products/{book}/inventory/adjustments")).token(admin).json(body).send().await
}

/// Puts copies on the shelf.
async fn receive(shop: &Shop, admin: &str, book: &str, copies: i32) -> Answer {
    adjust(shop, admin, book, &json!({"change": copies, "reason": "received"})).await.expect(200)
}

/// Another process of a shop on the shared stack, as a program of its own.
async fn process(shop: &Shop, settings: &[(&str, &str)]) -> Process {
    let database = shop.database();
    let usual = [
        ("database.url", database.primary_url.as_str()),
        ("database.replicas", &database.replica_url),
        ("database.acquire_timeout", "10s"),
        ("redis.url", &database.redis_url),
        ("redis.prefix", &database.name),
        ("http.bind", "127.0.0.1:0"),
        ("metrics.bind", "127.0.0.1:0"),
        ("limits.enabled", "false"),
        ("cache.warm_books", "0"),
        ("cache.hot_keys", "0"),
        ("telemetry.log_filter", "info,bookstore::access=off"),
    ];
    let all: Vec<(String, String)> =
        usual.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Process::start(&all, &[]).await
}
