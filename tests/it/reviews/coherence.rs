//! Cached pages of reviews: fresh after each write, at every process, and no more is loaded again than has to be.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{customers, id, review};
use crate::support::selling::shelve;
use crate::support::{Answer, Shop, eventually};

fn is_hit(answer: &Answer) -> bool {
    answer.header("cache-status").contains("hit")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_kept_until_something_happens_to_its_book() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let books: Vec<Uuid> = shelve(&mut shop.sql().await, 2, 10).await;
    let people = customers(&shop, 8).await;
    let admin = shop.administrator().await;
    let page = |book: Uuid| format!("/products/{book}/reviews?sort=helpful");
    let read = async |shop: &Shop, path: &str| shop.get(path).send().await.expect(200);
    let one = id(&review(&shop, &people[0], books[0], 5).await.expect(201).json());
    review(&shop, &people[1], books[1], 3).await.expect(201);
    let first = |document: &Value| document["items"][0].clone();
    // What is done to the first book, and what its page and the book's own tell then.
    type Deed<'a> =
        (&'a str, Box<dyn Fn() -> crate::support::shop::Request + 'a>, u16, Box<dyn Fn(&Value) -> bool + 'a>, bool);
    let deeds: Vec<Deed<'_>> = vec![
        (
            "vote",
            Box::new(|| shop.put(&format!("/reviews/{one}/vote")).token(&people[2]).json(&json!({"helpful": true}))),
            200,
            Box::new(move |page| first(page)["helpful"] == 1),
            false,
        ),
        (
            "withdrawn vote",
            Box::new(|| shop.delete(&format!("/reviews/{one}/vote")).token(&people[2])),
            204,
            Box::new(move |page| first(page)["helpful"] == 0),
            false,
        ),
        (
            "change",
            Box::new(|| {
                shop.patch(&format!("/reviews/{one}"))
                    .token(&people[0])
                    .header("if-match", "*")
                    .json(&json!({"rating": 2}))
            }),
            200,
            Box::new(move |page| first(page)["rating"] == 2 && page["summary"]["average"] == 2.0),
            true,
        ),
        (
            "another review",
            Box::new(|| {
                let request = shop.post(&format!("/products/{}/reviews", books[0])).token(&people[3]);
                request.header("idempotency-key", "1").json(&json!({"rating": 4}))
            }),
            201,
            Box::new(move |page| page["summary"]["count"] == 2),
            true,
        ),
        (
            "hiding",
            Box::new(|| shop.post(&format!("/admin/reviews/{one}/hide")).token(&admin).json(&json!({"reason": "x"}))),
            200,
            Box::new(move |page| page["summary"]["count"] == 1 && page["items"].as_array().unwrap().len() == 1),
            true,
        ),
        (
            "restoring",
            Box::new(|| shop.post(&format!("/admin/reviews/{one}/restore")).token(&admin)),
            200,
            Box::new(move |page| page["summary"]["count"] == 2),
            true,
        ),
        (
            "deleting",
            Box::new(|| shop.delete(&format!("/reviews/{one}")).token(&people[0]).header("if-match", "*")),
            204,
            Box::new(move |page| page["summary"]["count"] == 1),
            true,
        ),
    ];
    let detail = format!("/products/{}", books[0]);
    let others = [page(books[1]), format!("/products/{}", books[1])];
    for (what, deed, status, shows, moves_book) in deeds {
        // A busy machine may lose the feed for a moment, and then nothing is a hit: those that stay are asked for once more.
        for path in [page(books[0]), detail.clone()].iter().chain(&others) {
            for shop in [&shop, &beside] {
                eventually("it is cached", async || is_hit(&read(shop, path).await)).await;
            }
        }
        let before = read(&beside, &detail).await;
        assert_eq!(deed().send().await.status, status, "{what}");
        // Whoever wrote sees it at once.
        assert!(shows(&read(&shop, &page(books[0])).await.json()), "{what}");
        eventually("the other process shows it", async || shows(&read(&beside, &page(books[0])).await.json())).await;
        let after = read(&shop, &detail).await;
        assert_eq!(after.json()["rating"] != before.json()["rating"], moves_book, "{what}");
        assert_eq!(after.header("etag") != before.header("etag"), moves_book, "{what}");
        for path in &others {
            for shop in [&shop, &beside] {
                eventually("the other book's pages are hits", async || is_hit(&read(shop, path).await)).await;
            }
        }
        if !moves_book {
            eventually("a vote leaves the book's own page", async || is_hit(&read(&beside, &detail).await)).await;
        }
    }
    let page = read(&shop, &page(books[1])).await;
    assert_eq!(page.header("cache-control"), "public, max-age=15, stale-while-revalidate=45, stale-if-error=300");
    assert!(page.header("surrogate-key").contains(&format!("book:reviews:{}", books[1])), "{page:?}");
    assert!(page.header("surrogate-key").contains("user:"), "names are shown");
    let asked = shop.get(&format!("/products/{}/reviews?sort=helpful", books[1]));
    assert_eq!(asked.header("if-none-match", page.header("etag")).send().await.status, 304);
    // The same page asked for in other words is the same entry.
    let words = shop.get(&format!("/products/{}/reviews?limit=20&sort=helpful", books[1])).send().await.expect(200);
    assert!(is_hit(&words));
}
