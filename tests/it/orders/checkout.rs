//! From a cart to an order.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::order;
use crate::support::Shop;
use crate::support::selling::{Guest, assert_books_balance, checkout, fill_cart, shelve, stock};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_takes_the_cart_the_stock_and_todays_prices() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(books[0], 2), (books[1], 1)]).await;
    // The cart still says 10.00.
    sqlx::query("UPDATE products SET price_amount = 1250 WHERE id = $1")
        .bind(books[0])
        .execute(&mut sql)
        .await
        .unwrap();
    let placed = order(&shop, &guest, "first").await.expect(201);
    let document = placed.json();
    assert_eq!(document["state"], "pending");
    assert_eq!(document["allowed"], json!(["pay", "cancel", "expire"]));
    let amounts: Vec<i64> = ["subtotal", "discount", "shipping", "tax", "total"]
        .map(|name| document[name]["amount"].as_i64().unwrap())
        .to_vec();
    assert_eq!(amounts, [3500, 0, 499, 0, 3999]);
    assert_eq!(document["lines"][0]["unit_price"], json!({"amount": 1250, "currency": "USD"}));
    assert_eq!(document["shipping_method"], "standard");
    assert_eq!(stock(&mut sql, books[0]).await, (10, 2));
    assert_eq!(stock(&mut sql, books[1]).await, (10, 1));
    let location = placed.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let read = shop.get(&location).header("cart-token", &guest.token).send().await.expect(200);
    assert_eq!(read.json(), document);
    // Nobody else sees it, and nobody at all without saying who they are.
    shop.get(&location).header("cart-token", &Guest::new().token).send().await.expect(404);
    shop.get(&location).token(&shop.customer().await).send().await.expect(404);
    shop.get(&location).send().await.expect(401);
    shop.get(&location).token(&shop.administrator().await).send().await.expect(200);
    // The cart is empty now.
    order(&shop, &guest, "second").await.expect(409);
    assert_books_balance(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_stands_for_one_request() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
    let placed = order(&shop, &guest, "\"k-1\"").await.expect(201);
    fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
    let again = order(&shop, &guest, "k-1").await.expect(201);
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&placed.body, "true"));
    assert_eq!(again.header("location"), placed.header("location"));
    let other = shop.post("/orders").header("cart-token", &guest.token).header("idempotency-key", "k-1");
    let mut input = checkout();
    input["email"] = json!("other@example.org");
    let refused = other.json(&input).send().await.expect(422);
    assert_eq!(refused.complaints(), ["Idempotency-Key"]);
    // The key is the guest's own: somebody else's is another one.
    let stranger = Guest::new();
    fill_cart(&mut sql, &stranger.buyer, &[(book, 1)]).await;
    let theirs = order(&shop, &stranger, "k-1").await.expect(201);
    assert_ne!(theirs.json()["id"], placed.json()["id"]);
    // After its time the key is free again.
    shop.clock.advance(time::Duration::hours(25));
    let later = order(&shop, &guest, "k-1").await.expect(201);
    assert_ne!(later.json()["id"], placed.json()["id"]);
    assert_books_balance(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
    let send = async |input: &Value, key: Option<&str>| {
        let request = shop.post("/orders").header("cart-token", &guest.token).json(input);
        match key {
            Some(key) => request.header("idempotency-key", key).send().await,
            None => request.send().await,
        }
    };
    assert_eq!(send(&checkout(), None).await.expect(400).complaints(), ["Idempotency-Key"]);
    for key in ["", "two words", "\u{e4}", &"x".repeat(256)] {
        assert_eq!(send(&checkout(), Some(key)).await.expect(400).complaints(), ["Idempotency-Key"], "{key:?}");
    }
    let changed = |pointer: &str, value: Value| {
        let mut input = checkout();
        match input.pointer_mut(pointer) {
            Some(part) => *part = value,
            None => input[pointer.trim_start_matches('/')] = value,
        }
        input
    };
    for (pointer, value, complaints) in [
        ("/email", json!("nobody"), vec!["/email"]),
        ("/shipping_address/name", json!("  "), vec!["/shipping_address/name"]),
        ("/shipping_address/city", json!("x\u{7}"), vec!["/shipping_address/city"]),
        ("/shipping_address/country", json!("us"), vec!["/shipping_address/country"]),
        ("/shipping_address/country", json!("ZZ"), vec!["/shipping_address/country"]),
        ("/shipping_method", json!("pigeon"), vec!["/shipping_method"]),
        ("/expected_total", json!({"amount": 1, "currency": "usd"}), vec!["/expected_total/currency"]),
    ] {
        let refused = send(&changed(pointer, value), Some("k")).await.expect(422);
        assert_eq!(refused.complaints(), complaints);
    }
    let mut without = checkout();
    without.as_object_mut().unwrap().remove("email");
    assert_eq!(send(&without, Some("k")).await.expect(422).complaints(), ["/email"]);
    // Another total than the buyer saw is told instead of being charged.
    let refused =
        send(&changed("/expected_total", json!({"amount": 1, "currency": "USD"})), Some("k")).await.expect(409);
    assert_eq!(refused.json()["total"], json!({"amount": 1499, "currency": "USD"}));
    assert_eq!(stock(&mut sql, book).await, (10, 0));
    // None of that has used the key.
    send(&changed("/expected_total", json!({"amount": 1499, "currency": "USD"})), Some("k")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_had_is_named_and_nothing_is_taken() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 3, 2).await;
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(books[0], 1), (books[1], 3), (books[2], 1)]).await;
    sqlx::query("UPDATE products SET status = 'retired' WHERE id = $1").bind(books[2]).execute(&mut sql).await.unwrap();
    let refused = order(&shop, &guest, "k").await.expect(409);
    let problem = refused.json();
    assert_eq!(problem["type"], "/problems/out-of-stock");
    assert_eq!(refused.complaints(), ["/items/1", "/items/2"]);
    let lines: Vec<Value> = problem["lines"].as_array().unwrap().to_vec();
    let told = |line: &Value| json!([line["product_id"], line["wanted"], line["available"]]);
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), [json!([books[1], 3, 2]), json!([books[2], 1, 0])],);
    for book in &books {
        assert_eq!(stock(&mut sql, *book).await, (2, 0));
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM cart_lines WHERE cart_id = $1")
        .bind(guest.buyer.cart().0)
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(left, 3, "the cart stays as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_at_once_is_one_order() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
    let sent = (0..50).map(|n| {
        let shop = if n % 2 == 0 { &shop } else { &beside };
        order(shop, &guest, "once")
    });
    let answers = futures::future::join_all(sent).await;
    let mut bodies = BTreeSet::new();
    for answer in answers {
        match answer.status.as_u16() {
            201 => drop(bodies.insert(answer.body)),
            409 => assert!(answer.json()["detail"].as_str().unwrap().contains("being worked on"), "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(bodies.len(), 1, "all are told of one order");
    assert_eq!(stock(&mut sql, book).await, (100, 1));
    assert_books_balance(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_is_ordered_once_whatever_the_keys() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    for round in 0..10 {
        let guest = Guest::new();
        fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
        let keys: Vec<String> = (0..4).map(|n| format!("{round}-{n}")).collect();
        let shops = [&shop, &beside, &shop, &beside];
        let sent = keys.iter().zip(shops).map(|(key, shop)| order(shop, &guest, key));
        let statuses: Vec<u16> =
            futures::future::join_all(sent).await.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    }
    assert_eq!(stock(&mut sql, book).await, (100, 10));
}

/// Carts name the same books in every order; each waits for the other, and none for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_the_same_books_do_not_lock_each_other_out() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 4, 30).await;
    let mut guests = Vec::new();
    for n in 0..40_usize {
        let guest = Guest::new();
        let lines: Vec<_> = (0..3).map(|k| (books[(n * (k + 1) + k) % 4], 1)).collect();
        let lines: std::collections::BTreeMap<_, _> = lines.into_iter().collect();
        fill_cart(&mut sql, &guest.buyer, &lines.into_iter().collect::<Vec<_>>()).await;
        guests.push(guest);
    }
    let sent = guests.iter().enumerate().map(|(n, guest)| {
        let shop = if n % 2 == 0 { &shop } else { &beside };
        order(shop, guest, "k")
    });
    for answer in futures::future::join_all(sent).await {
        assert!([201, 409].contains(&answer.status.as_u16()), "{answer:?}");
    }
    assert_books_balance(&mut sql).await;
}
