//! Carts over HTTP, of customers and of guests.

mod coherence;
mod coupons;
mod expiry;
mod guests;
mod merging;
mod races;
mod refusals;

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::support::people::text;
use crate::support::{Answer, Shop, eventually, settle};

/// A shop with a shelf of books.
struct Store {
    shop: Shop,
    admin: String,
}

impl Store {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let shop = Shop::with_quick_hashes(settings).await;
        let admin = shop.administrator().await;
        Self { shop, admin }
    }

    /// A new book of this price, with so many copies; its id.
    async fn book(&self, title: &str, cents: i64, copies: i32) -> String {
        self.made(&json!({"title": title, "price": {"amount": cents, "currency": "USD"}}), copies).await
    }

    /// A new book with these fields beside an author.
    async fn made(&self, fields: &Value, copies: i32) -> String {
        let mut body = json!({"authors": ["Ursula K. Le Guin"], "format": "paperback"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let made = self.shop.post("/products").token(&self.admin).json(&body).send().await.expect(201);
        let id = text(&made.json()["id"]);
        // Nobody has heard of its stock before: nobody has to be told.
        sqlx::query(
            "UPDATE stock SET on_hand = $2, version = version + 1, reason = 'counted' WHERE product_id = $1::uuid",
        )
        .bind(&id)
        .bind(copies)
        .execute(&mut self.shop.sql().await)
        .await
        .unwrap();
        settle().await;
        id
    }

    async fn patch(&self, book: &str, patch: &Value) {
        let path = format!("/products/{book}");
        self.shop.patch(&path).token(&self.admin).header("if-match", "*").json(patch).send().await.expect(200);
    }
}

/// Sets the copies of a book, and tells of it as a writer would that died before it could.
async fn restock(sql: &mut PgConnection, book: &str, copies: i32) {
    sqlx::query(
        "WITH changed AS (
             UPDATE stock SET on_hand = reserved + $2, version = version + 1, reason = 'counted', updated_at = now()
             WHERE product_id = $1::uuid RETURNING product_id, version, on_hand, reserved
         )
         INSERT INTO outbox (kind, payload)
         SELECT 'stock_changed', jsonb_build_object('kind', 'stock_changed', 'levels', jsonb_build_array(jsonb_build_object(
             'product', product_id, 'version', version, 'on_hand', on_hand, 'reserved', reserved)))
         FROM changed",
    )
    .bind(book)
    .bind(copies)
    .execute(sql)
    .await
    .unwrap();
}

/// Puts copies into the cart of whoever has this session.
async fn put(shop: &Shop, token: &str, book: &str, quantity: i64) -> Answer {
    shop.put(&format!("/cart/items/{book}")).token(token).json(&json!({"quantity": quantity})).send().await
}

async fn cart_of(shop: &Shop, token: &str) -> Value {
    shop.get("/cart").token(token).send().await.expect(200).json()
}

/// The books of a cart with their quantities, in its order.
fn contents(cart: &Value) -> Vec<(String, i64)> {
    let items = cart["items"].as_array().unwrap();
    items.iter().map(|item| (text(&item["product_id"]), item["quantity"].as_i64().unwrap())).collect()
}

/// The codes of the notices of a cart's lines.
fn notices(cart: &Value) -> Vec<Vec<String>> {
    let items = cart["items"].as_array().unwrap();
    let codes = |item: &Value| item["notices"].as_array().unwrap().iter().map(|one| text(&one["code"])).collect();
    items.iter().map(codes).collect()
}

/// Waits until a read is answered by the cache: a process that has just heard nothing for a moment asks the database.
async fn comes_from_the_cache(shop: &Shop, token: &str, path: &str) {
    eventually("it comes from the cache", async || {
        let read = shop.get(path).token(token).send().await.expect(200);
        read.header("cache-status").contains("hit")
    })
    .await;
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

#[tokio::test]
async fn a_cart_lives() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (ada, one, other) =
        (shop.customer().await, store.book("One", 1_499, 50).await, store.book("Other", 999, 4).await);

    let empty = cart_of(shop, &ada).await;
    assert_eq!((&empty["items"], &empty["version"], &empty["id"]), (&json!([]), &json!(0), &Value::Null));
    assert_eq!((&empty["totals"]["total"], &empty["expires_at"]), (&usd(0), &Value::Null));

    let first = put(shop, &ada, &one, 2).await.expect(200);
    assert!(first.headers.get("cart-token").is_none() && first.headers.get("set-cookie").is_none());
    assert_eq!(first.header("cache-control"), "no-store");
    let more = json!({"product_id": other, "quantity": 3});
    shop.post("/cart/items").token(&ada).json(&more).send().await.expect(200);
    let added = shop.post("/cart/items").token(&ada).json(&json!({"product_id": other})).send().await.expect(200);
    let cart = added.json();
    assert_eq!(contents(&cart), [(one.clone(), 2), (other.clone(), 4)]);
    let line = &cart["items"][0];
    assert_eq!((&line["title"], &line["authors"]), (&json!("One"), &json!(["Ursula K. Le Guin"])));
    assert_eq!((&line["unit_price"], &line["added_price"], &line["total"]), (&usd(1_499), &usd(1_499), &usd(2_998)));
    assert_eq!((&line["availability"], &line["available"]), (&json!("in_stock"), &Value::Null));
    assert_eq!(cart["items"][1]["availability"], "few_left");
    assert_eq!(notices(&cart), [Vec::<String>::new(), Vec::new()], "nothing has changed since it was put there");
    let totals = &cart["totals"];
    assert_eq!((&totals["subtotal"], &totals["shipping"], &totals["total"]), (&usd(6_994), &usd(0), &usd(6_994)));
    assert_eq!((&totals["estimated"], &totals["country"]), (&json!(true), &json!("US")));
    assert_eq!((&cart["version"], &cart["ready"]), (&json!(3), &json!(true)));

    comes_from_the_cache(shop, &ada, "/cart").await;
    let read = shop.get("/cart").token(&ada).send().await.expect(200);
    assert_eq!(read.json(), cart, "what is read is what was answered");
    assert_eq!(read.header("etag"), added.header("etag"));
    assert_eq!(read.header("cache-control"), "private, no-cache");
    assert!(read.headers.get("surrogate-key").is_none());
    let again = shop.get("/cart").token(&ada).header("if-none-match", read.header("etag")).send().await;
    assert_eq!(again.status, 304);

    let changed = put(shop, &ada, &one, 1).await.expect(200).json();
    assert_eq!(contents(&changed), [(one.clone(), 1), (other.clone(), 4)], "in the order in which they were put there");
    let dropped = shop.delete(&format!("/cart/items/{one}")).token(&ada).send().await.expect(200).json();
    assert_eq!(contents(&dropped), [(other.clone(), 4)]);
    shop.delete(&format!("/cart/items/{one}")).token(&ada).send().await.expect(404);
    let cleared = shop.delete("/cart").token(&ada).send().await.expect(200).json();
    assert_eq!((&cleared["items"], &cleared["version"]), (&json!([]), &json!(6)), "the version goes on");
    assert_eq!(cart_of(shop, &ada).await, cleared);

    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM outbox WHERE kind LIKE 'cart%'")
        .fetch_all(&mut shop.sql().await)
        .await
        .unwrap();
    assert_eq!(kinds, ["cart_changed"; 6]);
}

#[tokio::test]
async fn totals_follow_the_country_and_the_way_of_shipping() {
    let store = Store::open(&[("shop.shipping", "standard=499 free from 5000,express=1499,local=99 to DE")]).await;
    let shop = &store.shop;
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 50).await);
    let ebook = store.made(&json!({"title": "E", "format": "ebook", "price": usd(333)}), 9).await;
    put(shop, &ada, &ebook, 1).await.expect(200);
    let totals = async |query: &str| {
        let answer = shop.get(&format!("/cart{query}")).token(&ada).send().await.expect(200);
        answer.json()["totals"].clone()
    };
    let digital = totals("?country=DE").await;
    assert_eq!((&digital["shipping_method"], &digital["shipping"]), (&json!("digital"), &usd(0)));
    // 7 % of 3.33, half up.
    assert_eq!((&digital["tax"], &digital["total"], &digital["estimated"]), (&usd(23), &usd(356), &json!(false)));

    put(shop, &ada, &book, 2).await.expect(200);
    let german = totals("?country=DE").await;
    assert_eq!((&german["shipping"], &german["tax"]), (&usd(499), &usd(23 + 140 + 35)));
    let local = totals("?country=DE&shipping_method=local").await;
    assert_eq!((&local["shipping"], &local["tax"]), (&usd(99), &usd(23 + 140 + 7)));
    let estimate = totals("").await;
    assert_eq!((&estimate["shipping"], &estimate["tax"], &estimate["estimated"]), (&usd(499), &usd(0), &json!(true)));

    let offered = shop.get("/shipping-methods?country=DE&goods=5000").send().await.expect(200).json();
    assert_eq!(offered["tax_basis_points"], 700);
    let prices: Vec<_> =
        offered["items"].as_array().unwrap().iter().map(|item| item["price"]["amount"].clone()).collect();
    assert_eq!(prices, [0, 1_499, 99]);
    for (query, wrong) in [
        ("country=US&shipping_method=local", "shipping_method"),
        ("country=ZZ", "country"),
        ("country=de", "country"),
        ("shipping_method=", "shipping_method"),
        ("land=DE", "land"),
    ] {
        let refused = shop.get(&format!("/cart?{query}")).token(&ada).send().await.expect(422);
        assert_eq!(refused.complaints(), [wrong], "{query}");
    }
    for (query, wrong) in [("country=ZZ", "country"), ("goods=-1", "goods"), ("goods=x", "goods")] {
        assert_eq!(shop.get(&format!("/shipping-methods?{query}")).send().await.expect(422).complaints(), [wrong]);
    }
}

#[tokio::test]
async fn each_line_says_what_has_changed() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let ada = shop.customer().await;
    let mut books = Vec::new();
    for title in ["dearer", "cheaper", "few", "fewer", "out", "gone"] {
        books.push(store.book(title, 1_000, 20).await);
        put(shop, &ada, books.last().unwrap(), 6).await.expect(200);
    }
    store.patch(&books[0], &json!({"price": {"amount": 1_200}})).await;
    store.patch(&books[1], &json!({"price": {"amount": 900}})).await;
    store.patch(&books[5], &json!({"status": "retired"})).await;
    let mut sql = shop.sql().await;
    for (book, copies) in [(3, 2), (4, 0)] {
        restock(&mut sql, &books[book], copies).await;
    }
    put(shop, &ada, &books[2], 1).await.expect(200);
    restock(&mut sql, &books[2], 3).await;
    settle().await;
    let expected = [
        vec!["price_raised"],
        vec!["price_lowered"],
        vec!["few_left"],
        vec!["fewer_available"],
        vec!["out_of_stock"],
        vec!["no_longer_sold"],
    ];
    eventually("the cart hears of it", async || notices(&cart_of(shop, &ada).await) == expected).await;
    let cart = cart_of(shop, &ada).await;
    let raised = &cart["items"][0]["notices"][0];
    assert_eq!((&raised["before"], &raised["after"]), (&usd(1_000), &usd(1_200)));
    assert_eq!((&cart["items"][3]["available"], &cart["items"][3]["notices"][0]["available"]), (&json!(2), &json!(2)));
    let gone = &cart["items"][5];
    assert_eq!(
        (&gone["unit_price"], &gone["added_price"], &gone["buyable"]),
        (&Value::Null, &usd(1_000), &json!(false))
    );
    // Without what is out of stock and what is not sold any more.
    assert_eq!(cart["totals"]["subtotal"], usd(6 * 1_200 + 6 * 900 + 1_000 + 6 * 1_000));
    assert_eq!(cart["ready"], false);

    let accepted = put(shop, &ada, &books[0], 6).await.expect(200).json();
    assert_eq!(accepted["items"][0]["notices"], json!([]), "who puts it there again has seen the price");
}

#[tokio::test]
async fn a_cart_is_exported_and_goes_with_its_account() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let token = shop.newcomer("ada@example.org").await;
    let book = store.book("Book", 1_000, 9).await;
    put(shop, &token, &book, 3).await.expect(200);
    let export = shop.get("/users/me/export").token(&token).send().await.expect(200).json();
    let item = &export["sections"]["carts"][0]["items"][0];
    assert_eq!((&item["product_id"], &item["quantity"], &item["added_price"]), (&json!(book), &json!(3), &usd(1_000)));
    let me = shop.get("/users/me").token(&token).send().await.expect(200);
    shop.delete("/users/me").token(&token).header("if-match", me.header("etag")).send().await.expect(204);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&mut shop.sql().await).await.unwrap();
    assert_eq!(left, 0);
    assert_eq!(put(shop, &token, &book, 1).await.status, 401);
}
