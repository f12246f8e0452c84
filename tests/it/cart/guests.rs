//! Carts of people without an account.

use serde_json::json;

use super::{Store, contents};
use crate::support::people::text;

#[tokio::test]
async fn a_guest_is_known_by_a_token() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let path = format!("/cart/items/{book}");
    let empty = shop.get("/cart").send().await.expect(200);
    assert_eq!((&empty.json()["items"], &empty.json()["id"]), (&json!([]), &json!(null)));
    assert!(empty.headers.get("set-cookie").is_none() && empty.headers.get("cart-token").is_none());

    let first = shop.put(&path).json(&json!({"quantity": 2})).send().await.expect(200);
    let token = first.header("cart-token").to_owned();
    let cookie = first.header("set-cookie").to_owned();
    assert_eq!(token.len(), 43);
    assert!(cookie.starts_with(&format!("bookstore_cart={token}; ")), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=2592000"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{cookie} lacks {attribute}");
    }
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT token_hash FROM carts").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_ne!(kept, token.as_bytes(), "the token itself is kept nowhere");

    let by_header = shop.get("/cart").header("cart-token", &token).send().await.expect(200);
    assert_eq!(contents(&by_header.json()), [(book.clone(), 2)]);
    assert_eq!(by_header.json(), first.json());
    let by_cookie = shop.get("/cart").header("cookie", &format!("bookstore_cart={token}")).send().await.expect(200);
    assert_eq!(by_cookie.json(), first.json());
    let vary: Vec<_> = by_cookie.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(vary.join(", ").contains("cart-token"), "{vary:?}");

    let second = shop.put(&path).header("cart-token", &token).json(&json!({"quantity": 5})).send().await.expect(200);
    assert!(second.headers.get("cart-token").is_none(), "who has a token gets no other one");
    assert_eq!(contents(&second.json()), [(book.clone(), 5)]);
    let other = shop.post("/cart/items").json(&json!({"product_id": book})).send().await.expect(200);
    assert_ne!(other.header("cart-token"), token, "who has none gets one of their own");
    assert_eq!(contents(&shop.get("/cart").header("cart-token", &token).send().await.json()), [(book, 5)]);
}

#[tokio::test]
async fn a_wrong_token_is_no_token() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let path = format!("/cart/items/{book}");
    for wrong in ["x", "", &"A".repeat(44), &"=".repeat(43), &format!("{}B", "A".repeat(42))] {
        let refused = shop.get("/cart").header("cart-token", wrong).send().await.expect(401);
        assert_eq!(refused.complaints(), ["Cart-Token"], "{wrong}");
        shop.put(&path).header("cart-token", wrong).json(&json!({"quantity": 1})).send().await.expect(401);
        shop.delete("/cart").header("cart-token", wrong).send().await.expect(401);
    }
    // A browser cannot help the cookies that it has: it gets a new cart.
    let cookie = "bookstore_cart=x";
    assert_eq!(shop.get("/cart").header("cookie", cookie).send().await.expect(200).json()["items"], json!([]));
    shop.delete("/cart").header("cookie", cookie).send().await.expect(401);
    let new = shop.put(&path).header("cookie", cookie).json(&json!({"quantity": 1})).send().await.expect(200);
    assert_eq!(new.header("cart-token").len(), 43);

    // Nobody's.
    let unknown = "A".repeat(43);
    assert_eq!(shop.get("/cart").header("cart-token", &unknown).send().await.expect(200).json()["version"], 0);
    for request in [
        shop.delete("/cart"),
        shop.delete(&path),
        shop.delete("/cart/coupon"),
        shop.put("/cart/coupon").json(&json!({"code": "X"})),
    ] {
        let refused = request.send().await.expect(401).json();
        let detail = text(&refused["detail"]);
        assert!(detail.contains("Sign in") && detail.contains("Cart-Token"), "{detail}");
    }
}

#[tokio::test]
async fn another_site_changes_no_cart() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let path = format!("/cart/items/{book}");
    let first = shop.put(&path).json(&json!({"quantity": 2})).send().await.expect(200);
    let token = first.header("cart-token").to_owned();
    let cookie = format!("bookstore_cart={token}");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let change = json!({"quantity": 3});
        shop.put(&path).header("cookie", &cookie).header(name, value).json(&change).send().await.expect(403);
        shop.delete("/cart").header("cookie", &cookie).header(name, value).send().await.expect(403);
        shop.put(&path).header(name, value).json(&change).send().await.expect(403);
        shop.get("/cart").header("cookie", &cookie).header(name, value).send().await.expect(200);
        // A header is sent by nobody who was not told to.
        shop.put(&path)
            .header("cart-token", &token)
            .header(name, value)
            .json(&json!({"quantity": 2}))
            .send()
            .await
            .expect(200);
    }
    let cart = shop.get("/cart").header("cookie", &cookie).send().await.json();
    assert_eq!(contents(&cart), [(book, 2)]);
    let same = shop.delete("/cart").header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    same.send().await.expect(200);
}

#[tokio::test]
async fn who_is_signed_in_has_their_own_cart() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let book = store.book("Book", 1_000, 50).await;
    let ada = shop.customer().await;
    let guest = shop.post("/cart/items").json(&json!({"product_id": book})).send().await.expect(200);
    let token = guest.header("cart-token").to_owned();
    let own = shop.get("/cart").token(&ada).header("cart-token", &token).send().await.expect(200);
    assert_eq!(own.json()["items"], json!([]));
    let bob = shop.customer().await;
    super::put(shop, &ada, &book, 1).await.expect(200);
    assert_eq!(super::cart_of(shop, &bob).await["items"], json!([]));
    shop.get("/cart").token("wrong").header("cart-token", &token).send().await.expect(401);
}
