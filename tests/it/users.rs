//! Accounts over HTTP, from the first day to the last.

use bookstore::app;
use bookstore::db::Db;
use bookstore::domain::users::Administration;
use bookstore::model::clock::SystemClock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::people::{PASSWORD, QUICK_HASHES, text};
use crate::support::{Shop, eventually};

async fn count(shop: &Shop, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut shop.sql().await).await.unwrap()
}

#[tokio::test]
async fn an_account_lives() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let opened = shop.register(" Ada@Example.ORG ").await.expect(201);
    let user = opened.json();
    assert_eq!(
        (&user["email"], &user["role"], &user["version"]),
        (&json!("ada@example.org"), &json!("customer"), &json!(1))
    );
    assert_eq!(opened.header("location"), "/api/v1/users/me");
    assert_eq!(opened.header("cache-control"), "no-store");
    assert!(!String::from_utf8_lossy(&opened.body).contains("argon2"));

    let ada = shop.token_of("ADA@example.org").await;
    let read = shop.get("/users/me").token(&ada).send().await.expect(200);
    assert_eq!(read.json(), user, "what is read is what was answered");
    assert_eq!(read.header("etag"), opened.header("etag"));
    assert_eq!(read.header("cache-control"), "private, no-cache");
    let etag = read.header("etag").to_owned();
    shop.get("/users/me").token(&ada).header("if-none-match", &etag).send().await.expect(304);

    let change = json!({"display_name": "Ada King"});
    shop.patch("/users/me").token(&ada).json(&change).send().await.expect(428);
    let changed = shop.patch("/users/me").token(&ada).header("if-match", &etag).json(&change).send().await.expect(200);
    assert_eq!((&changed.json()["display_name"], &changed.json()["version"]), (&json!("Ada King"), &json!(2)));
    shop.patch("/users/me").token(&ada).header("if-match", &etag).json(&change).send().await.expect(412);

    let etag = changed.header("etag").to_owned();
    let move_to = |email: &str, password: Option<&str>| {
        let mut body = json!({"email": email});
        if let Some(password) = password {
            body["current_password"] = json!(password);
        }
        shop.patch("/users/me").token(&ada).header("if-match", &etag).json(&body).send()
    };
    let refused = move_to("countess@example.org", None).await.expect(422);
    assert_eq!(refused.complaints(), ["/current_password"]);
    let refused = move_to("countess@example.org", Some("not the password")).await.expect(422);
    assert_eq!(refused.complaints(), ["/current_password"]);
    let same = move_to("ADA@example.org", None).await.expect(200);
    assert_eq!(same.json()["version"], 2, "nothing changed");
    let moved = move_to("Countess@example.org", Some(PASSWORD)).await.expect(200);
    assert_eq!(moved.json()["email"], "countess@example.org");
    shop.sign_in("ada@example.org", PASSWORD).await.expect(401);
    shop.sign_in("countess@example.org", PASSWORD).await.expect(201);

    let etag = moved.header("etag").to_owned();
    shop.delete("/users/me").token(&ada).send().await.expect(428);
    shop.delete("/users/me").token(&ada).header("if-match", "\"1.stale\"").send().await.expect(412);
    shop.delete("/users/me").token(&ada).header("if-match", &etag).send().await.expect(204);
    shop.get("/users/me").token(&ada).send().await.expect(401);
    shop.sign_in("countess@example.org", PASSWORD).await.expect(401);
    let kinds: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM outbox ORDER BY id").fetch_all(&mut shop.sql().await).await.unwrap();
    let of_users: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.starts_with("user")).collect();
    assert_eq!(of_users, ["user_registered", "user_changed", "user_changed", "user_deleted"]);
}

#[tokio::test]
async fn a_registration_names_every_bad_field() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let refused = |body: Value| {
        let request = shop.post("/users").json(&body);
        async move { request.send().await.expect(422).complaints() }
    };
    let body =
        |email: &str, password: &str, name: &str| json!({"email": email, "password": password, "display_name": name});
    assert_eq!(refused(body("ada", "password1", " \t ")).await, ["/display_name", "/email", "/password"]);
    assert_eq!(refused(body("ada@example.org", "short", "")).await, ["/display_name", "/password"]);
    for password in ["Ada@Example.org", "12345678", "qwertyuiop", "PASSWORD123", "mmmmmmmmmm", &"x".repeat(129)] {
        assert_eq!(refused(body("ada@example.org", password, "Ada")).await, ["/password"], "{password} is accepted");
    }
    assert_eq!(refused(body("ada@example.org", PASSWORD, "Ada\nLovelace")).await, ["/display_name"]);
    assert_eq!(
        refused(json!({"email": "ada@example.org", "password": PASSWORD, "display_name": "Ada", "role": "admin"}))
            .await,
        ["/role"]
    );

    shop.register("ada@example.org").await.expect(201);
    let taken = shop.register("ADA@example.org").await.expect(409);
    assert_eq!(taken.complaints(), ["/email"]);
    let bob = shop.newcomer("bob@example.org").await;
    let patch = json!({"email": "ada@example.org", "current_password": PASSWORD});
    let taken = shop.patch("/users/me").token(&bob).header("if-match", "*").json(&patch).send().await.expect(409);
    assert_eq!(taken.complaints(), ["/email"]);
    let cleared =
        shop.patch("/users/me").token(&bob).header("if-match", "*").json(&json!({"display_name": null})).send().await;
    assert_eq!(cleared.expect(422).complaints(), ["/display_name"], "a name cannot be removed");
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let here = shop.newcomer("ada@example.org").await;
    let elsewhere = shop.token_of("ada@example.org").await;
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        shop.put("/users/me/password").token(&here).json(&body).send()
    };
    assert_eq!(change("wrong", "staple correct horse").await.expect(422).complaints(), ["/current_password"]);
    assert_eq!(change(PASSWORD, "password1").await.expect(422).complaints(), ["/new_password"]);
    shop.get("/users/me").token(&elsewhere).send().await.expect(200);
    change(PASSWORD, "staple correct horse").await.expect(204);
    shop.get("/users/me").token(&elsewhere).send().await.expect(401);
    shop.get("/users/me").token(&here).send().await.expect(200);
    shop.sign_in("ada@example.org", PASSWORD).await.expect(401);
    shop.sign_in("ada@example.org", "staple correct horse").await.expect(201);
}

#[tokio::test]
async fn closing_an_account_wants_a_fresh_proof() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let ada = shop.newcomer("ada@example.org").await;
    let close = || shop.delete("/users/me").token(&ada).header("if-match", "*").send();
    shop.clock.advance(time::Duration::minutes(11));
    let refused = close().await.expect(403);
    assert_eq!(refused.json()["type"], "/problems/confirmation-required");
    let confirm = |password: &str| {
        shop.post("/sessions/current/confirmation").token(&ada).json(&json!({"password": password})).send()
    };
    assert_eq!(confirm("wrong").await.expect(422).complaints(), ["/password"]);
    close().await.expect(403);
    confirm(PASSWORD).await.expect(204);
    close().await.expect(204);
}

#[tokio::test]
async fn export_has_everything_and_deletion_leaves_nothing() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let ada = shop.newcomer("ada@example.org").await;
    shop.token_of("ada@example.org").await;
    let id = text(&shop.get("/users/me").token(&ada).send().await.json()["id"]);
    shop.change_roles("admin").await;
    eventually("it is heard", async || shop.get("/admin/audit").token(&ada).send().await.status == 200).await;
    let book = json!({"title": "Notes", "authors": ["Ada Lovelace"]});
    shop.post("/products").token(&ada).json(&book).send().await.expect(201);

    let export = shop.get("/users/me/export").token(&ada).send().await.expect(200);
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"bookstore-export.json\"");
    assert_eq!(export.header("cache-control"), "no-store");
    let document = export.json();
    let sections = &document["sections"];
    assert_eq!(sections["profile"]["email"], "ada@example.org");
    assert_eq!(sections["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(sections["admin_actions"][0]["action"], "product.create");
    let shown = String::from_utf8_lossy(&export.body).into_owned();
    assert!(!shown.contains("argon2") && !shown.contains(&ada), "secrets are no part of it");
    // Every table that knows people must be known to the export: a new one has to be added here and there.
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass",
    )
    .fetch_all(&mut shop.sql().await)
    .await
    .unwrap();
    for table in tables {
        assert!(sections.get(&table).is_some(), "{table} refers to people and is not in the export");
    }

    shop.delete("/users/me").token(&ada).header("if-match", "*").send().await.expect(204);
    assert_eq!(count(&shop, "SELECT count(*) FROM users").await, 0);
    assert_eq!(count(&shop, "SELECT count(*) FROM sessions").await, 0);
    let actors: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT actor_id FROM audit_log").fetch_all(&mut shop.sql().await).await.unwrap();
    assert_eq!(actors.iter().map(ToString::to_string).collect::<Vec<_>>(), [id], "the audit log stays");
}

#[tokio::test]
async fn the_operator_makes_administrators() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let config = shop.config(&QUICK_HASHES);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    let users =
        app::state(&config, &db, &app::store(&config, &db).unwrap(), Arc::new(SystemClock)).unwrap().users.clone();

    let (user, made) = users.ensure_administrator("Root@Example.org").await.unwrap();
    let Administration::Created { password } = made else { panic!("{made:?}") };
    assert!(
        !format!("{:?}", Administration::Created { password: password.clone() }).contains(password.expose_secret())
    );
    let signed_in = shop.sign_in("root@example.org", password.expose_secret()).await.expect(201).json();
    assert_eq!((&signed_in["user"]["role"], &signed_in["user"]["id"]), (&json!("admin"), &json!(user.id)));
    let root = text(&signed_in["token"]);

    let ada = shop.newcomer("ada@example.org").await;
    shop.get("/admin/audit").token(&ada).send().await.expect(403);
    assert!(matches!(users.ensure_administrator("ada@example.org").await.unwrap().1, Administration::Promoted));
    assert!(matches!(users.ensure_administrator("ada@example.org").await.unwrap().1, Administration::Unchanged));
    // It was another process, without Redis: the relay of this one tells.
    eventually("it is heard", async || shop.get("/admin/audit").token(&ada).send().await.status == 200).await;
    assert!(users.ensure_administrator("nobody").await.is_err());

    let first = shop.get("/admin/audit?limit=1").token(&root).send().await.expect(200);
    assert_eq!(first.json()["items"][0]["action"], "user.promote");
    let link = first.header("link").to_owned();
    let next = link.strip_prefix("</api/v1").and_then(|link| link.split('>').next()).unwrap();
    let second = shop.get(next).token(&root).send().await.expect(200).json();
    assert_eq!(second["items"][0]["action"], "user.create_administrator");
    assert_eq!((&second["items"][0]["actor_id"], &second["next_cursor"]), (&Value::Null, &Value::Null));
    let about = shop.get(&format!("/admin/audit?resource_id={}", user.id)).token(&root).send().await.expect(200).json();
    assert_eq!(about["items"].as_array().unwrap().len(), 1);
    shop.get("/admin/audit?cursor=nonsense").token(&root).send().await.expect(422);
}
