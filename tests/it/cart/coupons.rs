//! Coupons: what administrators do to them, and what they do to carts.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Store, cart_of, put, usd};
use crate::support::people::text;
use crate::support::{Shop, eventually};

async fn made(store: &Store, coupon: &Value) -> String {
    let answer = store.shop.post("/coupons").token(&store.admin).json(coupon).send().await.expect(201);
    answer.header("location").strip_prefix("/api/v1").unwrap().to_owned()
}

async fn redeem(shop: &Shop, token: &str, code: &str) -> crate::support::Answer {
    shop.put("/cart/coupon").token(token).json(&json!({"code": code})).send().await
}

fn at(hours: i64) -> Value {
    json!((OffsetDateTime::now_utc() + Duration::hours(hours)).format(&Rfc3339).unwrap())
}

#[tokio::test]
async fn administrators_look_after_coupons() {
    let store = Store::open(&[]).await;
    let (shop, admin) = (&store.shop, &store.admin);
    let input = json!({"code": " spring-25 ", "basis_points": 2500, "minimum": 1000, "max_uses": 5, "ends_at": at(24)});
    let path = made(&store, &input).await;
    assert_eq!(path, "/coupons/SPRING-25");
    let read = shop.get("/coupons/Spring-25").token(admin).send().await.expect(200);
    let coupon = read.json();
    assert_eq!(
        (&coupon["code"], &coupon["basis_points"], &coupon["uses"]),
        (&json!("SPRING-25"), &json!(2500), &json!(0))
    );
    assert_eq!((&coupon["active"], &coupon["version"], &coupon["amount"]), (&json!(true), &json!(1), &Value::Null));
    assert_eq!(shop.get(&path).token(admin).header("if-none-match", read.header("etag")).send().await.status, 304);
    shop.post("/coupons").token(admin).json(&json!({"code": "SPRING-25", "amount": 1})).send().await.expect(409);
    shop.get("/coupons/NOSUCH").token(admin).send().await.expect(404);

    let patch = json!({"basis_points": null, "amount": 300, "max_uses": null});
    shop.patch(&path).token(admin).json(&patch).send().await.expect(428);
    let patched =
        shop.patch(&path).token(admin).header("if-match", read.header("etag")).json(&patch).send().await.expect(200);
    assert_eq!(
        (&patched.json()["amount"], &patched.json()["max_uses"], &patched.json()["version"]),
        (&json!(300), &Value::Null, &json!(2))
    );
    shop.patch(&path).token(admin).header("if-match", read.header("etag")).json(&patch).send().await.expect(412);
    let same =
        shop.patch(&path).token(admin).header("if-match", "*").json(&json!({"amount": 300})).send().await.expect(200);
    assert_eq!(same.json()["version"], 2, "nothing has changed");

    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_log WHERE resource = 'coupon' ORDER BY id")
        .fetch_all(&mut shop.sql().await)
        .await
        .unwrap();
    assert_eq!(actions, ["coupon.create", "coupon.patch"]);

    for code in ["AAA", "BBB", "CCC"] {
        made(&store, &json!({"code": code, "amount": 1})).await;
    }
    let mut next = "/coupons?limit=2".to_owned();
    let mut codes = Vec::new();
    loop {
        let page = shop.get(&next).token(admin).send().await.expect(200);
        codes.extend(page.json()["items"].as_array().unwrap().iter().map(|item| text(&item["code"])));
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        assert!(page.header("link").contains(&cursor));
        next = format!("/coupons?limit=2&cursor={cursor}");
    }
    assert_eq!(codes, ["AAA", "BBB", "CCC", "SPRING-25"]);
    shop.get("/coupons?cursor=x").token(admin).send().await.expect(422);
}

#[tokio::test]
async fn a_coupon_that_makes_no_sense_is_refused_by_its_places() {
    let store = Store::open(&[]).await;
    let (shop, admin) = (&store.shop, &store.admin);
    for (body, wrong) in [
        (json!({"code": "AB", "amount": 1}), vec!["/code"]),
        (json!({"code": "-AB", "amount": 1}), vec!["/code"]),
        (json!({"code": "ÄÖÜ", "amount": 1}), vec!["/code"]),
        (json!({"code": "ABC"}), vec!["/basis_points"]),
        (json!({"code": "ABC", "amount": 1, "basis_points": 1}), vec!["/basis_points"]),
        (json!({"code": "ABC", "basis_points": 10_001}), vec!["/basis_points"]),
        (
            json!({"code": "A", "amount": 0, "minimum": -1, "max_uses": 0, "max_uses_per_customer": -3}),
            vec!["/amount", "/code", "/max_uses", "/max_uses_per_customer", "/minimum"],
        ),
        (json!({"code": "ABC", "amount": 1, "starts_at": at(2), "ends_at": at(1)}), vec!["/ends_at"]),
        (json!({"code": "ABC", "amount": 1, "max_uses": i64::MAX}), vec!["/max_uses"]),
        (json!({"amount": 1}), vec!["/code"]),
    ] {
        let refused = shop.post("/coupons").token(admin).json(&body).send().await.expect(422);
        assert_eq!(refused.complaints(), wrong, "{body}");
    }
    for body in [
        json!({"code": "ABC", "amount": "x"}),
        json!({"code": "ABC", "amount": 1, "starts_at": "soon"}),
        json!({"code": "ABC", "amount": 1, "extra": 1}),
        json!([]),
    ] {
        shop.post("/coupons").token(admin).json(&body).send().await.expect(422);
    }
    let path = made(&store, &json!({"code": "ABC", "amount": 1})).await;
    for (patch, wrong) in [
        (json!({"amount": null}), "/basis_points"),
        (json!({"active": "no"}), "/active"),
        (json!({"code": "XYZ"}), "/code"),
        (json!({"uses": 0}), "/uses"),
    ] {
        let refused = shop.patch(&path).token(admin).header("if-match", "*").json(&patch).send().await.expect(422);
        assert_eq!(refused.complaints(), [wrong], "{patch}");
    }
}

#[tokio::test]
async fn a_coupon_takes_off_what_it_says_or_says_why_not() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (ada, book) = (shop.customer().await, store.book("Book", 999, 50).await);
    made(&store, &json!({"code": "SPRING", "basis_points": 1500, "minimum": 2000})).await;
    put(shop, &ada, &book, 1).await.expect(200);
    let small = redeem(shop, &ada, "spring").await.expect(200).json();
    assert_eq!(
        (&small["coupon"]["applies"], &small["coupon"]["refusal"]["code"]),
        (&json!(false), &json!("basket_too_small"))
    );
    assert_eq!((&small["coupon"]["refusal"]["minimum"], &small["totals"]["discount"]), (&usd(2_000), &usd(0)));
    let enough = put(shop, &ada, &book, 3).await.expect(200).json();
    assert_eq!((&enough["coupon"]["applies"], &enough["coupon"]["refusal"]), (&json!(true), &Value::Null));
    // 15 % of 29.97 is 4.4955, half up.
    assert_eq!((&enough["coupon"]["discount"], &enough["totals"]["discount"]), (&usd(450), &usd(450)));
    assert_eq!(enough["totals"]["total"], usd(2_997 - 450 + 499));

    let dropped = shop.delete("/cart/coupon").token(&ada).send().await.expect(200).json();
    assert_eq!((&dropped["coupon"], &dropped["totals"]["discount"]), (&Value::Null, &usd(0)));
    let again = shop.delete("/cart/coupon").token(&ada).send().await.expect(200).json();
    assert_eq!(again, dropped, "there is nothing to drop");

    for (coupon, code) in [
        (json!({"code": "OFF", "amount": 1, "active": false}), "coupon_inactive"),
        (json!({"code": "SOON", "amount": 1, "starts_at": at(1)}), "coupon_not_yet"),
        (json!({"code": "LATE", "amount": 1, "ends_at": at(-1)}), "coupon_over"),
    ] {
        made(&store, &coupon).await;
        let refused = redeem(shop, &ada, coupon["code"].as_str().unwrap()).await.expect(409);
        assert_eq!(refused.json()["errors"][0]["code"], code);
    }
    made(&store, &json!({"code": "ONCE", "amount": 1, "max_uses": 1})).await;
    sqlx::query("UPDATE coupons SET uses = 1 WHERE code = 'ONCE'").execute(&mut shop.sql().await).await.unwrap();
    assert_eq!(redeem(shop, &ada, "ONCE").await.expect(409).json()["errors"][0]["code"], "coupon_used_up");
}

#[tokio::test]
async fn a_cached_cart_follows_its_coupon() {
    let store = Store::open(&[]).await;
    let (shop, beside) = (&store.shop, store.shop.beside(&[]).await);
    let book = store.book("Book", 1_000, 50).await;
    let path = made(&store, &json!({"code": "HOUR", "amount": 200, "ends_at": at(1)})).await;
    // A guest: the sessions of customers end as well when the clock goes on.
    let first = shop.post("/cart/items").json(&json!({"product_id": book, "quantity": 2})).send().await.expect(200);
    let token = first.header("cart-token").to_owned();
    shop.put("/cart/coupon").header("cart-token", &token).json(&json!({"code": "HOUR"})).send().await.expect(200);
    let coupon = async |shop: &Shop| {
        let cart = shop.get("/cart").header("cart-token", &token).send().await.expect(200).json();
        (cart["totals"]["discount"].clone(), cart["coupon"]["refusal"]["code"].clone())
    };
    eventually("it counts", async || coupon(&beside).await == (usd(200), Value::Null)).await;
    let patch = json!({"amount": 300});
    shop.patch(&path).token(&store.admin).header("if-match", "*").json(&patch).send().await.expect(200);
    eventually("its change is heard of", async || coupon(&beside).await.0 == usd(300)).await;
    assert_eq!(coupon(shop).await.0, usd(300));
    shop.clock.advance(Duration::minutes(61));
    assert_eq!(coupon(shop).await, (usd(0), json!("coupon_over")), "without any event");
    let off = json!({"active": false});
    beside.patch(&path).token(&store.admin).header("if-match", "*").json(&off).send().await.expect(200);
    assert_eq!(coupon(&beside).await, (usd(0), json!("coupon_inactive")));
}

#[tokio::test]
async fn who_has_used_a_coupon_is_told_so() {
    let store = Store::open(&[]).await;
    let shop = &store.shop;
    let (ada, book) = (shop.customer().await, store.book("Book", 1_000, 50).await);
    made(&store, &json!({"code": "FIRST", "amount": 100, "max_uses_per_customer": 1})).await;
    sqlx::query(
        "WITH placed AS (
             INSERT INTO orders (id, user_id, email, shipping_address, country, shipping_method, state, currency, subtotal,
                 discount, shipping, tax, total, placed_at, updated_at, expires_at)
             SELECT gen_random_uuid(), user_id, 'a@b.c', '{}', 'US', 'standard', 'pending', 'USD', 1, 0, 0, 0, 1, now(), now(), now()
             FROM sessions WHERE user_id IN (SELECT id FROM users WHERE role = 'customer')
             RETURNING id, user_id
         )
         INSERT INTO coupon_uses (order_id, coupon_code, customer, used_at) SELECT id, 'FIRST', user_id::text, now() FROM placed",
    )
    .execute(&mut shop.sql().await)
    .await
    .unwrap();
    crate::support::settle().await;
    put(shop, &ada, &book, 1).await.expect(200);
    let cart = redeem(shop, &ada, "FIRST").await.expect(200).json();
    assert_eq!(
        (&cart["coupon"]["applies"], &cart["coupon"]["refusal"]["code"]),
        (&json!(false), &json!("coupon_used_up_by_you"))
    );
    assert_eq!(cart_of(shop, &ada).await, cart);
}
