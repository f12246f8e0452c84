//! Looks that are merged in Redis on their way: counted once, whatever becomes of Redis and of those who talk to it.

use std::sync::Arc;
use std::time::Duration;

use bookstore::app;
use bookstore::db::Db;
use bookstore::domain::views::Views;
use bookstore::model::clock::{Clock as _, SystemClock};
use bookstore::model::ids::ProductId;
use bookstore::model::views::{MergeOutcome, MergedBatch, ViewCount, ViewTotals};
use bookstore::store::Store;
use sqlx::PgConnection;

use super::{book, exactly, id, look, path, written};
use crate::support::{Process, Proxy, RedisCluster, RedisServer, Shop, eventually};

/// Merged at once, and written when the process ends.
const MERGED: [(&str, &str); 2] = [("views.merge_interval", "20ms"), ("views.flush_interval", "10m")];

async fn told(shop: &Shop, admin: &str, book: ProductId) -> i64 {
    let answer = shop.get(&format!("/admin/products/{book}/views")).token(admin).send().await.expect(200).json();
    assert_eq!(answer["today"], answer["total"]);
    answer["total"].as_i64().unwrap()
}

async fn batches(sql: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM view_batches").fetch_one(sql).await.unwrap()
}

/// The service of a process that does nothing by itself, over the database of a shop and this Redis.
async fn service(shop: &Shop, settings: &[(&str, &str)]) -> (Store, Views) {
    let config = shop.config(settings);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let store = app::store(&config, &db).unwrap();
    (store.clone(), Views::new(store, Arc::new(SystemClock)))
}

fn see(views: &Views, book: ProductId, times: usize) {
    (0..times).for_each(|_| views.seen(book));
}

#[tokio::test]
async fn looks_at_all_processes_are_told_at_once_and_written_as_one_batch() {
    let mut one = Shop::open_with(&MERGED).await;
    let mut two = one.beside(&MERGED).await;
    let admin = one.administrator().await;
    let book = book(&one).await;
    look(&one, &path(&book), 10).await;
    look(&two, &path(&book), 20).await;
    eventually("all are told", async || told(&one, &admin, id(&book)).await == 30).await;
    let mut sql = one.sql().await;
    assert_eq!((written(&mut sql).await, batches(&mut sql).await), (0, 0), "they are in Redis alone");
    two.close().await;
    assert_eq!((written(&mut sql).await, batches(&mut sql).await), (30, 1));
    assert_eq!(told(&one, &admin, id(&book)).await, 30);
    look(&one, &path(&book), 3).await;
    one.close().await;
    assert_eq!(written(&mut sql).await, 33);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_only_what_it_has_not_handed_over() {
    let mut shop = Shop::open_with(&MERGED).await;
    let admin = shop.administrator().await;
    let book = book(&shop).await;
    let process: Process = shop.process(&MERGED).await;
    for _ in 0..25 {
        process.get(&path(&book)).await.expect(200);
    }
    eventually("all are told", async || told(&shop, &admin, id(&book)).await == 25).await;
    process.kill();
    let mut sql = shop.sql().await;
    assert_eq!(written(&mut sql).await, 0);
    shop.close().await;
    assert_eq!(written(&mut sql).await, 25);
}

#[tokio::test]
async fn a_batch_that_somebody_left_behind_is_finished_by_another_and_once() {
    let shop = Shop::open().await;
    let redis = RedisServer::start().await;
    let (url, book) = (redis.url(), id(&book(&shop).await));
    let settings = [("redis.url", url.as_str()), ("redis.prefix", "left")];
    let ((there, killed), (_, views)) = (service(&shop, &settings).await, service(&shop, &settings).await);
    let mut sql = shop.sql().await;
    see(&killed, book, 5);
    assert!(killed.merge().await);
    let MergedBatch::Closed(batch) = there.close_merged_views(1).await.unwrap() else { panic!("nothing is merged") };
    // While it may still be writing, nobody else does, and what comes meanwhile waits for the next batch.
    see(&views, book, 2);
    assert_eq!(views.flush().await.unwrap(), 0);
    assert_eq!(views.of(book).await.unwrap(), ViewTotals { today: 7, week: 7, total: 7 });
    let _: i64 = redis.ask("DEL left:views:{left}:turn").await;
    assert_eq!(views.flush().await.unwrap(), 7);
    // The first one was slow, and alive all the time.
    assert!(!killed.write(&batch).await.unwrap(), "it was counted");
    there.forget_merged_views(1, batch.id).await.unwrap();
    assert_eq!((written(&mut sql).await, batches(&mut sql).await), (7, 2));

    // It wrote, and was killed before it could tell Redis.
    see(&views, book, 4);
    assert!(views.merge().await);
    let MergedBatch::Closed(batch) = there.close_merged_views(1).await.unwrap() else { panic!("nothing is merged") };
    assert!(killed.write(&batch).await.unwrap());
    assert_eq!(views.of(book).await.unwrap().total, 11, "counted, and still in Redis");
    let _: i64 = redis.ask("DEL left:views:{left}:turn").await;
    assert_eq!((views.flush().await.unwrap(), written(&mut sql).await), (0, 11));
    let left: Vec<String> = redis.ask("KEYS left:views:{left}:[^s]*").await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn counts_are_merged_once_however_often_they_are_sent() {
    let mut redis = RedisServer::start().await;
    let shop = Shop::open().await;
    let (url, book) = (redis.url(), id(&book(&shop).await));
    let (store, views) = service(&shop, &[("redis.url", &url), ("redis.prefix", "once")]).await;
    let counts = [ViewCount { product: book, day: SystemClock.now().date(), views: 3 }];
    let send = async |number, doubtful| store.merge_views(7, number, doubtful, &counts).await.unwrap();
    let told = async || views.of(book).await.unwrap().total;
    for _ in 0..3 {
        assert_eq!(store.merge_views(7, 0, false, &[]).await.unwrap(), MergeOutcome::Added);
    }
    for doubtful in [false, true, true, false] {
        assert_eq!((send(1, doubtful).await, told().await), (MergeOutcome::Added, 3));
    }
    // This one never came before, although its sender does not know.
    assert_eq!((send(2, true).await, told().await), (MergeOutcome::Added, 6));
    assert_eq!((send(2, true).await, told().await), (MergeOutcome::Added, 6));

    // A Redis that lost its memory does not say whether it had these: better lost than twice.
    redis.kill();
    redis.revive().await;
    eventually("it answers", async || store.merge_views(8, 0, false, &[]).await.is_ok()).await;
    assert_eq!((send(3, true).await, told().await), (MergeOutcome::Lost, 0));
    assert_eq!((send(4, false).await, told().await), (MergeOutcome::Added, 3));
    assert_eq!(views.flush().await.unwrap(), 3);
}

#[tokio::test]
async fn a_redis_that_comes_back_with_the_past_counts_nothing_twice() {
    let redis = RedisServer::start().await;
    let shop = Shop::open().await;
    let (url, book) = (redis.url(), id(&book(&shop).await));
    let (_, views) = service(&shop, &[("redis.url", &url), ("redis.prefix", "past")]).await;
    let mut sql = shop.sql().await;
    see(&views, book, 5);
    assert!(views.merge().await);
    let _: i64 = redis.ask("COPY past:views:{past}:open saved{past}").await;
    see(&views, book, 2);
    assert_eq!((views.flush().await.unwrap(), written(&mut sql).await), (7, 7));
    let _: String = redis.ask("RENAME saved{past} past:views:{past}:open").await;
    assert_eq!(views.of(book).await.unwrap().total, 7);
    assert_eq!((views.flush().await.unwrap(), written(&mut sql).await), (0, 7));
    see(&views, book, 4);
    assert_eq!((views.flush().await.unwrap(), written(&mut sql).await), (4, 11));
}

#[tokio::test]
async fn what_redis_may_have_is_written_nowhere_else() {
    let redis = RedisServer::start().await;
    let shop = Shop::open().await;
    let (proxy, url) = Proxy::before(&redis.url()).await;
    let (_, views) = service(&shop, &[("redis.url", &url), ("redis.prefix", "held")]).await;
    let (book, mut sql) = (id(&book(&shop).await), shop.sql().await);
    see(&views, book, 1);
    assert!(views.merge().await);

    // Redis adds these, and its answer gets lost.
    proxy.hold("added");
    see(&views, book, 4);
    assert!(!views.merge().await);
    assert!(proxy.caught() > 0);
    see(&views, book, 8);
    // What was merged comes through where another connection carries it; these Redis was never told of.
    let direct = views.flush().await.unwrap();
    assert!(direct == 8 || direct == 13, "{direct}");
    proxy.break_all();
    see(&views, book, 16);
    assert_eq!(views.flush().await.unwrap(), 16);
    assert_eq!(written(&mut sql).await, direct as i64 + 16);
    proxy.open();
    eventually("all of them are counted", async || {
        views.flush().await.unwrap();
        written(&mut sql).await >= 29
    })
    .await;
    views.flush_finally().await;
    assert_eq!((written(&mut sql).await, views.of(book).await.unwrap().total), (29, 29));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_again_and_again_makes_no_look_count_twice() {
    let mut redis = RedisServer::start().await;
    let url = redis.url();
    let settings = [("redis.url", url.as_str()), ("views.merge_interval", "10ms"), ("views.flush_interval", "30ms")];
    let mut shop = Shop::open_with(&settings).await;
    let path = path(&book(&shop).await);
    let mut sql = shop.sql().await;
    let mut looks = 0;
    for _ in 0..3 {
        look(&shop, &path, 40).await;
        redis.kill();
        look(&shop, &path, 40).await;
        redis.revive().await;
        looks += 80;
        assert!(written(&mut sql).await <= looks);
    }
    // What is merged when Redis dies is lost; what comes while it is away is not.
    eventually("those without Redis are counted", async || written(&mut sql).await >= 3 * 40).await;
    redis.kill();
    look(&shop, &path, 10).await;
    redis.revive().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(written(&mut sql).await <= looks + 10);
    look(&shop, &path, 10).await;
    shop.close().await;
    let all = written(&mut sql).await;
    assert!(all <= looks + 20 && all >= 3 * 40 + 10, "{all}");
}

#[tokio::test]
async fn a_cluster_merges_too() {
    let cluster = RedisCluster::start().await;
    let shop = Shop::open().await;
    let urls = cluster.urls().join(",");
    let settings = [("redis.url", urls.as_str()), ("redis.mode", "cluster"), ("redis.timeout", "2s")];
    let (_, views) = service(&shop, &settings).await;
    let (book, mut sql) = (id(&book(&shop).await), shop.sql().await);
    see(&views, book, 6);
    assert!(views.merge().await);
    assert_eq!(views.of(book).await.unwrap().total, 6);
    assert_eq!((views.flush().await.unwrap(), written(&mut sql).await), (6, 6));
    exactly(&mut sql, 6).await;
}
