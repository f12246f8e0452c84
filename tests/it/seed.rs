//! A made-up catalogue, in a real database.

mod readers;

use bookstore::app;
use bookstore::config::Config;
use bookstore::db::Db;
use bookstore::domain::seed::{Catalogue, SeedError, SeedOptions, SeedProgress, seed};
use bookstore::model::clock::SystemClock;
use bookstore::store::Store;
use sqlx::{Connection, PgConnection};

use crate::support::assert_ledger_balances;
use crate::support::database::{TestDatabase, database};

struct Fixture {
    database: TestDatabase,
    store: Store,
}

async fn fixture() -> Fixture {
    let database = database().await;
    let settings = [
        ("database.url", database.primary_url.as_str()),
        ("database.acquire_timeout", "10s"),
        ("redis.url", &database.redis_url),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = Config::load(None, [], settings).unwrap();
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    Fixture { store: app::store(&config, &db).unwrap(), database }
}

impl Fixture {
    async fn seed(&self, books: u64, more: bool) -> Result<u64, SeedError> {
        let options = SeedOptions { books, seed: 1, currency: "EUR".parse().unwrap(), more };
        seed(&self.store, &SystemClock, &options, |_| ()).await
    }

    async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.database.primary_url).await.unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.sql().await).await.unwrap()
    }
}

#[tokio::test]
async fn books_arrive_as_they_were_made_up() {
    let fixture = fixture().await;
    let mut told = Vec::new();
    let options = SeedOptions { books: 9_000, seed: 1, currency: "EUR".parse().unwrap(), more: false };
    let count = seed(&fixture.store, &SystemClock, &options, |progress| told.push(progress)).await.unwrap();
    assert_eq!(count, 9_000);
    assert_eq!(told[told.len() - 2..], [SeedProgress::Written(9_000), SeedProgress::Finishing]);
    assert!(told.len() > 3, "it tells how far it is more than once");

    for book in Catalogue::new(1, options.currency).take(9_000).step_by(173) {
        assert_eq!(fixture.store.product(book.product.id).await.unwrap(), Some(book.product));
    }
    assert_eq!(fixture.number("SELECT count(*) FROM stock").await, 9_000);
    assert_ledger_balances(&mut fixture.sql().await).await;
    assert_eq!(fixture.number("SELECT count(*) FROM products WHERE popularity <> imported_rating_count").await, 0);
    assert_eq!(fixture.number("SELECT count(DISTINCT slug) FROM genres").await, 53);
    assert_eq!(
        fixture.number("SELECT (payload->>'books')::bigint FROM outbox WHERE kind = 'catalogue_seeded'").await,
        9_000
    );
    assert_eq!(fixture.number("SELECT count(*) FROM audit_log WHERE action = 'catalogue.seed'").await, 1);
}

#[tokio::test]
async fn the_database_is_left_ready_to_answer() {
    let fixture = fixture().await;
    fixture.seed(2_000, false).await.unwrap();
    assert_eq!(fixture.number("SELECT reltuples::bigint FROM pg_class WHERE relname = 'products'").await, 2_000);
    // No index entries wait to be sorted, and none will.
    let waiting =
        "SELECT sum(gin_clean_pending_list(indexrelid))::bigint FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
                   JOIN pg_am a ON a.oid = relam WHERE amname = 'gin' AND indrelid = 'products'::regclass";
    assert_eq!(fixture.number(waiting).await, 0);
    let held_back =
        "SELECT count(*) FROM pg_class WHERE relname = 'products_search_idx' AND reloptions @> '{fastupdate=off}'";
    assert_eq!(fixture.number(held_back).await, 1);
}

#[tokio::test]
async fn more_goes_on_where_the_last_one_ended() {
    let fixture = fixture().await;
    assert_eq!(fixture.seed(0, false).await.unwrap(), 0, "nothing is a catalogue, too");
    fixture.seed(700, false).await.unwrap();
    let refused = fixture.seed(700, false).await.unwrap_err();
    assert!(matches!(refused, SeedError::NotEmpty), "{refused}");
    assert_eq!(fixture.number("SELECT count(*) FROM products").await, 700, "a refusal changes nothing");
    assert_eq!(fixture.seed(500, true).await.unwrap(), 1_200);
    for book in Catalogue::new(1, "EUR".parse().unwrap()).take(1_200).skip(690).step_by(20) {
        assert_eq!(fixture.store.product(book.product.id).await.unwrap(), Some(book.product));
    }
    let too_many = fixture.seed(u64::MAX, true).await.unwrap_err();
    assert!(matches!(too_many, SeedError::TooMany { present: 1_200, .. }), "{too_many}");
}

#[tokio::test]
async fn a_clash_is_told_and_leaves_nothing() {
    let fixture = fixture().await;
    let taken = Catalogue::new(1, "EUR".parse().unwrap()).nth(1_500).unwrap().product;
    sqlx::query(
        "INSERT INTO products (id, work_id, title, authors, status, created_at, updated_at)
         VALUES ($1, $1, 'Taken', '{Nobody}', 'active', now(), now())",
    )
    .bind(taken.id.0)
    .execute(&mut fixture.sql().await)
    .await
    .unwrap();
    let clash = fixture.seed(2_000, true).await.unwrap_err();
    assert!(matches!(&clash, SeedError::Clash(name) if name == "products_pkey"), "{clash}");
    assert_eq!(fixture.number("SELECT count(*) FROM products").await, 1);
    assert_eq!(fixture.number("SELECT count(*) FROM outbox").await, 0);
    assert_eq!(fixture.seed(1_000, true).await.unwrap(), 1_000, "the connection is as good as before");
}

#[tokio::test]
async fn two_at_once_are_one_too_many() {
    let fixture = fixture().await;
    let mut other = fixture.store.begin("test.other").await.unwrap();
    assert!(other.begin_bulk_load().await.unwrap());
    let refused = fixture.seed(10, false).await.unwrap_err();
    assert!(matches!(refused, SeedError::Running), "{refused}");
    other.rollback().await.unwrap();
    assert_eq!(fixture.seed(10, false).await.unwrap(), 10);
}
