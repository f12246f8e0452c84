//! Payments, refunds, and what the provider tells.

mod charging;
mod crashes;
mod events;
mod refunds;

use bookstore::domain::payments::signature::EventKey;
use bookstore::model::clock::Clock as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::{Answer, Shop};

/// The secret of the provider's events.
const SECRET: &str = "whsec_of_the_tests";

/// A shop whose provider signs its events, and that looks often for what waits.
const QUICK: [(&str, &str); 2] = [("payments.check_interval", "50ms"), ("payments.webhook_secret", SECRET)];

/// An order that somebody has placed.
#[derive(Clone, Debug)]
struct Bought {
    id: Uuid,
    owner: String,
    product: Uuid,
}

/// The cost of the one copy in it, in minor units; each line of one kind costs as much.
const PRICE: i64 = 1_499;

/// A book of which there are ten copies.
async fn book(shop: &Shop) -> Uuid {
    let admin = shop.administrator().await;
    let made = shop.post("/products").token(&admin).json(&json!({"title": "Sold", "authors": ["A. Seller"]}));
    let id = made.send().await.expect(201).json()["id"].as_str().unwrap().parse().unwrap();
    let on_shelf = "UPDATE stock SET on_hand = 10, version = version + 1, reason = 'counted' WHERE product_id = $1";
    sqlx::query(on_shelf).bind(id).execute(&mut shop.sql().await).await.unwrap();
    id
}

/// An order of two copies by a new customer, in this state. What it has reserved is reserved.
async fn bought(shop: &Shop, state: &str) -> Bought {
    let (product, owner) = (book(shop).await, shop.customer().await);
    let id = order_of(&mut shop.sql().await, product, &owner, state).await;
    Bought { id, owner, product }
}

async fn order_of(sql: &mut PgConnection, product: Uuid, owner: &str, state: &str) -> Uuid {
    let id = Uuid::now_v7();
    let hash: [u8; 32] = Sha256::digest(owner).into();
    sqlx::query(
        "INSERT INTO orders (id, user_id, email, shipping_address, country, shipping_method, state, currency, subtotal,
             discount, shipping, tax, total, placed_at, updated_at, expires_at)
         SELECT $1, user_id, 'a@example.org', '{\"name\": \"A\", \"line1\": \"B\", \"city\": \"C\", \"country\": \"US\"}',
             'US', 'standard', $3, 'USD', 2 * $4, 0, 0, 0, 2 * $4, now(), now(), now() + interval '30 minutes'
         FROM sessions WHERE token_hash = $2",
    )
    .bind(id)
    .bind(hash.as_slice())
    .bind(state)
    .bind(PRICE)
    .execute(&mut *sql)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO order_lines (order_id, position, product_id, title, authors, quantity, unit_price, subtotal, discount,
             tax, total)
         VALUES ($1, 0, $2, 'Sold', '{A. Seller}', 2, $3, 2 * $3, 0, 0, 2 * $3)",
    )
    .bind(id)
    .bind(product)
    .bind(PRICE)
    .execute(&mut *sql)
    .await
    .unwrap();
    let history = "INSERT INTO order_history (order_id, version, state, occurred_at) VALUES ($1, 1, $2, now())";
    sqlx::query(history).bind(id).bind(state).execute(&mut *sql).await.unwrap();
    if matches!(state, "pending" | "paid") {
        let reserve = "UPDATE stock SET reserved = reserved + 2, version = version + 1, reason = 'reserved'
                       WHERE product_id = $1";
        sqlx::query(reserve).bind(product).execute(&mut *sql).await.unwrap();
    }
    id
}

/// Pays for an order.
async fn pay(shop: &Shop, order: &Bought, key: &str, method: &str) -> Answer {
    let request = shop.post(&format!("/orders/{}/payments", order.id)).token(&order.owner);
    request.header("idempotency-key", key).json(&json!({"method": method})).send().await
}

/// An order that was paid for with this method, and the payment.
async fn paid(shop: &Shop, method: &str) -> (Bought, Uuid) {
    let order = bought(shop, "pending").await;
    let payment = pay(shop, &order, "first", method).await.expect(201).json();
    (order, payment["id"].as_str().unwrap().parse().unwrap())
}

/// Asks for a refund.
async fn refund(shop: &Shop, admin: &str, order: Uuid, key: &str, body: &Value) -> Answer {
    let request = shop.post(&format!("/orders/{order}/refunds")).token(admin);
    request.header("idempotency-key", key).json(body).send().await
}

/// Where an order stands.
async fn state_of(sql: &mut PgConnection, order: Uuid) -> String {
    sqlx::query_scalar("SELECT state FROM orders WHERE id = $1").bind(order).fetch_one(sql).await.unwrap()
}

/// The states of the payments for an order, the oldest first, and whether each is surplus.
async fn payments_of(sql: &mut PgConnection, order: Uuid) -> Vec<(String, bool)> {
    let query = "SELECT state, surplus FROM payments WHERE order_id = $1 ORDER BY id";
    sqlx::query_as(query).bind(order).fetch_all(sql).await.unwrap()
}

/// The states and amounts of the refunds of an order, the oldest first.
async fn refunds_of(sql: &mut PgConnection, order: Uuid) -> Vec<(String, i64)> {
    let query = "SELECT state, amount FROM refunds WHERE order_id = $1 ORDER BY created_at, id";
    sqlx::query_as(query).bind(order).fetch_all(sql).await.unwrap()
}

/// Copies on the shelf, and reserved ones.
async fn stock_of(sql: &mut PgConnection, product: Uuid) -> (i32, i32) {
    let query = "SELECT on_hand, reserved FROM stock WHERE product_id = $1";
    sqlx::query_as(query).bind(product).fetch_one(sql).await.unwrap()
}

/// Sends an event with a signature.
async fn send(shop: &Shop, signature: &str, body: &Value) -> Answer {
    let request = shop.post("/payments/webhooks/test").header("webhook-signature", signature);
    request.header("content-type", "application/json").body(body.to_string()).send().await
}

/// Sends an event as the provider does.
async fn tell(shop: &Shop, body: &Value) -> Answer {
    let key = EventKey::new(SECRET.to_owned().into(), std::time::Duration::from_secs(300));
    send(shop, &key.sign(body.to_string().as_bytes(), shop.clock.now()), body).await
}

/// That a payment has succeeded.
fn success(event: &str, payment: Uuid) -> Value {
    let reference = format!("ch_{}", payment.simple());
    json!({"id": event, "type": "payment.succeeded", "data": {"payment_id": payment, "reference": reference}})
}

/// That it was declined.
fn decline(event: &str, payment: Uuid) -> Value {
    let data = json!({"payment_id": payment, "code": "card_declined", "message": "The card was declined."});
    json!({"id": event, "type": "payment.declined", "data": data})
}
