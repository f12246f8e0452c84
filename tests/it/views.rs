//! Looks at books: each counted once, whatever happens to those who count.

mod merging;

use std::sync::Arc;
use std::time::Duration;

use bookstore::app;
use bookstore::db::Db;
use bookstore::dev::Node;
use bookstore::domain::views::{ViewError, Views};
use bookstore::lifecycle::Shutdown;
use bookstore::model::clock::{Clock, ShiftedClock, SystemClock};
use bookstore::model::events::DomainEvent;
use bookstore::model::ids::ProductId;
use bookstore::model::views::{ViewBatch, ViewCount, ViewTotals};
use bookstore::store::Store;
use reqwest::Method;
use serde_json::json;
use sqlx::PgConnection;

use crate::support::database::{admin, run};
use crate::support::{Answer, Shop, eventually, own_stack};

const QUICK: (&str, &str) = ("views.flush_interval", "20ms");

/// A book of the shop.
async fn book(shop: &Shop) -> Answer {
    let admin = shop.administrator().await;
    let book = json!({"title": "Seen", "authors": ["A. Looker"], "isbn13": "9780547773742"});
    shop.post("/products").token(&admin).json(&book).send().await.expect(201)
}

fn path(book: &Answer) -> String {
    format!("/products/{}", book.json()["id"].as_str().unwrap())
}

fn id(book: &Answer) -> ProductId {
    book.json()["id"].as_str().unwrap().parse().unwrap()
}

async fn look(shop: &Shop, path: &str, times: usize) {
    for _ in 0..times {
        shop.get(path).send().await.expect(200);
    }
}

/// All looks that are written down.
async fn written(sql: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT coalesce(sum(views), 0)::bigint FROM product_views").fetch_one(sql).await.unwrap()
}

/// Waits for this number of looks, and that it stays.
async fn exactly(sql: &mut PgConnection, looks: i64) {
    eventually("the looks are written", async || written(sql).await >= looks).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(written(sql).await, looks);
}

/// The service of a process without a feed, over the database of a shop.
async fn service(shop: &Shop) -> (Store, ShiftedClock, Views) {
    let config = shop.config(&[]);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let store = app::store(&config, &db).unwrap();
    let clock = ShiftedClock::new(Arc::new(SystemClock));
    (store.clone(), clock.clone(), Views::new(store, Arc::new(clock)))
}

#[tokio::test]
async fn every_look_counts_once_at_whatever_process() {
    let one = Shop::open_with(&[QUICK]).await;
    let two = one.beside(&[QUICK]).await;
    let book = book(&one).await;
    let path = path(&book);
    look(&one, &path, 10).await;
    futures::future::join(look(&one, &path, 20), look(&two, &path, 20)).await;
    look(&two, "/products/isbn/9780547773742", 4).await;
    let tag = one.get(&path).send().await.expect(200).header("etag").to_owned();
    for _ in 0..3 {
        one.get(&path).header("if-none-match", &tag).send().await.expect(304);
    }
    one.request(Method::HEAD, &path).send().await.expect(200);
    // Nobody looks at a book by these.
    one.get("/products/0198c0de-7a11-7000-8000-000000000000").send().await.expect(404);
    one.get("/products?limit=5").send().await.expect(200);
    exactly(&mut one.sql().await, 59).await;
    let admin = one.administrator().await;
    let views = one.get(&format!("/admin{path}/views")).token(&admin).send().await.expect(200).json();
    let expected = json!({"product_id": book.json()["id"], "today": 59, "last_7_days": 59, "total": 59});
    assert_eq!(views, expected);
    one.get("/admin/products/0198c0de-7a11-7000-8000-000000000000/views").token(&admin).send().await.expect(404);
}

#[tokio::test]
async fn a_clean_stop_loses_no_look() {
    let mut shop = Shop::open().await;
    let book = book(&shop).await;
    look(&shop, &path(&book), 50).await;
    let mut sql = shop.sql().await;
    assert_eq!(written(&mut sql).await, 0, "it is not yet time");
    assert_eq!(shop.close().await, Shutdown::Clean);
    assert_eq!(written(&mut sql).await, 50);
}

#[tokio::test]
async fn looks_belong_to_their_day() {
    let shop = Shop::open().await;
    let book = id(&book(&shop).await);
    let (_, clock, views) = service(&shop).await;
    for (days, looks) in [(0, 1), (3, 2), (5, 4)] {
        clock.advance(time::Duration::days(days));
        // The day turns with a write.
        views.flush().await.unwrap();
        (0..looks).for_each(|_| views.seen(book));
        assert_eq!(views.flush().await.unwrap(), looks);
    }
    assert_eq!(views.of(book).await.unwrap(), ViewTotals { today: 4, week: 6, total: 7 });
    assert!(matches!(views.of(ProductId::generate()).await, Err(ViewError::NotFound)));
}

#[tokio::test]
async fn a_batch_counts_once_however_often_it_is_sent() {
    let shop = Shop::open().await;
    let book = id(&book(&shop).await);
    let (store, clock, views) = service(&shop).await;
    let day = clock.now().date();
    let count = |product, views| ViewCount { product, day, views };
    let mut sql = shop.sql().await;

    // What is counted for a book that does not exist goes nowhere.
    let batch = ViewBatch::new(vec![count(book, 3), count(ProductId::generate(), 5)]);
    for _ in 0..3 {
        views.write(&batch).await.unwrap();
        assert_eq!(written(&mut sql).await, 3);
    }

    // Its connection is cut before COMMIT, and it is sent again.
    let batch = ViewBatch::new(vec![count(book, 4)]);
    let mut tx = store.begin("views.count").await.unwrap();
    assert!(tx.enter_view_batch(batch.id).await.unwrap());
    tx.add_views(&batch.counts).await.unwrap();
    let cut: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE '%product_views%'",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert_eq!(cut, 1);
    tx.commit(DomainEvent::ViewsCounted { books: 1, views: 4 }).await.unwrap_err();
    assert_eq!(written(&mut sql).await, 3);
    views.write(&batch).await.unwrap();
    views.write(&batch).await.unwrap();
    assert_eq!(written(&mut sql).await, 7);

    // Numbers of batches are not kept for ever.
    run(&mut sql, "UPDATE view_batches SET counted_at = now() - interval '8 days'").await;
    views.write(&ViewBatch::new(vec![count(book, 1)])).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM view_batches").fetch_one(&mut sql).await.unwrap();
    assert_eq!(kept, 1);
}

/// Here the primary's answer to COMMIT is lost: it waits for a standby that does not exist, and is cut off. Then the
/// transaction has taken place, and its sender does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_primary_loses_no_look_and_counts_none_twice() {
    let stack = own_stack("views").await;
    let settings = [("views.flush_interval", "50ms"), ("database.probe_interval", "20ms")];
    let shop = Shop::on(&stack, &settings).await;
    let path = path(&book(&shop).await);
    let mut sql = shop.sql().await;
    look(&shop, &path, 5).await;
    exactly(&mut sql, 5).await;

    let mut primary = admin(&stack, Node::Primary).await;
    run(&mut primary, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
    run(&mut primary, "SELECT pg_reload_conf()").await;
    look(&shop, &path, 7).await;
    // Nothing may fail before the setting is back: the folder of the stack outlives the test.
    let mut took_place = false;
    for _ in 0..3_000 {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        run(&mut primary, cut).await;
        took_place = written(&mut sql).await > 5;
        if took_place {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    run(&mut primary, "ALTER SYSTEM RESET synchronous_standby_names").await;
    run(&mut primary, "SELECT pg_reload_conf()").await;
    assert!(took_place, "a COMMIT without an answer took place");
    exactly(&mut sql, 12).await;

    stack.kill(Node::Primary).await.unwrap();
    look(&shop, &path, 20).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stack.revive(Node::Primary).await.unwrap();
    look(&shop, &path, 1).await;
    let mut sql = shop.sql().await;
    exactly(&mut sql, 33).await;
    stack.stop().await.unwrap();
}
