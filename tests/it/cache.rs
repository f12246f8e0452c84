//! Reading through the cache: what a hit costs, what is sent, and that writes are seen, by two processes of one shop.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::support::database::{database, statements};
use crate::support::{RedisCluster, RedisServer, Shop, eventually};

fn book(title: &str) -> Value {
    json!({
        "title": title, "authors": ["Ursula K. Le Guin"], "isbn13": "9780547773742", "genres": ["fantasy"],
        "description": "An island of wizards. ".repeat(80),
    })
}

/// Adds a book. Gives its path and its tag.
async fn add(shop: &Shop, admin: &str, title: &str) -> (String, String) {
    let created = shop.post("/products").token(admin).json(&book(title)).send().await.expect(201);
    (created.header("location").strip_prefix("/api/v1").unwrap().to_owned(), created.header("etag").to_owned())
}

async fn title(shop: &Shop, path: &str) -> String {
    let json = shop.get(path).send().await.expect(200).json();
    let book = if json["items"].is_array() { &json["items"][0] } else { &json };
    book["title"].as_str().or(book["product"]["title"].as_str()).unwrap_or_default().to_owned()
}

async fn source(shop: &Shop, path: &str) -> String {
    shop.get(path).send().await.header("cache-status").to_owned()
}

async fn is_hit(shop: &Shop, path: &str) -> bool {
    source(shop, path).await.ends_with("detail=l1")
}

#[tokio::test]
async fn a_hit_asks_nobody() {
    let redis = RedisServer::start().await;
    let database = database().await;
    let name = database.name.clone();
    let shop = Shop::over(database, &[("redis.url", &redis.url()), ("cache.lease", "10s")]).await;
    let admin = shop.administrator().await;
    let (path, _) = add(&shop, &admin, "Earthsea").await;
    let paths = [
        path.clone(),
        format!("{path}/related"),
        "/products/isbn/9780547773742".into(),
        "/products".into(),
        "/genres".into(),
    ];
    for path in &paths {
        eventually("it is kept", async || is_hit(&shop, path).await).await;
    }
    let gets = async || -> String {
        let stats: String = redis.ask("INFO commandstats").await;
        stats.lines().find(|line| line.starts_with("cmdstat_get:")).unwrap_or_default().to_owned()
    };
    let before = (statements(&name).await, gets().await);
    for path in &paths {
        for coding in ["", "br", "gzip", "zstd"] {
            let answer = shop.get(path).header("accept-encoding", coding).send().await.expect(200);
            assert!(answer.header("cache-status").starts_with("bookstore; hit; ttl="), "{path}");
        }
    }
    assert_eq!((statements(&name).await, gets().await), before);
}

#[tokio::test]
async fn every_coding_is_the_same_book_under_a_tag_of_its_own() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (path, _) = add(&shop, &admin, "Earthsea").await;
    let plain = shop.get(&path).header("accept-encoding", "identity").send().await.expect(200);
    let bare = plain.header("etag").trim_matches('"').to_owned();
    for (accepted, coding) in [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("gzip, br;q=0.5", "gzip")] {
        let answer = shop.get(&path).header("accept-encoding", accepted).send().await.expect(200);
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(answer.header("vary"), "accept-encoding");
        let mut body = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&*answer.body).read_to_end(&mut body).unwrap(),
            "br" => brotli::Decompressor::new(&*answer.body, 4096).read_to_end(&mut body).unwrap(),
            _ => zstd::Decoder::new(&*answer.body).unwrap().read_to_end(&mut body).unwrap(),
        };
        assert_eq!(body, plain.body, "{coding}");
        let tag = answer.header("etag").to_owned();
        assert_eq!(tag, format!("\"{bare}-{coding}\""));
        let again = shop.get(&path).header("accept-encoding", accepted).header("if-none-match", &tag).send().await;
        assert_eq!(again.expect(304).header("etag"), tag);
    }
}

#[tokio::test]
async fn a_write_is_seen_in_every_process_and_everywhere() {
    let one = Shop::open().await;
    let other = one.beside(&[]).await;
    let admin = one.administrator().await;
    let (path, tag) = add(&one, &admin, "Earthsea").await;
    let paths = [
        path.clone(),
        "/products/isbn/9780547773742".into(),
        "/products?limit=1".into(),
        "/products/search?q=wizards".into(),
    ];
    for path in &paths {
        for shop in [&one, &other] {
            eventually("it is kept", async || title(shop, path).await == "Earthsea" && is_hit(shop, path).await).await;
        }
    }
    let patched = one.patch(&path).token(&admin).header("if-match", &tag).json(&json!({"title": "Atuan"}));
    let token = patched.send().await.expect(200).header("consistency-token").to_owned();
    for path in &paths {
        assert_eq!(title(&one, path).await, "Atuan", "the writer itself, {path}");
        let shown = other.get(path).header("consistency-token", &token).send().await.expect(200);
        assert!(shown.json().to_string().contains("Atuan"), "whoever shows that they wrote, {path}");
        eventually("the other one has heard", async || title(&other, path).await == "Atuan").await;
    }
    // Retired, it leaves the lists of both.
    let tag = one.get(&path).header("accept-encoding", "identity").send().await.header("etag").to_owned();
    one.delete(&path).token(&admin).header("if-match", &tag).send().await;
    for shop in [&one, &other] {
        eventually("it is gone", async || title(shop, "/products?limit=1").await.is_empty()).await;
        assert_eq!(shop.get(&path).send().await.expect(200).json()["status"], "retired");
    }
}

#[tokio::test]
async fn what_comes_into_being_replaces_its_404() {
    let one = Shop::open().await;
    let other = one.beside(&[]).await;
    let admin = one.administrator().await;
    let isbn = "/products/isbn/9780547773742";
    for shop in [&one, &other] {
        shop.get(isbn).send().await.expect(404);
        shop.get(isbn).send().await.expect(404);
    }
    add(&one, &admin, "Earthsea").await;
    one.get(isbn).send().await.expect(200);
    eventually("the other one has heard", async || other.get(isbn).send().await.status == 200).await;
}

#[tokio::test]
async fn a_draft_is_kept_for_administrators_alone() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let mut draft = book("Earthsea");
    draft["status"] = "draft".into();
    let created = shop.post("/products").token(&admin).json(&draft).send().await.expect(201);
    let path = created.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    for _ in 0..3 {
        let shown = shop.get(&path).token(&admin).send().await.expect(200);
        assert_eq!(shown.header("cache-control"), "private, no-cache");
        shop.get(&path).send().await.expect(404);
    }
}

#[tokio::test]
async fn a_changed_page_is_there_before_it_is_asked_for() {
    let one = Shop::open().await;
    let other = one.beside(&[]).await;
    let admin = one.administrator().await;
    let (path, _) = add(&one, &admin, "Earthsea").await;
    // The writer stores it in both levels; the other process finds it in the second.
    eventually("written through", async || {
        let fresh = one.beside(&[]).await;
        eventually("it has begun to trust", async || is_hit(&fresh, "/genres").await).await;
        source(&fresh, &path).await.ends_with("detail=l2")
    })
    .await;
    eventually("here too", async || source(&other, &path).await.contains("hit")).await;
}

#[tokio::test]
async fn an_ended_session_is_ended_everywhere() {
    let one = Shop::open().await;
    let other = one.beside(&[]).await;
    let token = one.customer().await;
    for _ in 0..2 {
        one.get("/users/me").token(&token).send().await.expect(200);
        other.get("/users/me").token(&token).send().await.expect(200);
    }
    one.delete("/sessions/current").token(&token).send().await.expect(204);
    one.get("/users/me").token(&token).send().await.expect(401);
    eventually("the other one has heard", async || other.get("/users/me").token(&token).send().await.status == 401)
        .await;
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let shop = Shop::open().await;
    let refused = shop.get("/genres").header("consistency-token", "nonsense").send().await.expect(400);
    assert_eq!(refused.json()["errors"][0]["header"], "Consistency-Token");
}

#[tokio::test]
async fn without_redis_all_of_it_works() {
    let redis = RedisServer::absent();
    let one = Shop::open_with(&[("redis.url", &redis.url())]).await;
    let other = one.beside(&[]).await;
    let admin = one.administrator().await;
    let (path, tag) = add(&one, &admin, "Earthsea").await;
    for shop in [&one, &other] {
        eventually("it is kept", async || title(shop, &path).await == "Earthsea" && is_hit(shop, &path).await).await;
    }
    let patch = json!({"title": "Atuan"});
    one.patch(&path).token(&admin).header("if-match", &tag).json(&patch).send().await.expect(200);
    assert_eq!(title(&one, &path).await, "Atuan");
    eventually("the other one has learnt", async || title(&other, &path).await == "Atuan").await;
}

#[tokio::test]
async fn a_browser_need_not_know_of_the_token() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let sign_in = json!({"email": "ada@example.org", "password": crate::support::people::PASSWORD, "cookie": true});
    let signed_in = shop.post("/sessions").json(&sign_in).send().await.expect(201);
    let session = signed_in.headers.get_all("set-cookie").iter().find_map(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.starts_with("bookstore_session=").then(|| cookie.split(';').next().unwrap().to_owned())
    });
    let csrf = signed_in.json()["csrf_token"].as_str().unwrap().to_owned();
    let session = session.unwrap();
    let tag = shop.get("/users/me").header("cookie", &session).send().await.expect(200).header("etag").to_owned();
    let renamed = shop.patch("/users/me").header("cookie", &session).header("x-csrf-token", &csrf);
    let renamed = renamed
        .header("if-match", &tag)
        .json(&json!({"display_name": "Countess of Lovelace"}))
        .send()
        .await
        .expect(200);
    let kept = renamed.header("set-cookie");
    assert!(kept.starts_with(&format!("bookstore_consistency={}; ", renamed.header("consistency-token"))), "{kept}");
    shop.get("/genres").header("cookie", kept.split(';').next().unwrap()).send().await.expect(200);
    shop.get("/genres").header("cookie", "bookstore_consistency=nonsense").send().await.expect(200);
}

#[tokio::test]
async fn on_a_cluster_it_is_the_same() {
    let cluster = RedisCluster::start().await;
    let settings = [("redis.url", cluster.urls().join(",")), ("redis.mode", "cluster".to_owned())];
    let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
    let one = Shop::open_with(&settings).await;
    let other = one.beside(&settings).await;
    let admin = one.administrator().await;
    let (path, tag) = add(&one, &admin, "Earthsea").await;
    for path in [path.as_str(), "/products?limit=1", "/genres"] {
        eventually("it is kept", async || is_hit(&one, path).await && is_hit(&other, path).await).await;
    }
    let patch = json!({"title": "Atuan"});
    one.patch(&path).token(&admin).header("if-match", &tag).json(&patch).send().await.expect(200);
    for path in [path.as_str(), "/products?limit=1"] {
        eventually("the other one has heard", async || title(&other, path).await == "Atuan").await;
    }
    eventually("all processes share it", async || {
        let fresh = one.beside(&settings).await;
        eventually("it has begun to trust", async || is_hit(&fresh, "/genres").await).await;
        source(&fresh, &path).await.ends_with("detail=l2")
    })
    .await;
}
