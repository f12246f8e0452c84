//! A guest's cart after its owner has signed in.

use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{Store, cart_of, contents, put, restock};
use crate::support::people::{PASSWORD, text};
use crate::support::{Answer, Shop};

async fn guest(shop: &Shop, items: &[(&str, i64)]) -> String {
    let mut token: Option<String> = None;
    for (book, quantity) in items {
        let mut request = shop.put(&format!("/cart/items/{book}")).json(&json!({"quantity": quantity}));
        if let Some(token) = &token {
            request = request.header("cart-token", token);
        }
        let answer = request.send().await.expect(200);
        token = token.or_else(|| Some(answer.header("cart-token").to_owned()));
    }
    token.unwrap()
}

async fn sign_in(shop: &Shop, name: &str, value: &str) -> Answer {
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    shop.post("/sessions").header(name, value).json(&body).send().await
}

#[tokio::test]
async fn quantities_are_added_as_far_as_there_are_copies() {
    let store = Store::open(&[("cart.max_lines", "3")]).await;
    let shop = &store.shop;
    let (both, short, many) =
        (store.book("Both", 1_000, 50).await, store.book("Short", 500, 4).await, store.book("Many", 700, 90).await);
    let surplus = store.book("Surplus", 100, 9).await;
    let ada = shop.newcomer("ada@example.org").await;
    for (book, quantity) in [(&both, 2), (&short, 3), (&many, 15)] {
        put(shop, &ada, book, quantity).await.expect(200);
    }
    let token = guest(shop, &[(&both, 3), (&short, 2), (&many, 15)]).await;
    let other = guest(shop, &[(&surplus, 1)]).await;

    let signed_in = sign_in(shop, "cart-token", &token).await.expect(201).json();
    assert_eq!(signed_in["cart"]["merged"], true);
    let capped: Vec<Value> = signed_in["cart"]["capped"].as_array().unwrap().clone();
    let told =
        |one: &Value| (text(&one["product_id"]), one["wanted"].clone(), one["quantity"].clone(), text(&one["reason"]));
    assert_eq!(
        capped.iter().map(told).collect::<Vec<_>>(),
        [
            (short.clone(), json!(5), json!(4), "stock".to_owned()),
            (many.clone(), json!(30), json!(20), "max_quantity".to_owned()),
        ],
    );
    let expected = [(both, 5), (short, 4), (many, 20)];
    let ada = text(&signed_in["token"]);
    assert_eq!(contents(&cart_of(shop, &ada).await), expected);
    let left = shop.get("/cart").header("cart-token", &token).send().await.expect(200).json();
    assert_eq!(left["items"], json!([]), "the guest's cart is gone");

    let again = sign_in(shop, "cart-token", &token).await.expect(201).json();
    assert_eq!(again["cart"], Value::Null, "there is nothing left to merge");
    assert_eq!(contents(&cart_of(shop, &ada).await), expected, "and nothing is added twice");

    let full = sign_in(shop, "cart-token", &other).await.expect(201).json();
    assert_eq!(
        (&full["cart"]["capped"][0]["reason"], &full["cart"]["capped"][0]["quantity"]),
        (&json!("max_lines"), &json!(0))
    );
    assert_eq!(contents(&cart_of(shop, &ada).await), expected);
}

#[tokio::test]
async fn a_cookie_does_the_same_and_is_cleared() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let token = guest(shop, &[(&book, 3)]).await;
    shop.register("ada@example.org").await.expect(201);
    let foreign = shop
        .post("/sessions")
        .header("cookie", &format!("bookstore_cart={token}"))
        .header("sec-fetch-site", "cross-site")
        .json(&json!({"email": "ada@example.org", "password": PASSWORD}));
    let foreign = foreign.send().await.expect(201).json();
    assert_eq!(foreign["cart"], Value::Null, "another site moves no cart");
    let signed_in = sign_in(shop, "cookie", &format!("bookstore_cart={token}")).await.expect(201);
    assert_eq!(signed_in.json()["cart"], json!({"merged": true, "capped": []}));
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("bookstore_cart=;") && cookie.contains("Max-Age=0"), "{cookie}");
    let cart = cart_of(shop, &text(&signed_in.json()["token"])).await;
    assert_eq!(contents(&cart), [(book, 3)]);
    for wrong in ["x", &"A".repeat(43)] {
        let body = sign_in(shop, "cart-token", wrong).await.expect(201).json();
        assert_eq!(body["cart"], Value::Null, "nobody is kept out by {wrong}");
    }
}

#[tokio::test]
async fn a_cart_that_cannot_be_merged_keeps_nobody_out() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let token = guest(shop, &[(&book, 3)]).await;
    shop.register("ada@example.org").await.expect(201);

    let mut sql = shop.sql().await;
    let mut holding = sql.begin().await.unwrap();
    sqlx::query("SELECT FROM carts FOR UPDATE").execute(&mut *holding).await.unwrap();
    let cookie = format!("bookstore_cart={token}");
    let signed_in = sign_in(shop, "cookie", &cookie).await.expect(201);
    assert_eq!(signed_in.json()["cart"]["merged"], false);
    assert!(signed_in.headers.get("set-cookie").is_none(), "the browser keeps what the next sign-in needs");
    let ada = text(&signed_in.json()["token"]);
    assert_eq!(cart_of(shop, &ada).await["items"], json!([]));
    holding.rollback().await.unwrap();

    let later = sign_in(shop, "cookie", &cookie).await.expect(201).json();
    assert_eq!(later["cart"]["merged"], true);
    assert_eq!(contents(&cart_of(shop, &ada).await), [(book, 3)]);
}

#[tokio::test]
async fn two_sign_ins_at_once_merge_once() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (book, other) = (store.book("Book", 1_000, 50).await, store.book("Other", 1_000, 50).await);
    shop.register("ada@example.org").await.expect(201);
    let (one, two) = (guest(shop, &[(&book, 3)]).await, guest(shop, &[(&book, 4), (&other, 1)]).await);
    let tries = [&one, &one, &two, &two, &one].map(|token| sign_in(shop, "cart-token", token));
    let answers = futures::future::join_all(tries).await;
    let merged = answers.into_iter().filter(|answer| answer.json()["cart"]["merged"] == json!(true)).count();
    assert_eq!(merged, 2, "each cart once");
    let ada = shop.token_of("ada@example.org").await;
    let mut held = contents(&cart_of(shop, &ada).await);
    let mut expected = vec![(book, 7), (other, 1)];
    held.sort();
    expected.sort();
    assert_eq!(held, expected);
}

#[tokio::test]
async fn the_coupon_comes_along() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let coupon = json!({"code": "SPRING", "basis_points": 1000});
    shop.post("/coupons").token(&store.admin).json(&coupon).send().await.expect(201);
    let token = guest(shop, &[(&book, 1)]).await;
    let code = json!({"code": "spring"});
    shop.put("/cart/coupon").header("cart-token", &token).json(&code).send().await.expect(200);
    shop.register("ada@example.org").await.expect(201);
    restock(&mut shop.sql().await, &book, 0).await;
    let signed_in = sign_in(shop, "cart-token", &token).await.expect(201).json();
    assert_eq!(
        (&signed_in["cart"]["capped"][0]["quantity"], &signed_in["cart"]["capped"][0]["reason"]),
        (&json!(0), &json!("stock"))
    );
    let cart = cart_of(shop, &text(&signed_in["token"])).await;
    assert_eq!((&cart["coupon"]["code"], &cart["items"]), (&json!("SPRING"), &json!([])));
}
