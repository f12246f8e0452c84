//! Writing, changing and deleting reviews, and each rule about that.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATIENT, assert_recounts, customers, id, id_of, rating, review, send};
use crate::support::Shop;
use crate::support::people::PASSWORD;
use crate::support::selling::shelve;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_is_written_read_changed_and_deleted() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let (ada, bob) = (shop.customer().await, shop.customer().await);
    let before = shop.get(&format!("/products/{book}")).send().await.expect(200);
    let body = json!({"rating": 5, "title": " Read it aloud ", "text": "One more\r\nchapter <b>each</b> evening", "language": "EN-gb"});
    let written = send(&shop, &ada, book, "1", &body).await.expect(201);
    let document = written.json();
    let path = format!("/reviews/{}", id(&document));
    assert_eq!(written.header("location"), format!("/api/v1{path}"));
    assert_eq!(
        (&document["title"], &document["text"], &document["language"]),
        (&json!("Read it aloud"), &json!("One more\nchapter <b>each</b> evening"), &json!("en-GB"))
    );
    assert_eq!((&document["verified_purchase"], &document["state"]), (&json!(false), &json!("published")));
    assert_eq!(document["author"]["name"], "customer");
    // The book tells it at once, under another ETag and the same version.
    let after = shop.get(&format!("/products/{book}")).send().await.expect(200);
    assert_eq!(after.json()["rating"], json!({"average": 5.0, "count": 1, "histogram": [0, 0, 0, 0, 1]}));
    assert_ne!(after.header("etag"), before.header("etag"));
    assert_eq!(after.json()["version"], before.json()["version"]);
    let seen = shop.get(&path).header("if-none-match", "\"x\"").send().await.expect(200);
    assert_eq!((seen.json(), seen.header("etag")), (document.clone(), written.header("etag")));
    assert_eq!(shop.get(&path).header("if-none-match", seen.header("etag")).send().await.status, 304);

    let patch = |token: &str, condition: Option<&str>, body: Value| {
        let request = shop.patch(&path).token(token);
        let request = match condition {
            Some(etag) => request.header("if-match", etag),
            None => request,
        };
        request.json(&body).send()
    };
    let etag = written.header("etag");
    patch(&ada, None, json!({"rating": 2})).await.expect(428);
    patch(&ada, Some("\"7.x\""), json!({"rating": 2})).await.expect(412);
    patch(&bob, Some(etag), json!({"rating": 2})).await.expect(403);
    let unchanged = patch(&ada, Some(etag), json!({})).await.expect(200);
    assert_eq!(unchanged.header("etag"), etag, "what stays as it was is not written");
    let changed = patch(&ada, Some(etag), json!({"rating": 2, "title": null})).await.expect(200).json();
    assert_eq!((&changed["rating"], &changed["title"], &changed["version"]), (&json!(2), &Value::Null, &json!(2)));
    assert_eq!(rating(&shop, book).await, (2.0, 1, json!([0, 1, 0, 0, 0])));
    patch(&ada, Some(etag), json!({"rating": 1})).await.expect(412);
    let replaced = shop.put(&path).token(&ada).header("if-match", "*").json(&json!({"rating": 4})).send().await;
    assert_eq!((&replaced.expect(200).json()["text"], rating(&shop, book).await.0), (&Value::Null, 4.0));

    shop.delete(&path).token(&ada).send().await.expect(428);
    shop.delete(&path).token(&bob).header("if-match", "*").send().await.expect(403);
    shop.delete(&path).token(&ada).header("if-match", "*").send().await.expect(204);
    shop.get(&path).send().await.expect(404);
    shop.delete(&path).token(&ada).header("if-match", "*").send().await.expect(404);
    assert_eq!(rating(&shop, book).await, (0.0, 0, Value::Null));
    review(&shop, &ada, book, 3).await.expect(201);
    assert_recounts(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_rule_is_named() {
    let shop = Shop::open().await;
    let book = shelve(&mut shop.sql().await, 1, 10).await[0];
    let ada = shop.customer().await;
    let all = json!({"rating": 6, "title": "a\nb", "text": "x".repeat(5_001), "language": "no language"});
    let refused = send(&shop, &ada, book, "1", &all).await.expect(422);
    assert_eq!(refused.complaints(), ["/language", "/rating", "/text", "/title"]);
    for (body, pointer) in [
        (json!({}), "/rating"),
        (json!({"rating": null}), "/rating"),
        (json!({"rating": 4.5}), "/rating"),
        (json!({"rating": "5"}), "/rating"),
        (json!({"rating": 0}), "/rating"),
        (json!({"rating": 3, "title": "x".repeat(151), "text": "y"}), "/title"),
        (json!({"rating": 3, "title": "No text"}), "/text"),
        (json!({"rating": 3, "text": "bell\u{7}"}), "/text"),
        (json!({"rating": 3, "text": "\u{202e}turned"}), "/text"),
        (json!({"rating": 3, "text": "nul\u{0}"}), "/text"),
        (json!({"rating": 3, "stars": 3}), "/stars"),
        (json!({"rating": 3, "verified_purchase": true}), "/verified_purchase"),
    ] {
        assert_eq!(send(&shop, &ada, book, "1", &body).await.expect(422).complaints(), [pointer], "{body}");
    }
    let path = format!("/products/{book}/reviews");
    let without_key = shop.post(&path).token(&ada).json(&json!({"rating": 3})).send().await.expect(400);
    assert_eq!(without_key.complaints(), ["Idempotency-Key"]);
    shop.post(&path).header("idempotency-key", "1").json(&json!({"rating": 3})).send().await.expect(401);
    // Nothing of this was done, so the key is still free, and the patch of a review keeps the same rules.
    let written = send(&shop, &ada, book, "1", &json!({"rating": 3})).await.expect(201);
    let patch = |body: Value| {
        let path = format!("/reviews/{}", id(&written.json()));
        shop.patch(&path).token(&ada).header("if-match", "*").json(&body).send()
    };
    for (body, pointer) in [
        (json!({"rating": null}), "/rating"),
        (json!({"rating": 9}), "/rating"),
        (json!({"title": "No text"}), "/text"),
        (json!({"state": "hidden"}), "/state"),
    ] {
        assert_eq!(patch(body.clone()).await.expect(422).complaints(), [pointer], "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_books_that_are_or_were_sold_are_reviewed() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let (ada, bob) = (shop.customer().await, shop.customer().await);
    let admin = shop.administrator().await;
    let list = format!("/products/{book}/reviews");
    review(&shop, &ada, book, 5).await.expect(201);
    review(&shop, &ada, Uuid::new_v4(), 5).await.expect(404);
    shop.get(&format!("/products/{}/reviews", Uuid::new_v4())).send().await.expect(404);
    let set = async |status: &str| {
        let request = shop.patch(&format!("/products/{book}")).token(&admin).header("if-match", "*");
        request.json(&json!({ "status": status })).send().await.expect(200);
    };
    set("draft").await;
    review(&shop, &bob, book, 5).await.expect(404);
    shop.get(&list).send().await.expect(404);
    set("retired").await;
    assert_eq!(shop.get(&list).send().await.expect(200).json()["summary"]["count"], 1);
    review(&shop, &bob, book, 1).await.expect(201);
    assert_eq!(shop.get(&list).send().await.expect(200).json()["summary"]["histogram"], json!([1, 0, 0, 0, 1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_answered_once_more_and_done_once() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    let ada = shop.customer().await;
    let body = json!({"rating": 4, "text": "Good"});
    let first = send(&shop, &ada, books[0], "key", &body).await.expect(201);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    for shop in [&shop, &beside] {
        let again = send(shop, &ada, books[0], "key", &body).await.expect(201);
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        assert_eq!((again.header("idempotent-replayed"), again.header("location")), ("true", first.header("location")));
    }
    let other = json!({"rating": 5, "text": "Good"});
    assert_eq!(send(&shop, &ada, books[0], "key", &other).await.expect(422).complaints(), ["Idempotency-Key"]);
    assert_eq!(send(&shop, &ada, books[1], "key", &body).await.expect(422).complaints(), ["Idempotency-Key"]);
    let taken = send(&shop, &ada, books[0], "another", &body).await.expect(409).json();
    assert_eq!(taken["review_id"], first.json()["id"]);
    // Somebody else may choose the same key. A refusal is not kept: the same key does when nothing stands in the way.
    send(&shop, &shop.customer().await, books[0], "key", &body).await.expect(201);
    let path = format!("/reviews/{}", id(&first.json()));
    shop.delete(&path).token(&ada).header("if-match", "*").send().await.expect(204);
    send(&shop, &ada, books[0], "another", &body).await.expect(201);
    assert_eq!(send(&shop, &ada, books[0], "key", &body).await.expect(201).body, first.body, "answered as it was then");
    // After a day the key is free.
    shop.clock.advance(time::Duration::days(2));
    let ada_again = send(&shop, &ada, books[1], "key", &body).await;
    assert!(ada_again.status == 201 || ada_again.status == 401, "{ada_again:?}");
    assert_recounts(&mut sql).await;
}

/// What was said of books stays, without a name; votes go with their voter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_account_leaves_its_reviews_without_a_name() {
    let shop = Shop::with_quick_hashes(&PATIENT).await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let list = format!("/products/{book}/reviews");
    let ada = shop.newcomer("ada@example.org").await;
    let bob = customers(&shop, 1).await.remove(0);
    let text = json!({"rating": 2, "text": "Not for me"});
    let of_ada = id(&send(&shop, &ada, book, "1", &text).await.expect(201).json());
    let of_bob = id(&review(&shop, &bob, book, 4).await.expect(201).json());
    let vote = json!({"helpful": true});
    shop.put(&format!("/reviews/{of_bob}/vote")).token(&ada).json(&vote).send().await.expect(200);
    shop.put(&format!("/reviews/{of_ada}/vote")).token(&bob).json(&vote).send().await.expect(200);
    let report = json!({"reason": "other", "note": "Short"});
    shop.post(&format!("/reviews/{of_bob}/reports")).token(&ada).json(&report).send().await.expect(201);
    let export = shop.get("/users/me/export").token(&ada).send().await.expect(200).json();
    let sections = &export["sections"];
    assert_eq!(
        (&sections["reviews"][0]["id"], &sections["reviews"][0]["text"]),
        (&json!(of_ada), &json!("Not for me"))
    );
    assert_eq!(
        (&sections["review_votes"][0]["review_id"], &sections["review_votes"][0]["helpful"]),
        (&json!(of_bob), &json!(true))
    );
    assert_eq!(
        (&sections["review_reports"][0]["reason"], &sections["review_reports"][0]["note"]),
        (&json!("other"), &json!("Short"))
    );
    let shown = async |shop: &Shop| {
        let page = shop.get(&list).send().await.expect(200).json();
        let items = page["items"].as_array().unwrap().clone();
        let one = |id: &str| items.iter().find(|item| item["id"] == id).unwrap().clone();
        (one(&of_ada)["author"].clone(), one(&of_bob)["helpful"].clone())
    };
    // A new name is shown at once where it was written, and soon elsewhere.
    assert_eq!(shown(&beside).await.0["name"], "Ada Lovelace");
    let rename = json!({"display_name": "A. King"});
    shop.patch("/users/me").token(&ada).header("if-match", "*").json(&rename).send().await.expect(200);
    assert_eq!(shown(&shop).await.0["name"], "A. King");
    crate::support::eventually("the name is heard", async || shown(&beside).await.0["name"] == "A. King").await;
    shop.post("/sessions/current/confirmation")
        .token(&ada)
        .json(&json!({"password": PASSWORD}))
        .send()
        .await
        .expect(204);
    shop.delete("/users/me").token(&ada).header("if-match", "*").send().await.expect(204);
    assert_eq!(shown(&shop).await, (Value::Null, json!(0)));
    crate::support::eventually("it is heard", async || shown(&beside).await == (Value::Null, json!(0))).await;
    assert_eq!(rating(&shop, book).await.1, 2);
    let kept: (Option<Uuid>, i64) =
        sqlx::query_as("SELECT user_id, (SELECT count(*) FROM review_reports) FROM reviews WHERE id = $1::uuid")
            .bind(of_ada)
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert_eq!(kept, (None, 0));
    id_of(&shop, &bob).await;
    assert_recounts(&mut sql).await;
}
