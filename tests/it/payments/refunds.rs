//! Sending money back.

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Bought, PRICE, QUICK, bought, paid, refund, refunds_of, state_of, stock_of};
use crate::support::{Shop, eventually};

async fn refunded(shop: &Shop, order: Uuid) -> i64 {
    let query = "SELECT refunded FROM orders WHERE id = $1";
    sqlx::query_scalar(query).bind(order).fetch_one(&mut shop.sql().await).await.unwrap()
}

#[tokio::test]
async fn parts_add_up_to_the_whole() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (order, payment) = paid(&shop, "tok_success").await;
    let mut sql = shop.sql().await;
    let part = json!({"amount": 1_000, "reason": "A stain on the cover."});
    let answer = refund(&shop, &admin, order.id, "one", &part).await.expect(201).json();
    assert_eq!(answer["state"], "succeeded");
    assert_eq!(answer["payment_id"], payment.to_string());
    assert_eq!(answer["amount"], json!({"amount": 1_000, "currency": "USD"}));
    assert_eq!((state_of(&mut sql, order.id).await.as_str(), refunded(&shop, order.id).await), ("paid", 1_000));
    let again = refund(&shop, &admin, order.id, "one", &part).await.expect(201);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (answer.clone(), "true"));
    refund(&shop, &admin, order.id, "one", &json!({"reason": "Another one."})).await.expect(422);
    let too_much = refund(&shop, &admin, order.id, "two", &json!({"amount": 2_000, "reason": "Greed."})).await;
    let too_much = too_much.expect(409);
    assert_eq!(
        (too_much.complaints(), &too_much.json()["left"]),
        (vec!["/amount".to_owned()], &json!(2 * PRICE - 1_000))
    );
    let rest = refund(&shop, &admin, order.id, "three", &json!({"reason": "It was lost."})).await.expect(201).json();
    assert_eq!(rest["amount"]["amount"], 2 * PRICE - 1_000);
    assert_eq!((state_of(&mut sql, order.id).await.as_str(), refunded(&shop, order.id).await), ("refunded", 2 * PRICE));
    assert_eq!(stock_of(&mut sql, order.product).await, (10, 0), "what never left can be sold again");
    refund(&shop, &admin, order.id, "four", &json!({"reason": "More."})).await.expect(409);
    let path = format!("/orders/{}/refunds", order.id);
    let shown = shop.get(&path).token(&order.owner).send().await.expect(200).json();
    assert_eq!(shown["items"], json!([answer, rest]));
    shop.get(&path).token(&shop.customer().await).send().await.expect(404);
    let audited = shop.get(&format!("/admin/audit?resource_id={}", order.id)).token(&admin).send().await.expect(200);
    assert_eq!(audited.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn refunds_at_once_never_exceed_what_was_paid() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let (order, _) = paid(&shop, "tok_success").await;
    let attempts = (0..20).map(|number| {
        let (shop, admin, order) = (if number % 2 == 0 { &shop } else { &other }, &admin, &order);
        let body = json!({"amount": 500, "reason": "At once."});
        async move { refund(shop, admin, order.id, &format!("key-{number}"), &body).await.status.as_u16() }
    });
    let statuses = join_all(attempts).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    assert_eq!(refunded(&shop, order.id).await, 2_500);
}

#[tokio::test]
async fn a_refund_that_fails_frees_its_amount() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (order, _) = paid(&shop, "tok_refund_fails").await;
    for key in ["one", "two"] {
        let answer = refund(&shop, &admin, order.id, key, &json!({"reason": "Sorry."})).await.expect(201).json();
        assert_eq!((&answer["state"], &answer["failure"]["code"]), (&json!("failed"), &json!("refund_refused")));
        assert_eq!(refunded(&shop, order.id).await, 0);
    }
    let mut sql = shop.sql().await;
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    let set_aside = "SELECT refunded FROM payments WHERE order_id = $1";
    let set_aside: i64 = sqlx::query_scalar(set_aside).bind(order.id).fetch_one(&mut sql).await.unwrap();
    assert_eq!(set_aside, 0);
}

#[tokio::test]
async fn a_refund_that_takes_longer_is_told_by_an_event() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let mut sql = shop.sql().await;
    let order = bought(&shop, "pending").await;
    super::pay(&shop, &order, "pay", "tok_webhook").await.expect(202);
    eventually("it is paid for", async || state_of(&mut sql, order.id).await == "paid").await;
    let answer = refund(&shop, &admin, order.id, "key", &json!({"reason": "Sorry."})).await.expect(202).json();
    assert_eq!(answer["state"], "processing");
    eventually("it is refunded", async || state_of(&mut sql, order.id).await == "refunded").await;
    assert_eq!(refunds_of(&mut sql, order.id).await, [("succeeded".to_owned(), 2 * PRICE)]);
}

/// A paid order whose books have left.
async fn shipped(shop: &Shop) -> (Bought, String) {
    let (order, _) = paid(shop, "tok_success").await;
    let admin = shop.administrator().await;
    shop.post(&format!("/orders/{}/ship", order.id)).token(&admin).json(&json!({})).send().await.expect(200);
    assert_eq!(stock_of(&mut shop.sql().await, order.product).await, (8, 0));
    (order, admin)
}

#[tokio::test]
async fn what_comes_back_is_on_the_shelf_again() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let (order, admin) = shipped(&shop).await;
    let all = json!({"reason": "They do not fit the shelf.", "restock": true});
    refund(&shop, &admin, order.id, "all", &all).await.expect(201);
    assert_eq!(stock_of(&mut sql, order.product).await, (10, 0));
    assert_eq!(state_of(&mut sql, order.id).await, "refunded");

    let (order, admin) = shipped(&shop).await;
    let part =
        |amount: i64, lines: Value| json!({"reason": "One of two.", "amount": amount, "restock": true, "lines": lines});
    let one = |quantity: i32| json!([{"product_id": order.product, "quantity": quantity}]);
    let unsaid = refund(&shop, &admin, order.id, "a", &json!({"reason": "?", "amount": 1, "restock": true})).await;
    assert_eq!(unsaid.expect(422).complaints(), ["/lines"]);
    let wrong = json!([{"product_id": Uuid::now_v7(), "quantity": 1}, {"product_id": order.product, "quantity": 3}]);
    let wrong = refund(&shop, &admin, order.id, "b", &part(1, wrong)).await.expect(422);
    assert_eq!(wrong.complaints(), ["/lines/0/product_id", "/lines/1/quantity"]);
    assert_eq!(refunded(&shop, order.id).await, 0, "nothing was sent");
    refund(&shop, &admin, order.id, "c", &part(PRICE, one(1))).await.expect(201);
    assert_eq!(stock_of(&mut sql, order.product).await, (9, 0));
    refund(&shop, &admin, order.id, "d", &part(1, one(2))).await.expect(422);
    // The rest of the money, and whatever has not come back yet.
    refund(&shop, &admin, order.id, "e", &all).await.expect(201);
    assert_eq!(stock_of(&mut sql, order.product).await, (10, 0));
    let returned = "SELECT sum(on_hand_change)::bigint FROM stock_ledger WHERE product_id = $1 AND reason = 'returned'";
    let returned: i64 = sqlx::query_scalar(returned).bind(order.product).fetch_one(&mut sql).await.unwrap();
    assert_eq!(returned, 2);

    let (order, _) = paid(&shop, "tok_success").await;
    let early = refund(&shop, &admin, order.id, "f", &all).await.expect(409).json();
    assert_eq!(early["state"], "paid");
    assert_eq!(refunded(&shop, order.id).await, 0);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_all_at_once() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let order = bought(&shop, "pending").await;
    let bad = json!({"reason": "", "amount": 0, "lines": [{"product_id": order.product, "quantity": 0}]});
    let refused = refund(&shop, &admin, order.id, "key", &bad).await.expect(422);
    assert_eq!(refused.complaints(), ["/amount", "/lines", "/lines/0/quantity", "/reason"]);
    let unpaid = refund(&shop, &admin, order.id, "key", &json!({"reason": "Sorry."})).await.expect(409);
    assert_eq!(unpaid.json()["left"], 0);
    refund(&shop, &admin, Uuid::now_v7(), "key", &json!({"reason": "Sorry."})).await.expect(404);
    refund(&shop, &order.owner, order.id, "key", &json!({"reason": "Sorry."})).await.expect(403);
}

#[tokio::test]
async fn calling_a_paid_order_off_sends_its_money_back() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let (order, _) = paid(&shop, "tok_success").await;
    let path = format!("/orders/{}/cancel", order.id);
    shop.post(&path).token(&order.owner).json(&json!({})).send().await.expect(200);
    eventually("it goes back", async || refunds_of(&mut sql, order.id).await == [("succeeded".to_owned(), 2 * PRICE)])
        .await;
    assert_eq!(
        (state_of(&mut sql, order.id).await.as_str(), refunded(&shop, order.id).await),
        ("cancelled", 2 * PRICE)
    );
    assert_eq!(stock_of(&mut sql, order.product).await, (10, 0));
}
