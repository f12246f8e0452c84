//! What is bought and said, written as the shop writes it, and what the boards have to be by it.

use std::collections::BTreeMap;

use bookstore::model::events::DomainEvent;
use bookstore::model::ids::{OrderId, ProductId, ReviewId, UserId};
use bookstore::model::order::OrderState;
use bookstore::model::rating::{RatingMove, Standing};
use bookstore::model::review::ReviewFacts;
use deadpool_redis::redis::{self, Client, aio::MultiplexedConnection};
use serde_json::Value;
use sqlx::{Executor as _, PgConnection};
use time::{Date, Duration, OffsetDateTime, Weekday};
use uuid::Uuid;

use crate::support::{Shop, eventually};

/// Settings with which boards move at once.
pub const QUICK: [(&str, &str); 2] = [("leaderboards.interval", "10ms"), ("leaderboards.check_interval", "100ms")];

/// Each board in each window: who stands on it, with which score, in order.
pub type Boards = BTreeMap<(String, String, Date), Vec<(Uuid, f64)>>;

/// New people.
pub async fn people(sql: &mut PgConnection, count: i32) -> Vec<Uuid> {
    sqlx::query_scalar(
        "INSERT INTO users (id, email, password_hash, display_name, role, created_at, updated_at, password_changed_at)
         SELECT id, id || '@example.org', 'none', 'Reader ' || n, 'customer', now(), now(), now()
         FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, $1) n) made
         RETURNING id",
    )
    .bind(count)
    .fetch_all(sql)
    .await
    .unwrap()
}

/// Writes an event.
pub async fn tell(sql: &mut PgConnection, event: &DomainEvent) {
    sqlx::query("INSERT INTO outbox (kind, payload) VALUES ($1, $2)")
        .bind(event.kind())
        .bind(serde_json::to_value(event).unwrap())
        .execute(sql)
        .await
        .unwrap();
}

const NOTHING_MOVED: RatingMove =
    RatingMove { before: Standing { average: 0.0, score: 3.8 }, after: Standing { average: 0.0, score: 3.8 } };

/// A review that is there, and whether it is hidden.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub facts: ReviewFacts,
    pub hidden: bool,
}

/// Somebody writes a review.
pub async fn write(sql: &mut PgConnection, book: Uuid, user: Uuid, rating: u8, at: OffsetDateTime) -> Written {
    let (review, product, user) = (ReviewId::generate(), ProductId(book), Some(UserId(user)));
    let facts = ReviewFacts { review, product, user, rating, created_at: at };
    sql.execute("BEGIN").await.unwrap();
    sqlx::query(
        "INSERT INTO reviews (id, product_id, user_id, rating, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(review.0)
    .bind(book)
    .bind(user.map(|user| user.0))
    .bind(i16::from(rating))
    .bind(at)
    .execute(&mut *sql)
    .await
    .unwrap();
    tell(sql, &DomainEvent::ReviewCreated { review: facts, moved: NOTHING_MOVED }).await;
    sql.execute("COMMIT").await.unwrap();
    Written { facts, hidden: false }
}

impl Written {
    /// Its writer gives another number of stars.
    pub async fn rate(&mut self, sql: &mut PgConnection, rating: u8) {
        let was = std::mem::replace(&mut self.facts.rating, rating);
        self.update(sql, "UPDATE reviews SET rating = $2 WHERE id = $1", Some(rating)).await;
        tell(sql, &DomainEvent::ReviewChanged { review: self.facts, was, moved: NOTHING_MOVED }).await;
        sql.execute("COMMIT").await.unwrap();
    }

    /// An administrator hides it, or shows it again.
    pub async fn toggle(&mut self, sql: &mut PgConnection) {
        self.hidden = !self.hidden;
        self.update(sql, "UPDATE reviews SET hidden = NOT hidden WHERE id = $1", None).await;
        let (review, moved) = (self.facts, NOTHING_MOVED);
        let event = match self.hidden {
            true => DomainEvent::ReviewRemoved { review, moved },
            false => DomainEvent::ReviewRestored { review, moved },
        };
        tell(sql, &event).await;
        sql.execute("COMMIT").await.unwrap();
    }

    /// Its writer takes it back.
    pub async fn remove(self, sql: &mut PgConnection) {
        self.update(sql, "DELETE FROM reviews WHERE id = $1", None).await;
        if !self.hidden {
            tell(sql, &DomainEvent::ReviewRemoved { review: self.facts, moved: NOTHING_MOVED }).await;
        }
        sql.execute("COMMIT").await.unwrap();
    }

    async fn update(&self, sql: &mut PgConnection, statement: &'static str, rating: Option<u8>) {
        sql.execute("BEGIN").await.unwrap();
        let query = sqlx::query(statement).bind(self.facts.review.0);
        let query = match rating {
            Some(rating) => query.bind(i16::from(rating)),
            None => query,
        };
        assert_eq!(query.execute(sql).await.unwrap().rows_affected(), 1);
    }
}

/// An order is paid for.
pub async fn sell(sql: &mut PgConnection, lines: &[(Uuid, i32)], at: OffsetDateTime) -> OrderId {
    let order = OrderId::generate();
    sql.execute("BEGIN").await.unwrap();
    sqlx::query(
        "INSERT INTO orders (id, email, shipping_address, country, shipping_method, state, currency, subtotal, discount,
             shipping, tax, total, placed_at, updated_at, expires_at)
         VALUES ($1, 'a@example.org', '{}', 'US', 'standard', 'paid', 'USD', 0, 0, 0, 0, 0, $2, $2, $2)",
    )
    .bind(order.0)
    .bind(at)
    .execute(&mut *sql)
    .await
    .unwrap();
    for (position, (book, copies)) in lines.iter().enumerate() {
        sqlx::query(
            "INSERT INTO order_lines (order_id, position, product_id, title, authors, quantity, unit_price, subtotal,
                 discount, tax, total)
             VALUES ($1, $2, $3, 'Sold', '{A. Seller}', $4, 0, 0, 0, 0, 0)",
        )
        .bind(order.0)
        .bind(i16::try_from(position).unwrap())
        .bind(book)
        .bind(copies)
        .execute(&mut *sql)
        .await
        .unwrap();
    }
    sqlx::query(
        "INSERT INTO order_history (order_id, version, state, occurred_at)
         VALUES ($1, 1, 'pending', $2 - interval '3 days'), ($1, 2, 'paid', $2)",
    )
    .bind(order.0)
    .bind(at)
    .execute(&mut *sql)
    .await
    .unwrap();
    let (from, to) = (OrderState::Pending, OrderState::Paid);
    tell(sql, &DomainEvent::OrderMoved { order, user: None, from, to }).await;
    sql.execute("COMMIT").await.unwrap();
    order
}

/// An order that was paid for comes into another state.
pub async fn move_order(sql: &mut PgConnection, order: OrderId, to: OrderState, at: OffsetDateTime) {
    sql.execute("BEGIN").await.unwrap();
    sqlx::query("UPDATE orders SET state = $2 WHERE id = $1")
        .bind(order.0)
        .bind(to.as_str())
        .execute(&mut *sql)
        .await
        .unwrap();
    sqlx::query("INSERT INTO order_history (order_id, version, state, occurred_at) VALUES ($1, 3, $2, $3)")
        .bind(order.0)
        .bind(to.as_str())
        .bind(at)
        .execute(&mut *sql)
        .await
        .unwrap();
    tell(sql, &DomainEvent::OrderMoved { order, user: None, from: OrderState::Paid, to }).await;
    sql.execute("COMMIT").await.unwrap();
}

/// The windows of a moment, by other arithmetic than the shop's.
fn windows(at: OffsetDateTime) -> [(&'static str, Date); 4] {
    let (year, week, _) = at.to_iso_week_date();
    [
        ("day", at.date()),
        ("week", Date::from_iso_week_date(year, week, Weekday::Monday).unwrap()),
        ("month", Date::from_calendar_date(at.year(), at.month(), 1).unwrap()),
        ("all", Date::from_calendar_date(1970, time::Month::January, 1).unwrap()),
    ]
}

fn in_order(mut boards: Boards) -> Boards {
    for members in boards.values_mut() {
        members.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    }
    boards
}

/// The boards, counted from orders and reviews.
pub async fn truth(sql: &mut PgConnection) -> Boards {
    let sales: Vec<(Uuid, OffsetDateTime, i32)> = sqlx::query_as(
        "SELECT l.product_id, h.occurred_at, l.quantity FROM orders o JOIN order_lines l ON l.order_id = o.id
         JOIN order_history h ON h.order_id = o.id AND h.state = 'paid' WHERE o.state IN ('paid', 'shipped', 'delivered')",
    )
    .fetch_all(&mut *sql)
    .await
    .unwrap();
    let reviews: Vec<(Uuid, Option<Uuid>, i16, OffsetDateTime)> =
        sqlx::query_as("SELECT product_id, user_id, rating, created_at FROM reviews WHERE NOT hidden")
            .fetch_all(sql)
            .await
            .unwrap();
    let mut sums: BTreeMap<(&str, &str, Date, Uuid), (i64, i64)> = BTreeMap::new();
    let mut add = |board, at: OffsetDateTime, member, count: i64, stars: i64| {
        for (period, starts_on) in windows(at) {
            let sum = sums.entry((board, period, starts_on, member)).or_default();
            *sum = (sum.0 + count, sum.1 + stars);
        }
    };
    for (book, at, copies) in sales {
        add("best_sellers", at, book, copies.into(), 0);
    }
    for (book, user, rating, at) in reviews {
        add("top_rated", at, book, 1, rating.into());
        add("most_reviewed", at, book, 1, 0);
        if let Some(user) = user {
            add("top_reviewers", at, user, 1, 0);
        }
    }
    let mut boards = Boards::new();
    for ((board, period, starts_on, member), (count, stars)) in sums {
        let score = match board {
            "top_rated" => (stars as f64 + 3.8 * 50.0) / (count as f64 + 50.0),
            _ => count as f64,
        };
        boards.entry((board.to_owned(), period.to_owned(), starts_on)).or_default().push((member, score));
    }
    in_order(boards)
}

/// The boards as the database keeps them.
pub async fn kept(sql: &mut PgConnection) -> Boards {
    let rows: Vec<(String, String, Date, Uuid, f64)> =
        sqlx::query_as("SELECT board, period, starts_on, member, -key FROM leaderboard_scores WHERE count > 0")
            .fetch_all(sql)
            .await
            .unwrap();
    let mut boards = Boards::new();
    for (board, period, starts_on, member, score) in rows {
        boards.entry((board, period, starts_on)).or_default().push((member, score));
    }
    in_order(boards)
}

/// The boards as Redis keeps them, in its order.
pub async fn shared(redis: &mut MultiplexedConnection, prefix: &str) -> Boards {
    let begin = format!("{prefix}:{{leaderboards}}:");
    let names: Vec<String> = redis::cmd("KEYS").arg(format!("{begin}*")).query_async(redis).await.unwrap();
    let mut boards = Boards::new();
    for name in names {
        let [board, period, day] = name[begin.len()..].split(':').collect::<Vec<_>>()[..] else { continue };
        let range = redis::cmd("ZRANGE").arg(&name).arg(0).arg(-1).arg("WITHSCORES").to_owned();
        // A test may put something else there.
        let members: Vec<(String, f64)> = range.query_async(redis).await.unwrap_or_default();
        let members = members.into_iter().map(|(id, key)| (Uuid::try_parse(&id).unwrap(), -key)).collect();
        let day = Date::parse(day, time::macros::format_description!("[year]-[month]-[day]")).unwrap();
        boards.insert((board.to_owned(), period.to_owned(), day), members);
    }
    boards
}

/// The boards of windows that are not over.
fn open(boards: Boards, now: OffsetDateTime) -> Boards {
    let is_open =
        |period: &str, starts_on: Date| windows(now).iter().any(|(name, day)| *name == period && *day == starts_on);
    boards.into_iter().filter(|((_, period, starts_on), _)| is_open(period, *starts_on)).collect()
}

/// Waits until the scores, and the boards in this Redis, are what orders and reviews say.
pub async fn equal_a_recount(shop: &Shop, redis_url: &str, now: OffsetDateTime) {
    let prefix = shop.database().name.clone();
    let mut sql = shop.sql().await;
    let truth = truth(&mut sql).await;
    let mut last = Boards::new();
    let scores = async || kept(&mut shop.sql().await).await == truth;
    eventually("the scores are what orders and reviews say", scores).await;
    let expected = open(truth.clone(), now);
    let boards = async || {
        let Ok(client) = Client::open(redis_url) else { return false };
        let Ok(mut redis) = client.get_multiplexed_async_connection().await else { return false };
        last = open(shared(&mut redis, &prefix).await, now);
        last == expected
    };
    eventually("Redis has the boards", boards).await;
}

/// A page of a board.
pub async fn page(shop: &Shop, path: &str) -> Value {
    shop.get(&format!("/leaderboards/{path}")).send().await.expect(200).json()
}

/// The ids, ranks and scores on a page.
pub fn places(page: &Value) -> Vec<(Uuid, i64, f64)> {
    let place = |item: &Value| {
        let who = item.get("product").or_else(|| item.get("reviewer")).unwrap();
        (who["id"].as_str().unwrap().parse().unwrap(), item["rank"].as_i64().unwrap(), item["score"].as_f64().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(place).collect()
}

/// Waits until a board has so many places. A busy machine may take a while before its servers answer.
pub async fn await_total(shop: &Shop, path: &str, total: i64) -> Value {
    eventually("the board has its places", async || {
        let answer = shop.get(&format!("/leaderboards/{path}")).send().await;
        answer.status == 200 && answer.json()["total"] == total
    })
    .await;
    page(shop, path).await
}

/// Small enough steps of time that no window turns in a test by accident: noon of the present day.
pub fn noon(shop: &Shop) -> OffsetDateTime {
    use bookstore::model::clock::Clock as _;
    let now = shop.clock.now();
    let noon = now.replace_time(time::macros::time!(12:00));
    let ahead = if noon > now { noon - now } else { noon - now + Duration::DAY };
    // A few hours of the same day are left to the test.
    shop.clock.advance(ahead);
    shop.clock.now()
}
