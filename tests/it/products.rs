//! Books over HTTP: their pages, and what administrators do to them.

use serde_json::{Value, json};

use crate::support::{Answer, Shop};

fn earthsea() -> Value {
    json!({
        "title": "A Wizard of Earthsea", "authors": ["Ursula K. Le Guin"], "isbn13": "978-0-547-77374-2",
        "series": {"name": "Earthsea Cycle", "position": 1.0}, "language": "EN-us", "format": "paperback",
        "published": "1968", "pages": 205, "genres": ["fantasy"], "price": {"amount": 999, "currency": "USD"}
    })
}

async fn created(shop: &Shop, admin: &str, body: &Value) -> (String, String, Value) {
    let answer = shop.post("/products").token(admin).json(body).send().await.expect(201);
    let path = answer.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    (path, answer.header("etag").to_owned(), answer.json())
}

async fn count(shop: &Shop, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut shop.sql().await).await.unwrap()
}

#[tokio::test]
async fn a_book_lives() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (path, etag, book) = created(&shop, &admin, &earthsea()).await;
    assert_eq!(book["isbn10"], "0547773749", "computed from the other one");
    assert_eq!((&book["isbn13"], &book["language"]), (&json!("9780547773742"), &json!("en-US")), "normalized");
    assert_eq!((&book["status"], &book["version"]), (&json!("active"), &json!(1)));
    assert_eq!(book["availability"], "out_of_stock");

    let read = shop.get(&path).send().await.expect(200);
    assert_eq!(read.json(), book, "what is read is what was answered");
    assert_eq!(read.header("etag"), etag);
    for isbn in ["9780547773742", "0-547-77374-9"] {
        let found = shop.get(&format!("/products/isbn/{isbn}")).send().await.expect(200);
        assert_eq!(found.header("content-location"), format!("/api/v1{path}"));
        assert_eq!(found.json(), book);
    }

    let patch = json!({"pages": null, "series": {"position": 2}, "price": {"amount": 1299}});
    let patched = shop.patch(&path).token(&admin).header("if-match", &etag).json(&patch).send().await.expect(200);
    let book = patched.json();
    assert_eq!((&book["pages"], &book["version"]), (&Value::Null, &json!(2)));
    assert_eq!(book["series"], json!({"name": "Earthsea Cycle", "position": 2.0}), "objects are merged");
    assert_eq!(book["price"], json!({"amount": 1299, "currency": "USD"}));
    assert_eq!(shop.get(&path).send().await.json(), book);

    let etag = patched.header("etag").to_owned();
    let mut replacement = earthsea();
    replacement["title"] = json!("The Tombs of Atuan");
    replacement.as_object_mut().unwrap().remove("genres");
    let replaced = shop.put(&path).token(&admin).header("if-match", &etag).json(&replacement).send().await.expect(200);
    assert_eq!(replaced.json()["genres"], json!([]), "what is left out is cleared");

    let etag = replaced.header("etag").to_owned();
    shop.delete(&path).token(&admin).header("if-match", &etag).send().await.expect(204);
    assert_eq!(shop.get(&path).send().await.expect(200).json()["status"], "retired");

    assert_eq!(
        count(&shop, "SELECT count(*) FROM audit_log WHERE actor_id IS NOT NULL AND request_id IS NOT NULL").await,
        4
    );
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM outbox WHERE kind LIKE 'product%' ORDER BY id")
        .fetch_all(&mut shop.sql().await)
        .await
        .unwrap();
    assert_eq!(kinds, ["product_created", "product_changed", "product_changed", "product_retired"]);
}

#[tokio::test]
async fn a_change_needs_the_version_it_is_based_on() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (path, first, _) = created(&shop, &admin, &earthsea()).await;
    let change = |pages: i32| shop.patch(&path).token(&admin).json(&json!({"pages": pages}));
    change(1).send().await.expect(428);
    change(1).header("if-match", "gibberish").send().await.expect(400);
    let second = change(2).header("if-match", &first).send().await.expect(200).header("etag").to_owned();
    change(3).header("if-match", &first).send().await.expect(412);
    shop.put(&path).token(&admin).header("if-match", &first).json(&earthsea()).send().await.expect(412);
    shop.delete(&path).token(&admin).header("if-match", &first).send().await.expect(412);
    change(2).header("if-match", &second).send().await.expect(200);
    assert_eq!(shop.get(&path).send().await.json()["version"], 2, "a change that changes nothing is none");
    change(4).header("if-match", "*").send().await.expect(200);
}

#[tokio::test]
async fn two_administrators_never_overwrite_each_other() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (path, etag, _) = created(&shop, &admin, &earthsea()).await;
    let attempts = (1..=20)
        .map(|pages| shop.patch(&path).token(&admin).header("if-match", &etag).json(&json!({"pages": pages})).send());
    let answers = futures::future::join_all(attempts).await;
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| [200, 412].contains(&answer.status.as_u16())));
    assert_eq!(shop.get(&path).send().await.json(), won[0].json());
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let bad = json!({
        "title": " ", "authors": ["", "Fine"], "isbn13": "9780547773743", "isbn10": "12", "language": "not a tag",
        "published": "1968-13", "pages": 0, "genres": ["Not A Slug"], "cover_url": "javascript:alert(1)",
        "price": {"amount": -1, "currency": "EUR"}, "series": {"name": "", "position": -1}
    });
    let refused = shop.post("/products").token(&admin).json(&bad).send().await.expect(422);
    assert_eq!(
        refused.complaints().into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
        [
            "/authors/0",
            "/cover_url",
            "/genres/0",
            "/isbn10",
            "/isbn13",
            "/language",
            "/pages",
            "/price/amount",
            "/price/currency",
            "/published",
            "/series/name",
            "/series/position",
            "/title"
        ]
    );
    for (body, pointer) in [
        (json!({"title": "X", "authors": ["Y"], "format": "scroll"}), "/format"),
        (json!({"title": "X", "authors": "Y"}), "/authors"),
        (json!({"title": "X", "authors": ["Y"], "colour": "red"}), "/colour"),
        (json!({"authors": ["Y"]}), "/title"),
        (json!({"title": "X", "authors": []}), "/authors"),
        (json!({"title": "X", "authors": ["Y"], "isbn10": "0547773749", "isbn13": "9780804429573"}), "/isbn10"),
    ] {
        let refused = shop.post("/products").token(&admin).json(&body).send().await.expect(422);
        assert_eq!(refused.complaints(), [pointer], "{body}");
    }
    let (path, etag, _) = created(&shop, &admin, &earthsea()).await;
    for (patch, pointer) in
        [(json!({"title": null}), "/title"), (json!({"price": {"amount": "free"}}), "/price/amount")]
    {
        let refused = shop.patch(&path).token(&admin).header("if-match", &etag).json(&patch).send().await.expect(422);
        assert_eq!(refused.complaints(), [pointer], "{patch}");
    }
    assert_eq!(count(&shop, "SELECT count(*) FROM products").await, 1);
}

#[tokio::test]
async fn an_isbn_belongs_to_one_book() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    created(&shop, &admin, &earthsea()).await;
    let taken = shop.post("/products").token(&admin).json(&earthsea()).send().await.expect(409);
    assert_eq!(taken.complaints(), ["/isbn13"]);
    let (path, etag, _) = created(&shop, &admin, &json!({"title": "Other", "authors": ["Somebody"]})).await;
    let patch = json!({"isbn10": "0547773749"});
    shop.patch(&path).token(&admin).header("if-match", &etag).json(&patch).send().await.expect(409);
}

#[tokio::test]
async fn drafts_are_for_administrators() {
    let shop = Shop::open().await;
    let (admin, customer) = (shop.administrator().await, shop.customer().await);
    let mut draft = earthsea();
    draft["status"] = json!("draft");
    let (path, _, _) = created(&shop, &admin, &draft).await;
    shop.get(&path).send().await.expect(404);
    shop.get(&path).token(&customer).send().await.expect(404);
    let seen = shop.get(&path).token(&admin).send().await.expect(200);
    assert_eq!(seen.header("cache-control"), "private, no-cache", "no shared cache may keep it");
}

#[tokio::test]
async fn what_is_unchanged_is_not_sent_again() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let (path, etag, _) = created(&shop, &admin, &earthsea()).await;
    let fresh = shop.get(&path).header("if-none-match", &etag).send().await;
    assert_eq!((fresh.status.as_u16(), fresh.body.len()), (304, 0));
    assert_eq!(fresh.header("etag"), etag);
    let head = shop.request(reqwest::Method::HEAD, &path).send().await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), etag);
    assert!(head.header("cache-control").starts_with("public, max-age="));
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(head.header("surrogate-key"), format!("book:{id}"));
    let since = head.header("last-modified").to_owned();
    assert_eq!(shop.get(&path).header("if-modified-since", &since).send().await.status.as_u16(), 304);
    shop.patch(&path).token(&admin).header("if-match", &etag).json(&json!({"pages": 7})).send().await.expect(200);
    shop.get(&path).header("if-none-match", &etag).send().await.expect(200);
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let shop = Shop::open().await;
    for path in [
        "/products/0198c0de-7a11-7000-8000-000000000000",
        "/products/not-an-id",
        "/products/isbn/9780547773742",
        "/products/isbn/12",
        "/nothing",
    ] {
        shop.get(path).send().await.expect(404);
    }
}

#[tokio::test]
async fn a_genre_is_made_when_it_is_first_used() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let makers = (0..8).map(|i| {
        let book = json!({"title": format!("Book {i}"), "authors": ["A"], "genres": ["sword-and-sorcery", "fantasy"]});
        let (shop, admin) = (&shop, &admin);
        async move { shop.post("/products").token(admin).json(&book).send().await.expect(201) }
    });
    futures::future::join_all(makers).await;
    let name: String = sqlx::query_scalar("SELECT name FROM genres WHERE slug = 'sword-and-sorcery'")
        .fetch_one(&mut shop.sql().await)
        .await
        .unwrap();
    assert_eq!(name, "Sword And Sorcery");
}
