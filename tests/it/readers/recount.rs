//! The recounts: each from the tables that nothing is derived into.

use reqwest::Method;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::actions::Crowd;
use crate::support::process::send;
use crate::support::{Process, eventually};

/// The states of an order whose books somebody has bought and kept.
const KEPT: &str = "('paid', 'shipped', 'delivered')";

/// Requires that a query which looks for what is wrong finds nothing.
async fn assert_none(sql: &mut PgConnection, what: &str, query: &str) {
    let wrong: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(sql).await.unwrap();
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

/// The ratings of every book are those of its source and of the reviews that are shown, together.
pub async fn assert_ratings(sql: &mut PgConnection) {
    let query = "
        SELECT format('%s: %s of %s %s, but %s of %s %s', p.id, p.rating_average, p.rating_count, p.rating_histogram,
                      (s.stars + own.stars) / greatest(s.count + own.count, 1), s.count + own.count, own.histogram)
        FROM products p
        CROSS JOIN LATERAL (SELECT coalesce(p.imported_rating_average * p.imported_rating_count, 0) AS stars,
                                   coalesce(p.imported_rating_count, 0) AS count) s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(rating), 0) AS stars, count(*) AS count,
                   ARRAY[count(*) FILTER (WHERE rating = 1), count(*) FILTER (WHERE rating = 2),
                         count(*) FILTER (WHERE rating = 3), count(*) FILTER (WHERE rating = 4),
                         count(*) FILTER (WHERE rating = 5)] AS histogram
            FROM reviews r WHERE r.product_id = p.id AND NOT r.hidden) own
        WHERE p.rating_count <> s.count + own.count
            OR abs(p.rating_average - (s.stars + own.stars) / greatest(s.count + own.count, 1)) > 1e-9
            OR p.imported_rating_histogram IS NULL AND coalesce(p.imported_rating_count, 0) = 0
               AND p.rating_histogram IS DISTINCT FROM own.histogram AND own.count > 0
            OR p.imported_rating_histogram IS NOT NULL AND p.rating_histogram IS DISTINCT FROM (
                SELECT array_agg(a + b ORDER BY n)
                FROM unnest(p.imported_rating_histogram, own.histogram) WITH ORDINALITY AS both_of (a, b, n))";
    assert_none(sql, "ratings of books", query).await;
}

/// Each review has as many voices as were cast.
pub async fn assert_votes(sql: &mut PgConnection) {
    let query = "
        SELECT format('%s: %s and %s, but %s and %s', r.id, r.helpful, r.unhelpful, v.helpful, v.unhelpful)
        FROM reviews r
        CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE v.helpful) AS helpful,
                                   count(*) FILTER (WHERE NOT v.helpful) AS unhelpful
                            FROM review_votes v WHERE v.review_id = r.id) v
        WHERE (r.helpful, r.unhelpful) IS DISTINCT FROM (v.helpful, v.unhelpful)";
    assert_none(sql, "votes", query).await;
}

/// A review is verified where its writer has bought the book and kept it.
pub async fn assert_verified(sql: &mut PgConnection) {
    let query = format!(
        "SELECT format('%s is verified: %s', r.id, r.verified) FROM reviews r
         WHERE r.verified <> EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                                     WHERE o.user_id = r.user_id AND l.product_id = r.product_id AND o.state IN {KEPT})"
    );
    assert_none(sql, "verified purchases", &query).await;
}

/// What somebody likes is what they have bought, keep in mind or rated well, but for what they rated badly.
pub async fn assert_tastes(sql: &mut PgConnection) {
    let query = format!(
        "WITH sources AS (
             SELECT o.user_id, l.product_id FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.user_id IS NOT NULL AND o.state IN {KEPT}
             UNION SELECT user_id, product_id FROM favourites
             UNION SELECT user_id, product_id FROM reviews WHERE user_id IS NOT NULL AND NOT hidden AND rating >= 4
             EXCEPT SELECT user_id, product_id FROM reviews WHERE user_id IS NOT NULL AND NOT hidden AND rating <= 2)
         SELECT format('%s and %s: %s', user_id, product_id, CASE WHEN t.user_id IS NULL THEN 'missing' ELSE 'too much' END)
         FROM (SELECT user_id, product_id FROM tastes) t FULL JOIN sources s USING (user_id, product_id)
         WHERE t.user_id IS NULL OR s.user_id IS NULL"
    );
    eventually("tastes follow", async || {
        sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(query.as_str()))
            .fetch_all(&mut *sql)
            .await
            .unwrap()
            .is_empty()
    })
    .await;
}

/// The boards by their names, each with what its members score since the shop opened.
fn boards() -> [(&'static str, String); 4] {
    let reviews = "FROM reviews WHERE NOT hidden";
    [
        (
            "best_sellers",
            format!(
                "SELECT l.product_id AS id, sum(l.quantity)::double precision AS score
                 FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.state IN {KEPT} GROUP BY 1"
            ),
        ),
        ("most_reviewed", format!("SELECT product_id AS id, count(*)::double precision AS score {reviews} GROUP BY 1")),
        (
            "top_reviewers",
            format!(
                "SELECT user_id AS id, count(*)::double precision AS score {reviews} AND user_id IS NOT NULL GROUP BY 1"
            ),
        ),
        (
            "top_rated",
            format!(
                "SELECT product_id AS id, ((sum(rating) + 190)::double precision / (count(*) + 50)) AS score {reviews} GROUP BY 1"
            ),
        ),
    ]
}

/// The leaderboards of every process are those of a recount, in all times that the storm lay in.
pub async fn assert_leaderboards(crowd: &Crowd, sql: &mut PgConnection) {
    for (board, query) in &boards() {
        let ordered = format!("SELECT id, score FROM ({query}) scores ORDER BY score DESC, id");
        let wanted: Vec<(Uuid, f64)> = sqlx::query_as(sqlx::AssertSqlSafe(ordered)).fetch_all(&mut *sql).await.unwrap();
        for process in &crowd.processes {
            for period in ["all", "month"] {
                let mut last = Vec::new();
                for _ in 0..200 {
                    last = ranking(process, board, period).await;
                    if is_same(&last, &wanted) {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                assert!(is_same(&last, &wanted), "{board} of {period}: {last:?}, but {wanted:?}");
            }
        }
    }
}

/// The same members in the same order, with scores that differ by no more than reading JSON may lose.
fn is_same(one: &[(Uuid, f64)], other: &[(Uuid, f64)]) -> bool {
    let same = |(one, other): (&(Uuid, f64), &(Uuid, f64))| one.0 == other.0 && (one.1 - other.1).abs() < 1e-9;
    one.len() == other.len() && one.iter().zip(other).all(same)
}

async fn ranking(process: &Process, board: &str, period: &str) -> Vec<(Uuid, f64)> {
    let page = process.get(&format!("/leaderboards/{board}?period={period}&limit=100")).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter().enumerate();
    items
        .map(|(place, item)| {
            assert_eq!(item["rank"], place as u64 + 1, "{board}");
            let member = if item["product"].is_object() { &item["product"] } else { &item["reviewer"] };
            (member["id"].as_str().unwrap().parse().unwrap(), item["score"].as_f64().unwrap())
        })
        .collect()
}

/// What a process shows of books and their reviews.
pub async fn assert_pages(crowd: &Crowd, process: &Process, sql: &mut PgConnection) {
    for book in &crowd.books {
        let (average, count): (f64, i64) =
            sqlx::query_as("SELECT rating_average, rating_count FROM products WHERE id = $1")
                .bind(book)
                .fetch_one(&mut *sql)
                .await
                .unwrap();
        let page = process.get(&format!("/products/{book}")).await.expect(200).json();
        let shown = (page["rating"]["average"].as_f64().unwrap(), page["rating"]["count"].as_i64().unwrap());
        assert_eq!(shown.1, count);
        assert!((shown.0 - average).abs() < 0.01, "{shown:?} {average}");
        let found: Vec<(Uuid, i32)> = sqlx::query_as(
            "SELECT id, helpful FROM reviews WHERE product_id = $1 AND NOT hidden ORDER BY helpful DESC, id DESC LIMIT 100",
        )
        .bind(book)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
        let page = process.get(&format!("/products/{book}/reviews?sort=helpful&limit=100")).await.expect(200).json();
        let shown: Vec<(Uuid, i32)> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["id"].as_str().unwrap().parse().unwrap(), item["helpful"].as_i64().unwrap() as i32))
            .collect();
        assert_eq!(shown, found, "reviews of {book}");
    }
}

/// What a process tells each reader of themselves.
pub async fn assert_people(crowd: &Crowd, process: &Process, sql: &mut PgConnection) {
    for reader in &crowd.readers {
        let own = async |path: &str| -> Value {
            send(process.request(Method::GET, path).bearer_auth(&reader.token)).await.unwrap().expect(200).json()
        };
        let (reviews, favourites, orders): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM reviews WHERE user_id = $1 AND NOT hidden),
                    (SELECT count(*) FROM favourites WHERE user_id = $1), (SELECT count(*) FROM orders WHERE user_id = $1)",
        )
        .bind(reader.id)
        .fetch_one(&mut *sql)
        .await
        .unwrap();
        let stats = own("/users/me/stats").await;
        assert_eq!(
            (stats["reviews"].as_i64(), stats["favourites"].as_i64(), stats["orders"].as_i64()),
            (Some(reviews), Some(favourites), Some(orders)),
            "{stats}"
        );
        let owned: Vec<Uuid> = sqlx::query_scalar(
            "SELECT l.product_id FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.user_id = $1 AND o.state IN ('pending', 'paid', 'shipped', 'delivered')",
        )
        .bind(reader.id)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
        let recommended = own("/users/me/recommendations").await;
        for item in recommended["items"].as_array().unwrap() {
            let book: Uuid = item["product"]["id"].as_str().unwrap().parse().unwrap();
            assert!(!owned.contains(&book), "{book} is owned: {item}");
        }
    }
}
