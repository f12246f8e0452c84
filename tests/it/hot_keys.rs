//! What is read most stays warm, survives the process, and is there before the first reader of the next one.

use std::sync::Arc;

use bookstore::app;
use bookstore::db::Db;
use bookstore::model::hot_keys::{KeyReads, RankedKey};
use bookstore::store::Store;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::support::database::run;
use crate::support::people::text;
use crate::support::process::send;
use crate::support::{Answer, Process, Shop, eventually};

/// A busy machine may not hear for a while; that is no subject here.
const PATIENT: (&str, &str) = ("cache.lease", "20s");

/// A read is counted once in sixteen, and hot is what was counted four times: with so many reads, all but certainly.
const MANY: usize = 400;

async fn read(process: &Process, path: &str, times: usize) {
    let reads = futures::stream::iter(0..times).map(|_| process.get(path)).buffer_unordered(8);
    reads.for_each(async |answer| drop(answer.expect(200))).await;
}

fn is_fresh_hit(answer: &Answer) -> bool {
    let status = answer.header("cache-status");
    status.starts_with("bookstore; hit") && status.ends_with("detail=l1") && !status.contains("ttl=-")
}

/// What a process has in its memory by a key: looking at it reads nothing.
async fn kept(process: &Process, admin: &str, key: &str) -> Value {
    let path = format!("/admin/cache/entries/{}", key.replace('%', "%25").replace(' ', "%20"));
    let answer = send(process.request(reqwest::Method::GET, &path).bearer_auth(admin)).await.unwrap();
    answer.expect(200).json()["l1"].clone()
}

async fn book(shop: &Shop, admin: &str, title: &str) -> String {
    let body = json!({"title": title, "authors": ["A. Author"], "genres": ["fantasy"]});
    text(&shop.post("/products").token(admin).json(&body).send().await.expect(201).json()["id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_entry_is_loaded_again_before_it_runs_out_and_a_cold_one_is_not() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    book(&shop, &admin, "Read").await;
    // Lists and searches live for six seconds then.
    let process = shop.process(&[PATIENT, ("cache.hot_keys", "50"), ("cache.lifetime_scale", "0.02")]).await;
    read(&process, "/products?sort=title", MANY).await;
    // Some of these are counted now and then, and none is hot.
    for number in 0..12 {
        read(&process, &format!("/products/search?q=read&limit={}", number + 1), 5).await;
    }
    // Now nobody reads any more.
    let refreshes = async |labels: &[&str]| process.metric("cache_refreshes_total", labels).await;
    eventually("it was loaded again, and again", async || refreshes(&["book_list", "ending"]).await >= 3.0).await;
    let answer = process.get("/products?sort=title").await;
    assert!(is_fresh_hit(&answer), "{}", answer.header("cache-status"));
    assert_eq!(refreshes(&["book_search"]).await, 0.0);
    assert_eq!(process.metric("cache_hot_keys", &[]).await, 1.0);

    let report = send(process.request(reqwest::Method::GET, "/admin/cache").bearer_auth(&admin)).await.unwrap();
    let hottest = report.expect(200).json()["hottest"].clone();
    assert_eq!((hottest.as_array().unwrap().len(), &hottest[0]["key"]), (1, &json!("books:list:sort=title")));
    let reads = hottest[0]["reads"].as_f64().unwrap();
    assert!(reads > 100.0 && reads < 1_200.0, "{reads}: about {MANY}, but for the chance of the sample");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_entry_that_was_invalidated_is_warm_again_without_a_reader() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    let id = book(&shop, &admin, "Before").await;
    let process = shop.process(&[PATIENT, ("cache.hot_keys", "50")]).await;
    let (page, list) = (format!("/products/{id}"), "/products?limit=7");
    read(&process, &page, MANY).await;
    read(&process, list, MANY).await;
    read(&process, "/products?limit=9", 2).await;
    let hot = async || process.metric("cache_hot_keys", &[]).await == 2.0;
    eventually("both are hot", hot).await;
    let valid = async |key: &str| kept(&process, &admin, key).await["state"] == "valid";
    eventually("the list is kept", async || valid("books:list:limit=7").await).await;
    eventually("the page is kept", async || valid(&format!("book:detail:{id}")).await).await;

    let change = shop.patch(&format!("/products/{id}")).token(&admin).header("if-match", "*");
    change.json(&json!({"title": "After"})).send().await.expect(200);
    let refreshes = async |labels: &[&str]| process.metric("cache_refreshes_total", labels).await;
    eventually("the list was loaded again", async || refreshes(&["book_list", "invalid"]).await >= 1.0).await;
    eventually("the page is valid", async || valid(&format!("book:detail:{id}")).await).await;
    eventually("the list is valid", async || valid("books:list:limit=7").await).await;
    for (path, title) in [(page.as_str(), "/title"), (list, "/items/0/title")] {
        let answer = process.get(path).await;
        assert!(is_fresh_hit(&answer), "{path}: {}", answer.header("cache-status"));
        assert_eq!(answer.json().pointer(title).unwrap(), "After");
    }
    assert!(!valid("books:list:limit=9").await, "nobody loads what is not hot");

    // After everything was cleared what is hot comes back, and nothing else does.
    shop.delete("/admin/cache?all=true").token(&admin).send().await.expect(200);
    eventually("the list is back", async || valid("books:list:limit=7").await).await;
    eventually("the page is back", async || valid(&format!("book:detail:{id}")).await).await;
    assert!(!valid("books:list:limit=9").await, "nobody loads what is not hot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ranking_outlives_the_process_and_warms_the_next_one_with_the_hottest() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let (admin, customer) = (shop.administrator().await, shop.customer().await);
    let id = book(&shop, &admin, "Read").await;
    let ranked = [PATIENT, ("cache.hot_keys", "50"), ("cache.ranking_interval", "100ms")];
    let process = shop.process(&ranked).await;
    let paths = [format!("/products/{id}"), "/products/search?q=read".to_owned(), "/genres".to_owned()];
    let keys = [format!("book:detail:{id}"), "books:list:search:q=read".to_owned(), "books:genres".to_owned()];
    // So far apart that the sample does not change their order.
    for (path, times) in paths.iter().zip([4_000, 1_500, MANY]) {
        read(&process, path, times).await;
    }
    for _ in 0..MANY {
        for (own, token) in [("/cart", &customer), ("/orders", &customer), ("/products?status=draft", &admin)] {
            let request = process.request(reqwest::Method::GET, own).bearer_auth(token);
            send(request).await.unwrap().expect(200);
        }
    }
    let mut sql = shop.sql().await;
    let mut written: Vec<String> = Vec::new();
    eventually("all three are ranked", async || {
        let query = "SELECT key FROM hot_keys ORDER BY heat DESC";
        written = sqlx::query_scalar(query).fetch_all(&mut sql).await.unwrap();
        written.len() >= 3
    })
    .await;
    process.kill();
    assert_eq!(written, keys, "in the order of heat, and nothing of anybody's own");

    // What another release ranked, or what must not be there, is passed over.
    let strange = "INSERT INTO hot_keys SELECT key, 1e9, now() FROM unnest(ARRAY['session:token:x', 'books:no'])
                   AS strange (key)";
    run(&mut sql, strange).await;
    crate::support::settle().await;
    let next = shop.process(&[PATIENT, ("cache.hot_keys", "4")]).await;
    eventually("it is ready", async || next.get("//readyz").await.status == 200).await;
    let found = async |key: &str| kept(&next, &admin, key).await["state"] != "absent";
    assert_eq!([found(&keys[0]).await, found(&keys[1]).await, found(&keys[2]).await], [true, true, false]);
    for path in &paths[..2] {
        let answer = next.get(path).await;
        assert!(is_fresh_hit(&answer), "{path}: {}", answer.header("cache-status"));
    }
    // It counts what it was told as read, and so keeps it warm.
    eventually("both are hot", async || next.metric("cache_hot_keys", &[]).await == 2.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_answer_that_all_share_leads_back_to_its_read() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    let mut id = String::new();
    for (title, isbn) in [("Gone Away", "9780547773742"), ("Gone Again", "9780306406157")] {
        let body = json!({"title": title, "authors": ["A. Author"], "genres": ["fantasy"], "isbn13": isbn});
        id = text(&shop.post("/products").token(&admin).json(&body).send().await.expect(201).json()["id"]);
    }
    let process = shop.process(&[PATIENT, ("cache.hot_keys", "50")]).await;
    let first = process.get("/products?limit=1&genre=fantasy&facets=format").await.expect(200);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let paths = [
        format!("/products/{id}"),
        "/products/isbn/0306406152".to_owned(),
        "/genres".to_owned(),
        format!("/products?limit=1&genre=fantasy&facets=format&cursor={cursor}"),
        "/products/search?q=gone%20a&facets=genre&language=en".to_owned(),
        "/products/suggest?q=gone%20a&limit=3".to_owned(),
        format!("/products/{id}/related?limit=5"),
        "/products/trending?genre=fantasy&limit=5".to_owned(),
    ];
    for path in &paths {
        read(&process, path, MANY).await;
    }
    let hot = async || process.metric("cache_hot_keys", &[]).await == paths.len() as f64;
    eventually("all of them are hot", hot).await;
    let report = send(process.request(reqwest::Method::GET, "/admin/cache").bearer_auth(&admin)).await.unwrap();
    let hottest = report.expect(200).json()["hottest"].as_array().unwrap().clone();
    let keys: Vec<String> = hottest.iter().map(|heat| text(&heat["key"])).collect();
    assert_eq!(keys.len(), paths.len());

    shop.delete("/admin/cache?all=true").token(&admin).send().await.expect(200);
    for (key, heat) in keys.iter().zip(&hottest) {
        let family = heat["family"].as_str().unwrap();
        eventually("it was loaded again", async || {
            process.metric("cache_refreshes_total", &[family, "loaded"]).await >= 1.0
        })
        .await;
        eventually("it is there without a reader", async || kept(&process, &admin, key).await["state"] == "valid")
            .await;
    }
    for path in &paths {
        let answer = process.get(path).await.expect(200);
        assert!(is_fresh_hit(&answer), "{path}: {}", answer.header("cache-status"));
    }
}

/// A store that has nothing to do with any process.
async fn store(shop: &Shop) -> Store {
    let config = shop.config(&[]);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    app::store(&config, &db).unwrap()
}

#[tokio::test]
async fn rankings_are_added_up_fade_and_stay_small() {
    let shop = Shop::open().await;
    let (one, two) = (Arc::new(store(&shop).await), Arc::new(store(&shop).await));
    let rank = async |store: &Store, reads: &[(&str, f64)], most: usize| {
        let reads: Vec<_> =
            reads.iter().map(|(key, reads)| KeyReads { key: (*key).to_owned(), reads: *reads }).collect();
        let mut tx = store.begin("hot_keys.rank").await.unwrap();
        tx.rank_keys(&reads, most).await.unwrap();
        tx.commit_bookkeeping().await.unwrap();
    };
    let ranking = async || {
        let about = |RankedKey { key, reads }| (key, (reads / 10.0).round() * 10.0);
        one.ranking(10).await.unwrap().into_iter().map(about).collect::<Vec<_>>()
    };
    let expected = |ranking: &[(&str, f64)]| ranking.iter().map(|(k, r)| ((*k).to_owned(), *r)).collect::<Vec<_>>();
    rank(&one, &[("a", 100.0), ("b", 300.0), ("c", 40.0)], 10).await;
    rank(&two, &[("b", 100.0), ("a", 600.0), ("b", 100.0)], 10).await;
    assert_eq!(ranking().await, expected(&[("a", 700.0), ("b", 500.0), ("c", 40.0)]));

    // Half of it is over after a half-life, and nearly all after a year, while the order stays.
    let mut sql = shop.sql().await;
    run(&mut sql, "UPDATE hot_keys SET counted_at = counted_at - interval '10 minutes'").await;
    assert_eq!(ranking().await, expected(&[("a", 350.0), ("b", 250.0), ("c", 20.0)]));
    rank(&two, &[("b", 200.0)], 2).await;
    assert_eq!(ranking().await, expected(&[("b", 450.0), ("a", 350.0)]), "the coldest had to go");
    run(&mut sql, "UPDATE hot_keys SET counted_at = counted_at - interval '1 year'").await;
    let old: Vec<String> = one.ranking(10).await.unwrap().into_iter().map(|ranked| ranked.key).collect();
    assert_eq!(old, ["b", "a"]);
    rank(&one, &[("d", 20.0), ("a", 30.0)], 2).await;
    assert_eq!(ranking().await, expected(&[("a", 30.0), ("d", 20.0)]), "yesterday's fashions are over");

    // Many at once: none is lost, and none waits for ever.
    let rounds = (0..20).map(|_| async {
        rank(&one, &[("a", 10.0), ("e", 10.0)], 10).await;
        rank(&two, &[("e", 10.0), ("a", 10.0)], 10).await;
    });
    futures::future::join_all(rounds).await;
    assert_eq!(ranking().await, expected(&[("a", 430.0), ("e", 400.0), ("d", 20.0)]));
}
