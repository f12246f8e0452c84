//! How fast passwords can be tried, and what trying costs others.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bookstore::app;
use bookstore::db::Db;
use bookstore::domain::credentials::{Credentials, CredentialsError};
use bookstore::domain::limits::RateLimiter;
use bookstore::domain::passwords::{Password, Passwords};
use bookstore::domain::throttle::Throttle;

use crate::support::Shop;
use crate::support::people::{PASSWORD, QUICK_HASHES};

const LIMITED: [(&str, &str); 5] = [
    ("limits.enabled", "true"),
    ("limits.write_per_address", "100000/1s"),
    ("limits.write_per_user", "100000/1s"),
    ("limits.sign_in_per_account", "3/1h"),
    ("limits.sign_in_per_address", "1000/1h"),
];

#[tokio::test]
async fn guessing_is_slowed_down_and_signing_in_is_not() {
    let shop = Shop::with_quick_hashes(&LIMITED).await;
    shop.register("ada@example.org").await.expect(201);
    for _ in 0..10 {
        shop.sign_in("ada@example.org", PASSWORD).await.expect(201);
    }
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..3 {
            shop.sign_in(email, "a wrong guess").await.expect(401);
        }
        let refused = shop.sign_in(email, "a wrong guess").await.expect(429);
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1100..=1200).contains(&wait), "{wait}");
        shop.sign_in(&email.to_uppercase(), "a wrong guess").await.expect(429);
    }
    shop.sign_in("ada@example.org", PASSWORD).await.expect(429);
}

#[tokio::test]
async fn guesses_at_once_are_all_counted() {
    let shop = Shop::with_quick_hashes(&LIMITED).await;
    shop.register("ada@example.org").await.expect(201);
    let guesses = (0..20).map(|_| shop.sign_in("ada@example.org", "a wrong guess"));
    let answers = futures::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 3);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 17);
}

#[tokio::test]
async fn one_address_cannot_try_many_accounts() {
    let limit = [("limits.sign_in_per_address", "5/1h")];
    let shop = Shop::with_quick_hashes(&[&LIMITED[..], &limit].concat()).await;
    for number in 0..5 {
        shop.sign_in(&format!("{number}@example.org"), "a wrong guess").await.expect(401);
    }
    shop.sign_in("5@example.org", "a wrong guess").await.expect(429);
    shop.register("6@example.org").await.expect(429);
}

#[tokio::test]
async fn the_password_of_a_session_cannot_be_guessed_either() {
    let shop = Shop::with_quick_hashes(&LIMITED).await;
    let ada = shop.newcomer("ada@example.org").await;
    let body = serde_json::json!({"password": "a wrong guess"});
    for _ in 0..3 {
        shop.post("/sessions/current/confirmation").token(&ada).json(&body).send().await.expect(422);
    }
    shop.post("/sessions/current/confirmation").token(&ada).json(&body).send().await.expect(429);
}

fn credentials(shop: &Shop, more: &[(&str, &str)]) -> (Credentials, Passwords, Db) {
    let config = shop.config(&[&QUICK_HASHES, more].concat());
    let db = Db::new(&config.database).unwrap();
    let passwords = Passwords::new(&config.auth).unwrap();
    let store = app::store(&config, &db).unwrap();
    let limiter = config.limits.enabled.then(|| RateLimiter::new(&config.limits, Some(store.clone())));
    let throttle = Throttle::new(&config.limits, limiter.as_ref());
    let credentials = Credentials::new(store, passwords.clone(), throttle);
    (credentials, passwords, db)
}

#[tokio::test]
async fn an_attack_from_many_addresses_does_not_lock_the_owner_out() {
    let shop = Shop::with_quick_hashes(&[]).await;
    // Signed in from 127.0.0.1.
    shop.newcomer("ada@example.org").await;
    let (credentials, _, db) = credentials(&shop, &LIMITED);
    db.probe_once().await;
    let (wrong, right) = (Password::new("a wrong guess"), Password::new(PASSWORD));
    let guess = |number: u8| credentials.prove("ada@example.org", &wrong, IpAddr::from([198, 51, 100, number]));
    for number in 0..30 {
        assert!(matches!(guess(number).await, Err(CredentialsError::Wrong)));
    }
    assert!(matches!(guess(30).await, Err(CredentialsError::TooMany { .. })));
    let stranger = credentials.prove("ada@example.org", &right, IpAddr::from([203, 0, 113, 1])).await;
    assert!(matches!(stranger, Err(CredentialsError::TooMany { .. })), "{stranger:?}");
    assert!(credentials.prove("ada@example.org", &right, IpAddr::from([127, 0, 0, 1])).await.is_ok());
}

#[tokio::test]
async fn unknown_people_cost_the_same_and_get_the_same() {
    let shop = Shop::with_quick_hashes(&[]).await;
    shop.register("ada@example.org").await.expect(201);
    let (credentials, passwords, db) = credentials(&shop, &[("limits.enabled", "false")]);
    db.probe_once().await;
    let wrong = Password::new("a wrong guess");
    let mut costs = Vec::new();
    for email in ["ada@example.org", "nobody@example.org", "no address at all"] {
        let before = passwords.computed();
        let outcome = credentials.prove(email, &wrong, IpAddr::from([127, 0, 0, 1])).await;
        assert!(matches!(outcome, Err(CredentialsError::Wrong)));
        costs.push(passwords.computed() - before);
    }
    assert_eq!(costs, [1, 1, 1], "hashes computed");

    let known = shop.sign_in("ada@example.org", "a wrong guess").await.expect(401);
    let unknown = shop.sign_in("nobody@example.org", "a wrong guess").await.expect(401);
    let without_id = |answer: &crate::support::Answer| {
        let mut body = answer.json();
        body["request_id"].take();
        body
    };
    assert_eq!(without_id(&known), without_id(&unknown));
    let names = |answer: &crate::support::Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&known), names(&unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_sign_ins_does_not_starve_the_rest() {
    let slow = [("auth.hash_concurrency", "1"), ("auth.hash_queue", "20")];
    let shop = Arc::new(Shop::open_with(&slow).await);
    let reader = shop.customer().await;
    let (over, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let reading = tokio::spawn({
        let (shop, over, read) = (Arc::clone(&shop), Arc::clone(&over), Arc::clone(&read));
        async move {
            while !over.load(Ordering::Relaxed) {
                shop.get("/users/me").token(&reader).send().await.expect(200);
                read.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let before = read.load(Ordering::Relaxed);
    let burst = (0..100).map(|number| {
        let shop = Arc::clone(&shop);
        async move { shop.sign_in(&format!("{number}@example.org"), "a wrong guess").await }
    });
    let answers = futures::future::join_all(burst).await;
    let meanwhile = read.load(Ordering::Relaxed) - before;
    over.store(true, Ordering::Relaxed);
    reading.await.unwrap();

    let (mut hashed, mut refused) = (0, 0);
    for answer in answers {
        if answer.status == 503 {
            assert_eq!(answer.expect(503).header("retry-after"), "1");
            refused += 1;
        } else {
            answer.expect(401);
            hashed += 1;
        }
    }
    assert!(hashed >= 21, "the queue was used: {hashed}");
    assert!(refused > 0, "and what did not fit was refused");
    assert!(meanwhile > hashed, "{meanwhile} reads went by while {hashed} passwords were hashed");
}
