//! Each event counts once, whoever reads it and however often they die.

use std::time::Duration;

use bookstore::model::clock::Clock as _;
use bookstore::model::events::DomainEvent;
use bookstore::model::ids::UserId;
use bookstore::model::order::OrderState;
use serde_json::json;
use sqlx::{Executor as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ground::{
    QUICK, Written, await_total, equal_a_recount, kept, move_order, noon, page, people, sell, tell, truth, write,
};
use crate::support::selling::{Guest, checkout, fill_cart, shelve};
use crate::support::{RedisServer, Shop, eventually};

/// Numbers that look random and are the same in every run (Steele et al., Fast Splittable Pseudorandom Number Generators).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// Readers and buyers who do so many things at random, in windows around `now`.
async fn stir(mut sql: PgConnection, books: &[Uuid], now: OffsetDateTime, seed: u64, steps: usize) {
    let mut random = Random(seed);
    let readers = people(&mut sql, 8).await;
    let mut free: Vec<(Uuid, Uuid)> =
        books.iter().flat_map(|book| readers.iter().map(|reader| (*book, *reader))).collect();
    let (mut reviews, mut orders): (Vec<Written>, Vec<_>) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        // Today, yesterday, three weeks ago.
        let at = now - time::Duration::hours([0, 24, 500][random.below(3)]);
        match random.below(10) {
            0..4 if !free.is_empty() => {
                let (book, reader) = free.swap_remove(random.below(free.len()));
                reviews.push(write(&mut sql, book, reader, random.below(5) as u8 + 1, at).await);
            }
            4 if !reviews.is_empty() => {
                let place = random.below(reviews.len());
                if !reviews[place].hidden {
                    reviews[place].rate(&mut sql, random.below(5) as u8 + 1).await;
                }
            }
            5 if !reviews.is_empty() => {
                let place = random.below(reviews.len());
                reviews[place].toggle(&mut sql).await;
            }
            6 if !reviews.is_empty() => reviews.swap_remove(random.below(reviews.len())).remove(&mut sql).await,
            7 if !orders.is_empty() => {
                let order = orders.swap_remove(random.below(orders.len()));
                let to = [OrderState::Cancelled, OrderState::Refunded, OrderState::Shipped][random.below(3)];
                move_order(&mut sql, order, to, now).await;
            }
            _ => {
                let (one, other) = (random.below(books.len()), random.below(books.len()));
                let mut lines = vec![(books[one], random.below(5) as i32 + 1)];
                if one != other {
                    lines.push((books[other], 1));
                }
                orders.push(sell(&mut sql, &lines, at).await);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_through_the_api_count_until_they_are_given_back() {
    let shop = Shop::open_with(&QUICK).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 100).await;
    let admin = shop.administrator().await;
    let mut orders = Vec::new();
    for copies in [3, 2] {
        let guest = Guest::new();
        fill_cart(&mut sql, &guest.buyer, &[(books[0], copies), (books[1], 1)]).await;
        let request = shop.post("/orders").header("cart-token", &guest.token).header("idempotency-key", "order");
        let order = request.json(&checkout()).send().await.expect(201).json();
        let id = order["id"].as_str().unwrap().to_owned();
        assert_eq!(page(&shop, "best_sellers?period=day").await["total"], if copies == 3 { 0 } else { 2 }, "unpaid");
        let pay = shop.post(&format!("/orders/{id}/payments")).header("cart-token", &guest.token);
        pay.header("idempotency-key", "pay").json(&json!({"method": "tok_success"})).send().await.expect(201);
        await_total(&shop, "best_sellers?period=day", 2).await;
        orders.push((id, guest));
    }
    let sold = async |copies: f64| {
        eventually("the copies count", async || {
            page(&shop, "best_sellers?period=day").await["items"][0]["score"] == copies
        })
        .await;
    };
    sold(5.0).await;
    let (first, guest) = &orders[0];
    let cancel = shop.post(&format!("/orders/{first}/cancel")).header("cart-token", &guest.token);
    cancel.json(&json!({})).send().await.expect(200);
    sold(2.0).await;
    let (second, _) = &orders[1];
    shop.post(&format!("/orders/{second}/ship")).token(&admin).json(&json!({})).send().await;
    let refund = shop.post(&format!("/orders/{second}/refunds")).token(&admin).header("idempotency-key", "all");
    refund.json(&json!({"reason": "It came damaged."})).send().await.expect(201);
    await_total(&shop, "best_sellers?period=day", 0).await;
    equal_a_recount(&shop, &shop.database().redis_url.clone(), now).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_count_what_one_recount_counts_though_redis_forgets() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let settings = [QUICK[0], QUICK[1], ("redis.url", url.as_str())];
    let shop = Shop::open_with(&settings).await;
    let beside = shop.beside(&settings).await;
    let process = shop.process(&settings).await;
    let now = shop.clock.now();
    let books = shelve(&mut shop.sql().await, 25, 100).await;
    let mut storms = Vec::new();
    for seed in 1..=4 {
        storms.push(tokio::spawn({
            let (sql, books) = (shop.sql().await, books.clone());
            async move { stir(sql, &books, now, seed, 150).await }
        }));
    }
    let forget = async {
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            redis.ask::<()>("FLUSHALL").await;
        }
    };
    let all = async {
        for storm in storms {
            storm.await.unwrap();
        }
    };
    tokio::join!(forget, all);
    equal_a_recount(&shop, &url, now).await;
    let truth = truth(&mut shop.sql().await).await;
    assert!(truth.len() > 20, "too little happened: {}", truth.len());
    for shop in [&shop, &beside] {
        eventually("it is read from Redis again", async || {
            page(shop, "best_sellers?period=all").await["source"] == "redis"
        })
        .await;
    }
    assert!(process.metric("leaderboard_shared", &[]).await >= 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_counts_once_however_often_processes_are_killed() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let shop = Shop::open_with(&[("redis.url", &url)]).await;
    let now = shop.clock.now();
    let books = shelve(&mut shop.sql().await, 10, 100).await;
    let storm = tokio::spawn({
        let (sql, books) = (shop.sql().await, books.clone());
        async move { stir(sql, &books, now, 99, 900).await }
    });
    let mut random = Random(5);
    for _ in 0..8 {
        // As many transactions as there are events, so that it dies in the middle of one.
        let settings = [("leaderboards.interval", "1ms"), ("leaderboards.check_interval", "10ms"), ("redis.url", &url)];
        let process = shop.process(&settings).await;
        tokio::time::sleep(Duration::from_millis(300 + random.below(400) as u64)).await;
        process.kill();
    }
    storm.await.unwrap();
    let survivor = shop.beside(&[QUICK[0], QUICK[1], ("redis.url", &url)]).await;
    equal_a_recount(&shop, &url, now).await;
    drop(survivor);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_from_scratch_misses_nothing_and_counts_nothing_twice() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let now = shop.clock.now();
    let books = shelve(&mut sql, 10, 100).await;
    // Before anybody looked.
    stir(shop.sql().await, &books, now, 7, 40).await;
    // What is said behind the shop's back, and told as a whole.
    let quick = shop.beside(&QUICK).await;
    let storm = tokio::spawn({
        let (sql, books) = (shop.sql().await, books.clone());
        async move { stir(sql, &books, now, 8, 250).await }
    });
    // A transaction that is open while others are counted.
    let mut open = shop.sql().await;
    let reader = people(&mut sql, 1).await[0];
    for book in &books {
        open.execute("BEGIN").await.unwrap();
        sqlx::query(
            "INSERT INTO reviews (id, product_id, user_id, rating, created_at, updated_at) VALUES ($1, $1, $2, 5, $3, $3)"
        )
        .bind(book)
        .bind(reader)
        .bind(now)
        .execute(&mut open)
        .await
        .unwrap();
        tell(&mut sql, &DomainEvent::ReadersSeeded { people: 1, orders: 1, reviews: 1 }).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        tell(&mut open, &DomainEvent::ReadersSeeded { people: 1, orders: 1, reviews: 1 }).await;
        open.execute("COMMIT").await.unwrap();
    }
    storm.await.unwrap();
    equal_a_recount(&shop, &shop.database().redis_url.clone(), now).await;
    drop(quick);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_closes_their_account_leaves_the_board() {
    let shop = Shop::open_with(&QUICK).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 3, 10).await;
    let readers = people(&mut sql, 2).await;
    for book in &books {
        write(&mut sql, *book, readers[0], 4, now).await;
    }
    let mut review = write(&mut sql, books[0], readers[1], 4, now).await;
    await_total(&shop, "top_reviewers?period=day", 2).await;
    sql.execute("BEGIN").await.unwrap();
    sqlx::query("DELETE FROM users WHERE id = $1").bind(readers[1]).execute(&mut sql).await.unwrap();
    tell(&mut sql, &DomainEvent::UserDeleted { user: UserId(readers[1]) }).await;
    sql.execute("COMMIT").await.unwrap();
    await_total(&shop, "top_reviewers?period=day", 1).await;
    await_total(&shop, "most_reviewed?period=day", 3).await;
    // An event that named them, read only after they had gone.
    review.toggle(&mut sql).await;
    await_total(&shop, "top_rated?period=day", 3).await;
    eventually("the scores are right", async || {
        kept(&mut shop.sql().await).await == truth(&mut shop.sql().await).await
    })
    .await;
    equal_a_recount(&shop, &shop.database().redis_url.clone(), now).await;
}
