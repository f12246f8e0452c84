//! Processes that die between charging and recording.

use reqwest::Method;
use serde_json::json;

use super::{Bought, SECRET, bought, pay, payments_of, refund, refunds_of, state_of, stock_of};
use crate::support::process::send;
use crate::support::{Process, Shop, eventually};

/// Of the process that dies: nobody asks before a minute is over.
const PATIENT: [(&str, &str); 2] = [("payments.recheck_after", "1m"), ("payments.webhook_secret", SECRET)];

/// Begins to pay at a process, and kills it while the provider works.
async fn die_while_paying(process: &Process, shop: &Shop, order: &Bought) {
    let request = process
        .request(Method::POST, &format!("/orders/{}/payments", order.id))
        .bearer_auth(&order.owner)
        .header("idempotency-key", "key")
        .json(&json!({"method": "tok_slow"}));
    let dying = async {
        let mut sql = shop.sql().await;
        eventually("it has begun", async || !payments_of(&mut sql, order.id).await.is_empty()).await;
        process.kill();
    };
    let (answer, ()) = tokio::join!(send(request), dying);
    answer.unwrap_err();
    assert_eq!(payments_of(&mut shop.sql().await, order.id).await, [("processing".to_owned(), false)]);
}

#[tokio::test]
async fn another_process_finds_out_what_became_of_the_payment() {
    let shop = Shop::open_with(&[("payments.check_interval", "50ms")]).await;
    let order = bought(&shop, "pending").await;
    let process = shop.process(&PATIENT).await;
    die_while_paying(&process, &shop, &order).await;
    shop.clock.advance(time::Duration::minutes(2));
    let mut sql = shop.sql().await;
    eventually("it is paid for", async || state_of(&mut sql, order.id).await == "paid").await;
    // Whoever repeats the request learns of it, and nothing is taken twice.
    let answer = pay(&shop, &order, "key", "tok_slow").await.expect(201).json();
    assert_eq!(answer["state"], "succeeded");
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    assert!(refunds_of(&mut sql, order.id).await.is_empty());
}

#[tokio::test]
async fn the_repeated_request_takes_it_up() {
    // Nobody works behind the requests here.
    let shop = Shop::open_with(&[("payments.timeout", "4s")]).await;
    let order = bought(&shop, "pending").await;
    let process = shop.process(&PATIENT).await;
    die_while_paying(&process, &shop, &order).await;
    // Its process may still be at work, as far as anybody knows.
    pay(&shop, &order, "key", "tok_slow").await.expect(409);
    shop.clock.advance(time::Duration::seconds(10));
    let answer = pay(&shop, &order, "key", "tok_slow").await.expect(201).json();
    assert_eq!(answer["state"], "succeeded");
    let mut sql = shop.sql().await;
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    assert_eq!(pay(&shop, &order, "key", "tok_slow").await.expect(201).json(), answer);
}

#[tokio::test]
async fn a_refund_is_sent_by_another_process() {
    let shop = Shop::open_with(&[("payments.check_interval", "50ms")]).await;
    let order = bought(&shop, "pending").await;
    pay(&shop, &order, "pay", "tok_slow").await.expect(201);
    let admin = shop.administrator().await;
    let process = shop.process(&PATIENT).await;
    let request = process
        .request(Method::POST, &format!("/orders/{}/refunds", order.id))
        .bearer_auth(&admin)
        .header("idempotency-key", "key")
        .json(&json!({"reason": "Sorry."}));
    let mut sql = shop.sql().await;
    let dying = async {
        eventually("it has begun", async || !refunds_of(&mut sql, order.id).await.is_empty()).await;
        process.kill();
    };
    let (answer, ()) = tokio::join!(send(request), dying);
    answer.unwrap_err();
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    shop.clock.advance(time::Duration::minutes(2));
    eventually("it is refunded", async || state_of(&mut sql, order.id).await == "refunded").await;
    let total = 2 * super::PRICE;
    assert_eq!(refunds_of(&mut sql, order.id).await, [("succeeded".to_owned(), total)]);
    assert_eq!(stock_of(&mut sql, order.product).await, (10, 0), "its books can be sold again");
    let again = refund(&shop, &admin, order.id, "key", &json!({"reason": "Sorry."})).await.expect(201);
    assert_eq!(again.json()["state"], "succeeded");
    assert_eq!(refunds_of(&mut sql, order.id).await.len(), 1);
}
