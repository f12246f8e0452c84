//! Messages of the feed that are lost, repeated or out of order.

use std::time::Instant;

use deadpool_redis::redis;
use serde_json::json;
use sqlx::Connection;

use super::ground::{Book, Ground, LONG_LEASE, PATIENCE, follow, last_message, redis_connection, stays, warm};
use crate::support::Process;

/// Changes a book as a writer does whose message got lost on its way: all is noted as published, and nobody was told.
async fn write_unheard(ground: &Ground, book: &Book, title: &str) {
    let mut sql = ground.sql().await;
    let mut transaction = sql.begin().await.unwrap();
    sqlx::query("UPDATE products SET title = $2, version = version + 1 WHERE id = $1::uuid")
        .bind(&book.id)
        .bind(title)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query("INSERT INTO outbox (kind, payload, published_at) VALUES ('product_changed', $1, now())")
        .bind(json!({"kind": "product_changed", "product": book.id}))
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

struct Scene {
    ground: Ground,
    processes: [Process; 3],
    book: Book,
}

impl Scene {
    async fn open() -> Self {
        let ground = Ground::take().await;
        // Nobody asks the outbox unless something is noticed.
        let processes = ground.three(&[LONG_LEASE]).await;
        let book = ground.book(&processes[0], "Before").await;
        let [a, b, c] = &processes;
        warm(&[a, b, c], &book.pages, "Before").await;
        Self { ground, processes, book }
    }

    async fn follow(&self, title: &str) {
        let [a, b, c] = &self.processes;
        follow(&[a, b, c], &self.book.pages, title, Instant::now(), PATIENCE).await;
        warm(&[a, b, c], &self.book.pages, title).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_missing_is_noticed() {
    let scene = Scene::open().await;
    let Scene { ground, book, .. } = &scene;
    let stream = ground.stream();

    write_unheard(ground, book, "Before a message that is followed by another one").await;
    let (life, number, mut message) = last_message(ground).await;
    message["tags"] = json!([]);
    message["events"] = json!([]);
    let text = message.to_string();
    ground.redis::<String>(&["XADD", &stream, &format!("{life}-{}", number + 2), "m", &text]).await;
    scene.follow("Before a message that is followed by another one").await;

    // The message of this one is there and gone before anybody reads it, and nothing follows.
    write_unheard(ground, book, "Before the end of the stream").await;
    let (life, number, _) = last_message(ground).await;
    let id = format!("{life}-{}", number + 1);
    let mut pipeline = redis::pipe();
    pipeline.atomic().cmd("XADD").arg(&stream).arg(&id).arg("m").arg(&text).ignore();
    pipeline.cmd("XDEL").arg(&stream).arg(&id).ignore();
    pipeline.query_async::<()>(&mut redis_connection(ground.stack).await).await.unwrap();
    scene.follow("Before the end of the stream").await;

    // A stream that was begun anew.
    write_unheard(ground, book, "Before another life").await;
    ground.redis::<i64>(&["DEL", &stream]).await;
    scene.follow("Before another life").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_may_be_repeated_and_out_of_order() {
    let scene = Scene::open().await;
    let Scene { ground, processes: [a, b, c], book } = &scene;
    ground.retitle(a, book, "First").await;
    scene.follow("First").await;
    let (_, _, first) = last_message(ground).await;
    ground.retitle(a, book, "Second").await;
    scene.follow("Second").await;
    let (life, number, second) = last_message(ground).await;
    assert!(first["position"].as_u64() < second["position"].as_u64());
    for (step, message) in [&second, &first, &second, &first].into_iter().enumerate() {
        let id = format!("{life}-{}", number + 1 + step as u64);
        ground.redis::<String>(&["XADD", &ground.stream(), &id, "m", &message.to_string()]).await;
    }
    stays(&[a, b, c], &book.pages, "Second", super::ground::LEASE).await;
    ground.retitle(b, book, "Third").await;
    scene.follow("Third").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_trimmed_loses_nothing() {
    let scene = Scene::open().await;
    let Scene { ground, processes: [a, ..], book } = &scene;
    ground.retitle(a, book, "Before it is trimmed").await;
    scene.follow("Before it is trimmed").await;
    ground.redis::<i64>(&["XTRIM", &ground.stream(), "MAXLEN", "0"]).await;
    ground.retitle(a, book, "After it was trimmed").await;
    scene.follow("After it was trimmed").await;
}
