//! Looking after the cache: several processes of one shop, one of which is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bookstore::app;
use bookstore::cache::Remembered;
use bookstore::db::Db;
use bookstore::model::ids::ProductId;
use bookstore::model::representation::{Particulars, Representation};
use bookstore::model::tags::Tag;
use bookstore::store::{Family, Key, Rendered, Store, StoreError};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::support::database::statements;
use crate::support::people::text;
use crate::support::{Answer, Shop, eventually};

/// A busy machine may not hear for a while; that is no subject here.
const PATIENT: (&str, &str) = ("cache.lease", "20s");

async fn two() -> (Shop, Shop, String) {
    let shop = Shop::open_with(&[PATIENT]).await;
    let other = shop.beside(&[PATIENT]).await;
    let admin = shop.administrator().await;
    (shop, other, admin)
}

async fn book(shop: &Shop, admin: &str, title: &str) -> String {
    let body = json!({"title": title, "authors": ["A. Author"], "genres": ["fantasy"]});
    text(&shop.post("/products").token(admin).json(&body).send().await.expect(201).json()["id"])
}

fn is_hit(answer: &Answer) -> bool {
    let status = answer.header("cache-status");
    status.starts_with("bookstore; hit") && status.ends_with("detail=l1")
}

async fn until_kept(shops: &[&Shop], path: &str) {
    for shop in shops {
        eventually("it is kept", async || is_hit(&shop.get(path).send().await.expect(200))).await;
    }
}

async fn entry(shop: &Shop, admin: &str, key: &str) -> Value {
    shop.get(&format!("/admin/cache/entries/{key}")).token(admin).send().await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_clears_is_cleared_at_all() {
    let (shop, other, admin) = two().await;
    let id = book(&shop, &admin, "Version 0").await;
    let path = format!("/products/{id}");
    let title = async |shop: &Shop| shop.get(&path).send().await.expect(200).json()["title"].clone();
    let ways = [
        (format!("key=book:detail:{id}"), "key", format!("book:detail:{id}")),
        ("pattern=book:*".to_owned(), "pattern", "book:*".to_owned()),
        ("pattern=book:detail:*".to_owned(), "pattern", "book:detail:*".to_owned()),
        (format!("tag=book:{id}"), "tag", format!("book:{id}")),
        ("all=true".to_owned(), "all", "*".to_owned()),
    ];
    for (version, (query, by, tag)) in ways.iter().enumerate() {
        let (old, new) = (format!("Version {version}"), format!("Version {}", version + 1));
        until_kept(&[&shop, &other], &path).await;
        sqlx::query("UPDATE products SET title = $1").bind(&new).execute(&mut shop.sql().await).await.unwrap();
        assert_eq!([title(&shop).await, title(&other).await], [&*old; 2], "nobody told them");

        let cleared = shop.delete(&format!("/admin/cache?{query}")).token(&admin).send().await.expect(200);
        let told = cleared.json();
        assert_eq!((&told["by"], &told["tag"], &told["reach"]), (&json!(by), &json!(tag), &json!("published")));
        assert_eq!(told["freed"], *by == "all");
        assert!(told["floor"].is_string() && told["epoch"].is_string(), "{told}");
        assert_eq!(title(&shop).await, *new, "{query}: whoever clears it has no older answer");
        let token = cleared.header("consistency-token");
        let bound = other.get(&path).header("consistency-token", token).send().await.expect(200);
        assert_eq!(bound.json()["title"], *new, "{query}: nor has whoever is shown the token");
        eventually("the other process heard", async || title(&other).await == *new).await;
    }
    let deeds: Vec<(String, Value)> =
        sqlx::query_as("SELECT action, details FROM audit_log WHERE resource = 'cache' ORDER BY id")
            .fetch_all(&mut shop.sql().await)
            .await
            .unwrap();
    let expected = ways.map(|(_, by, tag)| ("cache.clear".to_owned(), json!({"by": by, "tag": tag})));
    assert_eq!(deeds, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_tells_where_it_comes_from_and_why_it_is_not_served() {
    let (shop, other, admin) = two().await;
    let id = book(&shop, &admin, "A Book").await;
    let (path, key) = (format!("/products/{id}"), format!("book:detail:{id}"));
    until_kept(&[&shop, &other], &path).await;
    eventually("Redis has it", async || entry(&other, &admin, &key).await["l2"]["state"] == "valid").await;
    let told = entry(&other, &admin, &key).await;
    assert_eq!((&told["key"], &told["family"], &told["trusted"]), (&json!(key), &json!("book_detail"), &json!(true)));
    let (here, there) = (&told["l1"], &told["l2"]);
    assert_eq!((&here["state"], &here["reasons"]), (&json!("valid"), &json!([])), "{told}");
    for level in [here, there] {
        let entry = &level["entry"];
        assert_eq!((&entry["tags"], &entry["stage"]), (&json!([format!("book:{id}")]), &json!("fresh")));
        assert_eq!(entry["epoch"], told["epoch"]);
        let etag = format!("\"{}\"", text(&entry["etag"]));
        assert_eq!(etag, other.get(&path).send().await.header("etag"));
        assert!(entry["fresh_seconds"].as_f64().unwrap() > 700.0 && entry["age_seconds"].as_f64().unwrap() >= 0.0);
        assert!(text(&entry["node"]).starts_with("primary") || text(&entry["node"]).starts_with("replica"));
        assert!(text(&entry["as_of"]).contains('/') && entry["bytes"].as_u64().unwrap() > 200);
    }

    let cleared = shop.delete(&format!("/admin/cache?tag=book:{id}")).token(&admin).send().await.expect(200).json();
    eventually("the other process heard", async || entry(&other, &admin, &key).await["l1"]["state"] == "invalid").await;
    let told = entry(&other, &admin, &key).await;
    let floor = json!({"tag": format!("book:{id}"), "floor": cleared["floor"]});
    for level in ["l1", "l2"] {
        assert_eq!(told[level]["state"], "invalid", "{told}");
        assert_eq!(told[level]["reasons"], json!([{"code": "below_floor", "floor": floor}]));
    }
    assert!(told["floors"].as_array().unwrap().contains(&floor));

    until_kept(&[&shop, &other], &path).await;
    shop.delete("/admin/cache?all=true").token(&admin).send().await.expect(200);
    assert_eq!(entry(&shop, &admin, &key).await["l1"]["state"], "absent", "its memory is free");
    eventually("the other's too", async || entry(&other, &admin, &key).await["l1"]["state"] == "absent").await;
    let told = entry(&other, &admin, &key).await;
    assert_eq!(told["l2"]["reasons"][0]["floor"]["tag"], "*", "nothing is deleted there: {told}");
}

#[tokio::test]
async fn a_key_may_hold_a_query() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    let list = "/products?author=Le%20Guin&genre=fantasy";
    until_kept(&[&shop, &shop], list).await;
    until_kept(&[&shop], "/products").await;
    for (key, text) in [
        ("books:list:author=Le%2520Guin&genre=fantasy", "books:list:author=Le%20Guin&genre=fantasy"),
        ("books%3Alist%3Aauthor%3DLe%2520Guin%26genre%3Dfantasy", "books:list:author=Le%20Guin&genre=fantasy"),
        ("books:list:", "books:list:"),
    ] {
        let told = entry(&shop, &admin, key).await;
        assert_eq!((&told["key"], &told["l1"]["state"]), (&json!(text), &json!("valid")));
    }
    assert_eq!(entry(&shop, &admin, "books:list:q=a%2Fb%3F").await["key"], "books:list:q=a/b?");
    for no_key in ["nothing", "book", "books:lists:x", "books:list:*", "%ff"] {
        shop.get(&format!("/admin/cache/entries/{no_key}")).token(&admin).send().await.expect(404);
    }
    let query = "key=books:list:author%3DLe%2520Guin%26genre%3Dfantasy";
    shop.delete(&format!("/admin/cache?{query}")).token(&admin).send().await.expect(200);
    let told = entry(&shop, &admin, "books:list:author=Le%2520Guin&genre=fantasy").await;
    assert_eq!(told["l1"]["state"], "invalid");
    assert_eq!(entry(&shop, &admin, "books:list:").await["l1"]["state"], "valid", "another key");
}

#[tokio::test]
async fn what_is_to_be_cleared_must_be_clear() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    for (query, complaints) in [
        ("", vec!["all", "key", "pattern", "tag"]),
        ("?key=books:genres&tag=genres", vec!["key", "tag"]),
        ("?all=false", vec!["all"]),
        ("?key=nothing", vec!["key"]),
        ("?pattern=books:list:q=a:*", vec!["pattern"]),
        ("?pattern=boo*", vec!["pattern"]),
        ("?tag=books:*", vec!["tag"]),
        ("?everything=true", vec!["everything"]),
    ] {
        let refused = shop.delete(&format!("/admin/cache{query}")).token(&admin).send().await.expect(422);
        assert_eq!(refused.complaints(), complaints, "{query}");
    }
    let deeds: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit_log").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_eq!(deeds, 0);
}

#[tokio::test]
async fn a_warm_cache_answers_the_first_request() {
    let (shop, other, admin) = two().await;
    let id = book(&shop, &admin, "A Book").await;
    let hidden = json!({"title": "B", "authors": ["C"], "status": "draft"});
    shop.post("/products").token(&admin).json(&hidden).send().await.expect(201);
    let warm = async |body: Value| other.post("/admin/cache/warm").token(&admin).json(&body).send().await;
    for bad in [json!({"books": 1001}), json!({"books": -1}), json!({"book": 1})] {
        warm(bad).await.expect(422);
    }
    let paths =
        ["/genres", "/products", "/products?sort=title", "/products?sort=-published", "/products?genre=fantasy"];
    // Genres, the front page, eight sorts, one genre, one book.
    let told = warm(json!({})).await.expect(200).json();
    let sum = ["loaded", "shared", "present"].iter().map(|name| told[*name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum, &told["failed"]), (12, &json!(0)), "{told}");
    assert!(told["loaded"].as_u64().unwrap() > 0 && told["milliseconds"].as_f64().unwrap() > 0.0, "{told}");
    // The first book put genres and lists out of date just before; what could not be kept then is kept now.
    eventually("all of it is kept", async || warm(json!({"books": 5})).await.expect(200).json()["present"] == 12).await;
    for path in paths.into_iter().map(str::to_owned).chain([format!("/products/{id}")]) {
        let answer = other.get(&path).send().await.expect(200);
        assert!(is_hit(&answer), "{path}: {}", answer.header("cache-status"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_ready_when_it_is_warm() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    let id = book(&shop, &admin, "A Book").await;
    // As long as this is locked, at the primary and so at the replica, the warm-up cannot go on.
    let mut sql = shop.sql().await;
    crate::support::database::run(&mut sql, "BEGIN").await;
    crate::support::database::run(&mut sql, "LOCK TABLE genres IN ACCESS EXCLUSIVE MODE").await;
    let mut replica = sqlx::PgConnection::connect(&shop.database().replica_url).await.unwrap();
    eventually("the replica has the lock", async || {
        let locks =
            "SELECT count(*) FROM pg_locks WHERE relation = 'genres'::regclass AND mode = 'AccessExclusiveLock'";
        sqlx::query_scalar::<_, i64>(locks).fetch_one(&mut replica).await.unwrap() > 0
    })
    .await;
    let next = shop.beside(&[PATIENT, ("cache.warm_books", "10"), ("cache.warm_timeout", "5m")]).await;
    let cache = async || {
        let answer = next.get("//readyz").send().await;
        let part = answer.json()["checks"].as_array().unwrap().iter().find(|part| part["name"] == "cache").cloned();
        (answer.status.as_u16(), part.unwrap())
    };
    eventually("it is warming", async || cache().await.1["detail"] == "warming").await;
    for _ in 0..10 {
        assert_eq!(cache().await.0, 503);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    crate::support::database::run(&mut sql, "ROLLBACK").await;
    eventually("it is ready", async || cache().await == (200, json!({"name": "cache", "status": "ok"}))).await;
    for path in ["/genres".to_owned(), "/products".to_owned(), format!("/products/{id}")] {
        let answer = next.get(&path).send().await.expect(200);
        assert!(is_hit(&answer), "{path}: {}", answer.header("cache-status"));
    }
    drop(next);
}

#[tokio::test]
async fn a_database_that_is_away_does_not_keep_it_unready_for_ever() {
    let mut database = crate::support::database().await;
    database.primary_url = "postgres://bookstore@127.0.0.1:1/nowhere".to_owned();
    let shop = Shop::over(database, &[("cache.warm_books", "10"), ("cache.warm_timeout", "1s")]).await;
    let part = async || {
        let report = shop.get("//readyz").send().await.json();
        let parts = report["checks"].as_array().unwrap();
        text(&parts.iter().find(|part| part["name"] == "cache").unwrap()["status"])
    };
    eventually("it gives up waiting", async || part().await == "degraded").await;
    eventually("reads are answered", async || shop.get("/genres").send().await.status == 200).await;
}

#[tokio::test]
async fn the_report_tells_what_was_asked_and_how_the_feed_is() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let admin = shop.administrator().await;
    until_kept(&[&shop], "/genres").await;
    let report = async || shop.get("/admin/cache").token(&admin).send().await.expect(200).json();
    eventually("the stream is heard", async || report().await["feed"]["source"] == "stream").await;
    let told = report().await;
    let genres = told["families"].as_array().unwrap().iter().find(|family| family["family"] == "genres").unwrap();
    assert!(genres["levels"]["l1"]["hit"].as_u64().unwrap() >= 1, "{genres}");
    assert!(genres["levels"]["origin"]["kept"].as_u64().unwrap() >= 1, "{genres}");
    let rate = genres["hit_rate"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < 1.0, "{genres}");
    assert_eq!((&told["floors"]["trusted"], &told["breaker"]["state"]), (&json!(true), &json!("closed")));
    assert_eq!(told["floors"]["lease_seconds"], 20.0);
    let memory = &told["memory"];
    assert!(memory["entries"].as_u64().unwrap() >= 1 && memory["bytes"].as_u64().unwrap() > 0, "{memory}");
    assert!(memory["capacity"].as_u64().unwrap() > memory["bytes"].as_u64().unwrap());
}

#[tokio::test]
async fn many_books_are_one_answer() {
    let shop = Shop::open_with(&[PATIENT]).await;
    let (admin, customer) = (shop.administrator().await, shop.customer().await);
    let (first, second) = (book(&shop, &admin, "First").await, book(&shop, &admin, "Second").await);
    let draft = json!({"title": "Draft", "authors": ["A"], "status": "draft"});
    let draft = text(&shop.post("/products").token(&admin).json(&draft).send().await.expect(201).json()["id"]);
    let nobody = "00000000-0000-7000-8000-000000000000";
    let path = format!("/products/batch?id={second}&id={nobody}&id={first}&id={draft}&id={second}");
    let single = async |id: &str| shop.get(&format!("/products/{id}")).token(&admin).send().await.expect(200).json();
    let expected = json!({"items": [single(&second).await, single(&first).await], "missing": [nobody, draft.as_str()]});
    for _ in 0..3 {
        let answer = shop.get(&path).send().await.expect(200);
        assert_eq!(answer.json(), expected);
        assert!(answer.header("cache-control").starts_with("public"));
        let again = shop.get(&path).token(&customer).header("if-none-match", answer.header("etag")).send().await;
        assert_eq!(again.status, 304);
    }
    // The session is kept first, and what writes refresh in the background has come.
    for id in [&first, &second, &draft] {
        eventually("it is kept", async || {
            is_hit(&shop.get(&format!("/products/{id}")).token(&admin).send().await.expect(200))
        })
        .await;
    }
    shop.delete("/admin/cache?pattern=book:*").token(&admin).send().await.expect(200);
    let before = statements(&shop.database().name).await;
    shop.get(&path).send().await.expect(200);
    assert_eq!(statements(&shop.database().name).await, before + 1, "one statement for all of them");
    let all = shop.get(&path).token(&admin).send().await.expect(200);
    assert_eq!(all.json()["items"][2]["id"], draft.as_str());
    assert!(all.header("cache-control").starts_with("private"));

    let change = json!({"title": "Changed"});
    shop.patch(&format!("/products/{first}"))
        .token(&admin)
        .header("if-match", "*")
        .json(&change)
        .send()
        .await
        .expect(200);
    assert_eq!(shop.get(&path).send().await.expect(200).json()["items"][1]["title"], "Changed");

    shop.get("/products/batch").send().await.expect(422);
    shop.get("/products/batch?id=x").send().await.expect(422);
    shop.get(&format!("/products/batch?{}", vec![format!("id={first}"); 101].join("&"))).send().await.expect(422);
    let many = |count: u32| {
        let ids: Vec<String> = (0..count).map(|n| format!("id=00000000-0000-7000-8000-{n:012}")).collect();
        format!("/products/batch?{}", ids.join("&"))
    };
    assert_eq!(shop.get(&many(101)).send().await.expect(422).complaints(), ["id"]);
    assert_eq!(shop.get(&many(100)).send().await.expect(200).json()["missing"].as_array().unwrap().len(), 100);
}

/// A store of a process that has learnt the floors once, and tells how often it loaded which places.
async fn store(shop: &Shop, redis: &str) -> Store {
    let database = shop.database();
    let settings = [
        ("cache.lease", "1m"),
        ("redis.url", redis),
        ("redis.prefix", "batch"),
        ("database.url", &database.primary_url),
    ];
    let config = shop.config(&settings);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let store = app::store(&config, &db).unwrap();
    store.invalidation().catch_up().await.unwrap();
    // What is kept is as old as the last look at where the database is.
    tokio::spawn(async move { db.monitor().await });
    store
}

/// Asks for these books, and tells which of them were loaded, and by how many loads.
async fn ask(store: &Store, ids: &[ProductId]) -> (usize, Vec<usize>) {
    let wanted: Vec<(Key, Vec<Tag>)> =
        ids.iter().map(|id| (Key::new(Family::BookDetail, id), vec![Tag::book(*id)])).collect();
    let (loads, places) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(Vec::new())));
    let answers = store
        .cached_many(&wanted, |store, which| {
            loads.fetch_add(1, Ordering::Relaxed);
            places.lock().unwrap().clone_from(&which);
            async move {
                store.products(&[]).await?;
                let answer = || Representation::new(vec![b'x'; 10].into(), Particulars::default());
                Ok::<_, StoreError>(which.iter().map(|_| Rendered::found(answer())).collect())
            }
        })
        .await
        .unwrap();
    assert!(answers.iter().all(Option::is_some));
    let places = places.lock().unwrap().clone();
    (loads.load(Ordering::Relaxed), places)
}

#[tokio::test]
async fn what_a_batch_lacks_is_loaded_at_once() {
    let shop = Shop::open().await;
    let redis = shop.database().redis_url.clone();
    // Whoever starts later has a higher floor of everything, since nobody told it what was invalidated.
    let there = store(&shop, &redis).await;
    let here = store(&shop, &redis).await;
    let ids: Vec<ProductId> = (0..5).map(|_| ProductId::generate()).collect();
    eventually("two are kept", async || ask(&here, &ids[1..3]).await.0 == 0).await;
    let mut loaded = Vec::new();
    eventually("the rest is kept", async || {
        let (loads, places) = ask(&here, &ids).await;
        assert!(loads <= 1, "one load for all that is missing");
        if loads == 1 {
            loaded.push(places);
        }
        loads == 0
    })
    .await;
    assert!(loaded.iter().all(|places| *places == [0, 3, 4]), "{loaded:?}");
    for id in &ids {
        let key = Key::new(Family::BookDetail, id);
        let kept = async || matches!(there.cache().remote_entry(&key).await, Remembered::Found(_));
        eventually("Redis has it", kept).await;
    }
    assert_eq!(ask(&there, &ids).await.0, 0, "what Redis has is not loaded");
}
