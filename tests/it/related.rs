//! Related books over HTTP.

use crate::support::{Shop, settle};

#[tokio::test]
async fn related_books_come_with_their_reasons() {
    let shop = Shop::open().await;
    let rows = [
        // id, work, title, series, position, author, genres, popularity, status
        (1, 1, "Two", Some("Saga"), Some(2.0), "Ann", "{a,b}", 1.0, "active"),
        (2, 1, "Two, as ebook", Some("Saga"), Some(2.0), "Ann", "{a,b}", 9.0, "active"),
        (3, 3, "One", Some("Saga"), Some(1.0), "Ann", "{a,b}", 90.0, "active"),
        (4, 4, "Four", Some("Sâga"), Some(4.0), "Ann", "{a,b}", 1.0, "active"),
        (5, 5, "Three", Some("Saga"), Some(3.0), "Ann", "{a,b}", 1.0, "active"),
        (6, 6, "Her other book", None, None, "Ann", "{z}", 5.0, "active"),
        (7, 6, "Her other book, as ebook", None, None, "Ann", "{z}", 4.0, "active"),
        (8, 8, "Both genres", None, None, "Bob", "{a,b}", 1.0, "active"),
        (9, 9, "One genre", None, None, "Bob", "{a}", 99.0, "active"),
        (10, 10, "Neither", None, None, "Bob", "{c}", 99.0, "active"),
        (11, 1, "Two, withdrawn", Some("Saga"), Some(2.0), "Ann", "{a}", 1.0, "retired"),
        (12, 12, "Prepared", None, None, "Ann", "{a}", 1.0, "draft"),
    ];
    for (id, work, title, series, position, author, genres, popularity, status) in rows {
        sqlx::query(
            "INSERT INTO products (id, work_id, title, series, series_position, authors, genres, popularity, status,
                                   created_at, updated_at)
             VALUES (lpad($1::text, 32, '0')::uuid, lpad($2::text, 32, 'f')::uuid, $3, $4, $5, ARRAY[$6], $7::text[], $8, $9,
                     now(), now())",
        )
        .bind(id)
        .bind(work)
        .bind(title)
        .bind(series)
        .bind(position)
        .bind(author)
        .bind(genres)
        .bind(popularity)
        .bind(status)
        .execute(&mut shop.sql().await)
        .await
        .unwrap();
    }
    settle().await;
    let path = |id: u32| format!("/products/{:0>8}-0000-0000-0000-{id:0>12}/related", 0);
    let related = async |id: u32, query: &str| {
        let json = shop.get(&(path(id) + query)).send().await.expect(200).json();
        let items = json["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| format!("{}: {}", item["reason"].as_str().unwrap(), item["product"]["title"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let wanted = [
        "edition: Two, as ebook",
        "series: Three",
        "series: Four",
        "series: One",
        "author: Her other book",
        "genre: Both genres",
        "genre: One genre",
    ];
    assert_eq!(related(1, "").await, wanted);
    assert_eq!(related(1, "?limit=2").await, wanted[..2]);
    assert_eq!(related(11, "").await.len(), 8, "a retired book keeps its relations");
    let answer = shop.get(&path(1)).send().await.expect(200);
    let tag = |book: u32| format!("book:{:0>8}-0000-0000-0000-{book:0>12}", 0);
    let keys: Vec<&str> = answer.header("surrogate-key").split(' ').collect();
    assert_eq!((keys.len(), keys[0], keys[2]), (9, "books:list", &*tag(2)), "and each book shown");
    assert!(keys[1].starts_with("book:neighbours:"), "and what its readers like: {}", keys[1]);
    shop.get(&path(12)).send().await.expect(404);
    shop.get(&path(999)).send().await.expect(404);
    shop.get("/products/nothing/related").send().await.expect(404);
    assert_eq!(shop.get(&(path(1) + "?limit=51")).send().await.expect(422).complaints(), ["limit"]);
}
