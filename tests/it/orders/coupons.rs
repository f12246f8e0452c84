//! Coupons that many want at once.

use futures::future::join_all;
use serde_json::{Value, json};

use super::order;
use crate::support::selling::{Guest, assert_books_balance, checkout, fill_cart, shelve, stock};
use crate::support::{Answer, Shop};

/// So many guests with a copy of each of these books and a coupon in their carts.
async fn guests(shop: &Shop, count: usize, books: &[uuid::Uuid], code: &str) -> Vec<Guest> {
    let mut sql = shop.sql().await;
    let mut guests = Vec::new();
    for _ in 0..count {
        let guest = Guest::new();
        let lines: Vec<_> = books.iter().map(|book| (*book, 1)).collect();
        fill_cart(&mut sql, &guest.buyer, &lines).await;
        sqlx::query("UPDATE carts SET coupon_code = $2 WHERE id = $1")
            .bind(guest.buyer.cart().0)
            .bind(code)
            .execute(&mut sql)
            .await
            .unwrap();
        guests.push(guest);
    }
    guests
}

async fn uses(shop: &Shop, admin: &str, code: &str) -> Value {
    shop.get(&format!("/coupons/{code}")).token(admin).send().await.expect(200).json()["uses"].clone()
}

/// All at once, by turns through two processes.
async fn order_all(shops: [&Shop; 2], guests: &[Guest]) -> Vec<Answer> {
    join_all(guests.iter().enumerate().map(|(n, guest)| order(shops[n % 2], guest, "k"))).await
}

/// Those who ordered; everybody else has to be told this.
#[track_caller]
fn winners(answers: Vec<Answer>, code: &str) -> Vec<(usize, Value)> {
    let mut orders = Vec::new();
    for (n, answer) in answers.into_iter().enumerate() {
        if answer.status == 201 {
            orders.push((n, answer.json()));
            continue;
        }
        let refused = answer.expect(409);
        assert_eq!(refused.complaints(), ["/coupon"]);
        assert_eq!(refused.json()["errors"][0]["code"], code, "{}", refused.json());
    }
    orders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_of_a_coupon_goes_to_one_of_a_hundred() {
    let shop = Shop::open().await;
    let (beside, admin) = (shop.beside(&[]).await, shop.administrator().await);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 200).await;
    let coupon = json!({"code": "LAST", "basis_points": 2_500, "max_uses": 1});
    shop.post("/coupons").token(&admin).json(&coupon).send().await.expect(201);
    let guests = guests(&shop, 100, &books, "LAST").await;
    let orders = winners(order_all([&shop, &beside], &guests).await, "coupon_used_up");
    let [(winner, placed)] = &orders[..] else { panic!("{} orders", orders.len()) };
    assert_eq!((&placed["coupon"], &placed["discount"]["amount"]), (&json!("LAST"), &json!(500)));
    assert_eq!(uses(&shop, &admin, "LAST").await, 1);
    for book in &books {
        assert_eq!(stock(&mut sql, *book).await, (200, 1), "who was refused has reserved nothing");
    }
    // Whoever was refused has their cart as it was, and may order without the coupon, under the same key.
    let other = &guests[(winner + 1) % 100];
    let cart = shop.get("/cart").header("cart-token", &other.token).send().await.expect(200).json();
    assert_eq!((cart["items"].as_array().unwrap().len(), &cart["coupon"]["code"]), (2, &json!("LAST")));
    shop.delete("/cart/coupon").header("cart-token", &other.token).send().await.expect(200);
    assert_eq!(order(&beside, other, "k").await.expect(201).json()["discount"]["amount"], 0);
    // The use comes back with the order that had it, for one of the others.
    let cancel = format!("/orders/{}/cancel", placed["id"].as_str().unwrap());
    let token = &guests[*winner].token;
    beside.post(&cancel).header("cart-token", token).json(&json!({})).send().await.expect(200);
    assert_eq!(uses(&shop, &admin, "LAST").await, 0);
    let rest: Vec<Guest> = guests.iter().filter(|one| ![token, &other.token].contains(&&one.token)).cloned().collect();
    let orders = winners(order_all([&beside, &shop], &rest).await, "coupon_used_up");
    assert_eq!((orders.len(), uses(&shop, &admin, "LAST").await), (1, json!(1)));
    assert_books_balance(&mut sql).await;
}

/// A guest is known by their address: they may have many carts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_uses_a_coupon_more_often_than_one_may() {
    let shop = Shop::open().await;
    let (beside, admin) = (shop.beside(&[]).await, shop.administrator().await);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 1, 200).await;
    let coupon = json!({"code": "TWICE", "amount": 300, "max_uses": 50, "max_uses_per_customer": 2});
    shop.post("/coupons").token(&admin).json(&coupon).send().await.expect(201);
    let guests = guests(&shop, 40, &books, "TWICE").await;
    let orders = winners(order_all([&shop, &beside], &guests).await, "coupon_used_up_by_you");
    assert_eq!(orders.len(), 2);
    assert!(orders.iter().all(|(_, placed)| placed["discount"]["amount"] == 300), "{orders:?}");
    assert_eq!(uses(&shop, &admin, "TWICE").await, 2, "who was refused has used nothing");
    let left: Vec<usize> = (0..40).filter(|n| orders.iter().all(|(winner, _)| winner != n)).collect();
    let send = async |guest: &Guest, email: &str| {
        let mut input = checkout();
        input["email"] = json!(email);
        let request = beside.post("/orders").header("cart-token", &guest.token).header("idempotency-key", "again");
        request.json(&input).send().await
    };
    let refused = send(&guests[left[0]], "  Guest@Example.ORG ").await.expect(409);
    assert_eq!(refused.json()["errors"][0]["code"], "coupon_used_up_by_you", "however it is written");
    send(&guests[left[0]], "somebody.else@example.org").await.expect(201);
    assert_eq!(uses(&shop, &admin, "TWICE").await, 3);
    assert_eq!(stock(&mut sql, books[0]).await, (200, 3));
    assert_books_balance(&mut sql).await;
}
