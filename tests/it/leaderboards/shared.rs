//! Redis, which may lose everything, a part, or be somewhere else in time.

use bookstore::model::clock::Clock as _;
use deadpool_redis::redis;

use super::ground::{QUICK, await_total, equal_a_recount, noon, page, people, places, sell, write};
use crate::support::selling::shelve;
use crate::support::{RedisServer, Shop, eventually};

async fn read_from(shop: &Shop, path: &str, source: &str) {
    eventually("it is read there", async || page(shop, path).await["source"] == source).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_the_database_answers_and_says_so() {
    let mut redis = RedisServer::start().await;
    let url = redis.url();
    let shop = Shop::open_with(&[QUICK[0], QUICK[1], ("redis.url", &url)]).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 9, 10).await;
    for (n, book) in books.iter().enumerate() {
        sell(&mut sql, &[(*book, n as i32 % 3 + 1)], now).await;
    }
    let path = "best_sellers?period=week";
    await_total(&shop, path, 9).await;
    read_from(&shop, path, "redis").await;
    let before = places(&page(&shop, path).await);
    redis.kill();
    // What is in the cache of this process still comes from there; another page does not.
    read_from(&shop, "best_sellers?period=week&limit=50", "database").await;
    assert_eq!(places(&page(&shop, "best_sellers?period=week&limit=50").await), before);
    sell(&mut sql, &[(books[4], 5)], now).await;
    eventually("the sale is shown without Redis", async || {
        let page = page(&shop, path).await;
        page["source"] == "database" && page["items"][0]["score"] == 7.0
    })
    .await;
    redis.revive().await;
    for path in [path, "best_sellers?period=week&limit=50"] {
        read_from(&shop, path, "redis").await;
        assert_eq!(page(&shop, path).await["items"][0]["score"], 7.0);
    }
    equal_a_recount(&shop, &url, now).await;
    // One that hangs is no reason to wait for it each time.
    redis.pause();
    read_from(&shop, "best_sellers?period=day&limit=7", "database").await;
    redis.resume();
    read_from(&shop, "best_sellers?period=day&limit=7", "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_lost_or_never_should_have_had_comes_right_by_itself() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let shop = Shop::open_with(&[QUICK[0], QUICK[1], ("redis.url", &url)]).await;
    let now = noon(&shop);
    let prefix = shop.database().name.clone();
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 4, 10).await;
    let readers = people(&mut sql, 1).await;
    sell(&mut sql, &[(books[0], 1), (books[1], 2), (books[2], 3)], now).await;
    write(&mut sql, books[3], readers[0], 5, now).await;
    await_total(&shop, "best_sellers?period=all", 3).await;
    await_total(&shop, "most_reviewed?period=all", 1).await;
    let set = format!("{prefix}:{{leaderboards}}:best_sellers:all:1970-01-01");
    let state = format!("{prefix}:{{leaderboards}}:state");
    let mut connection = redis.admin().await;
    for damage in [
        vec!["DEL", &set],
        vec!["DEL", &state],
        vec!["FLUSHALL"],
        // A member too much; and scores of a transaction that did not commit.
        vec!["ZADD", &set, "-99", "00000000000070008000000000000000"],
        vec!["HSET", &state, "version", "9999999999"],
        vec!["HSET", &state, "version", "3"],
        // Somebody else's data under the name.
        vec!["SET", &set, "nonsense"],
    ] {
        equal_a_recount(&shop, &url, now).await;
        let mut command = redis::cmd(damage[0]);
        command.arg(&damage[1..]);
        command.query_async::<()>(&mut connection).await.unwrap();
        // The next sale does not take a damaged board for a whole one.
        sell(&mut sql, &[(books[3], 1)], now).await;
        let page = page(&shop, &format!("best_sellers?period=all&limit={}", 20 + damage.len())).await;
        assert!(places(&page).iter().all(|place| books.contains(&place.0)), "{damage:?}: {page}");
        equal_a_recount(&shop, &url, now).await;
        read_from(&shop, "best_sellers?period=all&limit=11", "redis").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_board_is_not_believed() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    // Nobody follows here by themselves.
    let shop = Shop::open_with(&[("redis.url", &url)]).await;
    let now = shop.clock.now();
    let prefix = shop.database().name.clone();
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    sell(&mut sql, &[(books[0], 1)], now).await;
    let mut quick = shop.beside(&[QUICK[0], QUICK[1], ("redis.url", &url)]).await;
    equal_a_recount(&shop, &url, now).await;
    let begin = format!("{prefix}:{{leaderboards}}:");
    let keep = async |to: &str| {
        let mut connection = redis.admin().await;
        let names: Vec<String> =
            redis::cmd("KEYS").arg(format!("{begin}*")).query_async(&mut connection).await.unwrap();
        for name in names {
            let copy = format!("{to}{}", &name[begin.len()..]);
            redis::cmd("COPY").arg(&name).arg(copy).arg("REPLACE").query_async::<()>(&mut connection).await.unwrap();
        }
    };
    keep("older:").await;
    read_from(&shop, "best_sellers?period=all", "redis").await;
    sell(&mut sql, &[(books[1], 5)], now).await;
    equal_a_recount(&shop, &url, now).await;
    quick.close().await;
    // A replica that was behind took over, say: all is whole, and of a while ago.
    let mut connection = redis.admin().await;
    let names: Vec<String> = redis::cmd("KEYS").arg("older:*").query_async(&mut connection).await.unwrap();
    for name in names {
        let copy = format!("{begin}{}", &name["older:".len()..]);
        redis::cmd("COPY").arg(&name).arg(copy).arg("REPLACE").query_async::<()>(&mut connection).await.unwrap();
    }
    for n in 1..5 {
        let page = page(&shop, &format!("best_sellers?period=all&limit={}", 30 + n)).await;
        assert_eq!((page["source"].as_str(), page["total"].as_i64()), (Some("database"), Some(2)), "{page}");
        assert_eq!(page["items"][0]["score"], 5.0);
    }
    let quick = shop.beside(&[QUICK[0], QUICK[1], ("redis.url", &url)]).await;
    equal_a_recount(&shop, &url, now).await;
    read_from(&shop, "best_sellers?period=all&limit=31", "redis").await;
    drop(quick);
}
