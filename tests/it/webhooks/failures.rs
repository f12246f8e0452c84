//! Endpoints that do not take what they are sent.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::ground::{QUICK, Receiver, book, deliveries, endpoint, register};
use crate::support::people::text;
use crate::support::{Shop, eventually};

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    QUICK.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn it_is_tried_until_it_is_taken() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["product.*"]).await;
    receiver.reply([(500, None), (404, None)]);
    book(&shop, &admin).await;
    let received = receiver.wait_for(3).await;
    let ids: BTreeSet<&str> = received.iter().map(|message| message.id.as_str()).collect();
    let bodies: BTreeSet<&str> = received.iter().map(|message| message.body.as_str()).collect();
    assert_eq!((ids.len(), bodies.len()), (1, 1), "the same message each time");
    assert!(received.iter().all(|message| message.is_signed_by(registered["secret"].as_str().unwrap())));
    eventually("it is noted", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 1).await;
    let delivery = deliveries(&shop, &admin, "").await.remove(0);
    assert_eq!((&delivery["attempts"], &delivery["next_attempt_at"]), (&json!(3), &Value::Null));
    let path = format!("/webhooks/deliveries/{}", text(&delivery["id"]));
    let log = shop.get(&path).token(&admin).send().await.expect(200).json()["attempt_log"].clone();
    let seen: Vec<_> = log.as_array().unwrap().iter().map(|attempt| (&attempt["number"], &attempt["status"])).collect();
    assert_eq!(seen, [(&json!(3), &json!(204)), (&json!(2), &json!(404)), (&json!(1), &json!(500))]);
    assert_eq!((&log[1]["error"], &log[1]["response"]), (&json!("the answer was 404"), &json!("so it is")));
    assert_eq!(endpoint(&shop, &admin, &registered["id"]).await["failing_since"], Value::Null, "it works again");
}

#[tokio::test]
async fn it_is_given_up_and_sent_again_on_demand() {
    let shop = Shop::open_with(&with(&[("webhooks.max_attempts", "2")])).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["product.*"]).await;
    let id = text(&registered["id"]);
    receiver.always(Some((503, None)));
    for _ in 0..3 {
        book(&shop, &admin).await;
    }
    eventually("all are given up", async || deliveries(&shop, &admin, "&state=failed").await.len() == 3).await;
    assert_eq!(receiver.received().len(), 6);
    assert!(endpoint(&shop, &admin, &registered["id"]).await["failing_since"].is_string());

    receiver.always(None);
    let failed = deliveries(&shop, &admin, "&state=failed").await;
    let path = format!("/webhooks/deliveries/{}/replay", text(&failed[0]["id"]));
    let queued = shop.post(&path).token(&admin).send().await.expect(202).json();
    assert_eq!(queued["event_id"], failed[0]["event_id"], "it keeps its id");
    eventually("one is taken", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 1).await;

    let replay = |since: &str| {
        let request = shop.post(&format!("/webhooks/endpoints/{id}/replay")).token(&admin);
        let body = json!({ "since": since });
        async move { request.json(&body).send().await }
    };
    assert_eq!(replay("2100-01-01T00:00:00Z").await.expect(202).json(), json!({"queued": 0}));
    assert_eq!(replay("2020-01-01T00:00:00Z").await.expect(202).json(), json!({"queued": 2}));
    eventually("all are taken", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 3).await;
    assert_eq!(replay("yesterday").await.expect(422).complaints(), ["/since"]);
    // What was taken can be sent again as well.
    shop.post(&path).token(&admin).send().await.expect(202);
    receiver.wait_for(10).await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_long_is_disabled_and_comes_back() {
    let shop = Shop::open_with(&with(&[("webhooks.disable_after", "3days")])).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["product.*"]).await;
    receiver.always(Some((500, None)));
    book(&shop, &admin).await;
    receiver.wait_for(1).await;
    eventually("it is failing", async || endpoint(&shop, &admin, &registered["id"]).await["failing_since"].is_string())
        .await;
    assert_eq!(endpoint(&shop, &admin, &registered["id"]).await["enabled"], true, "not at once");
    shop.clock.advance(time::Duration::days(3));
    let mut sql = shop.sql().await;
    // By then the session has ended as well.
    eventually("it is disabled", async || {
        let mut sql = shop.sql().await;
        let reason = sqlx::query_scalar("SELECT disabled_reason FROM webhook_endpoints").fetch_one(&mut sql).await;
        reason.is_ok_and(|reason: Option<String>| reason.as_deref() == Some("failing"))
    })
    .await;
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(held, 1, "what was under way is kept");
    let news: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'endpoint_changed'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(news, 2, "registered and disabled");

    receiver.always(None);
    shop.clock.advance(-time::Duration::days(3));
    let path = format!("/webhooks/endpoints/{}", text(&registered["id"]));
    shop.post(&format!("{path}/test")).token(&admin).send().await.expect(409);
    let before = receiver.received().len();
    let enable = json!({"enabled": true});
    let enabled = shop.patch(&path).token(&admin).header("if-match", "*").json(&enable).send().await.expect(200).json();
    assert_eq!((&enabled["enabled"], &enabled["failing_since"]), (&json!(true), &Value::Null));
    sqlx::query("UPDATE webhook_deliveries SET next_attempt_at = now()").execute(&mut sql).await.unwrap();
    receiver.wait_for(before + 1).await;
    eventually("it is taken", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 1).await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let registered = register(&shop, &admin, &receiver.url, &["product.*"]).await;
    receiver.always(Some((410, None)));
    book(&shop, &admin).await;
    eventually("it is disabled", async || {
        endpoint(&shop, &admin, &registered["id"]).await["disabled_reason"] == "gone"
    })
    .await;
    assert_eq!(deliveries(&shop, &admin, "&state=failed").await.len(), 1);
    book(&shop, &admin).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    for status in [301, 302, 303, 307, 308] {
        receiver.reply([(status, Some(("location", inside.url.clone())))]);
    }
    book(&shop, &admin).await;
    receiver.wait_for(2).await;
    let failed = async || deliveries(&shop, &admin, "").await[0]["last_attempt"]["error"].clone();
    eventually("it is told", async || failed().await.as_str().is_some_and(|why| why.contains("redirects"))).await;
    assert!(inside.received().is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    receiver.reply([(503, Some(("retry-after", "600".to_owned())))]);
    book(&shop, &admin).await;
    let next = async || {
        let delivery = deliveries(&shop, &admin, "").await.into_iter().next()?;
        delivery["last_attempt"]["status"].as_u64()?;
        let rfc3339 = time::format_description::well_known::Rfc3339;
        let at = |value: &Value| time::OffsetDateTime::parse(value.as_str().unwrap(), &rfc3339).unwrap();
        Some(at(&delivery["next_attempt_at"]) - at(&delivery["created_at"]))
    };
    eventually("it waits", async || next().await.is_some_and(|wait| wait >= time::Duration::minutes(10))).await;
    assert_eq!(receiver.received().len(), 1);
    shop.clock.advance(time::Duration::minutes(11));
    receiver.wait_for(2).await;
}

#[tokio::test]
async fn a_slow_endpoint_holds_up_no_other() {
    let shop = Shop::open_with(&with(&[("webhooks.concurrency_per_endpoint", "2"), ("webhooks.timeout", "30s")])).await;
    let admin = shop.administrator().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.slow(Duration::from_secs(3_600));
    register(&shop, &admin, &slow.url, &["product.*"]).await;
    register(&shop, &admin, &quick.url, &["product.*"]).await;
    for _ in 0..10 {
        book(&shop, &admin).await;
    }
    quick.wait_for(10).await;
    slow.wait_for(2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(slow.received().len(), 2, "no more at once than it may have");
}

#[tokio::test]
async fn private_addresses_are_refused_when_they_are_sent_to() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    // Registered while it was allowed: by number, and by a name that stands for this machine.
    let named = receiver.url.replace("127.0.0.1", "localhost");
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    register(&shop, &admin, &named, &["product.*"]).await;
    let mut shop = shop;
    let strict = shop.beside(&with(&[("webhooks.allow_private", "false")])).await;
    shop.close().await;
    book(&strict, &admin).await;
    let refused = async || {
        let all = deliveries(&strict, &admin, "").await;
        let why = |one: &Value| one["last_attempt"]["error"].as_str().unwrap_or_default().starts_with("refused:");
        all.len() == 2 && all.iter().all(why)
    };
    eventually("both are refused", refused).await;
    assert!(receiver.received().is_empty());
}
