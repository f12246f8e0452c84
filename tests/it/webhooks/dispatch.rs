//! From an event to a signed message.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use super::ground::{QUICK, Receiver, book, deliveries, register};
use crate::support::people::text;
use crate::support::{Shop, eventually};

#[tokio::test]
async fn what_happens_arrives_signed() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    let endpoint = register(&shop, &admin, &receiver.url, &["*"]).await;
    let secret = text(&endpoint["secret"]);
    let book = book(&shop, &admin).await;
    shop.delete(&format!("/products/{book}")).token(&admin).header("if-match", "*").send().await.expect(204);
    let received = receiver.wait_for(2).await;
    let mut types: Vec<String> = received.iter().map(|message| text(&message.json()["type"])).collect();
    types.sort();
    assert_eq!(types, ["product.created", "product.retired"]);
    for message in &received {
        assert!(message.is_signed_by(&secret), "{message:?}");
        assert!(!message.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert!(message.id.starts_with("evt_"));
        let document = message.json();
        assert_eq!(document["data"], json!({"product_id": book}));
        let (sent, now) = (message.timestamp.parse::<i64>().unwrap(), time::OffsetDateTime::now_utc().unix_timestamp());
        assert!((now - 300..=now + 300).contains(&sent), "{sent} is not about {now}");
        let rfc3339 = time::format_description::well_known::Rfc3339;
        time::OffsetDateTime::parse(document["timestamp"].as_str().unwrap(), &rfc3339).unwrap();
    }
    eventually("both are noted", async || deliveries(&shop, &admin, "&state=delivered").await.len() == 2).await;
    let listed = deliveries(&shop, &admin, "&type=product.created").await;
    assert_eq!(listed.len(), 1);
    let details = shop.get(&format!("/webhooks/deliveries/{}", text(&listed[0]["id"]))).token(&admin).send().await;
    let details = details.expect(200).json();
    assert_eq!(details["payload"]["type"], "product.created");
    assert_eq!(details["attempt_log"].as_array().unwrap().len(), 1);
    let attempt = &details["attempt_log"][0];
    assert_eq!((&attempt["number"], &attempt["status"], &attempt["error"]), (&json!(1), &json!(204), &Value::Null));
}

#[tokio::test]
async fn endpoints_are_sent_what_they_asked_for() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let (all, retired, orders, off) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await);
    register(&shop, &admin, &all.url, &["product.*"]).await;
    register(&shop, &admin, &retired.url, &["order.*", "product.retired"]).await;
    register(&shop, &admin, &orders.url, &["order.*", "refund.created"]).await;
    let disabled = register(&shop, &admin, &off.url, &["*"]).await;
    let path = format!("/webhooks/endpoints/{}", text(&disabled["id"]));
    let off_now = shop.patch(&path).token(&admin).header("if-match", "*").json(&json!({"enabled": false})).send().await;
    assert_eq!(off_now.expect(200).json()["disabled_reason"], "administrator");
    let book = book(&shop, &admin).await;
    shop.delete(&format!("/products/{book}")).token(&admin).header("if-match", "*").send().await.expect(204);
    assert_eq!(all.wait_for(2).await.len(), 2);
    assert_eq!(retired.wait_for(1).await[0].json()["type"], "product.retired");
    eventually("all is noted", async || deliveries(&shop, &admin, "&state=pending").await.is_empty()).await;
    assert_eq!((all.received().len(), retired.received().len()), (2, 1));
    assert!(orders.received().is_empty() && off.received().is_empty());
    // One event has one id, whoever is told.
    assert!(all.received().iter().any(|message| message.id == retired.received()[0].id));
}

/// A transaction that began first and commits last must not be passed over.
#[tokio::test]
async fn what_commits_late_is_not_lost() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    let mut late = shop.sql().await;
    let mut late = late.begin().await.unwrap();
    let slow = uuid::Uuid::new_v4();
    sqlx::query("INSERT INTO outbox (kind, payload) VALUES ('product_changed', $1)")
        .bind(json!({"kind": "product_changed", "product": slow}))
        .execute(&mut *late)
        .await
        .unwrap();
    // These have greater numbers, and are there before.
    let quick = book(&shop, &admin).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    late.commit().await.unwrap();
    let received = receiver.wait_for(2).await;
    let products: BTreeSet<String> =
        received.iter().map(|message| text(&message.json()["data"]["product_id"])).collect();
    assert_eq!(products, BTreeSet::from([quick, slow.to_string()]));
}

#[tokio::test]
async fn one_transaction_may_tell_more_than_is_read_at_once() {
    let shop = Shop::open_with(&QUICK).await;
    let admin = shop.administrator().await;
    let receiver = Receiver::start().await;
    receiver.always(Some((500, None)));
    register(&shop, &admin, &receiver.url, &["product.*"]).await;
    let mut sql = shop.sql().await;
    for _ in 0..2 {
        sqlx::query(
            "INSERT INTO outbox (kind, payload)
             SELECT 'product_changed', jsonb_build_object('kind', 'product_changed', 'product', gen_random_uuid())
             FROM generate_series(1, 700)",
        )
        .execute(&mut sql)
        .await
        .unwrap();
    }
    let count = async || {
        let mut sql = shop.sql().await;
        sqlx::query_as::<_, (i64, i64)>("SELECT count(*), count(DISTINCT event_id) FROM webhook_deliveries")
            .fetch_one(&mut sql)
            .await
            .unwrap()
    };
    eventually("all are queued", async || count().await == (1_400, 1_400)).await;
}

#[tokio::test]
async fn the_outbox_is_not_pruned_ahead_of_the_dispatcher() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let admin = shop.administrator().await;
    book(&shop, &admin).await;
    // A shop that looks for events every ten minutes has not seen it.
    sql.execute("UPDATE outbox SET published_at = now() - interval '2 hours'").await.unwrap();
    // Nor do the other readers of the outbox wait for anything.
    let others = "UPDATE outbox_places SET place = '18446744073709551615' WHERE reader <> 'webhooks'";
    sql.execute(others).await.unwrap();
    let config = shop.config(&[]);
    let db = bookstore::db::Db::new(&config.database).unwrap();
    db.probe_once().await;
    let prune = async || bookstore::invalidation::outbox::remove_old(&db).await.unwrap();
    assert_eq!(prune().await, 0, "an event was removed before anybody was told");
    let quick = shop.beside(&QUICK).await;
    eventually("the place moves, though there is no endpoint", async || {
        prune().await;
        let mut sql = shop.sql().await;
        let left = "SELECT count(*) FROM outbox WHERE kind = 'product_created'";
        sqlx::query_scalar::<_, i64>(left).fetch_one(&mut sql).await.unwrap() == 0
    })
    .await;
    drop(quick);
}
