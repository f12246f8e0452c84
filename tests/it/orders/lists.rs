//! Lists of orders, and how they stay fresh.

use serde_json::{Value, json};

use super::buyer_of;
use crate::support::selling::{Guest, checkout, fill_cart, shelve};
use crate::support::{Answer, Shop, eventually};

fn numbers(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|order| order["number"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_kept_until_something_happens_to_its_orders() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    let (one, other) = (shop.customer().await, shop.customer().await);
    let place = async |token: &str, key: &str| {
        let buyer = buyer_of(&shop, token).await;
        fill_cart(&mut shop.sql().await, &buyer, &[(book, 1)]).await;
        let request = shop.post("/orders").token(token).header("idempotency-key", key).json(&checkout());
        request.send().await.expect(201).json()
    };
    let list = async |shop: &Shop, token: &str| shop.get("/orders").token(token).send().await.expect(200);
    let is_hit = |answer: &Answer| answer.header("cache-status").contains("hit");
    let first = place(&one, "1").await;
    place(&other, "1").await;
    // A busy machine may lose the feed for a moment, and then nothing is a hit: it must stay one in one of a few rounds.
    let mut stayed = false;
    let mut expected = vec![first["number"].as_i64().unwrap()];
    for round in 2..7 {
        for token in [&one, &other] {
            eventually("the list is kept", async || is_hit(&list(&beside, token).await)).await;
        }
        assert_eq!(numbers(&list(&beside, &one).await.json()), expected);
        let next = place(&one, &round.to_string()).await;
        expected.insert(0, next["number"].as_i64().unwrap());
        eventually("the other process shows it", async || numbers(&list(&beside, &one).await.json()) == expected).await;
        stayed |= is_hit(&list(&beside, &other).await);
    }
    assert!(stayed, "an order of one makes the list of another one out of date");
    let path = format!("/orders/{}/cancel", first["id"].as_str().unwrap());
    shop.post(&path).token(&one).json(&json!({})).send().await.expect(200);
    eventually("the other process shows it cancelled", async || {
        list(&beside, &one).await.json()["items"][5]["state"] == "cancelled"
    })
    .await;
    // An administrator clears somebody's orders by the tag of the rules.
    let user = buyer_of(&shop, &other).await.user().unwrap();
    let admin = shop.administrator().await;
    let clear = format!("/admin/cache?tag=user:{user}:orders");
    shop.delete(&clear).token(&admin).send().await.expect(200);
    let token = other.clone();
    eventually("it is loaded again", async || !is_hit(&list(&shop, &token).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_without_gap() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    let (token, guest, admin) = (shop.customer().await, Guest::new(), shop.administrator().await);
    let buyer = buyer_of(&shop, &token).await;
    for n in 0..5 {
        for (buyer, name, value) in
            [(buyer, "authorization", format!("Bearer {token}")), (guest.buyer, "cart-token", guest.token.clone())]
        {
            fill_cart(&mut sql, &buyer, &[(book, 1)]).await;
            let request = shop.post("/orders").header(name, &value).header("idempotency-key", &n.to_string());
            request.json(&checkout()).send().await.expect(201);
        }
    }
    for (path, name, value, all) in [
        ("/orders", "authorization", format!("Bearer {token}"), 5),
        ("/orders", "cart-token", guest.token.clone(), 5),
        ("/admin/orders", "authorization", format!("Bearer {admin}"), 10),
    ] {
        let mut seen = Vec::new();
        let mut address = format!("{path}?limit=2");
        loop {
            let page = shop.get(&address).header(name, &value).send().await.expect(200);
            seen.extend(numbers(&page.json()));
            let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
            address = format!("{path}?limit=2&cursor={cursor}");
            assert!(page.header("link").contains(&address), "{}", page.header("link"));
        }
        assert_eq!(seen.len(), all, "{path}");
        assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    }
    let number = numbers(&shop.get("/orders?limit=1").token(&token).send().await.expect(200).json())[0];
    for (filter, found) in [
        (format!("number={number}"), 1),
        ("state=pending".to_owned(), 10),
        ("state=paid".to_owned(), 0),
        ("email=GUEST@example.org".to_owned(), 10),
    ] {
        let page = shop.get(&format!("/admin/orders?{filter}")).token(&admin).send().await.expect(200).json();
        assert_eq!(numbers(&page).len(), found, "{filter}");
    }
    shop.get("/orders?cursor=nonsense").token(&token).send().await.expect(422);
    shop.get("/admin/orders?state=sold").token(&admin).send().await.expect(422);
}
