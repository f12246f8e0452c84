//! Made-up readers, in a real database.

use bookstore::domain::pricing::Pricing;
use bookstore::domain::seed::{ReaderOptions, SeedError, SeedProgress, Seeded, seed_readers};
use bookstore::model::clock::SystemClock;

use super::{Fixture, fixture};
use crate::support::selling::assert_books_balance;
use crate::support::{Shop, settle};

impl Fixture {
    async fn seed_readers(&self, orders: u64, reviews: u64, more: bool) -> Result<Seeded, SeedError> {
        let options = ReaderOptions { orders, reviews, seed: 1, more };
        seed_readers(&self.store, &SystemClock, &self.pricing(), &options, |_| ()).await
    }

    fn pricing(&self) -> Pricing {
        let settings = [("database.url", self.database.primary_url.as_str()), ("redis.url", "redis://127.0.0.1:1/0")];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut config = bookstore::config::Config::load(None, [], settings).unwrap();
        config.shop.currency = "EUR".to_owned();
        Pricing::new(&config.shop).unwrap()
    }

    /// Requires that none of these queries, which look for what must not be, finds anything.
    async fn assert_none(&self, queries: &[(&str, &'static str)]) {
        for (what, query) in queries {
            assert_eq!(self.number(query).await, 0, "{what}");
        }
    }
}

const MUST_NOT_BE: &[(&str, &str)] = &[
    (
        "a review is verified if and only if its writer has bought the book",
        "SELECT count(*) FROM reviews r WHERE verified <> EXISTS (
             SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.user_id = r.user_id AND l.product_id = r.product_id AND o.state IN ('paid', 'shipped', 'delivered'))",
    ),
    (
        "votes are counted",
        "SELECT count(*) FROM reviews r WHERE r.helpful <> (SELECT count(*) FROM review_votes WHERE review_id = r.id AND helpful)
             OR r.unhelpful <> (SELECT count(*) FROM review_votes WHERE review_id = r.id AND NOT helpful)",
    ),
    (
        "reviews are counted",
        "SELECT count(*) FROM products p WHERE rating_count <> coalesce(imported_rating_count, 0)
             + (SELECT count(*) FROM reviews WHERE product_id = p.id)",
    ),
    (
        "nobody votes on what they wrote",
        "SELECT count(*) FROM review_votes v JOIN reviews r ON r.id = v.review_id AND r.user_id = v.user_id",
    ),
    (
        "an order costs what its lines and its shipping cost",
        "SELECT count(*) FROM orders o
         JOIN (SELECT order_id, sum(subtotal) AS subtotal, sum(total) AS total, sum(tax) AS tax FROM order_lines GROUP BY 1) l
             ON l.order_id = o.id
         WHERE o.subtotal <> l.subtotal OR o.total <> l.total + o.shipping + (o.tax - l.tax)",
    ),
    (
        "books cost what they cost in the shop",
        "SELECT count(*) FROM order_lines l JOIN products p ON p.id = l.product_id
         WHERE (l.unit_price, l.title, l.authors, l.isbn13, l.format)
             IS DISTINCT FROM (p.price_amount, p.title, p.authors, p.isbn13, p.format) OR p.status <> 'active'",
    ),
    (
        "an order stands where its history ends",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (
             SELECT FROM order_history h
             WHERE h.order_id = o.id AND (h.version, h.state, h.occurred_at) = (o.version, o.state, o.updated_at)
                 AND h.version = (SELECT count(*) FROM order_history WHERE order_id = o.id))",
    ),
    (
        "an order is paid for",
        "SELECT count(*) FROM orders o WHERE o.total <> (
             SELECT coalesce(sum(amount), 0) FROM payments WHERE order_id = o.id AND state = 'succeeded')",
    ),
    ("nothing holds stock", "SELECT count(*) FROM orders WHERE state NOT IN ('shipped', 'delivered')"),
    (
        "nothing happens in the future",
        "SELECT count(*) FROM (SELECT updated_at AS at FROM orders UNION ALL SELECT created_at FROM reviews
             UNION ALL SELECT voted_at FROM review_votes UNION ALL SELECT added_at FROM favourites) t WHERE at > now()",
    ),
    ("no stock has moved", "SELECT count(*) FROM stock WHERE version <> 1"),
];

#[tokio::test]
async fn readers_arrive_whole_and_touch_nothing_else() {
    let fixture = fixture().await;
    fixture.seed(800, false).await.unwrap();
    let options = ReaderOptions { orders: 700, reviews: 600, seed: 1, more: false };
    let mut told = Vec::new();
    let seeded =
        seed_readers(&fixture.store, &SystemClock, &fixture.pricing(), &options, |progress| told.push(progress)).await;
    let seeded = seeded.unwrap();
    assert_eq!((seeded.orders, seeded.reviews), (700, 600));
    assert_eq!(told, [SeedProgress::Written(1_300), SeedProgress::Finishing]);
    for (table, rows) in [("users", seeded.people), ("orders", 700), ("reviews", 600)] {
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        assert_eq!(count.fetch_one(&mut fixture.sql().await).await.unwrap() as u64, rows, "{table}");
    }
    for table in ["review_votes", "favourites", "payments", "order_history"] {
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        assert!(count.fetch_one(&mut fixture.sql().await).await.unwrap() > 50, "{table}");
    }
    fixture.assert_none(MUST_NOT_BE).await;
    assert_books_balance(&mut fixture.sql().await).await;
    assert_eq!(fixture.number("SELECT count(DISTINCT number) FROM orders").await, 700);
    let event = "SELECT (payload->>'orders')::bigint FROM outbox WHERE kind = 'readers_seeded'";
    assert_eq!(fixture.number(event).await, 700);
    assert_eq!(fixture.number("SELECT count(*) FROM audit_log WHERE action = 'readers.seed'").await, 1);
    assert_eq!(fixture.number("SELECT reltuples::bigint FROM pg_class WHERE relname = 'reviews'").await, 600);
}

#[tokio::test]
async fn readers_come_to_those_who_are_there_only_when_asked() {
    let fixture = fixture().await;
    let refused = fixture.seed_readers(10, 10, false).await.unwrap_err();
    assert!(matches!(refused, SeedError::NoBooks), "{refused}");
    assert_eq!(fixture.seed_readers(0, 0, false).await.unwrap(), Seeded::default());
    fixture.seed(300, false).await.unwrap();
    let first = fixture.seed_readers(100, 100, false).await.unwrap();
    let refused = fixture.seed_readers(100, 100, false).await.unwrap_err();
    assert!(matches!(refused, SeedError::HasReaders), "{refused}");
    assert_eq!(fixture.number("SELECT count(*) FROM reviews").await, 100, "a refusal changes nothing");
    let second = fixture.seed_readers(50, 80, true).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM users").await as u64, first.people + second.people);
    assert_eq!(fixture.number("SELECT count(*) FROM reviews").await, 180);
    fixture.assert_none(MUST_NOT_BE).await;

    let mut other = fixture.store.begin("test.other").await.unwrap();
    assert!(other.begin_bulk_load().await.unwrap());
    let refused = fixture.seed_readers(10, 0, true).await.unwrap_err();
    assert!(matches!(refused, SeedError::Running), "{refused}");
}

#[tokio::test]
async fn a_failure_leaves_nobody() {
    let fixture = fixture().await;
    fixture.seed(300, false).await.unwrap();
    sqlx::query("ALTER TABLE reviews ADD CONSTRAINT mild CHECK (rating > 1)")
        .execute(&mut fixture.sql().await)
        .await
        .unwrap();
    let failed = fixture.seed_readers(300, 300, false).await.unwrap_err();
    assert!(matches!(&failed, SeedError::Clash(name) if name == "mild"), "{failed}");
    for query in [
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM outbox WHERE kind = 'readers_seeded'",
    ] {
        assert_eq!(fixture.number(query).await, 0);
    }
}

#[tokio::test]
async fn nobody_signs_in_as_somebody_who_was_made_up() {
    let fixture = fixture().await;
    fixture.seed(100, false).await.unwrap();
    fixture.seed_readers(20, 20, false).await.unwrap();
    let email: String =
        sqlx::query_scalar("SELECT min(email) FROM users").fetch_one(&mut fixture.sql().await).await.unwrap();
    let Fixture { database, .. } = fixture;
    let shop = Shop::over(database, &[]).await;
    settle().await;
    assert_eq!(email, "reader-0@readers.invalid");
    shop.sign_in(&email, "correct horse battery").await.expect(401);
    shop.sign_in("nobody@example.org", "correct horse battery").await.expect(401);
}
