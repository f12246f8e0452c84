//! Orders: from a cart to delivered, cancelled or expired, with the stock that hangs on them.

mod checkout;
mod coupons;
mod lists;
mod moves;

use bookstore::model::cart::Buyer;
use bookstore::model::ids::UserId;
use uuid::Uuid;

use crate::support::selling::{Guest, checkout};
use crate::support::{Answer, Shop};

/// Sends a guest's order.
async fn order(shop: &Shop, guest: &Guest, key: &str) -> Answer {
    let request = shop.post("/orders").header("cart-token", &guest.token).header("idempotency-key", key);
    request.json(&checkout()).send().await
}

/// The person behind a token, as a buyer.
async fn buyer_of(shop: &Shop, token: &str) -> Buyer {
    let me = shop.get("/users/me").token(token).send().await.expect(200).json();
    Buyer::User(UserId(me["id"].as_str().unwrap().parse::<Uuid>().unwrap()))
}
