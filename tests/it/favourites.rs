//! Favourites.

use bookstore::domain::favourites::MOST;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::support::selling::shelve;
use crate::support::{Shop, settle};

fn path(book: Uuid) -> String {
    format!("/users/me/favourites/{book}")
}

fn ids(page: &Value) -> Vec<Uuid> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["product"]["id"].as_str().unwrap().parse().unwrap()).collect()
}

async fn told(sql: &mut PgConnection, kind: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE kind = $1").bind(kind).fetch_one(sql).await.unwrap()
}

async fn set_status(sql: &mut PgConnection, book: Uuid, status: &str) {
    let set = sqlx::query("UPDATE products SET status = $2 WHERE id = $1").bind(book).bind(status);
    set.execute(sql).await.unwrap();
    settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_book_is_a_favourite_until_it_is_removed() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 3, 10).await;
    let (one, other) = (shop.customer().await, shop.customer().await);
    let added = shop.put(&path(books[0])).token(&one).send().await.expect(201);
    assert_eq!(added.header("location"), format!("/api/v1{}", path(books[0])));
    assert_eq!(added.json()["product_id"], json!(books[0]));
    let again = beside.put(&path(books[0])).token(&one).send().await.expect(200);
    assert_eq!(again.json(), added.json(), "it has been one since then");
    assert_eq!(beside.get(&path(books[0])).token(&one).send().await.expect(200).json(), added.json());
    shop.put(&path(books[1])).token(&one).send().await.expect(201);

    let page = beside.get("/users/me/favourites").token(&one).send().await.expect(200);
    assert_eq!(page.header("cache-control"), "private, no-cache");
    assert_eq!((ids(&page.json()), &page.json()["total"]), (vec![books[1], books[0]], &json!(2)));
    let summary = &page.json()["items"][1]["product"];
    let shown = shop.get("/products?limit=100").send().await.expect(200).json();
    let listed = shown["items"].as_array().unwrap().iter().find(|book| book["id"] == summary["id"]).unwrap();
    assert_eq!(summary, listed, "as lists of books show it");
    assert_eq!(page.json()["items"][1]["added_at"], added.json()["added_at"]);
    let theirs = shop.get("/users/me/favourites").token(&other).send().await.expect(200).json();
    assert_eq!(theirs, json!({"items": [], "next_cursor": null, "total": 0}));
    shop.get(&path(books[0])).token(&other).send().await.expect(404);

    let export = shop.get("/users/me/export").token(&one).send().await.expect(200).json();
    let exported = export["sections"]["favourites"].as_array().unwrap();
    assert_eq!((exported.len(), &exported[0]["product"]), (2, &json!(books[0])));

    for _ in 0..2 {
        beside.delete(&path(books[0])).token(&one).send().await.expect(204);
    }
    shop.get(&path(books[0])).token(&one).send().await.expect(404);
    assert_eq!(ids(&shop.get("/users/me/favourites").token(&one).send().await.expect(200).json()), [books[1]]);
    let counts = (told(&mut sql, "favourite_added").await, told(&mut sql, "favourite_removed").await);
    assert_eq!(counts, (2, 1), "what changes nothing is no news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_sees_is_no_favourite() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 3, 10).await;
    let token = shop.customer().await;
    set_status(&mut sql, books[0], "draft").await;
    set_status(&mut sql, books[1], "retired").await;
    shop.put(&path(books[0])).token(&token).send().await.expect(404);
    shop.put(&path(Uuid::new_v4())).token(&token).send().await.expect(404);
    shop.put("/users/me/favourites/nonsense").token(&token).send().await.expect(404);
    shop.delete(&path(Uuid::new_v4())).token(&token).send().await.expect(204);
    shop.put(&path(books[1])).token(&token).send().await.expect(201);
    shop.put(&path(books[2])).token(&token).send().await.expect(201);
    // What is being prepared anew is shown to nobody, and is a favourite again thereafter.
    set_status(&mut sql, books[2], "draft").await;
    let page = shop.get("/users/me/favourites").token(&token).send().await.expect(200).json();
    assert_eq!((ids(&page), &page["total"]), (vec![books[1]], &json!(1)));
    shop.get(&path(books[2])).token(&token).send().await.expect(404);
    set_status(&mut sql, books[2], "active").await;
    let page = shop.get("/users/me/favourites").token(&token).send().await.expect(200).json();
    assert_eq!((ids(&page), &page["total"]), (vec![books[2], books[1]], &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_without_gap() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 11, 10).await;
    let token = shop.customer().await;
    for book in &books {
        shop.put(&path(*book)).token(&token).send().await.expect(201);
    }
    // Some at the same moment: the id says which comes first.
    let same = sqlx::query("UPDATE favourites SET added_at = $1 WHERE product_id = ANY($2)");
    same.bind(OffsetDateTime::now_utc()).bind(&books[3..8]).execute(&mut sql).await.unwrap();
    let expected: Vec<Uuid> =
        sqlx::query_scalar("SELECT product_id FROM favourites ORDER BY added_at DESC, product_id DESC")
            .fetch_all(&mut sql)
            .await
            .unwrap();
    for limit in [1, 2, 3, 10, 11, 100] {
        let (mut seen, mut address) = (Vec::new(), format!("/users/me/favourites?limit={limit}"));
        loop {
            let page = shop.get(&address).token(&token).send().await.expect(200);
            seen.extend(ids(&page.json()));
            assert_eq!(page.json()["total"], 11);
            let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
            address = format!("/users/me/favourites?limit={limit}&cursor={cursor}");
            assert!(page.header("link").contains(&address), "{}", page.header("link"));
        }
        assert_eq!(seen, expected, "{limit} at a time");
    }
    for (query, complaint) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=_____________________w", "cursor"),
        ("cursor=", "cursor"),
        ("sort=title", "sort"),
    ] {
        let refused = shop.get(&format!("/users/me/favourites?{query}")).token(&token).send().await.expect(422);
        assert_eq!(refused.complaints(), [complaint], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_adds_it_and_one_removes_it() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 10).await[0];
    let token = shop.customer().await;
    for round in 1..=5 {
        let sent = (0..16).map(|n| if n % 2 == 0 { &shop } else { &beside }.put(&path(book)).token(&token).send());
        let mut answers = join_all(sent).await;
        answers.sort_by_key(|answer| answer.status);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!((&statuses[..15], statuses[15]), ([200; 15].as_slice(), 201));
        assert!(answers.iter().all(|answer| answer.json() == answers[15].json()), "all tell the same time");
        assert_eq!(told(&mut sql, "favourite_added").await, round);
        let sent = (0..16).map(|n| if n % 2 == 0 { &shop } else { &beside }.delete(&path(book)).token(&token).send());
        assert!(join_all(sent).await.iter().all(|answer| answer.status == 204));
        assert_eq!(told(&mut sql, "favourite_removed").await, round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_has_more_favourites_than_there_may_be() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, i32::try_from(MOST).unwrap() + 1, 1).await;
    let token = shop.customer().await;
    let first = shop.put(&path(books[0])).token(&token).send().await.expect(201).json();
    let fill = "INSERT INTO favourites SELECT user_id, id, now() FROM favourites, unnest($1::uuid[]) AS id";
    sqlx::query(fill).bind(&books[1..books.len() - 1]).execute(&mut sql).await.unwrap();
    settle().await;
    let last = path(books[books.len() - 1]);
    let refused = shop.put(&last).token(&token).send().await.expect(409).json();
    assert!(refused["detail"].as_str().unwrap().contains("10000"), "{refused}");
    assert_eq!(shop.put(&path(books[0])).token(&token).send().await.expect(200).json(), first, "it is one already");
    shop.delete(&path(books[1])).token(&token).send().await.expect(204);
    let added = shop.put(&last).token(&token).send().await.expect(201).json();
    OffsetDateTime::parse(added["added_at"].as_str().unwrap(), &Rfc3339).unwrap();
    let page = shop.get("/users/me/favourites?limit=1").token(&token).send().await.expect(200).json();
    assert_eq!(page["total"], MOST);
}
