//! A writer that dies between COMMIT and telling anybody.

use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::ground::{Book, Ground, Lags, PATIENCE, follow, stays, warm};
use crate::support::{Process, eventually};

/// What a writer leaves that was killed right after COMMIT: the row and its event, and nobody was told.
async fn write_and_die(sql: &mut PgConnection, book: &Book, title: &str) {
    let mut transaction = sql.begin().await.unwrap();
    sqlx::query("UPDATE products SET title = $2, version = version + 1 WHERE id = $1::uuid")
        .bind(&book.id)
        .bind(title)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query("INSERT INTO outbox (kind, payload) VALUES ('product_changed', $1)")
        .bind(json!({"kind": "product_changed", "product": book.id}))
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_writer_did_not_tell_is_told_for_it() {
    let ground = Ground::take().await;
    let [a, b, c] = ground.three(&[]).await;
    let mut title = "Round 0".to_owned();
    let book = ground.book(&a, &title).await;
    let mut sql = ground.sql().await;
    let mut lags = Lags::default();
    for round in 1..=6 {
        follow(&[&a, &b, &c], &book.pages, &title, Instant::now(), PATIENCE).await;
        warm(&[&a, &b, &c], &book.pages, &title).await;
        title = format!("Round {round}");
        write_and_die(&mut sql, &book, &title).await;
        lags.add(follow(&[&a, &b, &c], &book.pages, &title, Instant::now(), PATIENCE).await);
    }
    lags.tell("a dead writer's change, by the relay");
    ground.all_is_published().await;
}

/// Writes to all books without a pause, until the process is dead.
async fn write_until_dead(ground: &Ground, process: &Process, books: &[Book], round: usize) {
    let writers = books.iter().enumerate().map(async |(number, book)| {
        for step in 0.. {
            if ground.try_retitle(process, book, &format!("Book {number}, {round}.{step}")).await.is_err() {
                return;
            }
        }
    });
    join(join_all(writers), async {
        tokio::time::sleep(Duration::from_millis(150 + 70 * round as u64)).await;
        process.kill();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_be_killed_at_any_moment() {
    let ground = Ground::take().await;
    let (b, c) = join(ground.process(&[]), ground.process(&[])).await;
    let mut books = Vec::new();
    for number in 0..6 {
        books.push(ground.book(&b, &format!("Book {number}")).await);
    }
    let mut sql = ground.sql().await;
    for round in 1..=3 {
        let a = ground.process(&[]).await;
        write_until_dead(&ground, &a, &books, round).await;
        // A COMMIT that was sent is carried out, also for the dead.
        eventually("its connections are gone", async || {
            let open: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND (state = 'idle in transaction' OR state = 'active')
                   AND query ~* '^(BEGIN|UPDATE products|INSERT INTO (outbox|audit_log)|COMMIT)'",
            )
            .fetch_one(&mut sql)
            .await
            .unwrap();
            open == 0
        })
        .await;
        for book in &books {
            let title: String = sqlx::query_scalar("SELECT title FROM products WHERE id = $1::uuid")
                .bind(&book.id)
                .fetch_one(&mut sql)
                .await
                .unwrap();
            follow(&[&b, &c], &book.pages, &title, Instant::now(), PATIENCE).await;
            stays(&[&b, &c], &book.pages[..2], &title, Duration::from_millis(20)).await;
        }
    }
}
