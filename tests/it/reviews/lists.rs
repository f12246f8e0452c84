//! Lists of reviews: each order and filter, page by page, against SQL.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{customers, id, id_of, review};
use crate::support::selling::shelve;
use crate::support::{Shop, settle};

/// So many reviews of a book with many equal ratings and votes, straight into the database, some of them hidden.
async fn fill(sql: &mut PgConnection, book: Uuid, count: i32) {
    sqlx::query(
        "INSERT INTO reviews (id, product_id, rating, title, body, language, verified, hidden, helpful, created_at, updated_at)
         SELECT gen_random_uuid(), $1, 1 + (n * 7) % 5, 'Title ' || n, 'Text', (ARRAY['en', 'en-US', 'de', NULL])[1 + n % 4],
             n % 3 = 0, n % 10 = 0, (n * 13) % 8, now(), now()
         FROM generate_series(1, $2) n",
    )
    .bind(book)
    .bind(count)
    .execute(sql)
    .await
    .unwrap();
}

/// All ids of a list, page by page.
async fn all(shop: &Shop, path: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = shop.get(&path).send().await.expect(200);
        let document = page.json();
        ids.extend(document["items"].as_array().unwrap().iter().map(id));
        let link = page
            .header("link")
            .split(", ")
            .find(|link| link.ends_with("rel=\"next\""))
            .map(|link| link.trim_start_matches("</api/v1").split('>').next().unwrap().to_owned());
        assert_eq!(link.is_some(), document["next_cursor"].is_string());
        next = link;
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_and_filter_is_what_sql_says() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    fill(&mut sql, books[0], 230).await;
    fill(&mut sql, books[1], 20).await;
    settle().await;
    let orders = [
        ("newest", "id DESC"),
        ("helpful", "helpful DESC, id DESC"),
        ("highest", "rating DESC, id DESC"),
        ("lowest", "rating, id"),
    ];
    let filters = [
        ("", "true"),
        ("&rating=1", "rating = 1"),
        ("&rating=4", "rating = 4"),
        ("&verified=true", "verified"),
        ("&verified=false", "NOT verified"),
        ("&language=en", "(language = 'en' OR language LIKE 'en-%')"),
        ("&language=EN-us", "language = 'en-US'"),
        ("&rating=2&verified=true&language=de", "rating = 2 AND verified AND language = 'de'"),
    ];
    for (sort, order) in orders {
        for (filter, condition) in filters {
            for limit in [7, 100] {
                let path = format!("/products/{}/reviews?sort={sort}{filter}&limit={limit}", books[0]);
                let expected: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                    "SELECT id::text FROM reviews WHERE product_id = $1 AND NOT hidden AND {condition} ORDER BY {order}"
                )))
                .bind(books[0])
                .fetch_all(&mut sql)
                .await
                .unwrap();
                assert!(!expected.is_empty(), "{path} shows nothing");
                assert_eq!(all(&shop, &path).await, expected, "{path}");
            }
        }
    }
    let summary = shop.get(&format!("/products/{}/reviews?rating=1", books[0])).send().await.expect(200).json();
    let histogram: Vec<i64> = sqlx::query_scalar(
        "SELECT count(*) FROM reviews WHERE product_id = $1 AND NOT hidden GROUP BY rating ORDER BY rating",
    )
    .bind(books[0])
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert_eq!(summary["summary"]["histogram"], json!(histogram), "whatever the filter");
    assert_eq!(summary["summary"]["count"], 207);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_list_is_refused() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    fill(&mut sql, book, 30).await;
    settle().await;
    let path = format!("/products/{book}/reviews");
    for (query, parameter) in [
        ("sort=best", "sort"),
        ("rating=0", "rating"),
        ("rating=6", "rating"),
        ("verified=maybe", "verified"),
        ("language=no%20language", "language"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        ("page=2", "page"),
    ] {
        let refused = shop.get(&format!("{path}?{query}")).send().await.expect(422);
        assert_eq!(refused.complaints(), [parameter], "{query}");
    }
    // A cursor belongs to its order.
    let first = shop.get(&format!("{path}?sort=helpful&limit=3")).send().await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    shop.get(&format!("{path}?sort=helpful&limit=3&cursor={cursor}")).send().await.expect(200);
    shop.get(&format!("{path}?sort=lowest&limit=3&cursor={cursor}")).send().await.expect(422);
    let none = shop.get(&format!("/products/{book}/reviews?rating=5&language=fr")).send().await.expect(200).json();
    assert_eq!((&none["items"], &none["next_cursor"]), (&json!([]), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ones_own_reviews_are_listed_with_what_became_of_them() {
    let shop = Shop::open().await;
    let books = shelve(&mut shop.sql().await, 5, 10).await;
    let people = customers(&shop, 2).await;
    let admin = shop.administrator().await;
    let mut written = Vec::new();
    for book in &books {
        written.push(id(&review(&shop, &people[0], *book, 3).await.expect(201).json()));
        review(&shop, &people[1], *book, 2).await.expect(201);
    }
    let hide = format!("/admin/reviews/{}/hide", written[2]);
    shop.post(&hide).token(&admin).json(&json!({"reason": "Insults somebody"})).send().await.expect(200);
    let me = id_of(&shop, &people[0]).await;
    let mut seen = Vec::new();
    let mut path = Some("/users/me/reviews?limit=2".to_owned());
    while let Some(next) = path {
        let page = shop.get(&next).token(&people[0]).send().await.expect(200);
        seen.extend(page.json()["items"].as_array().unwrap().clone());
        path = page.json()["next_cursor"].as_str().map(|cursor| format!("/users/me/reviews?limit=2&cursor={cursor}"));
        assert_eq!(path.is_some(), page.headers.contains_key("link"));
    }
    written.reverse();
    assert_eq!(seen.iter().map(id).collect::<Vec<_>>(), written);
    assert!(seen.iter().all(|review| review["author"]["id"] == json!(me)));
    assert_eq!((&seen[2]["state"], &seen[2]["hidden_reason"]), (&json!("hidden"), &json!("Insults somebody")));
}
