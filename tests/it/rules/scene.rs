//! A shop of three processes with two readers, a few books, and every kind of page in their caches.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::coherence::ground::Ground;
use crate::support::process::send;
use crate::support::{Answer, Process, eventually, shop};

/// How often a row may be played until all that should stay has stayed: a busy machine loses the feed for a moment now and
/// then, and then nothing is a hit.
const ROUNDS: usize = 6;

/// A page, and who looks at it.
struct Page {
    path: String,
    token: Option<String>,
}

/// A reader.
pub struct Person {
    pub token: String,
}

/// The shop.
pub struct Scene {
    pub ground: Ground,
    pub writer: Process,
    readers: [Process; 2],
    pub ann: Person,
    pub bob: Person,
    /// A book of the genre `alpha`, thought well of by many.
    pub x: Uuid,
    /// One of the genre `beta`, thought less of by many.
    pub y: Uuid,
    /// One of `beta` that nobody has rated.
    pub unrated: Uuid,
    /// One of the genre `gamma`, liked by nearly everybody.
    pub gamma: Uuid,
    pages: BTreeMap<&'static str, Page>,
}

impl Scene {
    pub async fn open() -> Self {
        let ground = Ground::take().await;
        let mut sql = ground.sql().await;
        // Nothing is loaded but by those who look, so that whatever was loaded anew shows.
        let quiet = [("cache.warm_books", "0"), ("cache.hot_keys", "0"), ("recommendations.enabled", "false")];
        let [writer, one, other] = ground.three(&quiet).await;
        let ann = Person { token: shop::person(&mut sql, "customer").await };
        let bob = Person { token: shop::person(&mut sql, "customer").await };
        let x = book(&mut sql, "Xylophone", "alpha", (4.5, 1_000)).await;
        let y = book(&mut sql, "Yachting", "beta", (3.0, 1_000)).await;
        let unrated = book(&mut sql, "Unopened", "beta", (0.0, 0)).await;
        let mut gamma = Vec::new();
        for n in 1..=3 {
            gamma.push(book(&mut sql, &format!("Gamma {n}"), "gamma", (4.95, 100_000)).await);
        }
        // So that they are recommended to nobody, and what is recommended does not show them.
        sqlx::query(
            "INSERT INTO favourites SELECT u.id, p.id, now() FROM users u, products p WHERE NOT p.genres @> '{gamma}'",
        )
        .execute(&mut sql)
        .await
        .unwrap();
        let mut scene = Self {
            ground,
            writer,
            readers: [one, other],
            ann,
            bob,
            x,
            y,
            unrated,
            gamma: gamma[0],
            pages: BTreeMap::new(),
        };
        scene.lay_out();
        scene
    }

    fn lay_out(&mut self) {
        let (x, y) = (self.x, self.y);
        let everybody = [
            ("detail of x", format!("/products/{x}")),
            ("detail of y", format!("/products/{y}")),
            ("reviews of x", format!("/products/{x}/reviews")),
            ("reviews of y", format!("/products/{y}/reviews")),
            ("related to x", format!("/products/{x}/related")),
            ("genres", "/genres".to_owned()),
            ("all", "/products".to_owned()),
            ("alpha", "/products?genre=alpha".to_owned()),
            ("beta", "/products?genre=beta".to_owned()),
            ("beta from 4 stars", "/products?genre=beta&min_rating=4".to_owned()),
            ("beta in stock", "/products?genre=beta&in_stock=true".to_owned()),
            ("gamma in stock", "/products?genre=gamma&in_stock=true".to_owned()),
            ("best of alpha", "/products?genre=alpha&sort=rating".to_owned()),
            ("best of gamma", "/products?genre=gamma&sort=rating&limit=2".to_owned()),
            ("worst of all", "/products?genre=beta&sort=rating".to_owned()),
            ("search for x", "/products/search?q=xylophone".to_owned()),
            ("search for y", "/products/search?q=yachting".to_owned()),
            ("suggest", "/products/suggest?q=xyl".to_owned()),
            ("best sellers", "/leaderboards/best_sellers?period=all".to_owned()),
        ];
        self.pages = everybody.into_iter().map(|(name, path)| (name, Page { path, token: None })).collect();
        let mut own = |names: [&'static str; 3], token: &str| {
            let paths = ["/users/me/stats", "/users/me/recommendations", "/orders"];
            for (name, path) in names.into_iter().zip(paths) {
                self.pages.insert(name, Page { path: path.to_owned(), token: Some(token.to_owned()) });
            }
        };
        own(["stats of ann", "for ann", "orders of ann"], &self.ann.token);
        own(["stats of bob", "for bob", "orders of bob"], &self.bob.token);
    }

    /// Sends something to the process that writes, as somebody.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let request = self.writer.request(method, path).bearer_auth(token).header("if-match", "*");
        let request = request.header("idempotency-key", Uuid::new_v4().to_string());
        let request = if body.is_null() { request } else { request.json(&body) };
        send(request).await.unwrap()
    }

    /// Writes a review, and gives where it is and the answer.
    pub async fn review(&self, book: Uuid, by: &Person, rating: u8) -> (String, Answer) {
        let body = json!({"rating": rating, "title": "As it is", "text": "Read in one night."});
        let answer = self.send(Method::POST, &format!("/products/{book}/reviews"), &by.token, body).await.expect(201);
        (format!("/reviews/{}", answer.json()["id"].as_str().unwrap()), answer)
    }

    /// Plays a row of the table: each time that `act` has changed something and was answered, `changed` and nothing else is
    /// out of date at both readers.
    pub async fn row(&self, name: &str, changed: &[&str], act: impl AsyncFn(usize) -> Answer) {
        for page in changed {
            assert!(self.pages.contains_key(page), "{name}: there is no page {page}");
        }
        let mut stayed: BTreeSet<&str> = BTreeSet::new();
        let expected: BTreeSet<&str> = self.pages.keys().copied().filter(|page| !changed.contains(page)).collect();
        for round in 0..ROUNDS {
            self.warm(name).await;
            let answer = act(round).await;
            let news = answer.header("consistency-token").to_owned();
            for reader in &self.readers {
                let looks = self.pages.iter().map(|(page, Page { path, token })| {
                    let news = &news;
                    async move { (*page, is_own_hit(&look(reader, path, token.as_deref(), Some(news)).await)) }
                });
                for (page, hit) in join_all(looks).await {
                    if changed.contains(&page) {
                        assert!(!hit, "{name}: {page} is still answered from before");
                    } else if hit {
                        stayed.insert(page);
                    }
                }
            }
            if stayed == expected {
                return;
            }
        }
        let lost: Vec<_> = expected.difference(&stayed).collect();
        panic!("{name}: {lost:?} should have stayed");
    }

    async fn warm(&self, name: &str) {
        for reader in &self.readers {
            let looks = self.pages.iter().map(|(page, Page { path, token })| async move {
                eventually(&format!("{name}: {page} is cached"), async || {
                    is_own_hit(&look(reader, path, token.as_deref(), None).await)
                })
                .await;
            });
            join_all(looks).await;
        }
    }
}

async fn look(process: &Process, path: &str, token: Option<&str>, news: Option<&str>) -> Answer {
    let mut request = process.request(Method::GET, path);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(news) = news {
        request = request.header("consistency-token", news);
    }
    let answer = send(request).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer
}

/// Whether a page came out of the process's own cache: whatever was out of date did not.
fn is_own_hit(answer: &Answer) -> bool {
    let status = answer.header("cache-status");
    status.starts_with("bookstore; hit") && status.contains("l1")
}

/// A book with ratings that were imported.
async fn book(sql: &mut PgConnection, title: &str, genre: &str, (average, count): (f64, i64)) -> Uuid {
    let genres = "INSERT INTO genres (slug, name) VALUES ($1, $1) ON CONFLICT DO NOTHING";
    sqlx::query(genres).bind(genre).execute(&mut *sql).await.unwrap();
    sqlx::query_scalar(
        "WITH book AS (
             INSERT INTO products (id, work_id, title, authors, genres, format, price_amount, price_currency, status,
                                   rating_average, rating_count, imported_rating_average, imported_rating_count, popularity,
                                   created_at, updated_at)
             VALUES (gen_random_uuid(), gen_random_uuid(), $1, ARRAY[$1], ARRAY[$2], 'paperback', 1000, 'USD', 'active',
                     $3, $4, $3, $4, $4, now(), now())
             RETURNING id
         ), shelf AS (
             INSERT INTO stock (product_id, on_hand) SELECT id, 1000 FROM book
         )
         SELECT id FROM book",
    )
    .bind(title)
    .bind(genre)
    .bind(average)
    .bind(count)
    .fetch_one(sql)
    .await
    .unwrap()
}
