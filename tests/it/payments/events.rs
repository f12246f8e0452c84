//! Events of the provider.

use std::time::Duration;

use bookstore::domain::payments::signature::EventKey;
use bookstore::model::clock::Clock as _;
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{
    Bought, PRICE, QUICK, SECRET, bought, decline, paid, pay, payments_of, refund, refunds_of, send, state_of, success,
    tell,
};
use crate::support::{Shop, eventually};

/// An order whose payment nobody knows the outcome of, and that payment.
async fn waiting(shop: &Shop) -> (Bought, Uuid) {
    let order = bought(shop, "pending").await;
    let payment = pay(shop, &order, "key", "tok_unavailable").await.expect(202).json();
    (order, payment["id"].as_str().unwrap().parse().unwrap())
}

async fn shop() -> Shop {
    Shop::open_with(&[("payments.webhook_secret", SECRET)]).await
}

#[tokio::test]
async fn only_what_is_signed_rightly_and_now_is_heard() {
    let shop = shop().await;
    let (order, payment) = waiting(&shop).await;
    let event = success("evt_1", payment);
    let body = event.to_string();
    let key = |secret: &str| EventKey::new(secret.to_owned().into(), Duration::from_secs(300));
    let now = shop.clock.now();
    let minutes = time::Duration::minutes;
    let good = key(SECRET).sign(body.as_bytes(), now);
    let refused = [
        ("no signature", String::new()),
        ("nonsense", "nonsense".to_owned()),
        ("another secret", key("whsec_of_somebody_else").sign(body.as_bytes(), now)),
        ("an old one", key(SECRET).sign(body.as_bytes(), now - minutes(6))),
        ("one of the future", key(SECRET).sign(body.as_bytes(), now + minutes(6))),
        ("another body", key(SECRET).sign(b"{}", now)),
        ("another time", good.replace("t=1", "t=2")),
    ];
    let mut told = Vec::new();
    for (what, signature) in refused {
        let answer = send(&shop, &signature, &event).await;
        assert_eq!(answer.status, 400, "{what}");
        told.push((answer.json()["type"].clone(), answer.json()["detail"].clone()));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "nobody learns which part was wrong: {told:?}");
    let mut sql = shop.sql().await;
    assert_eq!(state_of(&mut sql, order.id).await, "pending");
    // While the secret changes, two signatures come along.
    let other = key("whsec_of_tomorrow").sign(body.as_bytes(), now);
    let both = format!("{good},{}", other.split_once(',').unwrap().1);
    send(&shop, &both, &event).await.expect(204);
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    // A replay within the window changes nothing, and after it is refused.
    send(&shop, &good, &event).await.expect(204);
    shop.clock.advance(minutes(6));
    send(&shop, &good, &event).await.expect(400);
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
}

#[tokio::test]
async fn what_is_signed_may_still_make_no_sense() {
    let shop = shop().await;
    let (_, payment) = waiting(&shop).await;
    for bad in [json!([]), json!({"id": "evt_1"}), json!({"id": "evt_1", "type": "payment.succeeded", "data": {}})] {
        tell(&shop, &bad).await.expect(400);
    }
    tell(&shop, &json!({"id": "evt_2", "type": "payout.paid"})).await.expect(204);
    tell(&shop, &success("evt_3", Uuid::now_v7())).await.expect(404);
    let key = EventKey::new(SECRET.to_owned().into(), Duration::from_secs(300));
    let huge = json!({"id": "x".repeat(70_000), "type": "x"});
    send(&shop, &key.sign(huge.to_string().as_bytes(), shop.clock.now()), &huge).await.expect(413);
    shop.post("/payments/webhooks/other").json(&success("evt_4", payment)).send().await.expect(404);
    // A reference can be that of one payment alone.
    let (_, other) = waiting(&shop).await;
    tell(&shop, &success("evt_5", payment)).await.expect(204);
    let mut stolen = success("evt_6", other);
    stolen["data"]["reference"] = success("evt_5", payment)["data"]["reference"].clone();
    tell(&shop, &stolen).await.expect(400);
    let unset = shop.beside(&[]).await;
    tell(&unset, &success("evt_7", other)).await.expect(503);
}

#[tokio::test]
async fn an_event_is_applied_once_however_often_it_comes() {
    let shop = shop().await;
    let other = shop.beside(&[("payments.webhook_secret", SECRET)]).await;
    let (order, payment) = waiting(&shop).await;
    let event = success("evt_1", payment);
    let sent = (0..20).map(|number| tell(if number % 2 == 0 { &shop } else { &other }, &event));
    for answer in join_all(sent).await {
        answer.expect(204);
    }
    let mut sql = shop.sql().await;
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    let moves = "SELECT count(*) FROM outbox WHERE kind = 'order_moved' AND payload->>'order' = $1";
    let moves: i64 = sqlx::query_scalar(moves).bind(order.id.to_string()).fetch_one(&mut sql).await.unwrap();
    assert_eq!(moves, 1);
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM provider_events").fetch_one(&mut sql).await.unwrap();
    assert_eq!(noted, 1);
}

#[tokio::test]
async fn a_provider_is_not_limited_as_customers_are() {
    let limits =
        [("limits.enabled", "true"), ("limits.write_per_address", "2/1m"), ("payments.webhook_secret", SECRET)];
    let shop = Shop::open_with(&limits).await;
    for number in 0..6 {
        let event = json!({"id": format!("evt_{number}"), "type": "payout.paid"});
        tell(&shop, &event).await.expect(204);
    }
}

#[tokio::test]
async fn events_may_come_in_any_order() {
    let shop = shop().await;
    let mut sql = shop.sql().await;
    // A decline that is told late does not take back what has succeeded.
    let (order, payment) = waiting(&shop).await;
    tell(&shop, &success("evt_1", payment)).await.expect(204);
    tell(&shop, &decline("evt_2", payment)).await.expect(204);
    assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), false)]);
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    // A success counts even after a decline.
    let (order, payment) = waiting(&shop).await;
    tell(&shop, &decline("evt_3", payment)).await.expect(204);
    assert_eq!(payments_of(&mut sql, order.id).await[0].0, "declined");
    tell(&shop, &success("evt_4", payment)).await.expect(204);
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
    // A refund that is known before its answer has come.
    let admin = shop.administrator().await;
    let (order, _) = paid(&shop, "tok_slow").await;
    let early = async {
        let mut sql = shop.sql().await;
        eventually("it has begun", async || !refunds_of(&mut sql, order.id).await.is_empty()).await;
        let id: Uuid = sqlx::query_scalar("SELECT id FROM refunds WHERE order_id = $1")
            .bind(order.id)
            .fetch_one(&mut sql)
            .await
            .unwrap();
        let data = json!({"refund_id": id, "reference": format!("re_{}", id.simple())});
        tell(&shop, &json!({"id": "evt_5", "type": "refund.succeeded", "data": data})).await.expect(204);
        assert_eq!(state_of(&mut sql, order.id).await, "refunded");
    };
    let body = json!({"reason": "Sorry."});
    let (answer, ()) = tokio::join!(refund(&shop, &admin, order.id, "refund", &body), early);
    assert_eq!(answer.expect(201).json()["state"], "succeeded");
    assert_eq!(refunds_of(&mut sql, order.id).await, [("succeeded".to_owned(), 2 * PRICE)]);
}

#[tokio::test]
async fn money_that_comes_too_late_goes_back() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    for state in ["expired", "cancelled"] {
        let order = bought(&shop, "pending").await;
        let payment = pay(&shop, &order, "key", "tok_unavailable").await.expect(202).json();
        let payment = payment["id"].as_str().unwrap().parse().unwrap();
        sqlx::query("UPDATE orders SET state = $2, version = version + 1 WHERE id = $1")
            .bind(order.id)
            .bind(state)
            .execute(&mut sql)
            .await
            .unwrap();
        tell(&shop, &success(&format!("evt_{state}"), payment)).await.expect(204);
        assert_eq!(payments_of(&mut sql, order.id).await, [("succeeded".to_owned(), true)]);
        eventually("it goes back", async || {
            refunds_of(&mut sql, order.id).await == [("succeeded".to_owned(), 2 * PRICE)]
        })
        .await;
        assert_eq!(state_of(&mut sql, order.id).await, state);
        let counted: i64 = sqlx::query_scalar("SELECT refunded FROM orders WHERE id = $1")
            .bind(order.id)
            .fetch_one(&mut sql)
            .await
            .unwrap();
        assert_eq!(counted, 0, "it never was the order's");
    }
}

#[tokio::test]
async fn of_two_successes_one_goes_back() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let order = bought(&shop, "pending").await;
    let first = pay(&shop, &order, "one", "tok_declined").await.expect(402).json()["payment"]["id"].clone();
    pay(&shop, &order, "two", "tok_success").await.expect(201);
    // The provider thinks better of the first one.
    tell(&shop, &success("evt_1", first.as_str().unwrap().parse().unwrap())).await.expect(204);
    assert_eq!(
        payments_of(&mut sql, order.id).await,
        [("succeeded".to_owned(), true), ("succeeded".to_owned(), false)],
    );
    eventually("it goes back", async || refunds_of(&mut sql, order.id).await == [("succeeded".to_owned(), 2 * PRICE)])
        .await;
    assert_eq!(state_of(&mut sql, order.id).await, "paid");
}
