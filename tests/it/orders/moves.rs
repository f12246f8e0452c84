//! What happens to orders after they were placed.

use serde_json::json;

use super::order;
use crate::support::selling::{Guest, assert_books_balance, fill_cart, shelve, stock};
use crate::support::{Shop, eventually};

/// A new order of one copy; its path.
async fn ordered(shop: &Shop, guest: &Guest, book: uuid::Uuid, key: &str) -> String {
    fill_cart(&mut shop.sql().await, &guest.buyer, &[(book, 1)]).await;
    let order = order(shop, guest, key).await.expect(201).json();
    format!("/orders/{}", order["id"].as_str().unwrap())
}

async fn set_state(shop: &Shop, path: &str, state: &str) {
    let id: uuid::Uuid = path.rsplit('/').next().unwrap().parse().unwrap();
    sqlx::query("UPDATE orders SET state = $2, version = version + 1 WHERE id = $1")
        .bind(id)
        .bind(state)
        .execute(&mut shop.sql().await)
        .await
        .unwrap();
    sqlx::query("INSERT INTO order_history SELECT id, version, state, now() FROM orders WHERE id = $1")
        .bind(id)
        .execute(&mut shop.sql().await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_its_way_and_its_books_leave_once() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let (guest, admin) = (Guest::new(), shop.administrator().await);
    let path = ordered(&shop, &guest, book, "k").await;
    let to = |action: &str| format!("{path}/{action}");
    let refused = shop.post(&to("ship")).token(&admin).json(&json!({})).send().await.expect(409).json();
    assert_eq!(refused["type"], "/problems/order-state");
    assert_eq!((&refused["state"], &refused["allowed"]), (&json!("pending"), &json!(["pay", "cancel", "expire"])));
    set_state(&shop, &path, "paid").await;
    // Whose order it is does not say that its books have left.
    shop.post(&to("ship")).header("cart-token", &guest.token).json(&json!({})).send().await.expect(401);
    shop.post(&to("ship")).token(&admin).header("if-match", "\"1.x\"").json(&json!({})).send().await.expect(412);
    let shipped = shop.post(&to("ship")).token(&admin).json(&json!({"tracking": "T-1"})).send().await.expect(200);
    assert_eq!((&shipped.json()["state"], &shipped.json()["tracking"]), (&json!("shipped"), &json!("T-1")));
    assert_eq!(stock(&mut sql, book).await, (9, 0));
    shop.post(&to("ship")).token(&admin).json(&json!({})).send().await.expect(409);
    shop.post(&to("cancel")).header("cart-token", &guest.token).json(&json!({})).send().await.expect(409);
    let delivered = shop.post(&to("deliver")).token(&admin).send().await.expect(200).json();
    assert_eq!((&delivered["state"], &delivered["allowed"]), (&json!("delivered"), &json!(["refund"])));
    let history = shop.get(&to("history")).header("cart-token", &guest.token).send().await.expect(200).json();
    let states: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["pending", "paid", "shipped", "delivered"]);
    assert_books_balance(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_order_gives_its_books_back_once() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let guest = Guest::new();
    for round in 0..5 {
        let path = format!("{}/cancel", ordered(&shop, &guest, book, &format!("k{round}")).await);
        let cancel = |shop: &Shop| {
            shop.post(&path).header("cart-token", &guest.token).json(&json!({"reason": "Ordered twice"})).send()
        };
        let sent: Vec<_> = (0..8).map(|n| if n % 2 == 0 { cancel(&shop) } else { cancel(&beside) }).collect();
        let answers = futures::future::join_all(sent).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status.as_u16())), "{answers:?}");
        assert_eq!((done, stock(&mut sql, book).await), (1, (10, 0)));
    }
    assert_books_balance(&mut sql).await;
}

/// Two processes look for them at once, and somebody cancels in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_paid_for_in_time_is_given_back_once() {
    let settings = [("orders.reservation", "1h"), ("orders.expiry_interval", "20ms")];
    let shop = Shop::open_with(&settings).await;
    let beside = shop.beside(&settings).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    let mut paths = Vec::new();
    for _ in 0..30 {
        let guest = Guest::new();
        paths.push((ordered(&shop, &guest, book, "k").await, guest));
    }
    assert_eq!(stock(&mut sql, book).await, (100, 30));
    // One is just being paid for, and one is paid.
    let being_paid: uuid::Uuid = paths[0].0.rsplit('/').next().unwrap().parse().unwrap();
    sqlx::query(
        "INSERT INTO payments (id, order_id, provider, method, state, amount, currency, created_at, updated_at, check_at)
         VALUES (gen_random_uuid(), $1, 'test', 'tok_slow', 'processing', 1499, 'USD', now(), now(), 'infinity')",
    )
    .bind(being_paid)
    .execute(&mut sql)
    .await
    .unwrap();
    set_state(&shop, &paths[1].0, "paid").await;
    shop.clock.advance(time::Duration::hours(2));
    beside.clock.advance(time::Duration::hours(2));
    let cancels = paths[2..8].iter().map(|(path, guest)| {
        shop.post(&format!("{path}/cancel")).header("cart-token", &guest.token).json(&json!({})).send()
    });
    for answer in futures::future::join_all(cancels).await {
        assert!([200, 409].contains(&answer.status.as_u16()), "{answer:?}");
    }
    eventually("all others are over", async || stock(&mut shop.sql().await, book).await == (100, 2)).await;
    let count = async |state: &str| -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM orders WHERE state = $1").bind(state);
        count.fetch_one(&mut shop.sql().await).await.unwrap()
    };
    assert_eq!(count("expired").await + count("cancelled").await, 28);
    assert_eq!((count("pending").await, count("paid").await), (1, 1));
    assert_books_balance(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_not_closed_over_open_orders() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let token = shop.customer().await;
    let buyer = super::buyer_of(&shop, &token).await;
    fill_cart(&mut sql, &buyer, &[(book, 1)]).await;
    let mut input = crate::support::selling::checkout();
    input.as_object_mut().unwrap().remove("email");
    let placed =
        shop.post("/orders").token(&token).header("idempotency-key", "k").json(&input).send().await.expect(201).json();
    assert!(placed["email"].as_str().unwrap().ends_with("@example.org"), "the account's address");
    let export = shop.get("/users/me/export").token(&token).send().await.expect(200).json();
    assert_eq!(export["sections"]["orders"][0]["number"], placed["number"]);
    let close = || shop.delete("/users/me").token(&token).header("if-match", "*").send();
    close().await.expect(409);
    let path = format!("/orders/{}", placed["id"].as_str().unwrap());
    shop.post(&format!("{path}/cancel")).token(&token).json(&json!({})).send().await.expect(200);
    close().await.expect(204);
    let admin = shop.administrator().await;
    let kept = shop.get(&path).token(&admin).send().await.expect(200).json();
    assert_eq!((&kept["email"], &kept["shipping_address"]["name"]), (&json!(""), &json!("")));
    assert_eq!(kept["total"], placed["total"]);
}
