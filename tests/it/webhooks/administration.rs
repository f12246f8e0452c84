//! What administrators do to endpoints.

use serde_json::{Value, json};

use super::ground::{QUICK, Receiver, book, deliveries, register};
use crate::support::people::text;
use crate::support::{Shop, eventually};

#[tokio::test]
async fn an_endpoint_lives() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let body = json!({"url": "https://hooks.example.org/a", "description": "The warehouse", "event_types": ["order.*", "order.*"]});
    let made = shop.post("/webhooks/endpoints").token(&admin).json(&body).send().await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let endpoint = made.json();
    let path = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let secret = text(&endpoint["secret"]);
    assert!(secret.starts_with("whsec_"));
    assert_eq!(endpoint["event_types"], json!(["order.*"]), "twice is once");
    assert_eq!((&endpoint["enabled"], &endpoint["version"]), (&json!(true), &json!(1)));

    let read = shop.get(&path).token(&admin).send().await.expect(200);
    assert_eq!(read.json()["secret"], Value::Null, "it is shown once");
    assert!(!String::from_utf8_lossy(&read.body).contains(&secret));
    let hint = text(&read.json()["secret_hint"]);
    assert!(secret.trim_end_matches('=').ends_with(hint.rsplit('…').next().unwrap()));
    let etag = read.header("etag").to_owned();
    shop.get(&path).token(&admin).header("if-none-match", &etag).send().await.expect(304);

    let change = json!({"description": null, "event_types": ["*"]});
    shop.patch(&path).token(&admin).json(&change).send().await.expect(428);
    let changed = shop.patch(&path).token(&admin).header("if-match", &etag).json(&change).send().await.expect(200);
    assert_eq!((&changed.json()["description"], &changed.json()["version"]), (&Value::Null, &json!(2)));
    shop.patch(&path).token(&admin).header("if-match", &etag).json(&change).send().await.expect(412);
    let same = shop.patch(&path).token(&admin).header("if-match", "*").json(&change).send().await.expect(200);
    assert_eq!(same.json()["version"], 2, "nothing changed");
    let nulls = json!({"url": null});
    let refused = shop.patch(&path).token(&admin).header("if-match", "*").json(&nulls).send().await.expect(422);
    assert_eq!(refused.complaints(), ["/url"]);

    let listed = shop.get("/webhooks/endpoints").token(&admin).send().await.expect(200);
    assert_eq!(listed.json()["items"][0]["id"], endpoint["id"]);
    assert!(!String::from_utf8_lossy(&listed.body).contains(&secret));
    shop.delete(&path).token(&admin).send().await.expect(428);
    shop.delete(&path).token(&admin).header("if-match", &etag).send().await.expect(412);
    shop.delete(&path).token(&admin).header("if-match", changed.header("etag")).send().await.expect(204);
    shop.get(&path).token(&admin).send().await.expect(404);

    let audit = shop.get(&format!("/admin/audit?resource_id={}", text(&endpoint["id"]))).token(&admin).send().await;
    let audit = audit.expect(200);
    assert!(!String::from_utf8_lossy(&audit.body).contains("whsec_"), "the audit log has no secrets");
    let actions: Vec<Value> =
        audit.json()["items"].as_array().unwrap().iter().map(|record| record["action"].clone()).collect();
    assert_eq!(actions, ["webhook_endpoint.remove", "webhook_endpoint.change", "webhook_endpoint.create"]);
}

#[tokio::test]
async fn bad_input_is_named() {
    let shop = Shop::open_with(&[("webhooks.max_endpoints", "2")]).await;
    let admin = shop.administrator().await;
    let post = async |body: Value| shop.post("/webhooks/endpoints").token(&admin).json(&body).send().await;
    let good = json!({"url": "https://hooks.example.org/a", "event_types": ["*"]});
    for url in [
        "",
        "nonsense",
        "ftp://example.org",
        "http://example.org",
        "https://user:password@example.org",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/",
        "https://169.254.169.254/latest",
        &format!("https://example.org/{}", "x".repeat(3_000)),
    ] {
        let body = json!({"url": url, "event_types": ["*"]});
        assert_eq!(post(body).await.expect(422).complaints(), ["/url"], "{url} is accepted");
    }
    let bad = json!({"url": "x", "description": " ", "event_types": ["order.paid", "order.eaten", "user.*"]});
    assert_eq!(post(bad).await.expect(422).complaints(), ["/description", "/event_types/1", "/event_types/2", "/url"]);
    let none = json!({"url": "https://example.org", "event_types": []});
    assert_eq!(post(none).await.expect(422).complaints(), ["/event_types"]);
    let many = json!({"url": "https://example.org", "event_types": vec!["*"; 51]});
    assert_eq!(post(many).await.expect(422).complaints(), ["/event_types"]);
    let own = json!({"url": "https://example.org", "event_types": ["*"], "secret": "whsec_mine"});
    assert_eq!(post(own).await.expect(422).complaints(), ["/secret"]);

    post(good.clone()).await.expect(201);
    let (one, other) = tokio::join!(post(good.clone()), post(good.clone()));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "two at once are no way around the limit");

    for query in ["state=lost", "type=nothing", "endpoint=x", "limit=0", "limit=101", "cursor=%25", "unknown=1"] {
        shop.get(&format!("/webhooks/deliveries?{query}")).token(&admin).send().await.expect(422);
    }
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["order.*"]).await;
    let path = format!("/webhooks/endpoints/{}", text(&registered["id"]));
    let rotated = shop.post(&format!("{path}/secret")).token(&admin).send().await.expect(200).json();
    let (old, new) = (text(&registered["secret"]), text(&rotated["secret"]));
    assert!(old != new && rotated["previous_secret_expires_at"].is_string());
    // A test is sent whatever the endpoint asked for.
    let test = shop.post(&format!("{path}/test")).token(&admin).send().await.expect(202).json();
    assert_eq!(test["type"], "webhook.test");
    let message = receiver.wait_for(1).await.remove(0);
    assert_eq!((&json!(message.id), message.signature.split(' ').count()), (&test["event_id"], 2));
    assert!(message.is_signed_by(&old) && message.is_signed_by(&new));
    assert!(message.signature.starts_with("v1,"));
    eventually("it is noted", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 1).await;

    sqlx::query("UPDATE webhook_endpoints SET previous_secret_until = previous_secret_until - interval '24 hours'")
        .execute(&mut shop.sql().await)
        .await
        .unwrap();
    shop.post(&format!("{path}/test")).token(&admin).send().await.expect(202);
    let message = receiver.wait_for(2).await.pop().unwrap();
    assert!(message.is_signed_by(&new) && !message.is_signed_by(&old), "the old one has ended");
}

#[tokio::test]
async fn deliveries_come_in_pages() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["product.*"]).await;
    for _ in 0..5 {
        book(&shop, &admin).await;
    }
    let query =
        format!("/webhooks/deliveries?endpoint={}&type=product.created&state=delivered", text(&registered["id"]));
    eventually("all are taken", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 5).await;
    let (mut next, mut seen) = (format!("{query}&limit=2"), Vec::new());
    loop {
        let page = shop.get(&next).token(&admin).send().await.expect(200);
        seen.extend(page.json()["items"].as_array().unwrap().iter().map(|item| text(&item["id"])));
        if page.json()["next_cursor"].is_null() {
            break;
        }
        next = page.header("link").strip_prefix("</api/v1").and_then(|link| link.split('>').next()).unwrap().to_owned();
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (5, &sorted));
    assert!(deliveries(&shop, &admin, "&type=order.paid").await.is_empty());
    assert!(deliveries(&shop, &admin, &format!("&endpoint={}", uuid::Uuid::new_v4())).await.is_empty());
}

#[tokio::test]
async fn old_deliveries_are_forgotten() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    book(&shop, &admin).await;
    eventually("it is taken", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 1).await;
    let config = shop.config_beside(&QUICK);
    let db = bookstore::db::Db::new(&config.database).unwrap();
    db.probe_once().await;
    let store = bookstore::app::store(&config, &db).unwrap();
    let clock = std::sync::Arc::new(shop.clock.clone());
    let webhooks = bookstore::app::state(&config, &db, &store, clock).unwrap().webhooks.clone();
    shop.clock.advance(time::Duration::days(29));
    assert_eq!(webhooks.remove_old().await.unwrap(), 0);
    shop.clock.advance(time::Duration::days(2));
    assert_eq!(webhooks.remove_old().await.unwrap(), 1);
    let attempts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM webhook_attempts").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_eq!(attempts, 0);
}
