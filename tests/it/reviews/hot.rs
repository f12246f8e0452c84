//! Many people at one book.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};

use super::{PATIENT, assert_recounts, customers, id, rating, review, send};
use crate::support::Shop;
use crate::support::selling::shelve;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_writes_one_review_however_often_they_try() {
    let shop = Shop::open_with(&PATIENT).await;
    let beside = shop.beside(&PATIENT).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let ada = shop.customer().await;
    let posts = (0..20).map(|n| review(if n % 2 == 0 { &shop } else { &beside }, &ada, book, 1 + n % 5));
    let answers = join_all(posts).await;
    let (written, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((written.len(), refused.len()), (1, 19));
    for answer in refused {
        assert_eq!(answer.expect(409).json()["review_id"], written[0].json()["id"]);
    }
    // The same request twenty times is one review, and the same answer.
    let bob = shop.customer().await;
    let body = json!({"rating": 5});
    let same = (0..20).map(|n| send(if n % 2 == 0 { &shop } else { &beside }, &bob, book, "key", &body));
    let answers: BTreeSet<Vec<u8>> = join_all(same).await.into_iter().map(|answer| answer.expect(201).body).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(rating(&shop, book).await.1, 2);
    assert_recounts(&mut sql).await;
}

/// The wishes of many for one book are done together, and one that cannot be done harms no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_served_in_few_transactions() {
    let shop = Shop::open_with(&PATIENT).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let people = customers(&shop, 120).await;
    let early = review(&shop, &people[0], book, 1).await.expect(201).json();
    let answers = join_all(people.iter().map(|token| review(&shop, token, book, 4))).await;
    let refused: Vec<Value> =
        answers.iter().filter(|answer| answer.status == 409).map(|answer| answer.json()["review_id"].clone()).collect();
    assert_eq!(refused, [early["id"].clone()]);
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 119);
    assert_eq!(rating(&shop, book).await, ((1.0 + 119.0 * 4.0) / 120.0, 120, json!([1, 0, 0, 119, 0])));
    let transactions: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT xid::text) FROM outbox WHERE kind = 'review_created'")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert!(transactions <= 40, "{transactions} transactions for 120 reviews");
    // All of a transaction tell the same move of the book's standing, and the moves follow each other.
    let moves: Vec<(f64, f64)> = sqlx::query_as(
        "SELECT DISTINCT (payload #>> '{moved,before,score}')::float8, (payload #>> '{moved,after,score}')::float8
         FROM outbox WHERE kind = 'review_created' AND payload #>> '{review,rating}' = '4' ORDER BY 1",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert_eq!(moves.len() as i64, transactions - 1);
    assert!(moves.windows(2).all(|pair| pair[0].1 == pair[1].0), "{moves:?}");
    // Votes on one review are no different.
    let one = id(&early);
    let vote = |token: &String, helpful: bool| {
        shop.put(&format!("/reviews/{one}/vote")).token(token).json(&json!({ "helpful": helpful })).send()
    };
    let votes = join_all(people.iter().enumerate().map(|(n, token)| vote(token, n % 3 > 0))).await;
    assert_eq!(votes.iter().filter(|answer| answer.status == 200).count(), 119);
    assert_eq!(votes[0].status, 409, "one's own");
    let now = shop.get(&format!("/reviews/{one}")).send().await.expect(200).json();
    assert_eq!((&now["helpful"], &now["unhelpful"]), (&json!(80), &json!(39)));
    let voted: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = 'review_voted'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert!(voted <= 40, "{voted} transactions for 119 votes");
    assert_recounts(&mut sql).await;
}

/// Whoever hangs up takes nobody's review along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_hang_up_leave_the_others_alone() {
    let shop = Shop::open_with(&PATIENT).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let people = customers(&shop, 60).await;
    let posts = people.iter().enumerate().map(async |(n, token)| {
        let post = review(&shop, token, book, 5);
        if n % 3 == 0 {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(1 + n as u64), post).await;
            None
        } else {
            Some(post.await.status.as_u16())
        }
    });
    let statuses = join_all(posts).await;
    assert!(statuses.iter().flatten().all(|status| *status == 201), "{statuses:?}");
    // Those who come later find the line in order; those who hung up see what became of it.
    let late = customers(&shop, 1).await.remove(0);
    review(&shop, &late, book, 1).await.expect(201);
    for token in people.iter().step_by(3) {
        let again = review(&shop, token, book, 5).await.status.as_u16();
        assert!([201, 409].contains(&again), "{again}");
    }
    assert_eq!(rating(&shop, book).await.1, 61);
    assert_recounts(&mut sql).await;
}
