//! Reviews: writing, reading, voting, moderation, and that every number derived from them equals a recount.

mod coherence;
mod hot;
mod lists;
mod moderation;
mod storm;
mod verified;
mod writing;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::{Answer, Shop};

/// For tests in which much is asked at once: on a machine that does other things besides, opening connections alone takes its
/// time.
const PATIENT: [(&str, &str); 4] = [
    ("http.request_timeout", "60s"),
    ("database.acquire_timeout", "60s"),
    ("database.statement_timeout", "30s"),
    ("database.lock_timeout", "20s"),
];

/// Sends a review under a key of its own.
async fn review(shop: &Shop, token: &str, book: Uuid, rating: i64) -> Answer {
    send(shop, token, book, &Uuid::new_v4().to_string(), &json!({ "rating": rating })).await
}

async fn send(shop: &Shop, token: &str, book: Uuid, key: &str, body: &Value) -> Answer {
    let request = shop.post(&format!("/products/{book}/reviews")).token(token).header("idempotency-key", key);
    request.json(body).send().await
}

/// So many customers.
async fn customers(shop: &Shop, count: usize) -> Vec<String> {
    let mut sql = shop.sql().await;
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(crate::support::shop::person(&mut sql, "customer").await);
    }
    crate::support::settle().await;
    tokens
}

/// The person behind a token.
async fn id_of(shop: &Shop, token: &str) -> Uuid {
    let me = shop.get("/users/me").token(token).send().await.expect(200).json();
    me["id"].as_str().unwrap().parse().unwrap()
}

/// A member that is an id.
#[track_caller]
fn id(document: &Value) -> String {
    document["id"].as_str().unwrap_or_else(|| panic!("{document} has no id")).to_owned()
}

/// The ratings of a book as its own page tells them: average, count, histogram.
async fn rating(shop: &Shop, book: Uuid) -> (f64, i64, Value) {
    let rating = shop.get(&format!("/products/{book}")).send().await.expect(200).json()["rating"].clone();
    (rating["average"].as_f64().unwrap(), rating["count"].as_i64().unwrap(), rating["histogram"].clone())
}

/// Requires that everything that is derived from reviews, votes and orders equals a recount from scratch.
async fn assert_recounts(sql: &mut PgConnection) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "WITH own AS (
             SELECT product_id, count(*) AS count, sum(rating) AS stars,
                 ARRAY[count(*) FILTER (WHERE rating = 1), count(*) FILTER (WHERE rating = 2), count(*) FILTER (WHERE rating = 3),
                       count(*) FILTER (WHERE rating = 4), count(*) FILTER (WHERE rating = 5)] AS histogram
             FROM reviews WHERE NOT hidden GROUP BY product_id
         ), expected AS (
             SELECT p.*, coalesce(o.histogram, '{0,0,0,0,0}') AS own, coalesce(o.count, 0) + coalesce(imported_rating_count, 0) AS total,
                 (coalesce(o.stars, 0) + coalesce(imported_rating_count, 0) * coalesce(imported_rating_average, 0))
                     / nullif(coalesce(o.count, 0) + coalesce(imported_rating_count, 0), 0) AS mean,
                 CASE WHEN imported_rating_histogram IS NULL AND coalesce(imported_rating_count, 0) > 0 THEN NULL
                      WHEN o.count IS NULL THEN imported_rating_histogram
                      ELSE ARRAY(SELECT coalesce(a, 0) + b FROM unnest(coalesce(imported_rating_histogram, '{0,0,0,0,0}'), o.histogram)
                                 WITH ORDINALITY AS h (a, b, n) ORDER BY n) END AS both_of
             FROM products p LEFT JOIN own o ON o.product_id = p.id
         )
         SELECT format('book %s: %s of %s %s, own %s; recounted %s of %s %s, own %s', id, rating_average, rating_count,
             rating_histogram, review_histogram, mean, total, both_of, own)
         FROM expected
         WHERE review_histogram <> own OR rating_count <> total OR abs(rating_average - coalesce(mean, 0)) > 1e-9
             OR rating_histogram IS DISTINCT FROM both_of
         UNION ALL
         SELECT format('review %s: %s helpful, %s not; recounted %s, %s', r.id, r.helpful, r.unhelpful, v.up, v.down)
         FROM reviews r CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE helpful) AS up, count(*) FILTER (WHERE NOT helpful) AS down
             FROM review_votes WHERE review_id = r.id) v
         WHERE (r.helpful, r.unhelpful) <> (v.up, v.down)
         UNION ALL
         SELECT format('review %s: verified = %s', r.id, r.verified)
         FROM reviews r
         WHERE r.user_id IS NOT NULL AND r.verified <> EXISTS (
             SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.user_id = r.user_id AND l.product_id = r.product_id AND o.state IN ('paid', 'shipped', 'delivered'))",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    assert!(wrong.is_empty(), "derived numbers are not those of a recount:\n{}", wrong.join("\n"));
}
