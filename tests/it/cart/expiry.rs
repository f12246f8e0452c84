//! Carts that nobody uses any more.

use serde_json::{Value, json};
use time::Duration;

use super::{Store, contents};
use crate::support::{Shop, eventually};

async fn put(shop: &Shop, token: &str, book: &str, quantity: i64) -> Value {
    let path = format!("/cart/items/{book}");
    shop.put(&path).header("cart-token", token).json(&json!({"quantity": quantity})).send().await.expect(200).json()
}

async fn read(shop: &Shop, token: &str) -> Value {
    shop.get("/cart").header("cart-token", token).send().await.expect(200).json()
}

#[tokio::test]
async fn an_expired_cart_is_shown_to_nobody_and_begins_anew() {
    let store = Store::open(&[("cart.lifetime", "1day"), ("cart.purge_interval", "1day")]).await;
    let shop = &store.shop;
    let (one, other) = (store.book("One", 1_000, 50).await, store.book("Other", 1_000, 50).await);
    let coupon = json!({"code": "SPRING", "basis_points": 1000});
    shop.post("/coupons").token(&store.admin).json(&coupon).send().await.expect(201);
    let first = shop.put(&format!("/cart/items/{one}")).json(&json!({"quantity": 2})).send().await.expect(200);
    let token = first.header("cart-token").to_owned();
    shop.put("/cart/coupon").header("cart-token", &token).json(&json!({"code": "SPRING"})).send().await.expect(200);

    shop.clock.advance(Duration::hours(23));
    assert_eq!(contents(&put(shop, &token, &other, 1).await).len(), 2, "a write moves the end");
    shop.clock.advance(Duration::hours(23));
    assert_eq!(contents(&read(shop, &token).await).len(), 2);
    shop.clock.advance(Duration::hours(2));
    assert_eq!(read(shop, &token).await["items"], json!([]), "although it is cached, and still there");
    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM cart_lines").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_eq!(there, 2);

    shop.delete(&format!("/cart/items/{one}")).header("cart-token", &token).send().await.expect(404);
    let added = json!({"product_id": one, "quantity": 3});
    let anew = shop.post("/cart/items").header("cart-token", &token).json(&added).send().await.expect(200).json();
    assert_eq!(contents(&anew), [(one, 3)], "nothing is added to what was forgotten");
    assert_eq!(anew["coupon"], Value::Null);
    assert_eq!(read(shop, &token).await, anew);
}

#[tokio::test]
async fn expired_carts_are_removed_by_any_process() {
    let settings = [("cart.lifetime", "1day"), ("cart.purge_interval", "50ms")];
    let store = Store::open(&settings).await;
    let (shop, beside) = (&store.shop, store.shop.beside(&settings).await);
    let book = store.book("Book", 1_000, 50).await;
    for _ in 0..3 {
        shop.post("/cart/items").json(&json!({"product_id": book})).send().await.expect(200);
    }
    let count = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&mut shop.sql().await).await.unwrap()
    };
    assert_eq!(count().await, 3);
    shop.clock.advance(Duration::hours(25));
    beside.clock.advance(Duration::hours(25));
    eventually("they are removed", async || count().await == 0).await;
    let removed: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(jsonb_array_length(payload->'carts')), 0)::bigint FROM outbox WHERE kind = 'carts_expired'",
    )
    .fetch_one(&mut shop.sql().await)
    .await
    .unwrap();
    assert_eq!(removed, 3, "each once");
}
