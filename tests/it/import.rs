//! Books in bulk: what lands, what does not, and what is said about it.

mod catalogues;
mod files;

use bookstore::domain::import::Report;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::{Answer, Shop};

/// Sends a file, and requires a status.
async fn send(shop: &Shop, admin: &str, query: &str, file: impl Into<reqwest::Body>, status: u16) -> Answer {
    let kind = if query.contains("ndjson") { "application/x-ndjson" } else { "text/csv; charset=utf-8" };
    let path = format!("/products/import{query}");
    shop.post(&path).token(admin).header("content-type", kind).body(file).send().await.expect(status)
}

/// Everything that an import may write, row by row, to be compared as a whole.
async fn everything(sql: &mut PgConnection) -> Vec<String> {
    let mut rows = Vec::new();
    for query in [
        "SELECT t::text || t.xmin::text FROM products t ORDER BY id",
        "SELECT t::text || t.xmin::text FROM stock t ORDER BY product_id",
        "SELECT t::text || t.xmin::text FROM genres t ORDER BY slug",
        "SELECT id::text || kind || payload FROM outbox t WHERE kind LIKE 'product%' ORDER BY id",
        "SELECT t::text FROM audit_log t ORDER BY id",
    ] {
        rows.extend(sqlx::query_scalar::<_, String>(query).fetch_all(&mut *sql).await.unwrap());
    }
    rows
}

/// Created, updated, unchanged, rejected and repaired.
fn counts(report: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "rejected", "repaired"].map(|name| report[name].as_u64().unwrap())
}

fn counts_of(report: &Report) -> [u64; 5] {
    [report.created, report.updated, report.unchanged, report.rejected, report.repaired]
}

const OWN: &str = "\
title,subtitle,series,series_position,authors,isbn13,language,format,publisher,published,pages,genres,subjects,price_amount,price_currency,stock,shelf
A Wizard of Earthsea,,Earthsea,1,Ursula K. Le Guin,978-0-547-77374-2,eng,Mass Market Paperback,Parnassus,1968,205,Fantasy; Young Adult,,999,USD,7,A1
Good Omens,The Nice and Accurate Prophecies,,,Terry Pratchett; Neil Gaiman,9780060853983,en,ebook,,May 1990,,humor,\"['Devil', 'Fiction, fantasy, general']\",1299,,,A2
";

#[tokio::test]
async fn a_file_lands_once() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let report = send(&shop, &admin, "", OWN, 200).await.json();
    assert_eq!(counts(&report), [2, 0, 0, 0, 0], "{report}");
    assert_eq!(report["ignored_columns"], json!(["shelf"]));
    assert_eq!((&report["format"], &report["complete"]), (&json!("csv"), &json!(true)));

    let book = shop.get("/products/isbn/9780547773742").send().await.expect(200).json();
    assert_eq!(book["series"], json!({"name": "Earthsea", "position": 1.0}));
    assert_eq!((&book["language"], &book["format"]), (&json!("en"), &json!("paperback")));
    assert_eq!((&book["genres"], &book["price"]["amount"]), (&json!(["fantasy", "young-adult"]), &json!(999)));
    assert_eq!((&book["availability"], &book["status"]), (&json!("in_stock"), &json!("active")));
    let omens = shop.get("/products/isbn/0060853980").send().await.expect(200).json();
    assert_eq!(omens["authors"], json!(["Terry Pratchett", "Neil Gaiman"]));
    assert_eq!((&omens["genres"], &omens["subjects"]), (&json!(["humor", "fantasy"]), &json!(["Devil"])));
    assert_eq!((&omens["published"], &omens["availability"]), (&json!("1990-05"), &json!("out_of_stock")));

    let mut sql = shop.sql().await;
    let before = everything(&mut sql).await;
    let again = send(&shop, &admin, "", OWN, 200).await.json();
    assert_eq!(counts(&again), [0, 0, 2, 0, 0]);
    assert_eq!(everything(&mut sql).await, before, "the second time nothing at all is written");
    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_log").fetch_all(&mut sql).await.unwrap();
    assert_eq!(actions, ["product.import"]);
}

#[tokio::test]
async fn a_file_changes_only_what_it_says() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    send(&shop, &admin, "", OWN, 200).await;
    let path = "/products/isbn/9780547773742";
    let id = shop.get(path).send().await.json()["id"].as_str().unwrap().to_owned();
    let change = json!({"description": "By hand.", "price": {"amount": 1}, "status": "retired", "genres": ["classics"], "cover_url": "https://example.org/a.jpg"});
    shop.patch(&format!("/products/{id}")).token(&admin).header("if-match", "*").json(&change).send().await.expect(200);

    let file = "title,authors,isbn10,pages,description,genres,price_amount,stock\nThe Wizard,Ursula K. Le Guin,0547773749,206,,,,3\n";
    let report = send(&shop, &admin, "", file, 200).await.json();
    assert_eq!(counts(&report), [0, 1, 0, 0, 0], "{report}");
    let book = shop.get(&format!("/products/{id}")).send().await.expect(200).json();
    assert_eq!((&book["title"], &book["pages"]), (&json!("The Wizard"), &json!(206)));
    assert_eq!((&book["description"], &book["status"]), (&json!("By hand."), &json!("retired")));
    assert_eq!((&book["price"]["amount"], &book["genres"]), (&json!(1), &json!(["classics"])));
    assert_eq!(
        (&book["cover_url"], &book["series"]["name"]),
        (&json!("https://example.org/a.jpg"), &json!("Earthsea"))
    );
    assert_eq!((&book["version"], &book["availability"]), (&json!(3), &json!("few_left")));
}

#[tokio::test]
async fn ratings_with_a_histogram_stay() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let line =
        |rating: Value| format!("{}\n", json!({"title": "A", "authors": ["B"], "source_id": "1", "rating": rating}));
    let rated = line(json!({"average": 3.67, "count": 15, "histogram": [1, 2, 3, 4, 5]}));
    assert_eq!(counts(&send(&shop, &admin, "?format=ndjson", rated, 200).await.json()), [1, 0, 0, 0, 0]);
    let poorer = line(json!({"average": 2, "count": 99}));
    assert_eq!(counts(&send(&shop, &admin, "?format=ndjson", poorer, 200).await.json()), [0, 0, 1, 0, 0]);
    let wrong = line(json!({"average": 2.0, "count": 99, "histogram": [1, 0, 0, 0, 0]}));
    let report = send(&shop, &admin, "?format=ndjson", wrong, 200).await.json();
    assert_eq!(report["repairs"][0]["column"], "rating.count", "{report}");
    let newer = line(json!({"average": 5, "count": 2, "histogram": [0, 0, 0, 0, 2]}));
    assert_eq!(counts(&send(&shop, &admin, "?format=ndjson", newer, 200).await.json()), [0, 1, 0, 0, 0]);
    let stored: (f64, i64, Vec<i64>, f64) = sqlx::query_as(
        "SELECT rating_average, imported_rating_count, rating_histogram, popularity FROM products WHERE source = 'import'",
    )
    .fetch_one(&mut shop.sql().await)
    .await
    .unwrap();
    assert_eq!(stored, (5.0, 2, vec![0, 0, 0, 0, 2], 2.0));
}

#[tokio::test]
async fn strict_is_all_or_nothing() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let mut sql = shop.sql().await;
    let before = everything(&mut sql).await;
    let bad = format!("{OWN}Bad,,,,Nobody,9780306406158,,,,,,,,,,,\n");
    let refused = send(&shop, &admin, "?strict=true", bad.clone(), 422).await;
    assert_eq!(refused.complaints(), ["/4/isbn13"]);
    assert_eq!(everything(&mut sql).await, before);

    // What only the database knows: the source id is another book's.
    let known = "title,authors,isbn13,source_id\nA,B,9780306406157,1\nC,D,9780547773742,2\n";
    assert_eq!(counts(&send(&shop, &admin, "?strict=true", known, 200).await.json()), [2, 0, 0, 0, 0]);
    let before = everything(&mut sql).await;
    let crossed = "title,authors,isbn13,source_id\nNew,Y,,3\nA,B,9780306406157,2\n";
    let refused = send(&shop, &admin, "?strict=true", crossed, 422).await;
    assert!(String::from_utf8_lossy(&refused.body).contains("that of another"));
    assert_eq!(everything(&mut sql).await, before);

    let dry = send(&shop, &admin, "?dry_run=true", OWN, 200).await.json();
    assert_eq!(counts(&dry), [1, 1, 0, 0, 0]);
    let dry = send(&shop, &admin, "?dry_run=true&strict=true", OWN, 200).await.json();
    assert_eq!(counts(&dry), [1, 1, 0, 0, 0]);
    assert_eq!(everything(&mut sql).await, before);
    assert_eq!(counts(&send(&shop, &admin, "", bad, 200).await.json()), [1, 1, 0, 1, 0], "the good rows land");
}

#[tokio::test]
async fn rejected_rows_are_named() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let mut file =
        b"title,authors,isbn13,source_id,pages,price_amount,price_currency,status,cover_url,stock\n".to_vec();
    for row in [
        ",Nobody,,1,,,,,,",
        "No author,,,2,,,,,,",
        "No name,Nobody,,,,,,,,",
        "Wrong ISBN,Nobody,9780306406158,,,,,,,",
        "Price,Nobody,,5,,\"9,99\",,,,",
        "Currency,Nobody,,6,,999,EUR,,,",
        "Status,Nobody,,7,,,,sold,,",
        "Cover,Nobody,,8,,,,,javascript:alert(1),",
        "Stock,Nobody,,9,,,,,,-1",
        "Twice,Nobody,9780306406157,10,,,,,,",
        "Twice,Nobody,0306406152,,,,,,,",
        "Short,Nobody",
    ] {
        file.extend(row.as_bytes());
        file.push(b'\n');
    }
    file.extend(b"Caf\xE9,Nobody,,11,,,,,,\n\"Pages\nand lines\",Nobody,,12,0,,,,,\n");
    let report = send(&shop, &admin, "", file, 200).await.json();
    let told: Vec<(u64, &str)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["column"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        [
            (2, "title"),
            (3, "authors"),
            (4, "-"),
            (5, "isbn13"),
            (6, "price_amount"),
            (7, "price_currency"),
            (8, "status"),
            (9, "cover_url"),
            (10, "stock"),
            (12, "isbn13"),
            (13, "-"),
            (14, "title"),
        ],
        "{report:#}"
    );
    assert_eq!(counts(&report), [2, 0, 0, 12, 1]);
    assert_eq!(report["errors"][9]["reason"], "the same ISBN stands on line 11");
    assert_eq!(report["repairs"][0]["done"], "no book has 0 pages; it was left out");
}

#[tokio::test]
async fn editions_share_a_work() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let first = "title,authors,source_id\nÉmile,Jean-Jacques Rousseau,1\nEmile,Jean-Jacques Rousseau; A. Bloom,2\nEmile,Somebody Else,3\n";
    send(&shop, &admin, "", first, 200).await;
    send(
        &shop,
        &admin,
        "",
        "title,authors,source_id,work_id\nEMILE,Jean-Jacques Rousseau,4,77\nL'Éducation,Rousseau,5,77\n",
        200,
    )
    .await;
    send(&shop, &admin, "", "title,authors,source_id,work_id\nEducation,Rousseau,6,77\n", 200).await;
    let works: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT work_id FROM products ORDER BY source_id")
        .fetch_all(&mut shop.sql().await)
        .await
        .unwrap();
    assert_eq!((works[0], works[0], works[4]), (works[1], works[3], works[5]));
    assert_ne!(works[0], works[2]);
}

#[tokio::test]
async fn only_administrators_import() {
    let shop = Shop::open().await;
    let customer = shop.customer().await;
    let post = || shop.post("/products/import").header("content-type", "text/csv").body(OWN);
    post().send().await.expect(401);
    post().token(&customer).send().await.expect(403);
    assert_eq!(shop.get("/products").send().await.json()["items"], json!([]));
}
