//! Votes, reports, and what administrators do.

use serde_json::{Value, json};

use super::{assert_recounts, customers, id, id_of, rating, review, send};
use crate::support::Shop;
use crate::support::selling::shelve;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_counts_once_and_may_be_changed() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let people = customers(&shop, 3).await;
    let one = id(&review(&shop, &people[0], book, 5).await.expect(201).json());
    let path = format!("/reviews/{one}/vote");
    let vote = |token: &str, body: Value| shop.put(&path).token(token).json(&body).send();
    let counts = |answer: crate::support::Answer| {
        let document = answer.expect(200).json();
        (document["helpful"].as_i64().unwrap(), document["unhelpful"].as_i64().unwrap())
    };
    vote(&people[0], json!({"helpful": true})).await.expect(409);
    assert_eq!(vote(&people[1], json!({})).await.expect(422).complaints(), ["/helpful"]);
    assert_eq!(vote(&people[1], json!({"helpful": "yes"})).await.expect(422).complaints(), ["/helpful"]);
    for _ in 0..2 {
        assert_eq!(counts(vote(&people[1], json!({"helpful": true})).await), (1, 0));
    }
    assert_eq!(counts(vote(&people[2], json!({"helpful": false})).await), (1, 1));
    assert_eq!(counts(vote(&people[1], json!({"helpful": false})).await), (0, 2));
    for _ in 0..2 {
        shop.delete(&path).token(&people[1]).send().await.expect(204);
    }
    let now = shop.get(&format!("/reviews/{one}")).send().await;
    assert_eq!(counts(now), (0, 1));
    shop.put("/reviews/00000000-0000-7000-8000-000000000000/vote")
        .token(&people[1])
        .json(&json!({"helpful": true}))
        .send()
        .await
        .expect(404);
    assert_recounts(&mut sql).await;
    // A vote changes what is shown, not what was written: a change may still be based on the version before.
    let patch = shop.patch(&format!("/reviews/{one}")).token(&people[0]).header("if-match", "\"1.x\"");
    patch.json(&json!({"rating": 4})).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_lead_to_hiding_and_back() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let people = customers(&shop, 4).await;
    let admin = shop.administrator().await;
    let body = json!({"rating": 1, "text": "Buy at my shop"});
    let spam = id(&send(&shop, &people[0], book, "1", &body).await.expect(201).json());
    let fine = id(&review(&shop, &people[1], book, 5).await.expect(201).json());
    let report = |token: &str, of: &str, body: Value| {
        shop.post(&format!("/reviews/{of}/reports")).token(token).json(&body).send()
    };
    report(&people[0], &spam, json!({"reason": "spam"})).await.expect(409);
    assert_eq!(report(&people[2], &spam, json!({"reason": "dull"})).await.expect(422).complaints(), ["/reason"]);
    let long = json!({"reason": "spam", "note": "x".repeat(501)});
    assert_eq!(report(&people[2], &spam, long).await.expect(422).complaints(), ["/note"]);
    report(&people[2], &spam, json!({"reason": "spam", "note": " A link "})).await.expect(201);
    report(&people[2], &spam, json!({"reason": "other"})).await.expect(409);
    report(&people[3], &spam, json!({"reason": "off_topic"})).await.expect(201);
    report(&people[3], &fine, json!({"reason": "spoiler"})).await.expect(201);
    let look = async |state: &str| {
        let path = format!("/admin/reviews?state={state}");
        shop.get(&path).token(&admin).send().await.expect(200).json()["items"].as_array().unwrap().clone()
    };
    let reported = look("reported").await;
    assert_eq!(reported.iter().map(|one| id(&one["review"])).collect::<Vec<_>>(), [fine.clone(), spam.clone()]);
    assert_eq!((&reported[1]["reports"], &reported[1]["open_reports"]), (&json!(2), &json!(2)));
    let notes: Vec<&Value> = reported[1]["open"].as_array().unwrap().iter().map(|report| &report["note"]).collect();
    assert!(notes.contains(&&json!("A link")) && notes.contains(&&Value::Null), "{notes:?}");
    assert_eq!((look("hidden").await.len(), look("all").await.len()), (0, 2));
    let first = shop.get("/admin/reviews?limit=1").token(&admin).send().await.expect(200);
    let link = first.header("link").trim_start_matches("</api/v1").split('>').next().unwrap().to_owned();
    let second = shop.get(&link).token(&admin).send().await.expect(200).json();
    assert_eq!((id(&second["items"][0]["review"]), &second["next_cursor"]), (spam.clone(), &Value::Null));

    let hide = |of: &str, body: Value| shop.post(&format!("/admin/reviews/{of}/hide")).token(&admin).json(&body).send();
    assert_eq!(hide(&spam, json!({"reason": " "})).await.expect(422).complaints(), ["/reason"]);
    let hidden = hide(&spam, json!({"reason": "Advertisement"})).await.expect(200).json();
    assert_eq!((&hidden["review"]["state"], &hidden["open_reports"]), (&json!("hidden"), &json!(0)));
    hide(&spam, json!({"reason": "Advertisement"})).await.expect(200);
    // Not shown, not counted, not to be voted on or reported; its writer sees it and cannot write another one.
    assert_eq!(rating(&shop, book).await, (5.0, 1, json!([0, 0, 0, 0, 1])));
    let page = shop.get(&format!("/products/{book}/reviews")).send().await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), std::slice::from_ref(&fine));
    let path = format!("/reviews/{spam}");
    shop.get(&path).send().await.expect(404);
    shop.get(&path).token(&people[2]).send().await.expect(404);
    shop.get(&path).token(&admin).send().await.expect(200);
    let own = shop.get(&path).token(&people[0]).send().await.expect(200);
    assert_eq!((&own.json()["state"], own.header("cache-control")), (&json!("hidden"), "private, no-cache"));
    shop.put(&format!("{path}/vote")).token(&people[2]).json(&json!({"helpful": false})).send().await.expect(404);
    report(&people[1], &spam, json!({"reason": "spam"})).await.expect(404);
    assert_eq!(review(&shop, &people[0], book, 5).await.expect(409).json()["review_id"], json!(spam));
    // They may change it; that does not show it, and nobody is told.
    let patch =
        shop.patch(&path).token(&people[0]).header("if-match", "*").json(&json!({"rating": 2, "text": "A fine book"}));
    assert_eq!(patch.send().await.expect(200).json()["state"], "hidden");
    assert_eq!(rating(&shop, book).await.1, 1);
    assert_recounts(&mut sql).await;

    let restore = |of: &str| shop.post(&format!("/admin/reviews/{of}/restore")).token(&admin).send();
    assert_eq!(restore(&spam).await.expect(200).json()["review"]["state"], "published");
    assert_eq!(rating(&shop, book).await, (3.5, 2, json!([0, 1, 0, 0, 1])));
    assert_eq!(look("reported").await.len(), 1);
    restore(&fine).await.expect(200);
    assert_eq!((look("reported").await.len(), rating(&shop, book).await.1), (0, 2), "it stands");
    let deleted = shop.delete(&format!("/reviews/{fine}")).token(&admin).header("if-match", "*").send();
    deleted.await.expect(204);
    assert_eq!(rating(&shop, book).await.1, 1);
    let patch = shop.patch(&path).token(&admin).header("if-match", "*").json(&json!({"rating": 5}));
    patch.send().await.expect(403);
    assert_recounts(&mut sql).await;

    let log = |of: &str| shop.get(&format!("/admin/audit?resource_id={of}")).token(&admin).send();
    let actions = |page: Value| {
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|record| record["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(actions(log(&spam).await.json()), ["review.restore", "review.hide"]);
    let of_fine = log(&fine).await.json();
    assert_eq!(of_fine["items"][0]["actor_id"], json!(id_of(&shop, &admin).await));
    assert_eq!(actions(of_fine), ["review.delete", "review.restore"]);
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM outbox WHERE kind LIKE 'review%' ORDER BY id")
        .fetch_all(&mut sql)
        .await
        .unwrap();
    assert_eq!(kinds, ["review_created", "review_created", "review_removed", "review_restored", "review_removed"]);
}
