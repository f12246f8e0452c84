//! Recommendations over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use bookstore::model::cart::Buyer;
use bookstore::model::ids::UserId;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ground::{QUICK, Reader, all_counted, books, buy, favour, ids, rate, reader, recommended, strangers, turn};
use crate::support::selling::{checkout, fill_cart};
use crate::support::{Shop, eventually, settle};

/// Orders a book by the shop's own door; the order's path.
async fn order(shop: &Shop, reader: &Reader, book: Uuid) -> String {
    fill_cart(&mut shop.sql().await, &Buyer::User(UserId(reader.id)), &[(book, 1)]).await;
    let request = shop.post("/orders").token(&reader.token).header("idempotency-key", &book.to_string());
    let order = request.json(&checkout()).send().await.expect(201).json();
    format!("/orders/{}", order["id"].as_str().unwrap())
}

async fn pay(shop: &Shop, reader: &Reader, path: &str) {
    let request = shop.post(&format!("{path}/payments")).token(&reader.token).header("idempotency-key", "pay");
    request.json(&json!({"method": "tok_success"})).send().await.expect(201);
}

#[tokio::test]
async fn what_readers_share_is_recommended_with_its_reason() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 8, 1).await;
    for stranger in strangers(&mut sql, 4).await {
        buy(&mut sql, stranger, &shelf[..2]).await;
        favour(&mut sql, stranger, shelf[2], true).await;
    }
    let people = [reader(&shop).await, reader(&shop).await, reader(&shop).await];
    let path = order(&shop, &people[0], shelf[0]).await;
    pay(&shop, &people[0], &path).await;
    favour(&mut sql, people[1].id, shelf[0], true).await;
    rate(&mut sql, people[2].id, shelf[0], 5, false).await;
    for (person, kind) in people.iter().zip(["bought", "favourite", "liked"]) {
        let reason = json!({"kind": kind, "book": {"id": shelf[0], "title": "Book 1"}});
        eventually("neighbours are recommended", async || {
            let items = recommended(&shop, person, "?limit=2").await;
            items.iter().all(|item| item["reason"] == reason)
                && BTreeSet::from_iter(ids(&items)) == BTreeSet::from([shelf[1], shelf[2]])
        })
        .await;
    }
    eventually("books of the same readers are related", async || {
        let related = shop.get(&format!("/products/{}/related", shelf[0])).send().await.expect(200).json();
        let items = related["items"].as_array().unwrap().clone();
        let by_readers: Vec<Value> = items.into_iter().filter(|item| item["reason"] == "readers").collect();
        BTreeSet::from_iter(ids(&by_readers)) == BTreeSet::from([shelf[1], shelf[2]])
    })
    .await;
}

#[tokio::test]
async fn newcomers_are_told_what_is_popular_and_then_what_is_popular_in_their_genres() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 12, 1).await;
    sqlx::query("UPDATE products SET price_amount = NULL, price_currency = NULL WHERE id = $1")
        .bind(shelf[11])
        .execute(&mut sql)
        .await
        .unwrap();
    settle().await;
    let newcomer = reader(&shop).await;
    let items = recommended(&shop, &newcomer, "?limit=4").await;
    assert!(items.iter().all(|item| item["reason"] == json!({"kind": "popular"})), "{items:?}");
    assert_eq!(ids(&items), [shelf[10], shelf[9], shelf[8], shelf[7]], "and nothing that cannot be bought");
    // The first book is of the genre "even", as are the fourth, fifth, eighth, ninth and twelfth.
    favour(&mut sql, newcomer.id, shelf[0], true).await;
    eventually("the genre is known", async || {
        let items = recommended(&shop, &newcomer, "?limit=6").await;
        let reasons: Vec<&Value> = items.iter().map(|item| &item["reason"]).collect();
        let (genre, popular) = (json!({"kind": "popular_in_genre", "genre": "even"}), json!({"kind": "popular"}));
        reasons == [&genre, &genre, &genre, &genre, &popular, &popular]
            && ids(&items) == [shelf[8], shelf[7], shelf[4], shelf[3], shelf[10], shelf[9]]
    })
    .await;
    let answer = shop.get("/users/me/recommendations").token(&newcomer.token).send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let tag = answer.header("etag").to_owned();
    let again = shop.get("/users/me/recommendations").token(&newcomer.token).header("if-none-match", &tag);
    again.send().await.expect(304);
    for limit in ["0", "51", "x"] {
        let refused = shop.get(&format!("/users/me/recommendations?limit={limit}")).token(&newcomer.token);
        assert_eq!(refused.send().await.expect(422).complaints(), ["limit"]);
    }
}

#[tokio::test]
async fn what_one_orders_or_favours_leaves_the_list_at_the_other_process_at_once() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 6, 1).await;
    settle().await;
    let other = shop.beside(&[]).await;
    let person = reader(&shop).await;
    assert_eq!(ids(&recommended(&other, &person, "").await).len(), 6);
    let again = other.get("/users/me/recommendations").token(&person.token).send().await.expect(200);
    assert!(again.header("cache-status").contains("hit"), "{}", again.header("cache-status"));
    // It is not paid for yet.
    order(&shop, &person, shelf[5]).await;
    eventually("the ordered book is gone", async || !ids(&recommended(&other, &person, "").await).contains(&shelf[5]))
        .await;
    favour(&mut sql, person.id, shelf[4], true).await;
    eventually("the favourite is gone", async || !ids(&recommended(&other, &person, "").await).contains(&shelf[4]))
        .await;
    rate(&mut sql, person.id, shelf[3], 1, false).await;
    eventually("the reviewed book is gone", async || !ids(&recommended(&other, &person, "").await).contains(&shelf[3]))
        .await;
    let left = recommended(&other, &person, "").await;
    assert_eq!(ids(&left).into_iter().collect::<BTreeSet<_>>(), shelf[..3].iter().copied().collect());
}

/// The works that somebody knows.
async fn known(sql: &mut PgConnection, user: Uuid) -> BTreeSet<Uuid> {
    let works: Vec<Uuid> = sqlx::query_scalar(
        "SELECT work_id FROM products WHERE id IN (SELECT product_id FROM favourites WHERE user_id = $1)
             OR id IN (SELECT product_id FROM reviews WHERE user_id = $1)
             OR id IN (SELECT product_id FROM order_lines JOIN orders o ON o.id = order_id
                       WHERE o.user_id = $1 AND o.state NOT IN ('cancelled', 'refunded', 'expired'))",
    )
    .bind(user)
    .fetch_all(sql)
    .await
    .unwrap();
    works.into_iter().collect()
}

#[tokio::test]
async fn nobody_is_ever_recommended_what_they_know_and_every_reason_is_true() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 60, 2).await;
    for (columns, from) in [
        ("status = 'retired'", 0),
        ("price_amount = NULL, price_currency = NULL", 1),
        ("series = 'Saga'", 2),
        ("authors = '{Ann}'", 3),
    ] {
        let chosen: Vec<Uuid> = shelf.iter().skip(from).step_by(7).copied().collect();
        sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE products SET {columns} WHERE id = ANY ($1)")))
            .bind(chosen)
            .execute(&mut sql)
            .await
            .unwrap();
    }
    settle().await;
    let mut people = Vec::new();
    for _ in 0..8 {
        people.push(reader(&shop).await);
    }
    let mut random = SmallRng::seed_from_u64(11);
    for _ in 0..150 {
        let person = people[random.random_range(0..people.len())].id;
        let book = shelf[random.random_range(0..shelf.len())];
        match random.random_range(0..5) {
            0 => favour(&mut sql, person, book, random.random_range(0..4) > 0).await,
            1 => rate(&mut sql, person, book, random.random_range(1..=5), false).await,
            _ => {
                let order = buy(&mut sql, person, &[book, shelf[random.random_range(0..shelf.len())]]).await;
                let state = ["pending", "paid", "shipped", "delivered", "cancelled", "refunded", "expired"];
                turn(&mut sql, order, state[random.random_range(0..state.len())]).await;
            }
        }
    }
    all_counted(&mut sql).await;
    let mut personal = 0;
    for person in &people {
        let known = known(&mut sql, person.id).await;
        let tastes: BTreeMap<Uuid, String> = sqlx::query_as(
            "SELECT product_id, CASE WHEN liked_at IS NOT NULL THEN 'liked' WHEN bought_at IS NOT NULL THEN 'bought'
                                     ELSE 'favourite' END
             FROM tastes WHERE user_id = $1",
        )
        .bind(person.id)
        .fetch_all(&mut sql)
        .await
        .unwrap()
        .into_iter()
        .collect();
        let right = async |items: &[Value]| {
            let mut sql = shop.sql().await;
            let mut because = 0;
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for item in items {
                let (product, reason) = (&item["product"], &item["reason"]);
                let work: Uuid = product["work_id"].as_str().unwrap().parse().unwrap();
                let is_new = *counts.entry(work.to_string()).and_modify(|n| *n += 9).or_insert(1) == 1;
                for name in product["authors"].as_array().unwrap().iter().chain([&product["series"]["name"]]) {
                    *counts.entry(name.to_string()).or_default() += usize::from(!name.is_null());
                }
                if known.contains(&work) || !is_new || product["status"] != "active" || product["price"].is_null() {
                    return Err(format!("{item} is not to be recommended"));
                }
                let Some(book) = reason["book"]["id"].as_str() else { continue };
                let book: Uuid = book.parse().unwrap();
                because += 1;
                let id: Uuid = product["id"].as_str().unwrap().parse().unwrap();
                let shared: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM tastes a JOIN tastes b USING (user_id) WHERE a.product_id = $1 AND b.product_id = $2",
                )
                .bind(book)
                .bind(id)
                .fetch_one(&mut sql)
                .await
                .unwrap();
                if shared == 0 || tastes.get(&book).is_none_or(|kind| reason["kind"] != **kind) {
                    return Err(format!("{reason} is not true"));
                }
            }
            match counts.values().find(|count| **count > 3) {
                Some(_) => Err(format!("too much of the same: {counts:?}")),
                None => Ok(because),
            }
        };
        // An answer of a moment ago may be of before all was counted.
        let mut found = Err("nothing was asked".to_owned());
        eventually("recommendations are as they should be", async || {
            found = right(&recommended(&shop, person, "?limit=50").await).await;
            if let Err(why) = &found {
                eprintln!("{why}");
            }
            found.is_ok()
        })
        .await;
        personal += found.unwrap();
    }
    assert!(personal > 20, "only {personal} recommendations by what readers share: nothing was tried");
}
