//! Carts in the caches of several processes.

use serde_json::json;

use super::{Store, cart_of, comes_from_the_cache, contents, notices, put, restock, usd};
use crate::support::{eventually, settle};

#[tokio::test]
async fn what_one_process_writes_the_other_one_shows() {
    let store = Store::open(&[]).await;
    let (shop, beside) = (&store.shop, store.shop.beside(&[]).await);
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 50).await);
    assert_eq!(cart_of(&beside, &ada).await["version"], 0, "that there is none is known there");
    let written = put(shop, &ada, &book, 2).await.expect(200);
    let token = written.header("consistency-token").to_owned();
    let read = beside.get("/cart").token(&ada).header("consistency-token", &token).send().await.expect(200);
    assert_eq!(read.json(), written.json(), "who shows that they have written reads it at once");
    put(&beside, &ada, &book, 4).await.expect(200);
    eventually("the first one hears", async || contents(&cart_of(shop, &ada).await) == [(book.clone(), 4)]).await;
    beside.delete("/cart").token(&ada).send().await.expect(200);
    eventually("and hears", async || cart_of(shop, &ada).await["items"] == json!([])).await;
}

#[tokio::test]
async fn prices_and_stock_reach_carts_that_are_cached_elsewhere() {
    let store = Store::open(&[]).await;
    let (shop, beside) = (&store.shop, store.shop.beside(&[]).await);
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 50).await);
    put(&beside, &ada, &book, 7).await.expect(200);
    comes_from_the_cache(&beside, &ada, "/cart").await;

    store.patch(&book, &json!({"price": {"amount": 1_250}})).await;
    eventually("the price is told", async || notices(&cart_of(&beside, &ada).await) == [["price_raised"]]).await;
    assert_eq!(cart_of(&beside, &ada).await["items"][0]["unit_price"], usd(1_250));

    restock(&mut shop.sql().await, &book, 6).await;
    settle().await;
    eventually("the stock is told", async || {
        notices(&cart_of(&beside, &ada).await) == [["price_raised", "fewer_available"]]
    })
    .await;
    assert_eq!(cart_of(&beside, &ada).await["items"][0]["available"], 6);
}

#[tokio::test]
async fn reads_of_a_cart_cost_no_query() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 50).await);
    put(shop, &ada, &book, 2).await.expect(200);
    for path in ["/cart", "/cart?country=DE", "/cart?country=DE&shipping_method=express"] {
        comes_from_the_cache(shop, &ada, path).await;
    }
}
