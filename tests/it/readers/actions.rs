//! What the readers of the storm do.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::coherence::ground::Ground;
use crate::support::process::send;
use crate::support::selling::{checkout, shelve};
use crate::support::{Answer, Process, shop};

const READERS: usize = 12;
const BOOKS: i32 = 6;

/// What a storm must have had of everything, or it shows nothing.
const KINDS: &[&str] = &[
    "review",
    "change",
    "withdraw",
    "vote",
    "unvote",
    "favourite",
    "unfavourite",
    "order",
    "cancel",
    "hide",
    "restore",
];

/// A reader.
pub struct Reader {
    pub id: Uuid,
    pub token: String,
}

/// Everybody, and what they did.
pub struct Crowd {
    pub processes: [Process; 3],
    pub readers: Vec<Reader>,
    pub books: Vec<Uuid>,
    admin: String,
    seed: u64,
    /// The reviews that were ever written.
    reviews: Mutex<Vec<Uuid>>,
    /// How often what was done, not counting what was refused.
    pub done: Mutex<BTreeMap<&'static str, usize>>,
    /// How many steps were taken.
    pub steps: AtomicUsize,
}

impl Crowd {
    pub async fn gather(ground: &Ground, seed: u64) -> Self {
        let mut sql = ground.sql().await;
        let books = shelve(&mut sql, BOOKS, 10_000).await;
        sqlx::query("INSERT INTO genres (slug, name) VALUES ('even', 'Even'), ('odd', 'Odd')")
            .execute(&mut sql)
            .await
            .unwrap();
        for (number, book) in books.iter().enumerate() {
            let imported = number < 2;
            sqlx::query(
                "UPDATE products SET genres = ARRAY[$2], imported_rating_average = $3, imported_rating_count = $4,
                        rating_average = coalesce($3, 0), rating_count = coalesce($4, 0),
                        imported_rating_histogram = $5, rating_histogram = $5
                 WHERE id = $1",
            )
            .bind(book)
            .bind(if number % 2 == 0 { "even" } else { "odd" })
            .bind(imported.then_some(4.0_f64))
            .bind(imported.then_some(10_i64))
            // One source tells how many gave how many stars, the other one only the average.
            .bind((number == 0).then(|| vec![0_i64, 0, 2, 6, 2]))
            .execute(&mut sql)
            .await
            .unwrap();
        }
        let mut readers = Vec::new();
        let processes = ground.three(&[]).await;
        for _ in 0..READERS {
            let token = shop::person(&mut sql, "customer").await;
            let me =
                send(processes[0].request(Method::GET, "/users/me").bearer_auth(&token)).await.unwrap().expect(200);
            readers.push(Reader { id: me.json()["id"].as_str().unwrap().parse().unwrap(), token });
        }
        Self {
            processes,
            readers,
            books,
            admin: ground.admin.clone(),
            seed,
            reviews: Mutex::default(),
            done: Mutex::default(),
            steps: AtomicUsize::new(0),
        }
    }

    fn draw<'a, T>(random: &mut StdRng, things: &'a [T]) -> &'a T {
        &things[random.random_range(0..things.len())]
    }

    /// Asks one of the processes. Whatever is asked, none of them breaks.
    async fn ask(&self, random: &mut StdRng, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let process = Self::draw(random, &self.processes);
        let request = process.request(method.clone(), path).bearer_auth(token).header("if-match", "*");
        let request = request.header("idempotency-key", Uuid::from_u128(random.random()).to_string());
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = send(request).await.unwrap();
        assert!(answer.status.as_u16() < 500, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        answer
    }

    fn note(&self, kind: &'static str, answer: &Answer) {
        if answer.status.is_success() {
            *self.done.lock().unwrap().entry(kind).or_default() += 1;
        } else {
            // Whoever loses a race is told so.
            assert!([404, 409, 412, 422].contains(&answer.status.as_u16()), "{kind}: {answer:?}");
        }
    }

    /// Lets one reader do so many things.
    pub async fn act(&self, reader: usize, actions: usize) {
        let mut random = StdRng::seed_from_u64(self.seed * 1_000 + reader as u64);
        let token = self.readers[reader].token.as_str();
        let mut own: BTreeMap<Uuid, String> = BTreeMap::new();
        let mut orders: Vec<String> = Vec::new();
        for _ in 0..actions {
            let book = *Self::draw(&mut random, &self.books);
            let rating = random.random_range(1..=5);
            match random.random_range(0..100) {
                0..30 => match own.get(&book).cloned() {
                    Some(path) => {
                        let changed =
                            self.ask(&mut random, token, Method::PATCH, &path, json!({ "rating": rating })).await;
                        self.note("change", &changed);
                    }
                    None => {
                        let path = format!("/products/{book}/reviews");
                        let body = json!({"rating": rating, "title": "A title", "text": "Some words."});
                        let written = self.ask(&mut random, token, Method::POST, &path, body).await;
                        self.note("review", &written);
                        if written.status == 201 {
                            let id: Uuid = written.json()["id"].as_str().unwrap().parse().unwrap();
                            self.reviews.lock().unwrap().push(id);
                            own.insert(book, format!("/reviews/{id}"));
                        }
                    }
                },
                30..38 => {
                    if let Some((_, path)) = own.pop_first() {
                        self.note("withdraw", &self.ask(&mut random, token, Method::DELETE, &path, Value::Null).await);
                    }
                }
                38..60 => {
                    let review = self.some_review(&mut random);
                    if let Some(review) = review {
                        let path = format!("/reviews/{review}/vote");
                        if random.random_ratio(1, 4) {
                            self.note(
                                "unvote",
                                &self.ask(&mut random, token, Method::DELETE, &path, Value::Null).await,
                            );
                        } else {
                            let vote = json!({ "helpful": random.random_bool(0.7) });
                            let cast = self.ask(&mut random, token, Method::PUT, &path, vote).await;
                            if cast.status != 403 {
                                self.note("vote", &cast);
                            }
                        }
                    }
                }
                60..78 => {
                    let path = format!("/users/me/favourites/{book}");
                    let (kind, method) = if random.random_bool(0.6) {
                        ("favourite", Method::PUT)
                    } else {
                        ("unfavourite", Method::DELETE)
                    };
                    self.note(kind, &self.ask(&mut random, token, method, &path, Value::Null).await);
                }
                78..94 => {
                    if let Some(order) = self.order(&mut random, token, book).await {
                        orders.push(order);
                    }
                }
                _ => {
                    if let Some(order) = orders.pop() {
                        let path = format!("/orders/{order}/cancel");
                        self.note("cancel", &self.ask(&mut random, token, Method::POST, &path, json!({})).await);
                    }
                }
            }
            self.steps.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn order(&self, random: &mut StdRng, token: &str, book: Uuid) -> Option<String> {
        let item = json!({ "product_id": book, "quantity": random.random_range(1..=3) });
        let filled = self.ask(random, token, Method::POST, "/cart/items", item).await;
        assert!(filled.status.is_success(), "{filled:?}");
        let placed = self.ask(random, token, Method::POST, "/orders", checkout()).await;
        self.note("order", &placed);
        let order = (placed.status == 201).then(|| placed.json()["id"].as_str().unwrap().to_owned())?;
        if random.random_ratio(4, 5) {
            let path = format!("/orders/{order}/payments");
            let paid = self.ask(random, token, Method::POST, &path, json!({ "method": "tok_success" })).await;
            assert!(paid.status.is_success(), "{paid:?}");
        }
        Some(order)
    }

    fn some_review(&self, random: &mut StdRng) -> Option<Uuid> {
        let reviews = self.reviews.lock().unwrap();
        (!reviews.is_empty()).then(|| reviews[random.random_range(0..reviews.len())])
    }

    /// Lets an administrator hide and restore what readers wrote.
    pub async fn moderate(&self, actions: usize) {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut done = 0;
        while done < actions && self.steps.load(Ordering::Relaxed) < self.readers.len() * actions {
            let Some(review) = self.some_review(&mut random) else {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            done += 1;
            let hide = random.random_bool(0.6);
            let (kind, path) = if hide {
                ("hide", format!("/admin/reviews/{review}/hide"))
            } else {
                ("restore", format!("/admin/reviews/{review}/restore"))
            };
            let body = if hide { json!({ "reason": "Not about the book." }) } else { json!({}) };
            self.note(kind, &self.ask(&mut random, &self.admin, Method::POST, &path, body).await);
        }
    }

    /// A storm in which nobody did a certain thing shows nothing of it.
    pub fn assert_everything_was_tried(&self) {
        let done = self.done.lock().unwrap();
        for kind in KINDS {
            assert!(done.contains_key(kind), "nobody could {kind}: {done:?}");
        }
    }
}
