//! What tests of selling need: books on the shelf, guests with carts, orders.

use bookstore::domain::access::Token;
use bookstore::model::cart::Buyer;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// A guest, known by a token.
#[derive(Clone)]
pub struct Guest {
    pub token: String,
    pub buyer: Buyer,
}

impl Guest {
    /// Somebody new.
    pub fn new() -> Self {
        let token = Token::generate().unwrap();
        Self { token: token.reveal().to_owned(), buyer: Buyer::Guest(token.hash()) }
    }
}

/// So many books that cost 10.00 each, with so many copies of each, straight into the database.
pub async fn shelve(sql: &mut PgConnection, books: i32, copies: i32) -> Vec<Uuid> {
    sqlx::query_scalar(
        "WITH book AS (
             INSERT INTO products (id, work_id, title, authors, format, price_amount, price_currency, status, created_at,
                                   updated_at)
             SELECT gen_random_uuid(), gen_random_uuid(), 'Book ' || n, '{Somebody}', 'paperback', 1000, 'USD', 'active',
                    now(), now()
             FROM generate_series(1, $1) n
             RETURNING id
         ), shelf AS (
             INSERT INTO stock (product_id, on_hand) SELECT id, $2 FROM book
         )
         SELECT id FROM book ORDER BY id",
    )
    .bind(books)
    .bind(copies)
    .fetch_all(sql)
    .await
    .unwrap()
}

/// Puts books into a buyer's cart, straight into the database, whatever was in it before.
pub async fn fill_cart(sql: &mut PgConnection, buyer: &Buyer, lines: &[(Uuid, i32)]) {
    let (books, quantities): (Vec<Uuid>, Vec<i32>) = lines.iter().copied().unzip();
    sqlx::query(
        "INSERT INTO carts AS c (id, user_id, token_hash, created_at, updated_at, expires_at)
         VALUES ($1, $2, $3, now(), now(), now() + interval '100 days')
         ON CONFLICT (id) DO UPDATE SET version = c.version + 1",
    )
    .bind(buyer.cart().0)
    .bind(buyer.user().map(|user| user.0))
    .bind(buyer.guest().map(|hash| hash.to_vec()))
    .execute(&mut *sql)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO cart_lines (cart_id, product_id, quantity, price_amount, price_currency, availability, added_at)
         SELECT $1, id, quantity, 1000, 'USD', 'in_stock', now() + n * interval '1 millisecond'
         FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS line (id, quantity, n)
         ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity",
    )
    .bind(buyer.cart().0)
    .bind(books)
    .bind(quantities)
    .execute(sql)
    .await
    .unwrap();
}

/// What a guest fills in to order.
pub fn checkout() -> Value {
    json!({
        "email": "guest@example.org",
        "shipping_address": {"name": "A Guest", "line1": "1 Main St", "city": "Springfield", "country": "US"},
    })
}

/// Copies of a book on the shelf, and how many of them are reserved.
pub async fn stock(sql: &mut PgConnection, book: Uuid) -> (i32, i32) {
    sqlx::query_as("SELECT on_hand, reserved FROM stock WHERE product_id = $1").bind(book).fetch_one(sql).await.unwrap()
}

/// Requires that the ledger balances, and that what is reserved is what open orders hold, book by book.
pub async fn assert_books_balance(sql: &mut PgConnection) {
    super::assert_ledger_balances(sql).await;
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s: %s reserved, open orders hold %s', s.product_id, s.reserved, coalesce(held.copies, 0))
         FROM stock s
         LEFT JOIN (SELECT product_id, sum(quantity) AS copies
                    FROM order_lines JOIN orders o ON o.id = order_id
                    WHERE o.state IN ('pending', 'paid') GROUP BY product_id) held USING (product_id)
         WHERE s.reserved <> coalesce(held.copies, 0) LIMIT 20",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    assert!(wrong.is_empty(), "what is reserved is not what orders hold:\n{}", wrong.join("\n"));
}
