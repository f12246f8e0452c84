//! Random sequences of what people do in a shop, through two processes of it, against a simple model of its rules. A failure
//! is shrunk, and told as a story.
//!
//! `PROPTEST_CASES=1000 cargo test --test it model::` runs more of them.

mod actions;
mod case;
mod prices;
mod rules;

use std::cell::Cell;
use std::time::Duration;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::json;

use actions::Step;
use case::Case;

use crate::support::people::{QUICK_HASHES, text};
use crate::support::selling::assert_books_balance;
use crate::support::{Shop, settle};

/// Two processes of one shop, for all sequences.
struct Ground {
    shops: [Shop; 2],
    admin: String,
    /// A book of no use, whose changes come after everything before them.
    mark: String,
}

impl Ground {
    async fn open() -> Self {
        // The clock goes on and on.
        let lives = [("auth.session_idle", "300days"), ("auth.session_absolute", "365days")];
        let lives = [&lives[..], &[("orders.idempotency_lifetime", "300days"), ("cart.lifetime", "300days")]].concat();
        let settings = [&QUICK_HASHES[..], &lives, &[("orders.expiry_interval", "20ms")]].concat();
        let shop = Shop::open_with(&settings).await;
        let beside = shop.beside(&settings).await;
        let admin = shop.administrator().await;
        let longer = sqlx::query("UPDATE sessions SET expires_at = now() + interval '300 days'");
        longer.execute(&mut shop.sql().await).await.unwrap();
        settle().await;
        let mark = json!({"title": "Mark", "authors": ["Nobody"]});
        let mark = text(&shop.post("/products").token(&admin).json(&mark).send().await.expect(201).json()["id"]);
        Self { shops: [shop, beside], admin, mark }
    }
}

/// Runs a sequence; tells its story where something was not as the rules say.
async fn run(ground: &Ground, steps: Vec<Step>, patience: Duration) -> Result<(), String> {
    let mut case = Case::begin(ground, patience).await;
    let mut found = Ok(());
    for step in steps {
        found = case.step(step).await;
        if found.is_err() {
            break;
        }
    }
    for process in 0..2 {
        if found.is_ok() {
            case.story.push(format!("in the end, at {}:", ["A", "B"][process]));
            found = case.look_patiently(process).await;
        }
    }
    found.map_err(|complaint| format!("{}\n{complaint}", case.story.join("\n")))
}

#[test]
fn whatever_people_do_the_shop_keeps_to_its_rules() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ground = runtime.block_on(Ground::open());
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let config = Config {
        cases,
        max_shrink_iters: 300,
        max_shrink_time: 120_000,
        failure_persistence: None,
        ..Config::default()
    };
    // What was wrong for long once is looked for in shorter sequences with less patience.
    let patience = Cell::new(Duration::from_secs(10));
    let found = TestRunner::new(config).run(&actions::steps(), |steps| {
        runtime.block_on(run(&ground, steps, patience.get())).map_err(|story| {
            patience.set(Duration::from_secs(1));
            TestCaseError::fail(story)
        })
    });
    match found {
        Ok(()) => {}
        Err(TestError::Fail(story, _)) => panic!("the shop broke its rules:\n{}", story.message()),
        Err(TestError::Abort(reason)) => panic!("{}", reason.message()),
    }
    runtime.block_on(async { assert_books_balance(&mut ground.shops[0].sql().await).await });
}
