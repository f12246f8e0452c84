//! The auditor finds what the cache should never answer, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bookstore::app;
use bookstore::db::Db;
use bookstore::domain::auditor::Finding;
use bookstore::model::clock::SystemClock;
use bookstore::model::ids::ProductId;
use bookstore::store::{Family, Key};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use crate::support::database::run;
use crate::support::{Shop, eventually};

async fn book(shop: &Shop, admin: &str) -> Value {
    let book = json!({"title": "True", "authors": ["A. Witness"], "isbn13": "9780547773742", "genres": ["crime"]});
    shop.post("/products").token(admin).json(&book).send().await.expect(201).json()
}

/// The sum of a metric over the labels that contain these texts.
fn sum(metrics: &PrometheusHandle, name: &str, labels: &[&str]) -> f64 {
    let text = metrics.render();
    let lines = text.lines().filter(|line| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// One thread, so that the recorder hears of everything.
#[tokio::test]
async fn what_changes_behind_the_shops_back_is_found() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let metrics = recorder.handle();
    let shop = Shop::open_with(&[("cache.audit_interval", "10ms"), ("cache.lease", "1s")]).await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    let absent = ProductId::generate();
    let pages = [
        format!("/products/{}", book["id"].as_str().unwrap()),
        "/products/isbn/9780547773742".to_owned(),
        "/products?limit=5&facets=genre".to_owned(),
        "/genres".to_owned(),
    ];
    let read = async || {
        for page in &pages {
            shop.get(page).send().await.expect(200);
        }
        shop.get(&format!("/products/{absent}")).send().await.expect(404);
    };
    let families = ["book_detail", "book_isbn", "book_list", "genres"];
    for family in families {
        eventually("a true entry is found true", async || {
            read().await;
            sum(&metrics, "cache_audits_total", &[family, "\"consistent\""]) > 0.0
        })
        .await;
    }
    assert!(sum(&metrics, "cache_inconsistency_total", &[]) == 0.0, "{}", metrics.render());

    let mut sql = shop.sql().await;
    run(&mut sql, "UPDATE products SET title = 'False'").await;
    run(&mut sql, "UPDATE genres SET name = 'False'").await;
    for family in families {
        // Nobody reads meanwhile: a reader at a moment without news would have the truth loaded.
        eventually("a false entry is found false", async || {
            sum(&metrics, "cache_inconsistency_total", &[family]) > 0.0
        })
        .await;
    }
    assert!(sum(&metrics, "cache_inconsistency_age_seconds_count", &[]) > 0.0, "{}", metrics.render());
}

#[tokio::test]
async fn writes_under_load_are_no_inconsistency() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let metrics = recorder.handle();
    let shop = Shop::open_with(&[("cache.audit_interval", "1ms"), ("cache.lease", "1s")]).await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    let path = format!("/products/{}", book["id"].as_str().unwrap());
    let done = AtomicBool::new(false);
    let writer = async {
        for number in 0..60 {
            let patch = json!({"title": format!("Edition {number}")}).to_string();
            let changed = other
                .patch(&path)
                .token(&admin)
                .header("if-match", "*")
                .header("content-type", "application/merge-patch+json")
                .body(patch);
            changed.send().await.expect(200);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The last ones get their audit too.
        tokio::time::sleep(Duration::from_secs(3)).await;
        done.store(true, Ordering::Relaxed);
    };
    let reader = async {
        while !done.load(Ordering::Relaxed) {
            for page in [&path, "/products?limit=5", "/genres", "/products/isbn/9780547773742"] {
                shop.get(page).send().await.expect(200);
            }
        }
    };
    futures::future::join(writer, reader).await;
    assert!(sum(&metrics, "cache_audits_total", &[]) > 0.0, "{}", metrics.render());
    assert!(sum(&metrics, "cache_inconsistency_total", &[]) == 0.0, "{}", metrics.render());
}

/// The services of a process of which the test holds the cache.
#[tokio::test]
async fn a_change_that_is_still_to_be_told_is_no_inconsistency() {
    let shop = Shop::open_with(&[("cache.lease", "1s")]).await;
    let admin = shop.administrator().await;
    let id: ProductId = book(&shop, &admin).await["id"].as_str().unwrap().parse().unwrap();
    let config = shop.config_beside(&[("cache.lease", "1s")]);
    let db = Db::new(&config.database).unwrap();
    let store = app::store(&config, &db).unwrap();
    let state = app::state(&config, &db, &store, Arc::new(SystemClock)).unwrap();
    let auditor = app::auditor(&store, &state);
    let invalidation = store.invalidation().clone();
    let keeping = tokio::spawn(async move {
        tokio::join!(db.monitor(), invalidation.listen(), invalidation.watch());
    });
    let cache = store.cache();
    let key = Key::new(Family::BookDetail, id);
    let kept = async || {
        eventually("the book is kept", async || {
            let _ = state.products.get(id, true).await;
            cache.local_entry(&key).is_some_and(|entry| cache.claims(&entry))
        })
        .await;
        cache.local_entry(&key).unwrap()
    };
    eventually("a true entry is found true", async || auditor.audit(&*kept().await).await == Finding::Consistent).await;

    // A writer that dies after its COMMIT, and a relay that finds out some time later.
    let entry = kept().await;
    sqlx::query(
        "WITH changed AS (UPDATE products SET title = 'Untold' WHERE id = $1 RETURNING id)
         INSERT INTO outbox (kind, payload, occurred_at)
         SELECT 'product_changed', jsonb_build_object('kind', 'product_changed', 'product', id),
                clock_timestamp() + interval '500 ms'
         FROM changed",
    )
    .bind(id.0)
    .execute(&mut shop.sql().await)
    .await
    .unwrap();
    assert_eq!(auditor.audit(&entry).await, Finding::Overtaken);

    let entry = kept().await;
    run(&mut shop.sql().await, "UPDATE products SET title = 'False'").await;
    eventually("a false entry is found false", async || auditor.audit(&entry).await == Finding::Inconsistent).await;
    keeping.abort();
}
