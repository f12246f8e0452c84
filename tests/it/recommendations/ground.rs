//! What tests of recommendations need: books, readers, and what these do, with the events that the shop would write.

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::{Shop, eventually};

/// A shop that follows its readers and computes at once.
pub const QUICK: [(&str, &str); 2] = [("recommendations.enabled", "true"), ("recommendations.interval", "20ms")];

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Reader {
    pub id: Uuid,
    pub token: String,
}

/// Somebody new.
pub async fn reader(shop: &Shop) -> Reader {
    let token = shop.customer().await;
    let me = shop.get("/users/me").token(&token).send().await.expect(200).json();
    Reader { id: me["id"].as_str().unwrap().parse().unwrap(), token }
}

/// So many people who never come in by the door.
pub async fn strangers(sql: &mut PgConnection, count: i32) -> Vec<Uuid> {
    sqlx::query_scalar(
        "INSERT INTO users (id, email, password_hash, display_name, role, created_at, updated_at, password_changed_at)
         SELECT gen_random_uuid(), gen_random_uuid() || '@example.org', 'none', 'Stranger', 'customer', now(), now(), now()
         FROM generate_series(1, $1) RETURNING id",
    )
    .bind(count)
    .fetch_all(sql)
    .await
    .unwrap()
}

/// So many books of authors of their own, two of the genre `even` and two of the genre `odd` by turns, each popular by its
/// place; always `editions` of them are of one work. The least popular come first.
pub async fn books(sql: &mut PgConnection, count: i32, editions: i32) -> Vec<Uuid> {
    let books: Vec<(Uuid, i32)> = sqlx::query_as(
        "WITH book AS (
             INSERT INTO products (id, work_id, title, authors, genres, format, price_amount, price_currency, status,
                                   popularity, created_at, updated_at)
             SELECT gen_random_uuid(), lpad(((n - 1) / $2)::text, 32, 'a')::uuid, 'Book ' || n,
                    ARRAY['Author ' || (n - 1) / $2], ARRAY[CASE WHEN n / 2 % 2 = 0 THEN 'even' ELSE 'odd' END], 'paperback',
                    1000, 'USD', 'active', n, now(), now()
             FROM generate_series(1, $1) n
             RETURNING id, popularity
         ), shelf AS (
             INSERT INTO stock (product_id, on_hand) SELECT id, 1000 FROM book
         )
         SELECT id, popularity::integer FROM book ORDER BY popularity",
    )
    .bind(count)
    .bind(editions)
    .fetch_all(sql)
    .await
    .unwrap();
    books.into_iter().map(|(id, _)| id).collect()
}

async fn told(sql: &mut PgConnection, event: Value) {
    sqlx::query("INSERT INTO outbox (kind, payload) VALUES ($1, $2)")
        .bind(event["kind"].as_str().unwrap())
        .bind(&event)
        .execute(sql)
        .await
        .unwrap();
}

/// An order of these books, which somebody has paid for; its id.
pub async fn buy(sql: &mut PgConnection, user: Uuid, books: &[Uuid]) -> Uuid {
    let mut tx = sql.begin().await.unwrap();
    let order = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO orders (id, user_id, email, shipping_address, country, shipping_method, state, currency, subtotal,
             discount, shipping, tax, total, placed_at, updated_at, expires_at)
         VALUES ($1, $2, 'a@example.org', '{\"name\": \"A\", \"line1\": \"B\", \"city\": \"C\", \"country\": \"US\"}', 'US',
             'standard', 'paid', 'USD', 0, 0, 0, 0, 0, now(), now(), now())",
    )
    .bind(order)
    .bind(user)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO order_lines (order_id, position, product_id, title, authors, quantity, unit_price, subtotal, discount,
             tax, total)
         SELECT $1, n, id, 'Sold', '{Somebody}', 1, 0, 0, 0, 0, 0
         FROM unnest($2::uuid[]) WITH ORDINALITY AS line (id, n)",
    )
    .bind(order)
    .bind(books)
    .execute(&mut *tx)
    .await
    .unwrap();
    told(&mut tx, json!({"kind": "order_moved", "order": order, "user": user, "from": "pending", "to": "paid"})).await;
    tx.commit().await.unwrap();
    order
}

/// Brings an order into another state.
pub async fn turn(sql: &mut PgConnection, order: Uuid, state: &str) {
    let mut tx = sql.begin().await.unwrap();
    let user: Option<Uuid> = sqlx::query_scalar("UPDATE orders SET state = $2 WHERE id = $1 RETURNING user_id")
        .bind(order)
        .bind(state)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    told(&mut tx, json!({"kind": "order_moved", "order": order, "user": user, "from": "paid", "to": state})).await;
    tx.commit().await.unwrap();
}

/// Somebody keeps a book in mind, or no longer does.
pub async fn favour(sql: &mut PgConnection, user: Uuid, book: Uuid, is_kept: bool) {
    let mut tx = sql.begin().await.unwrap();
    let (statement, kind) = if is_kept {
        ("INSERT INTO favourites VALUES ($1, $2, now()) ON CONFLICT DO NOTHING", "favourite_added")
    } else {
        ("DELETE FROM favourites WHERE user_id = $1 AND product_id = $2", "favourite_removed")
    };
    let done = sqlx::query(statement).bind(user).bind(book).execute(&mut *tx).await.unwrap();
    if done.rows_affected() > 0 {
        told(&mut tx, json!({"kind": kind, "user": user, "product": book})).await;
    }
    tx.commit().await.unwrap();
}

/// Somebody gives a book so many stars, or others than before. `is_hidden` says whether an administrator hides that.
pub async fn rate(sql: &mut PgConnection, user: Uuid, book: Uuid, stars: i16, is_hidden: bool) {
    let mut tx = sql.begin().await.unwrap();
    let (id, created): (Uuid, String) = sqlx::query_as(
        "INSERT INTO reviews (id, product_id, user_id, rating, hidden, created_at, updated_at)
         VALUES (gen_random_uuid(), $1, $2, $3, $4, now(), now())
         ON CONFLICT ON CONSTRAINT reviews_one_each DO UPDATE SET rating = $3, hidden = $4
         RETURNING id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    )
    .bind(book)
    .bind(user)
    .bind(stars)
    .bind(is_hidden)
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    let standing = json!({"average": 4.0, "score": 4.0});
    let facts = json!({"review": id, "product": book, "user": user, "rating": stars, "created_at": created});
    let kind = if is_hidden { "review_removed" } else { "review_created" };
    told(&mut tx, json!({"kind": kind, "review": facts, "moved": {"before": standing, "after": standing}})).await;
    tx.commit().await.unwrap();
}

/// Somebody closes their account.
pub async fn leave(sql: &mut PgConnection, user: Uuid) {
    let mut tx = sql.begin().await.unwrap();
    sqlx::query("DELETE FROM users WHERE id = $1").bind(user).execute(&mut *tx).await.unwrap();
    told(&mut tx, json!({"kind": "user_deleted", "user": user})).await;
    tx.commit().await.unwrap();
}

/// Readers are made up in bulk: nobody is told what they did, but that it was much.
pub async fn seeded(sql: &mut PgConnection) {
    told(sql, json!({"kind": "readers_seeded", "people": 1, "orders": 1, "reviews": 1})).await;
}

/// Waits until everything that was done is followed and nothing is due any more.
pub async fn all_counted(sql: &mut PgConnection) {
    let mut last: Option<String> = None;
    eventually("what readers did is counted", async || {
        if last.is_none() {
            last = Some(sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *sql).await.unwrap());
        }
        let waiting: bool = sqlx::query_scalar(
            "SELECT (SELECT place FROM outbox_places WHERE reader = 'tastes') <= $1::text::xid8
                 OR EXISTS (SELECT FROM neighbour_lists WHERE marks > counted)",
        )
        .bind(&last)
        .fetch_one(&mut *sql)
        .await
        .unwrap();
        if waiting {
            // Something has to happen for the place to be moved past it.
            told(&mut *sql, json!({"kind": "views_counted", "books": 0, "views": 0})).await;
        }
        !waiting
    })
    .await;
}

/// What is recommended to somebody.
pub async fn recommended(shop: &Shop, reader: &Reader, query: &str) -> Vec<Value> {
    let path = format!("/users/me/recommendations{query}");
    let json = shop.get(&path).token(&reader.token).send().await.expect(200).json();
    json["items"].as_array().unwrap().clone()
}

/// The ids of recommended books.
pub fn ids(items: &[Value]) -> Vec<Uuid> {
    items.iter().map(|item| item["product"]["id"].as_str().unwrap().parse().unwrap()).collect()
}
