//! What administrators change, the ledger, and who is told.

use bookstore::domain::inventory::MAX_COPIES;
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{adjust, book, receive};
use crate::support::{Answer, Shop, assert_ledger_balances, eventually, settle};

/// Reserves copies as an order does, and tells everybody.
async fn reserve(shop: &Shop, book: &str, copies: i32) {
    sqlx::query(
        "WITH moved AS (
             UPDATE stock SET reserved = reserved + $2, version = version + 1, reason = 'reserved', note = NULL,
                 actor_id = NULL, updated_at = now()
             WHERE product_id = $1::uuid RETURNING *
         )
         INSERT INTO outbox (kind, payload)
         SELECT 'stock_changed', jsonb_build_object('kind', 'stock_changed', 'levels', jsonb_build_array(
             jsonb_build_object('product', product_id, 'version', version, 'on_hand', on_hand, 'reserved', reserved)))
         FROM moved",
    )
    .bind(book)
    .bind(copies)
    .execute(&mut shop.sql().await)
    .await
    .unwrap();
}

async fn read(shop: &Shop, book: &str) -> Answer {
    shop.get(&format!("/products/{book}/inventory")).send().await
}

fn numbers(answer: &Answer) -> [i64; 4] {
    let stock = answer.json();
    ["version", "on_hand", "reserved", "available"].map(|name| stock[name].as_i64().unwrap())
}

#[tokio::test]
async fn stock_is_changed_for_a_reason_and_read_at_once() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    let empty = read(&shop, &book).await.expect(200);
    assert_eq!((numbers(&empty), &empty.json()["availability"]), ([1, 0, 0, 0], &json!("out_of_stock")));
    assert_eq!(empty.header("cache-control"), "private, no-cache");

    let received = receive(&shop, &admin, &book, 10).await;
    assert_eq!(numbers(&received), [2, 10, 0, 10]);
    let seen = read(&other, &book).await.expect(200);
    assert_eq!((seen.json(), seen.header("etag")), (received.json(), received.header("etag")));
    let tag = seen.header("etag").to_owned();
    let path = format!("/products/{book}/inventory");
    other.get(&path).header("if-none-match", &tag).send().await.expect(304);

    reserve(&shop, &book, 4).await;
    assert_eq!(numbers(&read(&other, &book).await), [3, 10, 4, 6]);
    let conditional = |tag: &str| {
        let body = json!({"change": -1, "reason": "lost"});
        shop.post(&format!("{path}/adjustments")).token(&admin).header("if-match", tag).json(&body)
    };
    conditional(&tag).send().await.expect(412);
    let tag = read(&shop, &book).await.header("etag").to_owned();
    assert_eq!(numbers(&conditional(&tag).send().await.expect(200)), [4, 9, 4, 5]);
    conditional(&tag).send().await.expect(412);

    let refused = adjust(&shop, &admin, &book, &json!({"counted": 3, "reason": "counted"})).await.expect(409);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("9 copies") && detail.contains("4 of them"), "{detail}");
    adjust(&shop, &admin, &book, &json!({"change": -6, "reason": "damaged"})).await.expect(409);
    let body = json!({"counted": 4, "reason": "counted", "note": " Only these \u{1f4da} "});
    let counted = adjust(&shop, &admin, &book, &body).await.expect(200);
    assert_eq!((numbers(&counted), &counted.json()["availability"]), ([5, 4, 4, 0], &json!("out_of_stock")));

    let ledger = shop.get(&format!("{path}/ledger")).token(&admin).send().await.expect(200).json();
    let told: Vec<_> = ledger["items"].as_array().unwrap().iter().collect();
    let reasons: Vec<&Value> = told.iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["counted", "lost", "reserved", "received", "opening"]);
    assert_eq!(told[0]["note"], "Only these \u{1f4da}");
    assert!(told[0]["actor_id"].is_string() && told[2]["actor_id"].is_null());
    assert_eq!((&told[0]["on_hand_change"], &told[2]["reserved_change"]), (&json!(-5), &json!(4)));
    let details: Vec<Value> = sqlx::query_scalar(
        "SELECT details FROM audit_log WHERE action = 'stock.adjust' AND resource_id = $1 AND request_id IS NOT NULL
         ORDER BY id",
    )
    .bind(&book)
    .fetch_all(&mut shop.sql().await)
    .await
    .unwrap();
    assert_eq!(details.len(), 3);
    assert_eq!(details[2]["before"], json!({"on_hand": 9}));
    assert_ledger_balances(&mut shop.sql().await).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    for (body, complaint) in [
        (json!({}), "/reason"),
        (json!({"reason": "received"}), "/change"),
        (json!({"change": 1, "counted": 1, "reason": "counted"}), "/counted"),
        (json!({"change": 1, "reason": "reserved"}), "/reason"),
        (json!({"change": 0, "reason": "correction"}), "/change"),
        (json!({"change": -1, "reason": "received"}), "/change"),
        (json!({"change": 1, "reason": "lost"}), "/change"),
        (json!({"change": 1.5, "reason": "received"}), "/change"),
        (json!({"change": 99_999_999_999_i64, "reason": "received"}), "/change"),
        (json!({"change": i32::MIN, "reason": "lost"}), "/change"),
        (json!({"counted": -1, "reason": "counted"}), "/counted"),
        (json!({"counted": 1, "reason": "received"}), "/reason"),
        (json!({"change": 1, "reason": "received", "note": "x".repeat(501)}), "/note"),
        (json!({"change": 1, "reason": "received", "by": "me"}), "/by"),
    ] {
        let refused = adjust(&shop, &admin, &book, &body).await.expect(422);
        assert_eq!(refused.complaints(), [complaint], "{body}");
    }
    let many = json!({"change": 0, "reason": "received", "note": "x".repeat(501)});
    assert_eq!(adjust(&shop, &admin, &book, &many).await.expect(422).complaints(), ["/change", "/note"]);
    receive(&shop, &admin, &book, MAX_COPIES).await;
    adjust(&shop, &admin, &book, &json!({"change": 1, "reason": "received"})).await.expect(409);
    let nowhere = "0198c0de-7a11-7000-8000-000000000000";
    adjust(&shop, &admin, nowhere, &json!({"change": 1, "reason": "received"})).await.expect(404);
    shop.get(&format!("/products/{nowhere}/inventory/ledger")).token(&admin).send().await.expect(404);
    read(&shop, nowhere).await.expect(404);

    let draft = json!({"title": "Later", "authors": ["A. Writer"], "status": "draft"});
    let draft = shop.post("/products").token(&admin).json(&draft).send().await.expect(201).json();
    let draft = draft["id"].as_str().unwrap();
    read(&shop, draft).await.expect(404);
    receive(&shop, &admin, draft, 1).await;
    shop.get(&format!("/products/{draft}/inventory")).token(&admin).send().await.expect(200);
    shop.get(&format!("/inventory/stream?products={draft}")).send().await.expect(422);
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    for copies in 1..=6 {
        receive(&shop, &admin, &book, copies).await;
    }
    let mut path = format!("/products/{book}/inventory/ledger?limit=3");
    let mut versions = Vec::new();
    loop {
        let page = shop.get(&path).token(&admin).send().await.expect(200);
        let json = page.json();
        versions.extend(json["items"].as_array().unwrap().iter().map(|entry| entry["version"].as_i64().unwrap()));
        if json["next_cursor"].is_null() {
            break;
        }
        let link = page.header("link");
        path = link.strip_prefix("</api/v1").unwrap().split('>').next().unwrap().to_owned();
        // What is written meanwhile moves nothing.
        receive(&shop, &admin, &book, 1).await;
    }
    assert_eq!(versions, [7, 6, 5, 4, 3, 2, 1]);
    let bad = shop.get(&format!("/products/{book}/inventory/ledger?cursor=x")).token(&admin).send().await.expect(422);
    assert_eq!(bad.complaints(), ["cursor"]);
}

#[tokio::test]
async fn a_ledger_that_does_not_add_up_is_found() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let books = super::books(&shop, &admin, 3).await;
    for book in &books {
        receive(&shop, &admin, book, 5).await;
    }
    let check = async || shop.get("/admin/inventory/check").token(&admin).send().await.expect(200).json();
    assert_eq!(check().await, json!({"checked": 3, "imbalances": [], "next_cursor": null}));
    let mut sql = shop.sql().await;
    for statement in [
        "UPDATE stock_ledger SET note = 'x'",
        "DELETE FROM stock_ledger",
        "TRUNCATE stock_ledger",
        "UPDATE stock SET on_hand = 1",
    ] {
        assert!(sqlx::query(statement).execute(&mut sql).await.is_err(), "{statement} must fail");
    }
    assert_ledger_balances(&mut sql).await;
    for statement in [
        "ALTER TABLE stock DISABLE TRIGGER stock_ledger_of_changed",
        "UPDATE stock SET on_hand = 4, version = version + 1 WHERE product_id = $1::uuid",
        "ALTER TABLE stock ENABLE TRIGGER stock_ledger_of_changed",
    ] {
        let query = sqlx::query(statement);
        let query = if statement.contains("$1") { query.bind(&books[1]) } else { query };
        query.execute(&mut sql).await.unwrap();
    }
    let found = check().await;
    assert_eq!(found["imbalances"].as_array().unwrap().len(), 1, "{found}");
    let imbalance = &found["imbalances"][0];
    assert_eq!(imbalance["product_id"], books[1]);
    assert_eq!((&imbalance["on_hand"], &imbalance["ledger_on_hand"]), (&json!(4), &json!(5)));
    let first = shop.get("/admin/inventory/check?limit=1").token(&admin).send().await.expect(200).json();
    let path = format!("/admin/inventory/check?cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = shop.get(&path).token(&admin).send().await.expect(200).json();
    assert_eq!(rest["imbalances"], json!([]), "what was told is not told again");
    assert_eq!(first["checked"].as_u64().unwrap() + rest["checked"].as_u64().unwrap(), 3);
}

#[tokio::test]
async fn only_another_class_of_availability_makes_pages_out_of_date() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    receive(&shop, &admin, &book, 20).await;
    settle().await;
    let pages = [format!("/products/{book}"), "/products?limit=10".to_owned()];
    let hit = |answer: &Answer| answer.header("cache-status").starts_with("bookstore; hit");
    let shows = |answer: &Answer, class: &str| {
        let json = answer.json();
        let book = if json["items"].is_array() { &json["items"][0] } else { &json };
        book["availability"] == class
    };
    for page in &pages {
        eventually("the page is cached", async || {
            let answer = other.get(page).send().await.expect(200);
            hit(&answer) && shows(&answer, "in_stock")
        })
        .await;
    }
    // From 20 to 6 there are many.
    for _ in 0..14 {
        let sold = adjust(&shop, &admin, &book, &json!({"change": -1, "reason": "lost"})).await.expect(200);
        let token = sold.header("consistency-token").to_owned();
        for page in &pages {
            let answer = other.get(page).header("consistency-token", &token).send().await.expect(200);
            assert!(hit(&answer) && shows(&answer, "in_stock"), "{page}: {}", answer.header("cache-status"));
        }
    }
    let sold = adjust(&shop, &admin, &book, &json!({"change": -1, "reason": "lost"})).await.expect(200);
    let token = sold.header("consistency-token").to_owned();
    for page in &pages {
        let answer = other.get(page).header("consistency-token", &token).send().await.expect(200);
        assert!(shows(&answer, "few_left"), "{page}");
        // And without the token, once it is heard.
        eventually("it is heard", async || shows(&other.get(page).send().await.expect(200), "few_left")).await;
    }
}

#[tokio::test]
async fn an_import_keeps_the_ledger_and_what_is_reserved() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let import = async |stock: i32| {
        let file =
            format!("title,authors,isbn13,stock\nA Wizard of Earthsea,Ursula K. Le Guin,9780547773742,{stock}\n");
        let request = shop.post("/products/import").token(&admin).header("content-type", "text/csv");
        request.body(file).send().await.expect(200).json()
    };
    import(7).await;
    let book = shop.get("/products/isbn/9780547773742").send().await.expect(200).json();
    let book = book["id"].as_str().unwrap().to_owned();
    assert_eq!(numbers(&read(&shop, &book).await), [1, 7, 0, 7]);
    import(9).await;
    import(9).await;
    assert_eq!(numbers(&read(&shop, &book).await), [2, 9, 0, 9]);
    reserve(&shop, &book, 5).await;
    assert_eq!(import(3).await["rejected"], 1);
    assert_eq!(numbers(&read(&shop, &book).await), [3, 9, 5, 4], "what belongs to orders is there");

    // An order that comes between the check of a row and its writing.
    let mut order = shop.sql().await;
    let mut order = order.begin().await.unwrap();
    sqlx::query("UPDATE stock SET reserved = 9, version = version + 1, reason = 'reserved'")
        .execute(&mut *order)
        .await
        .unwrap();
    let (report, ()) = futures::future::join(import(6), async {
        let mut sql = shop.sql().await;
        eventually("the import waits", async || {
            sqlx::query_scalar::<_, bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity
                                WHERE wait_event_type = 'Lock' AND datname = current_database())",
            )
            .fetch_one(&mut sql)
            .await
            .unwrap()
        })
        .await;
        order.commit().await.unwrap();
    })
    .await;
    assert_eq!(report["rejected"], 0, "{report}");
    assert_eq!(numbers(&read(&shop, &book).await), [4, 9, 9, 0]);
    assert_ledger_balances(&mut shop.sql().await).await;
}
