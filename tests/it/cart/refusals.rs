//! What a cart does not take.

use serde_json::json;

use super::{Store, put, usd};

#[tokio::test]
async fn bad_input_is_refused_by_its_place() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 500).await);
    let path = format!("/cart/items/{book}");
    for quantity in [json!(0), json!(-1), json!(21), json!(i64::MAX), json!(1.5), json!("two"), json!(null), json!([1])]
    {
        let answer = shop.put(&path).token(&ada).json(&json!({"quantity": quantity})).send().await.expect(422);
        assert_eq!(answer.complaints(), ["/quantity"], "{quantity}");
        let body = json!({"product_id": book, "quantity": quantity});
        let answer = shop.post("/cart/items").token(&ada).json(&body).send().await.expect(422);
        assert_eq!(answer.complaints(), ["/quantity"], "{quantity}");
    }
    for (body, wrong) in [
        (json!({}), "/quantity"),
        (json!({"quantity": 1, "price": 1}), "/price"),
        (json!([]), ""),
        (json!({"quantity": u64::MAX}), "/quantity"),
    ] {
        let answer = shop.put(&path).token(&ada).json(&body).send().await.expect(422);
        assert_eq!(answer.complaints(), [wrong], "{body}");
    }
    for (body, wrong) in [
        (json!({"quantity": 1}), "/product_id"),
        (json!({"product_id": "x"}), "/product_id"),
        (json!({"product_id": "00000000-0000-7000-8000-000000000000"}), "/product_id"),
    ] {
        let answer = shop.post("/cart/items").token(&ada).json(&body).send().await.expect(422);
        assert_eq!(answer.complaints(), [wrong], "{body}");
    }
    let raw = |body: &'static str, kind: &str| shop.put(&path).token(&ada).header("content-type", kind).body(body);
    raw("{", "application/json").send().await.expect(400);
    raw("quantity=1", "application/x-www-form-urlencoded").send().await.expect(415);
    shop.put("/cart/items/x").token(&ada).json(&json!({"quantity": 1})).send().await.expect(404);
    put(shop, &ada, "00000000-0000-7000-8000-000000000000", 1).await.expect(404);
    shop.delete("/cart/items/x").token(&ada).send().await.expect(404);
    for (code, status) in
        [(json!(""), 422), (json!(7), 422), (json!("NOSUCH"), 422), (json!("a b"), 422), (json!("\u{0}"), 422)]
    {
        let answer = shop.put("/cart/coupon").token(&ada).json(&json!({"code": code})).send().await.expect(status);
        assert_eq!(answer.complaints(), ["/code"], "{code}");
    }
    let untouched: i64 =
        sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_eq!(untouched, 0, "nothing of this has made a cart");
}

#[tokio::test]
async fn what_is_not_sold_is_not_put_into_a_cart() {
    let store = Store::open(&[("cart.max_quantity", "9"), ("cart.max_lines", "2")]).await;
    let shop = &store.shop;
    let ada = shop.customer().await;
    let draft = store.made(&json!({"title": "Draft", "price": usd(1), "status": "draft"}), 9).await;
    put(shop, &ada, &draft, 1).await.expect(404);
    let unpriced = store.made(&json!({"title": "Unpriced"}), 9).await;
    let retired = store.book("Retired", 1_000, 9).await;
    store.patch(&retired, &json!({"status": "retired"})).await;
    for book in [&unpriced, &retired] {
        assert_eq!(put(shop, &ada, book, 1).await.expect(409).json()["errors"][0]["code"], "not_sold");
    }

    let (few, none) = (store.book("Few", 1_000, 3).await, store.book("None", 1_000, 0).await);
    let refused = put(shop, &ada, &few, 4).await.expect(409).json();
    assert_eq!(
        (&refused["errors"][0]["code"], &refused["errors"][0]["pointer"]),
        (&json!("fewer_available"), &json!("/quantity"))
    );
    assert!(refused["detail"].as_str().unwrap().contains('3'), "{refused}");
    assert_eq!(put(shop, &ada, &none, 1).await.expect(409).json()["errors"][0]["code"], "out_of_stock");
    put(shop, &ada, &few, 2).await.expect(200);
    let more = json!({"product_id": few, "quantity": 2});
    let refused = shop.post("/cart/items").token(&ada).json(&more).send().await.expect(409).json();
    assert_eq!(refused["errors"][0]["code"], "fewer_available");

    let many = store.book("Many", 1_000, 500).await;
    put(shop, &ada, &many, 10).await.expect(422);
    put(shop, &ada, &many, 9).await.expect(200);
    let one = json!({"product_id": many, "quantity": 1});
    let refused = shop.post("/cart/items").token(&ada).json(&one).send().await.expect(422);
    assert_eq!(refused.complaints(), ["/quantity"]);

    let third = store.book("Third", 1_000, 9).await;
    assert_eq!(put(shop, &ada, &third, 1).await.expect(409).json()["errors"][0]["code"], "cart_full");
    put(shop, &ada, &many, 5).await.expect(200);
    assert_eq!(super::cart_of(shop, &ada).await["version"], 3, "what is refused changes nothing");
}
