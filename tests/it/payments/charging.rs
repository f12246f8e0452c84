//! Paying for orders.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::{Bought, QUICK, SECRET, bought, order_of, paid, pay, payments_of, refunds_of, state_of};
use crate::support::{Shop, eventually, settle};

#[tokio::test]
async fn each_method_does_what_it_says() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    for (method, status, code, order_state) in [
        ("tok_success", 201, None, "paid"),
        ("tok_refund_fails", 201, None, "paid"),
        ("tok_declined", 402, Some("card_declined"), "pending"),
        ("tok_insufficient_funds", 402, Some("insufficient_funds"), "pending"),
        ("tok_expired_card", 402, Some("expired_card"), "pending"),
        ("tok_banana", 402, Some("unknown_method"), "pending"),
        ("tok_unavailable", 202, None, "pending"),
    ] {
        let order = bought(&shop, "pending").await;
        let answer = pay(&shop, &order, "key", method).await.expect(status).json();
        assert_eq!(answer["code"].as_str(), code, "{method}");
        assert_eq!(state_of(&mut sql, order.id).await, order_state, "{method}");
        let payment = if status == 402 { &answer["payment"] } else { &answer };
        let shown = shop.get(&format!("/orders/{}/payments", order.id)).token(&order.owner).send().await.expect(200);
        assert_eq!(&shown.json()["items"], &json!([payment]), "{method}");
    }
}

#[tokio::test]
async fn a_payment_moves_its_order_and_tells_of_it_once() {
    let shop = Shop::open().await;
    let (order, _) = paid(&shop, "tok_success").await;
    let mut sql = shop.sql().await;
    let answer = shop.get(&format!("/orders/{}", order.id)).token(&order.owner).send().await.expect(200).json();
    assert_eq!((answer["state"].as_str(), answer["version"].as_i64()), (Some("paid"), Some(2)), "{answer}");
    let history = "SELECT state FROM order_history WHERE order_id = $1 ORDER BY version";
    let states: Vec<String> = sqlx::query_scalar(history).bind(order.id).fetch_all(&mut sql).await.unwrap();
    assert_eq!(states, ["pending", "paid"]);
    let told = "SELECT kind FROM outbox WHERE payload->>'order' = $1 ORDER BY id";
    let told: Vec<String> = sqlx::query_scalar(told).bind(order.id.to_string()).fetch_all(&mut sql).await.unwrap();
    assert_eq!(told, ["payment_changed", "payment_changed", "order_moved"]);
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_done_once() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    for (method, status) in [("tok_success", 201), ("tok_declined", 402), ("tok_unavailable", 202)] {
        let order = bought(&shop, "pending").await;
        let first = pay(&shop, &order, "key", method).await.expect(status);
        let again = pay(&other, &order, "key", method).await.expect(status);
        assert_eq!(again.header("idempotent-replayed"), "true");
        let of = |answer: &crate::support::Answer| {
            let document = answer.json();
            document.get("payment").cloned().unwrap_or(document)
        };
        assert_eq!(of(&first), of(&again));
        assert_eq!(payments_of(&mut sql, order.id).await.len(), 1);
        let reused = pay(&shop, &order, "key", "tok_slow").await.expect(422);
        assert_eq!(reused.complaints(), ["Idempotency-Key"]);
    }
    let order = bought(&shop, "pending").await;
    let path = format!("/orders/{}/payments", order.id);
    let without = shop.post(&path).token(&order.owner).json(&json!({"method": "tok_success"})).send().await.expect(400);
    assert_eq!(without.complaints(), ["Idempotency-Key"]);
}

#[tokio::test]
async fn after_a_decline_another_way_to_pay_may_be_tried() {
    let shop = Shop::open().await;
    let order = bought(&shop, "pending").await;
    pay(&shop, &order, "one", "tok_declined").await.expect(402);
    pay(&shop, &order, "two", "tok_success").await.expect(201);
    let refused = pay(&shop, &order, "three", "tok_success").await.expect(409).json();
    assert_eq!(refused["type"], "/problems/order-state");
    assert_eq!((&refused["state"], &refused["allowed"]), (&json!("paid"), &json!(["cancel", "ship", "refund"])));
    let states = payments_of(&mut shop.sql().await, order.id).await;
    assert_eq!(states, [("declined".to_owned(), false), ("succeeded".to_owned(), false)]);
}

#[tokio::test]
async fn only_the_owner_pays_and_only_what_waits_to_be_paid_for() {
    let shop = Shop::open().await;
    let order = bought(&shop, "pending").await;
    let mut sql = shop.sql().await;
    let stranger = Bought { owner: shop.customer().await, ..order.clone() };
    pay(&shop, &stranger, "key", "tok_success").await.expect(404);
    let path = format!("/orders/{}/payments", order.id);
    shop.get(&path).token(&stranger.owner).send().await.expect(404);
    shop.get(&path).token(&shop.administrator().await).send().await.expect(200);
    for state in ["shipped", "cancelled", "expired", "refunded"] {
        let order = bought(&shop, state).await;
        assert_eq!(pay(&shop, &order, "key", "tok_success").await.expect(409).json()["state"], state);
        assert!(payments_of(&mut sql, order.id).await.is_empty());
    }
    // Its time is over, though nobody has ended it yet.
    sqlx::query("UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = $1")
        .bind(order.id)
        .execute(&mut sql)
        .await
        .unwrap();
    pay(&shop, &order, "key", "tok_success").await.expect(409);
    for bad in [json!({}), json!({"method": ""}), json!({"method": "a b"}), json!({"method": "tok\u{0}"})] {
        let request = shop.post(&path).token(&order.owner).header("idempotency-key", "k").json(&bad);
        assert_eq!(request.send().await.expect(422).complaints(), ["/method"], "{bad}");
    }
    assert!(payments_of(&mut sql, order.id).await.is_empty());
}

#[tokio::test]
async fn a_guest_pays_by_their_token() {
    let shop = Shop::open().await;
    let order = bought(&shop, "pending").await;
    let token = bookstore::domain::access::Token::generate().unwrap();
    sqlx::query("UPDATE orders SET user_id = NULL, guest_token_hash = $2 WHERE id = $1")
        .bind(order.id)
        .bind(token.hash().as_slice())
        .execute(&mut shop.sql().await)
        .await
        .unwrap();
    pay(&shop, &order, "key", "tok_success").await.expect(404);
    let path = format!("/orders/{}/payments", order.id);
    let request = |token: &str| {
        let request = shop.post(&path).header("cart-token", token).header("idempotency-key", "key");
        request.json(&json!({"method": "tok_success"}))
    };
    let other = bookstore::domain::access::Token::generate().unwrap();
    request(other.reveal()).send().await.expect(404);
    request(token.reveal()).send().await.expect(201);
    let shown = shop.get(&path).header("cart-token", token.reveal()).send().await.expect(200).json();
    assert_eq!(shown["items"][0]["state"], "succeeded");
}

#[tokio::test]
async fn of_payments_at_once_one_succeeds() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let order = bought(&shop, "pending").await;
    let attempts = (0..20).map(|number| {
        let (shop, order) = (if number % 2 == 0 { &shop } else { &other }, &order);
        async move { pay(shop, order, &format!("key-{number}"), "tok_success").await.status.as_u16() }
    });
    let mut statuses = join_all(attempts).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    let mut sql = shop.sql().await;
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    // The same one many times is one as well.
    let order = bought(&shop, "pending").await;
    let attempts = (0..20).map(|number| {
        let (shop, order) = (if number % 2 == 0 { &shop } else { &other }, &order);
        async move { pay(shop, order, "key", "tok_success").await }
    });
    let answers = join_all(attempts).await;
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!done.is_empty() && done.iter().all(|answer| answer.body == done[0].body));
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 409)));
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
}

#[tokio::test]
async fn what_the_provider_did_not_say_is_found_out() {
    let quick = [QUICK[0], QUICK[1], ("payments.timeout", "300ms"), ("payments.recheck_after", "1s")];
    let shop = Shop::open_with(&quick).await;
    let mut sql = shop.sql().await;
    for (method, payment, state) in [("tok_timeout", "succeeded", "paid"), ("tok_unavailable", "failed", "pending")] {
        let order = bought(&shop, "pending").await;
        let answer = pay(&shop, &order, "key", method).await.expect(202).json();
        assert_eq!(answer["state"], "processing");
        let busy = pay(&shop, &order, "other", "tok_success").await;
        eventually("it is found out", async || payments_of(&mut sql, order.id).await[0].0 == payment).await;
        assert_eq!(busy.status, 409, "{method}: one at a time");
        assert_eq!(state_of(&mut sql, order.id).await, state);
        // The answer stays what it was.
        assert_eq!(pay(&shop, &order, "key", method).await.expect(202).json(), answer);
    }
}

#[tokio::test]
async fn what_an_event_alone_tells_is_heard() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let order = bought(&shop, "pending").await;
    pay(&shop, &order, "key", "tok_webhook").await.expect(202);
    eventually("it is paid for", async || state_of(&mut sql, order.id).await == "paid").await;
    // Told by the answer, and twice more.
    let (order, _) = paid(&shop, "tok_twice").await;
    let noted = "SELECT count(*) FROM provider_events";
    eventually("the events came", async || sqlx::query_scalar::<_, i64>(noted).fetch_one(&mut sql).await.unwrap() == 2)
        .await;
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    assert!(refunds_of(&mut sql, order.id).await.is_empty());
}

#[tokio::test]
async fn a_payment_that_never_ends_does_not_hold_its_books_for_ever() {
    // Events cannot be verified without a secret: only asking is left, which tells nothing here.
    let quick = [QUICK[0], ("payments.timeout", "300ms"), ("payments.recheck_after", "1s")];
    let shop = Shop::open_with(&quick).await;
    let mut sql = shop.sql().await;
    let order = bought(&shop, "pending").await;
    pay(&shop, &order, "key", "tok_webhook").await.expect(202);
    shop.clock.advance(time::Duration::hours(23));
    let checked = "SELECT check_at > now() + interval '23 hours' FROM payments WHERE order_id = $1";
    eventually("it is looked at", async || {
        sqlx::query_scalar(checked).bind(order.id).fetch_one(&mut sql).await.unwrap()
    })
    .await;
    assert_eq!(payments_of(&mut sql, order.id).await[0].0, "processing");
    shop.clock.advance(time::Duration::hours(2));
    eventually("it is given up", async || payments_of(&mut sql, order.id).await[0].0 == "failed").await;
}

#[tokio::test]
async fn a_provider_that_hangs_holds_no_connection() {
    let settings = [
        ("database.max_connections", "1"),
        ("database.min_connections", "1"),
        ("database.acquire_timeout", "3s"),
        ("payments.timeout", "7s"),
        ("payments.webhook_secret", SECRET),
    ];
    let shop = Shop::open().await;
    let small = shop.beside(&settings).await;
    let first = bought(&shop, "pending").await;
    let mut sql = shop.sql().await;
    sqlx::query("UPDATE stock SET on_hand = 100, version = version + 1, reason = 'received' WHERE product_id = $1")
        .bind(first.product)
        .execute(&mut sql)
        .await
        .unwrap();
    let mut orders = vec![first.clone()];
    for _ in 1..10 {
        let id = order_of(&mut sql, first.product, &first.owner, "pending").await;
        orders.push(Bought { id, ..first.clone() });
    }
    let next = order_of(&mut sql, first.product, &first.owner, "pending").await;
    settle().await;
    let hang = async |order: &Bought| pay(&small, order, &order.id.to_string(), "tok_timeout").await;
    let hanging = join_all(orders.iter().map(hang));
    let meanwhile = async {
        let processing = "SELECT count(*) FROM payments WHERE state = 'processing'";
        eventually("all of them hang", async || {
            sqlx::query_scalar::<_, i64>(processing).fetch_one(&mut sql).await.unwrap() == 10
        })
        .await;
        // Reading and writing go on.
        small.get("/products?limit=1").send().await.expect(200);
        small.get(&format!("/orders/{}/payments", first.id)).token(&first.owner).send().await.expect(200);
        pay(&small, &Bought { id: next, ..first.clone() }, "next", "tok_success").await.expect(201);
        let processing: i64 = sqlx::query_scalar(processing).fetch_one(&mut sql).await.unwrap();
        assert_eq!(processing, 10, "they hang all the while");
    };
    let (answers, ()) = tokio::join!(hanging, meanwhile);
    for answer in answers {
        answer.expect(202);
    }
}

#[tokio::test]
async fn a_request_that_is_being_worked_on_says_so() {
    let shop = Shop::open().await;
    let order = bought(&shop, "pending").await;
    let again = async {
        let mut sql = shop.sql().await;
        eventually("it has begun", async || !payments_of(&mut sql, order.id).await.is_empty()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        pay(&shop, &order, "key", "tok_slow").await.expect(409)
    };
    let (first, again) = tokio::join!(pay(&shop, &order, "key", "tok_slow"), again);
    first.expect(201);
    assert!(again.header("retry-after").parse::<u64>().unwrap() >= 1);
}
