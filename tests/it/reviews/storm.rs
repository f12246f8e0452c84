//! Everything at once through three processes, and a recount from scratch.

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATIENT, assert_recounts};
use crate::coherence::ground::Ground;
use crate::support::process::send;
use crate::support::selling::{checkout, fill_cart, shelve};
use crate::support::{Answer, Process, eventually, shop};
use bookstore::model::cart::Buyer;
use bookstore::model::ids::UserId;

const PEOPLE: usize = 16;
const BOOKS: i32 = 4;
const DEEDS: usize = 30;

/// Somebody who does things by chance, at whichever process.
struct Person<'a> {
    token: String,
    admin: &'a str,
    buyer: Buyer,
    processes: &'a [Process; 3],
    books: &'a [Uuid],
    random: StdRng,
}

impl Person<'_> {
    async fn ask(&mut self, method: Method, path: &str, as_admin: bool, body: Value) -> Answer {
        let process = &self.processes[self.random.random_range(0..3)];
        let token = if as_admin { self.admin } else { &self.token };
        let request = process.request(method, path).bearer_auth(token).header("if-match", "*");
        let request = request.header("idempotency-key", Uuid::new_v4().to_string());
        let answer = send(request.json(&body)).await.unwrap();
        // Too much at once is no mistake; whoever meets it does something else.
        let status = answer.status.as_u16();
        assert!(status < 500 || status == 503, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer
    }

    /// Some review of some book, as a reader sees it.
    async fn some_review(&mut self) -> Option<String> {
        let book = self.books[self.random.random_range(0..self.books.len())];
        let page = self.processes[0].get(&format!("/products/{book}/reviews?limit=100")).await.json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        (!items.is_empty()).then(|| items[self.random.random_range(0..items.len())]["id"].as_str().unwrap().to_owned())
    }

    async fn own(&mut self) -> Option<String> {
        let answer = self.ask(Method::GET, "/users/me/reviews", false, Value::Null).await.json();
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        (!items.is_empty()).then(|| items[self.random.random_range(0..items.len())]["id"].as_str().unwrap().to_owned())
    }

    async fn act(&mut self, sql: &mut sqlx::PgConnection) {
        let book = self.books[self.random.random_range(0..self.books.len())];
        let rating = self.random.random_range(1..=5);
        match self.random.random_range(0..20) {
            0..=6 => {
                let body = json!({"rating": rating, "text": "By chance"});
                drop(self.ask(Method::POST, &format!("/products/{book}/reviews"), false, body).await);
            }
            7..=9 => {
                if let Some(id) = self.own().await {
                    let path = format!("/reviews/{id}");
                    drop(self.ask(Method::PATCH, &path, false, json!({"rating": rating})).await);
                }
            }
            10..=11 => {
                if let Some(id) = self.own().await {
                    drop(self.ask(Method::DELETE, &format!("/reviews/{id}"), false, Value::Null).await);
                }
            }
            12..=15 => {
                if let Some(id) = self.some_review().await {
                    let path = format!("/reviews/{id}/vote");
                    let helpful = self.random.random_bool(0.6);
                    let taken_back = self.random.random_bool(0.2);
                    let method = if taken_back { Method::DELETE } else { Method::PUT };
                    drop(self.ask(method, &path, false, json!({ "helpful": helpful })).await);
                }
            }
            16 => {
                if let Some(id) = self.some_review().await {
                    drop(
                        self.ask(Method::POST, &format!("/admin/reviews/{id}/hide"), true, json!({"reason": "x"}))
                            .await,
                    );
                }
            }
            17 => {
                let hidden = self.ask(Method::GET, "/admin/reviews?state=hidden", true, Value::Null).await.json();
                if let Some(id) = hidden["items"][0]["review"]["id"].as_str() {
                    drop(self.ask(Method::POST, &format!("/admin/reviews/{id}/restore"), true, Value::Null).await);
                }
            }
            _ => {
                fill_cart(sql, &self.buyer, &[(book, 1)]).await;
                let order = self.ask(Method::POST, "/orders", false, checkout()).await.json();
                let Some(id) = order["id"].as_str() else { return };
                let path = format!("/orders/{id}/payments");
                drop(self.ask(Method::POST, &path, false, json!({"method": "tok_success"})).await);
                if self.random.random_bool(0.5) {
                    drop(self.ask(Method::POST, &format!("/orders/{id}/cancel"), false, json!({})).await);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_equals_a_recount() {
    let ground = Ground::take().await;
    let mut sql = ground.sql().await;
    let books = shelve(&mut sql, BOOKS, 100_000).await;
    // One came with a histogram, one with an average alone.
    sqlx::query("UPDATE products SET imported_rating_average = 3, imported_rating_count = 5, imported_rating_histogram = '{1,1,1,1,1}' WHERE id = $1")
        .bind(books[0])
        .execute(&mut sql)
        .await
        .unwrap();
    sqlx::query("UPDATE products SET imported_rating_average = 4.2, imported_rating_count = 7 WHERE id = $1")
        .bind(books[1])
        .execute(&mut sql)
        .await
        .unwrap();
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(shop::person(&mut sql, "customer").await);
    }
    let patient = [&PATIENT[..], &[("database.max_connections", "6")]].concat();
    let processes = ground.three(&patient).await;
    let storms = people.into_iter().enumerate().map(async |(seed, token)| {
        let mut sql = ground.sql().await;
        let me = processes[0].request(Method::GET, "/users/me").bearer_auth(&token);
        let me = send(me).await.unwrap().expect(200).json();
        let buyer = Buyer::User(UserId(me["id"].as_str().unwrap().parse().unwrap()));
        let random = StdRng::seed_from_u64(seed as u64);
        let mut person = Person { token, admin: &ground.admin, buyer, processes: &processes, books: &books, random };
        for _ in 0..DEEDS {
            person.act(&mut sql).await;
        }
    });
    join_all(storms).await;
    assert_recounts(&mut sql).await;
    let written: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE hidden), count(*) FILTER (WHERE verified), sum(helpful + unhelpful)::bigint FROM reviews",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    println!("{} reviews, {} of them hidden, {} verified, {} votes", written.0, written.1, written.2, written.3);
    assert!(written.0 > 20 && written.2 > 0 && written.3 > 0, "{written:?}");
    // And every process tells just that.
    for book in &books {
        let truth: (Vec<i64>, i64) =
            sqlx::query_as("SELECT review_histogram, rating_count FROM products WHERE id = $1")
                .bind(book)
                .fetch_one(&mut sql)
                .await
                .unwrap();
        for process in &processes {
            eventually("it tells the recounted numbers", async || {
                let page = process.get(&format!("/products/{book}/reviews")).await.json();
                let detail = process.get(&format!("/products/{book}")).await.json();
                page["summary"]["histogram"] == json!(truth.0) && detail["rating"]["count"] == json!(truth.1)
            })
            .await;
        }
    }
}
