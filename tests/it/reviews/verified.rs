//! Reviews of people who have bought the book, and imports onto books that have reviews.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATIENT, assert_recounts, customers, id, id_of, rating, review};
use crate::support::selling::{checkout, fill_cart, shelve};
use crate::support::{Shop, eventually};
use bookstore::model::cart::Buyer;
use bookstore::model::ids::UserId;

/// An order of these books; its path.
async fn order(shop: &Shop, token: &str, books: &[Uuid]) -> String {
    let buyer = Buyer::User(UserId(id_of(shop, token).await));
    let lines: Vec<(Uuid, i32)> = books.iter().map(|book| (*book, 1)).collect();
    fill_cart(&mut shop.sql().await, &buyer, &lines).await;
    let request = shop.post("/orders").token(token).header("idempotency-key", &Uuid::new_v4().to_string());
    format!("/orders/{}", id(&request.json(&checkout()).send().await.expect(201).json()))
}

async fn pay(shop: &Shop, token: &str, order: &str) {
    let request = shop.post(&format!("{order}/payments")).token(token);
    let request = request.header("idempotency-key", &Uuid::new_v4().to_string());
    request.json(&json!({"method": "tok_success"})).send().await.expect(201);
}

async fn is_verified(shop: &Shop, book: Uuid) -> Vec<bool> {
    let page = shop.get(&format!("/products/{book}/reviews?sort=lowest")).send().await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|review| review["verified_purchase"] == true).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_follows_what_its_writer_has_bought() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 3, 100).await;
    let people = customers(&shop, 2).await;
    let admin = shop.administrator().await;
    // Bob, who buys nothing, stands first with one star.
    review(&shop, &people[1], books[0], 1).await.expect(201);
    review(&shop, &people[0], books[0], 5).await.expect(201);
    let unpaid = order(&shop, &people[0], &books[..2]).await;
    let early = review(&shop, &people[0], books[1], 5).await.expect(201).json();
    assert_eq!(early["verified_purchase"], false, "it is not paid for");
    assert_eq!(is_verified(&beside, books[0]).await, [false, false]);
    pay(&shop, &people[0], &unpaid).await;
    assert_eq!(is_verified(&shop, books[0]).await, [false, true]);
    eventually("the other process hears it", async || is_verified(&beside, books[0]).await == [false, true]).await;
    assert_eq!(is_verified(&shop, books[1]).await, [true]);
    assert_recounts(&mut sql).await;
    // Another order of the same book: as long as one is kept, it stays.
    let second = order(&shop, &people[0], &books[..1]).await;
    pay(&shop, &people[0], &second).await;
    shop.post(&format!("{unpaid}/cancel")).token(&people[0]).json(&json!({})).send().await.expect(200);
    assert_eq!(
        (is_verified(&shop, books[0]).await, is_verified(&shop, books[1]).await),
        (vec![false, true], vec![false])
    );
    assert_recounts(&mut sql).await;
    for action in ["ship", "deliver"] {
        shop.post(&format!("{second}/{action}")).token(&admin).json(&json!({})).send().await.expect(200);
        assert_eq!(is_verified(&shop, books[0]).await, [false, true], "{action}");
    }
    let refund = shop.post(&format!("{second}/refunds")).token(&admin).header("idempotency-key", "r");
    refund.json(&json!({"reason": "It was torn"})).send().await.expect(201);
    assert_eq!(is_verified(&shop, books[0]).await, [false, false]);
    // Written after it was bought, it says so at once.
    let third = order(&shop, &people[0], &books[2..]).await;
    pay(&shop, &people[0], &third).await;
    assert_eq!(review(&shop, &people[0], books[2], 4).await.expect(201).json()["verified_purchase"], true);
    assert_recounts(&mut sql).await;
    let verified: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'reviews_verified'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(verified, 3, "paid, cancelled, refunded; told where something changed alone");
}

/// A review is written while its book is paid for: whichever comes first, the review is right in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_and_a_review_at_once_do_not_miss_each_other() {
    let shop = Shop::open_with(&PATIENT).await;
    let beside = shop.beside(&PATIENT).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 12, 100).await;
    let people = customers(&shop, 12).await;
    let rounds = books.iter().zip(&people).enumerate().map(async |(n, (book, token))| {
        let path = order(&shop, token, &[*book]).await;
        let paying = pay(&shop, token, &path);
        let reviewing = async {
            tokio::time::sleep(std::time::Duration::from_millis(n as u64 * 3)).await;
            review(&beside, token, *book, 4).await.expect(201);
        };
        tokio::join!(paying, reviewing);
        if n % 2 == 0 {
            let cancelling = shop.post(&format!("{path}/cancel")).token(token).json(&json!({})).send();
            cancelling.await.expect(200);
        }
    });
    futures::future::join_all(rounds).await;
    assert_recounts(&mut sql).await;
    let verified: i64 =
        sqlx::query_scalar("SELECT count(*) FROM reviews WHERE verified").fetch_one(&mut sql).await.unwrap();
    assert_eq!(verified, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_leaves_the_shops_own_reviews_counted() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let admin = shop.administrator().await;
    let people = customers(&shop, 2).await;
    let import = async |rating: &str| {
        let line = format!("{{\"title\":\"Imported\",\"authors\":[\"A. B.\"],\"isbn13\":\"9780547773742\"{rating}}}\n");
        let request = shop.post("/products/import").token(&admin).header("content-type", "application/x-ndjson");
        request.body(line).send().await.expect(200);
    };
    let with = |average: &str, count: u32, histogram: &str| {
        format!(",\"rating\":{{\"average\":{average},\"count\":{count}{histogram}}}")
    };
    import(&with("4.5", 10, "")).await;
    let book: Uuid = sqlx::query_scalar("SELECT id FROM products").fetch_one(&mut sql).await.unwrap();
    let is_about = |found: (f64, i64, Value), average: f64, count: i64, histogram: Value| {
        assert!((found.0 - average).abs() < 1e-9 && found.1 == count && found.2 == histogram, "{found:?}");
    };
    let first = review(&shop, &people[0], book, 1).await.expect(201).json();
    review(&shop, &people[1], book, 2).await.expect(201);
    // How the imported ratings spread is not known, so neither is how all of them do.
    is_about(rating(&shop, book).await, 48.0 / 12.0, 12, Value::Null);
    assert_recounts(&mut sql).await;
    import(&with("4.0", 20, "")).await;
    is_about(rating(&shop, book).await, 83.0 / 22.0, 22, Value::Null);
    import(",\"subtitle\":\"Without ratings\"").await;
    is_about(rating(&shop, book).await, 83.0 / 22.0, 22, Value::Null);
    assert_recounts(&mut sql).await;
    import(&with("3.0", 10, ",\"histogram\":[2,2,2,2,2]")).await;
    is_about(rating(&shop, book).await, 33.0 / 12.0, 12, json!([3, 3, 2, 2, 2]));
    assert_recounts(&mut sql).await;
    let page = shop.get(&format!("/products/{book}/reviews")).send().await.expect(200).json();
    assert_eq!(page["summary"], json!({"average": 1.5, "count": 2, "histogram": [1, 1, 0, 0, 0]}), "the shop's own");
    let path = format!("/reviews/{}", id(&first));
    shop.delete(&path).token(&people[0]).header("if-match", "*").send().await.expect(204);
    is_about(rating(&shop, book).await, 32.0 / 11.0, 11, json!([2, 3, 2, 2, 2]));
    assert_recounts(&mut sql).await;
}
