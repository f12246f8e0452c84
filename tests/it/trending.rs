//! The books that are looked at most in these days.

use serde_json::{Value, json};

use crate::support::database::run;
use crate::support::people::text;
use crate::support::{Shop, eventually, settle};

/// Lists that live for some milliseconds only, and looks that are written at once.
const QUICK: [(&str, &str); 2] = [("cache.lifetime_scale", "0.001"), ("views.flush_interval", "20ms")];

async fn trending(shop: &Shop, query: &str) -> Vec<Value> {
    let answer = shop.get(&format!("/products/trending{query}")).send().await.expect(200);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_order_is_that_of_a_plain_recount() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    run(
        &mut sql,
        "INSERT INTO products (id, work_id, title, authors, genres, status, created_at, updated_at)
         SELECT lpad(n::text, 32, '0')::uuid, lpad(n::text, 32, 'f')::uuid, 'Book ' || n, ARRAY['A'],
                CASE WHEN n % 3 = 0 THEN ARRAY['crime'] ELSE ARRAY['fantasy'] END,
                CASE WHEN n % 10 = 0 THEN 'retired' ELSE 'active' END, now(), now()
         FROM generate_series(1, 60) n",
    )
    .await;
    // Looks of the future and of long ago count nothing; equal ones are told apart by the id.
    run(
        &mut sql,
        "INSERT INTO product_views (product_id, day, views)
         SELECT lpad(n::text, 32, '0')::uuid, (now() AT TIME ZONE 'UTC')::date - d, 1 + (n * 7 + d * 13) % 9
         FROM generate_series(1, 55) n, generate_series(-1, 12) d
         WHERE (n + d) % 3 > 0",
    )
    .await;
    settle().await;
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    eventually("the order is that of a recount", async || {
        let rows: Vec<(uuid::Uuid, time::Date, i64)> = sqlx::query_as(
            "SELECT v.product_id, v.day, v.views FROM product_views v JOIN products p ON p.id = v.product_id
             WHERE p.status = 'active'",
        )
        .fetch_all(&mut sql)
        .await
        .unwrap();
        let today: time::Date =
            sqlx::query_scalar("SELECT (now() AT TIME ZONE 'UTC')::date").fetch_one(&mut sql).await.unwrap();
        let mut sums = std::collections::BTreeMap::<String, (f64, i64)>::new();
        for (book, day, views) in rows {
            let days = (today - day).whole_days();
            if (0..7).contains(&days) {
                let sum = sums.entry(book.to_string()).or_default();
                sum.0 += views as f64 * 0.5_f64.powi(days as i32);
                sum.1 += views;
            }
        }
        expected = sums.into_iter().collect();
        expected.sort_by(|(a, (x, _)), (b, (y, _))| y.total_cmp(x).then_with(|| a.cmp(b)));
        let items = trending(&shop, "?limit=100").await;
        found = items
            .iter()
            .map(|item| {
                let sums = (item["score"].as_f64().unwrap(), item["views"].as_i64().unwrap());
                (text(&item["product"]["id"]), sums)
            })
            .collect();
        found == expected
    })
    .await;
    assert!(found.len() > 40 && found == expected, "{found:?} {expected:?}");
    let crime: Vec<String> =
        trending(&shop, "?genre=crime&limit=5").await.iter().map(|item| text(&item["product"]["id"])).collect();
    let of_genre = expected.iter().map(|(id, _)| id).filter(|id| {
        id.trim_start_matches(['0', '-']).replace('-', "").trim_start_matches('0').parse::<u32>().unwrap() % 3 == 0
    });
    assert_eq!(crime, of_genre.take(5).cloned().collect::<Vec<_>>());
    assert_eq!(trending(&shop, "").await.len(), 20);
    assert!(trending(&shop, "?genre=none").await.is_empty());
    let refused = shop.get("/products/trending?limit=101&genre=No%20Slug").send().await.expect(422);
    assert_eq!(refused.complaints(), ["genre", "limit"]);
    shop.get("/products/trending?cursor=x").send().await.expect(422);
}

#[tokio::test]
async fn a_look_moves_a_book_as_soon_as_it_is_counted() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let mut ids = Vec::new();
    for title in ["First", "Second"] {
        let book = json!({"title": title, "authors": ["A. Author"]});
        ids.push(text(&shop.post("/products").token(&admin).json(&book).send().await.expect(201).json()["id"]));
    }
    let look = async |id: &str, times: usize| {
        for _ in 0..times {
            shop.get(&format!("/products/{id}")).send().await.expect(200);
        }
    };
    let order = async |expected: &[(&str, i64)]| {
        eventually("the order follows", async || {
            let items = trending(&shop, "").await;
            let found: Vec<_> =
                items.iter().map(|item| (text(&item["product"]["id"]), item["views"].as_i64().unwrap())).collect();
            found.iter().map(|(id, views)| (id.as_str(), *views)).eq(expected.iter().copied())
        })
        .await;
    };
    look(&ids[0], 3).await;
    order(&[(&ids[0], 3)]).await;
    look(&ids[1], 5).await;
    order(&[(&ids[1], 5), (&ids[0], 3)]).await;
    look(&ids[0], 4).await;
    order(&[(&ids[0], 7), (&ids[1], 5)]).await;

    let answer = shop.get("/products/trending").send().await.expect(200);
    assert!(answer.header("cache-control").starts_with("public"));
    let keys = answer.header("surrogate-key").to_owned();
    assert!(keys.contains("books:list") && keys.contains(&format!("book:{}", ids[0])), "{keys}");
}
