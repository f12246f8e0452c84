//! Sessions over HTTP: signing in, being known, and being forgotten.

use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use time::Duration;

use crate::support::people::{PASSWORD, text};
use crate::support::{Answer, Shop};

/// Signs in by cookie: the cookie's token, and the CSRF token.
async fn by_cookie(shop: &Shop, email: &str) -> (String, String, Answer) {
    let body = json!({"email": email, "password": PASSWORD, "cookie": true});
    let answer = shop.post("/sessions").json(&body).send().await.expect(201);
    let cookie = |name: &str| {
        let mut cookies = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
        let cookie = cookies.find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
        cookie.split(['=', ';']).nth(1).unwrap().to_owned()
    };
    let tokens = (cookie("bookstore_session"), cookie("bookstore_csrf"));
    (tokens.0, tokens.1, answer)
}

#[tokio::test]
async fn devices_are_listed_and_ended_at_once() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let signed_in = shop
        .post("/sessions")
        .header("user-agent", "Analytical Engine/1")
        .json(&json!({"email": "ada@example.org", "password": PASSWORD}))
        .send()
        .await
        .expect(201);
    assert_eq!(signed_in.header("cache-control"), "no-store");
    assert!(signed_in.headers.get(SET_COOKIE).is_none());
    let (first, second) = (text(&signed_in.json()["token"]), shop.token_of("ada@example.org").await);
    let bob = shop.newcomer("bob@example.org").await;

    let list = shop.get("/sessions").token(&second).send().await.expect(200);
    assert_eq!(list.header("cache-control"), "private, no-cache");
    let items = list.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(true), &json!(false)), "the newest first");
    assert_eq!((&items[1]["user_agent"], &items[1]["address"]), (&json!("Analytical Engine/1"), &json!("127.0.0.1")));
    assert!(!String::from_utf8_lossy(&list.body).contains(&second));

    let path = format!("/sessions/{}", text(&items[1]["id"]));
    assert_eq!(signed_in.header("location"), format!("/api/v1{path}"));
    shop.delete(&path).token(&bob).send().await.expect(404);
    shop.get("/users/me").token(&first).send().await.expect(200);
    shop.delete(&path).token(&second).send().await.expect(204);
    shop.get("/users/me").token(&first).send().await.expect(401);
    shop.delete(&path).token(&second).send().await.expect(404);

    let third = shop.token_of("ada@example.org").await;
    shop.delete("/sessions?except_current=true").token(&third).send().await.expect(204);
    shop.get("/users/me").token(&second).send().await.expect(401);
    shop.get("/users/me").token(&third).send().await.expect(200);
    shop.delete("/sessions/current").token(&third).send().await.expect(204);
    shop.get("/users/me").token(&third).send().await.expect(401);
    let (fourth, fifth) = (shop.token_of("ada@example.org").await, shop.token_of("ada@example.org").await);
    shop.delete("/sessions").token(&fourth).send().await.expect(204);
    for token in [&fourth, &fifth] {
        shop.get("/users/me").token(token).send().await.expect(401);
    }
    shop.get("/users/me").token(&bob).send().await.expect(200);
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_the_latest_after_thirty_days() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let idle = shop.newcomer("ada@example.org").await;
    let used = shop.token_of("ada@example.org").await;
    let is_open = |token: &str| {
        let request = shop.get("/users/me").token(token);
        async move { request.send().await.status == 200 }
    };
    shop.clock.advance(Duration::hours(23));
    assert!(is_open(&used).await);
    shop.clock.advance(Duration::minutes(61));
    assert!(!is_open(&idle).await, "24 hours without use end a session");
    assert!(is_open(&used).await, "use moved the end");
    let listed = shop.get("/sessions").token(&used).send().await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "the one that ran out is not listed");
    for _ in 0..29 {
        shop.clock.advance(Duration::hours(23));
        assert!(is_open(&used).await);
    }
    // 28 days and 19 hours have gone by.
    shop.clock.advance(Duration::hours(23));
    assert!(is_open(&used).await);
    shop.clock.advance(Duration::hours(6));
    assert!(!is_open(&used).await, "30 days end every session");
}

#[tokio::test]
async fn use_is_written_down_now_and_then() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let ada = shop.newcomer("ada@example.org").await;
    let extensions = async || -> i64 {
        let sql = "SELECT count(*) FROM outbox WHERE kind = 'session_extended'";
        sqlx::query_scalar(sql).fetch_one(&mut shop.sql().await).await.unwrap()
    };
    for _ in 0..5 {
        shop.get("/users/me").token(&ada).send().await.expect(200);
    }
    assert_eq!(extensions().await, 0);
    shop.clock.advance(Duration::minutes(6));
    let requests = (0..8).map(|_| shop.get("/users/me").token(&ada).send());
    for answer in futures::future::join_all(requests).await {
        answer.expect(200);
    }
    assert_eq!(extensions().await, 1, "many requests at once move the end once");
}

#[tokio::test]
async fn sessions_that_ran_out_are_removed() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.newcomer("ada@example.org").await;
    shop.clock.advance(Duration::hours(25));
    let fresh = shop.token_of("ada@example.org").await;
    let config = shop.config(&[]);
    let db = bookstore::db::Db::new(&config.database).unwrap();
    db.probe_once().await;
    let state = bookstore::app::state(
        &config,
        &db,
        &bookstore::app::store(&config, &db).unwrap(),
        std::sync::Arc::new(shop.clock.clone()),
    )
    .unwrap();
    assert_eq!(state.sessions.purge_expired().await.unwrap(), 1);
    assert_eq!(state.sessions.purge_expired().await.unwrap(), 0);
    shop.get("/users/me").token(&fresh).send().await.expect(200);
}

#[tokio::test]
async fn one_person_has_at_most_a_hundred_devices() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let first = shop.newcomer("ada@example.org").await;
    let mut last = first.clone();
    for _ in 0..100 {
        last = shop.token_of("ada@example.org").await;
    }
    let list = shop.get("/sessions").token(&last).send().await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 100);
    shop.get("/users/me").token(&first).send().await.expect(401);
}

#[tokio::test]
async fn tokens_are_not_in_the_database() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let token = shop.newcomer("ada@example.org").await;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT s::text FROM sessions s UNION ALL SELECT u::text FROM users u UNION ALL SELECT o::text FROM outbox o",
    )
    .fetch_all(&mut shop.sql().await)
    .await
    .unwrap();
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    for row in rows {
        assert!(!row.contains(&token) && !row.contains(&hex) && !row.contains(PASSWORD), "{row}");
    }
}

#[tokio::test]
async fn cookies_are_locked_down_and_cleared() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let (token, csrf, answer) = by_cookie(&shop, "ada@example.org").await;
    let cookies: Vec<&str> = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        for wanted in ["Secure", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
            assert!(attributes.contains(&wanted), "{cookie} lacks {wanted}");
        }
        assert_eq!(attributes.contains(&"HttpOnly"), cookie.starts_with("bookstore_session="), "{cookie}");
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
    }
    assert_eq!(answer.json()["token"], Value::Null, "scripts do not see the token");
    assert_eq!(answer.json()["csrf_token"], csrf);

    let cookie = format!("other=1; bookstore_session={token}; bookstore_csrf={csrf}");
    shop.get("/users/me").header("cookie", &cookie).send().await.expect(200);
    let out = shop
        .delete("/sessions/current")
        .header("cookie", &cookie)
        .header("x-csrf-token", &csrf)
        .send()
        .await
        .expect(204);
    let cleared: Vec<&str> = out.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(cleared.len(), 2);
    assert!(cleared.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")), "{cleared:?}");
    shop.get("/users/me").header("cookie", &cookie).send().await.expect(401);
    shop.get("/products/00000000-0000-7000-8000-000000000000").header("cookie", &cookie).send().await.expect(404);
}

#[tokio::test]
async fn without_tls_cookies_need_not_be_secure() {
    let shop = Shop::with_quick_hashes(&[("auth.cookie_secure", "false")]).await;
    shop.register("ada@example.org").await.expect(201);
    let (_, _, answer) = by_cookie(&shop, "ada@example.org").await;
    assert!(!answer.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn changes_by_cookie_come_from_the_shops_own_pages() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let (token, csrf, _) = by_cookie(&shop, "ada@example.org").await;
    let (_, other_csrf, _) = by_cookie(&shop, "ada@example.org").await;
    let bearer = shop.token_of("ada@example.org").await;
    let cookie = format!("bookstore_session={token}");
    let own = shop.url("//").trim_end_matches('/').to_owned();
    let evil = "https://evil.example".to_owned();
    // What the request carries beside the cookie, and whether it is let through.
    let cases: Vec<(Vec<(&str, &str)>, bool)> = vec![
        (vec![], false),
        (vec![("x-csrf-token", "")], false),
        (vec![("x-csrf-token", &token)], false),
        (vec![("x-csrf-token", &other_csrf)], false),
        (vec![("x-csrf-token", &csrf)], true),
        (vec![("x-csrf-token", &csrf), ("origin", &own)], true),
        (vec![("x-csrf-token", &csrf), ("origin", &evil)], false),
        (vec![("x-csrf-token", &csrf), ("origin", "null")], false),
        (vec![("x-csrf-token", &csrf), ("sec-fetch-site", "same-origin")], true),
        (vec![("x-csrf-token", &csrf), ("sec-fetch-site", "same-site")], false),
        (vec![("x-csrf-token", &csrf), ("sec-fetch-site", "cross-site")], false),
        (vec![("x-csrf-token", &csrf), ("origin", &own), ("sec-fetch-site", "cross-site")], false),
        (vec![("origin", &own), ("sec-fetch-site", "same-origin")], false),
    ];
    for (headers, passes) in cases {
        for method in ["PATCH", "PUT", "DELETE", "POST"] {
            let (path, body) = match method {
                "PATCH" => ("/users/me", json!({})),
                "PUT" => {
                    ("/users/me/password", json!({"current_password": "wrong", "new_password": "staple correct horse"}))
                }
                "POST" => ("/sessions/current/confirmation", json!({"password": "wrong"})),
                _ => ("/sessions/00000000-0000-7000-8000-000000000000", Value::Null),
            };
            let mut request = shop
                .request(method.parse().unwrap(), path)
                .header("cookie", &cookie)
                .header("if-match", "*")
                .json(&body);
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            let answer = request.send().await;
            if passes {
                assert!(
                    [200, 404, 422].contains(&answer.status.as_u16()),
                    "{method} with {headers:?} got {}",
                    answer.status
                );
            } else {
                let answer = answer.expect(403);
                assert_eq!(answer.json()["type"], "/problems/csrf-rejected", "{method} with {headers:?}");
            }
        }
    }
    // Reading needs none; with a bearer token, which no browser sends by itself, neither does changing.
    shop.get("/users/me").header("cookie", &cookie).header("origin", &evil).send().await.expect(200);
    let gone = "/sessions/00000000-0000-7000-8000-000000000000";
    shop.delete(gone).header("cookie", &cookie).token(&bearer).header("origin", &evil).send().await.expect(404);
    // With both, the header counts, even where it is wrong.
    shop.get("/users/me").header("cookie", &cookie).token("wrong").send().await.expect(401);
    // Another site cannot sign a browser in.
    let body = json!({"email": "ada@example.org", "password": PASSWORD, "cookie": true});
    shop.post("/sessions").header("origin", &evil).json(&body).send().await.expect(403);
}

#[tokio::test]
async fn a_wrong_token_is_refused_by_name() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let token = shop.newcomer("ada@example.org").await;
    let almost = format!("{}{}", &token[..42], if token.ends_with('A') { "E" } else { "A" });
    for authorization in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YTpi",
        &format!("Bearer {almost}"),
        &format!("Bearer {token} x"),
        &token,
    ] {
        let refused = shop.get("/users/me").header("authorization", authorization).send().await.expect(401);
        assert_eq!(refused.header("www-authenticate"), "Bearer", "{authorization}");
        shop.get("/products/00000000-0000-7000-8000-000000000000")
            .header("authorization", authorization)
            .send()
            .await
            .expect(401);
    }
    for authorization in [format!("bearer {token}"), format!("BEARER {token}")] {
        shop.get("/users/me").header("authorization", &authorization).send().await.expect(200);
    }
    shop.get("/users/me").send().await.expect(401);
}

#[tokio::test]
async fn an_outdated_hash_is_made_anew_at_the_next_sign_in() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let hash = async |shop: &Shop| -> String {
        sqlx::query_scalar("SELECT password_hash FROM users").fetch_one(&mut shop.sql().await).await.unwrap()
    };
    let before = hash(&shop).await;
    shop.token_of("ada@example.org").await;
    assert_eq!(hash(&shop).await, before, "today's parameters");
    let weak = before.replace("m=64,t=1,p=1", "m=32,t=1,p=1");
    assert_ne!(weak, before);
    // A hash of the same password under weaker parameters, made by the same library.
    let weak = argon2_hash(PASSWORD, 32);
    sqlx::query("UPDATE users SET password_hash = $1").bind(&weak).execute(&mut shop.sql().await).await.unwrap();
    shop.token_of("ada@example.org").await;
    assert!(hash(&shop).await.contains("$m=64,t=1,p=1$"));
    shop.token_of("ada@example.org").await;
}

fn argon2_hash(password: &str, memory: u32) -> String {
    use argon2::password_hash::PasswordHasher as _;
    let params = argon2::Params::new(memory, 1, 1, None).unwrap();
    argon2::Argon2::from(params).hash_password(password.as_bytes()).unwrap().to_string()
}
