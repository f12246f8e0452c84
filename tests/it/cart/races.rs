//! One cart, many writers.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;

use super::{Store, cart_of, contents, put};
use crate::support::selling::Guest;

#[tokio::test]
async fn nothing_is_lost_and_nobody_waits_for_ever() {
    let store = Store::open(&[]).await;
    let (shop, beside) = (&store.shop, &store.shop.beside(&[]).await);
    let mut books = Vec::new();
    for number in 0..8 {
        books.push(store.book(&format!("Book {number}"), 1_000, 500).await);
    }
    let ada = &shop.customer().await;
    let shared = &books[0];
    let puts = books[1..].iter().enumerate().map(|(number, book)| async move {
        let through = if number % 2 == 0 { shop } else { beside };
        put(through, ada, book, 2).await.expect(200);
    });
    let adds = (0..10).map(|number| async move {
        let through = if number % 2 == 0 { shop } else { beside };
        let one = json!({"product_id": shared, "quantity": 1});
        through.post("/cart/items").token(ada).json(&one).send().await.expect(200);
    });
    // The same two lines in opposite orders.
    let changes = [[1, 2], [2, 1], [1, 2]].map(|order| {
        let books = &books;
        async move {
            for index in order {
                put(shop, ada, &books[index], 3).await.expect(200);
            }
        }
    });
    futures::join!(join_all(puts), join_all(adds), join_all(changes));
    let cart = cart_of(shop, ada).await;
    let held: BTreeMap<String, i64> = contents(&cart).into_iter().collect();
    assert_eq!(held.len(), books.len());
    assert_eq!(held[shared], 10, "every copy that was added is there");
    assert_eq!(cart["version"], 7 + 10 + 6, "every write was one");
}

/// Whoever comes second must find the cart of the first one, not trip over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_books_of_a_new_cart_may_come_at_once() {
    let store = Store::open(&[]).await;
    let (shop, beside) = (&store.shop, &store.shop.beside(&[]).await);
    let book = &store.book("Book", 1_000, 500).await;
    for _ in 0..40 {
        let guest = &Guest::new().token;
        let adds = (0..8).map(|number| async move {
            let through = if number % 2 == 0 { shop } else { beside };
            let one = json!({"product_id": book, "quantity": 1});
            through.post("/cart/items").header("cart-token", guest).json(&one).send().await.expect(200);
        });
        join_all(adds).await;
    }
}

#[tokio::test]
async fn additions_at_once_stop_at_the_limit() {
    let store = Store::open(&[("cart.max_quantity", "5")]).await;
    let shop = &store.shop;
    let book = &store.book("Book", 1_000, 500).await;
    let ada = &shop.customer().await;
    let adds = (0..9).map(|_| async move {
        let one = json!({"product_id": book, "quantity": 1});
        shop.post("/cart/items").token(ada).json(&one).send().await.status.as_u16()
    });
    let mut statuses = join_all(adds).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 5].as_slice(), [422; 4].as_slice()].concat());
    assert_eq!(contents(&cart_of(shop, ada).await), [(book.clone(), 5)]);
}

#[tokio::test]
async fn writers_that_take_away_do_not_deadlock() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (one, other) = (&store.book("One", 1_000, 500).await, &store.book("Other", 1_000, 500).await);
    let ada = &shop.customer().await;
    let writers = (0..24).map(|number| async move {
        let answer = match number % 4 {
            0 => put(shop, ada, one, 1).await,
            1 => put(shop, ada, other, 1).await,
            2 => shop.delete(&format!("/cart/items/{one}")).token(ada).send().await,
            _ => shop.delete("/cart").token(ada).send().await,
        };
        answer.status.as_u16()
    });
    let statuses = join_all(writers).await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 404)), "{statuses:?}");
}
