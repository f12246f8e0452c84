//! Queries for carts. Whoever writes to a cart locks its row before anything else of it.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::coupons::CouponRow;
use super::products::{parse, price, unreadable};
use crate::invalidation::outbox::OutboxRows;
use crate::model::cart::{Buyer, Cart, CartLine};
use crate::model::coupon::Coupon;
use crate::model::ids::{CartId, ProductId};
use crate::model::money::{Currency, Money};
use crate::model::product::FEW;
use crate::store::carts::{CartLimits, Found, Put, Stamps};

/// A cart with its coupon, beside one of its lines; what it has none of is absent.
struct CartRow {
    id: Uuid,
    version: i64,
    updated_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    coupon_uses: i64,
    code: Option<String>,
    basis_points: Option<i32>,
    amount: Option<i64>,
    minimum: Option<i64>,
    starts_at: Option<OffsetDateTime>,
    ends_at: Option<OffsetDateTime>,
    max_uses: Option<i32>,
    max_uses_per_customer: Option<i32>,
    uses: Option<i32>,
    active: Option<bool>,
    coupon_version: Option<i64>,
    coupon_created_at: Option<OffsetDateTime>,
    coupon_updated_at: Option<OffsetDateTime>,
    product_id: Option<Uuid>,
    quantity: Option<i32>,
    added_price: Option<i64>,
    added_currency: Option<String>,
    added_availability: Option<String>,
    added_at: Option<OffsetDateTime>,
    title: Option<String>,
    authors: Option<Vec<String>>,
    cover_url: Option<String>,
    format: Option<String>,
    isbn13: Option<String>,
    status: Option<String>,
    price_amount: Option<i64>,
    price_currency: Option<String>,
    available: Option<i32>,
}

/// A column that its table always has, of a row that an outer join found.
fn present<T>(column: &str, value: Option<T>) -> sqlx::Result<T> {
    value.ok_or_else(|| unreadable(column, sqlx::Error::ColumnNotFound(column.to_owned())))
}

impl CartRow {
    fn coupon(&mut self) -> sqlx::Result<Option<Coupon>> {
        let Some(code) = self.code.take() else { return Ok(None) };
        let row = CouponRow {
            code,
            basis_points: self.basis_points,
            amount: self.amount,
            minimum: present("minimum", self.minimum)?,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            max_uses: self.max_uses,
            max_uses_per_customer: self.max_uses_per_customer,
            uses: present("uses", self.uses)?,
            active: present("active", self.active)?,
            version: present("version", self.coupon_version)?,
            created_at: present("created_at", self.coupon_created_at)?,
            updated_at: present("updated_at", self.coupon_updated_at)?,
        };
        row.try_into().map(Some)
    }

    fn line(self) -> sqlx::Result<Option<CartLine>> {
        let Some(product) = self.product_id else { return Ok(None) };
        let currency: Currency = parse("price_currency", &present("price_currency", self.added_currency)?)?;
        let amount = present("price_amount", self.added_price)?;
        Ok(Some(CartLine {
            product: ProductId(product),
            quantity: present("quantity", self.quantity)?,
            added_price: Money { amount, currency },
            added_availability: parse("availability", &present("availability", self.added_availability)?)?,
            added_at: present("added_at", self.added_at)?,
            title: present("title", self.title)?,
            authors: present("authors", self.authors)?,
            cover_url: self.cover_url,
            format: self.format.map(|format| parse("format", &format)).transpose()?,
            isbn13: self.isbn13,
            status: parse("status", &present("status", self.status)?)?,
            price: price(self.price_amount, self.price_currency.as_deref())?,
            available: self.available.unwrap_or(0),
        }))
    }
}

/// The cart with this id, unless it has expired.
pub(in crate::store) async fn by_id(
    connection: &mut PgConnection,
    id: CartId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Cart>> {
    let mut rows = sqlx::query_as!(
        CartRow,
        r#"SELECT c.id, c.version, c.updated_at, c.expires_at,
                  (SELECT count(*) FROM coupon_uses u
                   WHERE u.coupon_code = c.coupon_code AND u.customer = c.user_id::text AND u.released_at IS NULL)
                      AS "coupon_uses!",
                  k.code AS "code?", k.basis_points AS "basis_points?", k.amount AS "amount?",
                  k.minimum AS "minimum?", k.starts_at AS "starts_at?", k.ends_at AS "ends_at?",
                  k.max_uses AS "max_uses?", k.max_uses_per_customer AS "max_uses_per_customer?", k.uses AS "uses?",
                  k.active AS "active?", k.version AS "coupon_version?", k.created_at AS "coupon_created_at?",
                  k.updated_at AS "coupon_updated_at?",
                  l.product_id AS "product_id?", l.quantity AS "quantity?", l.price_amount AS "added_price?",
                  l.price_currency AS "added_currency?", l.availability AS "added_availability?",
                  l.added_at AS "added_at?",
                  p.title AS "title?", p.authors AS "authors?", p.cover_url AS "cover_url?", p.format AS "format?",
                  p.isbn13 AS "isbn13?", p.status AS "status?", p.price_amount AS "price_amount?",
                  p.price_currency AS "price_currency?", s.on_hand - s.reserved AS "available?"
           FROM carts c
           LEFT JOIN coupons k ON k.code = c.coupon_code
           LEFT JOIN cart_lines l ON l.cart_id = c.id
           LEFT JOIN products p ON p.id = l.product_id
           LEFT JOIN stock s ON s.product_id = l.product_id
           WHERE c.id = $1 AND c.expires_at > $2
           ORDER BY l.added_at, l.product_id"#,
        id.0,
        now,
    )
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first_mut() else { return Ok(None) };
    let coupon = first.coupon()?;
    let (version, updated_at, expires_at) = (first.version, first.updated_at, first.expires_at);
    let (id, coupon_uses) = (CartId(first.id), first.coupon_uses);
    let lines = rows.into_iter().filter_map(|row| row.line().transpose()).collect::<sqlx::Result<_>>()?;
    Ok(Some(Cart { id, version, updated_at, expires_at, coupon, coupon_uses, lines }))
}

fn owner(buyer: &Buyer) -> (Option<Uuid>, Option<&[u8]>) {
    (buyer.user().map(|user| user.0), buyer.guest().map(|hash| hash.as_slice()))
}

pub(in crate::store) async fn put(
    connection: &mut PgConnection,
    buyer: &Buyer,
    put: &Put,
    limits: &CartLimits,
    at: &Stamps,
    told: &OutboxRows,
) -> sqlx::Result<(Option<Found>, Vec<i64>)> {
    let (user, token) = owner(buyer);
    let row = sqlx::query_file!(
        "src/store/sql/queries/put_cart_item.sql",
        buyer.cart().0,
        user,
        token,
        put.product.0,
        put.quantity,
        put.adds,
        limits.currency.to_string(),
        at.now,
        at.expires_at,
        limits.max_quantity,
        limits.max_lines,
        FEW,
        &told.kinds,
        &told.payloads,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok((None, Vec::new())) };
    let found = Found {
        status: parse("status", &row.status)?,
        in_currency: row.price_currency.is_some_and(|currency| currency == limits.currency.to_string()),
        available: row.available,
        lines: row.lines,
        before: row.before,
        wanted: row.wanted,
        allowed: row.allowed,
        placed: row.placed,
    };
    Ok((Some(found), row.told))
}

pub(in crate::store) async fn remove(
    connection: &mut PgConnection,
    cart: CartId,
    product: ProductId,
    at: &Stamps,
    told: &OutboxRows,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "WITH cart AS (
             UPDATE carts SET version = version + 1, updated_at = $3, expires_at = $4
             WHERE id = $1 AND expires_at > $3
                 AND EXISTS (SELECT FROM cart_lines WHERE cart_id = $1 AND product_id = $2)
             RETURNING id
         ), line AS (
             DELETE FROM cart_lines l USING cart WHERE l.cart_id = cart.id AND l.product_id = $2
         )
         INSERT INTO outbox (kind, payload)
         SELECT event.kind, event.payload FROM cart CROSS JOIN unnest($5::text[], $6::jsonb[]) AS event (kind, payload)
         RETURNING id",
        cart.0,
        product.0,
        at.now,
        at.expires_at,
        &told.kinds,
        &told.payloads,
    )
    .fetch_all(connection)
    .await
}

pub(in crate::store) async fn clear(
    connection: &mut PgConnection,
    cart: CartId,
    at: &Stamps,
    told: &OutboxRows,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "WITH cart AS (
             UPDATE carts SET version = version + 1, updated_at = $2, expires_at = $3, coupon_code = NULL
             WHERE id = $1 RETURNING id
         ), lines AS (
             DELETE FROM cart_lines l USING cart WHERE l.cart_id = cart.id
         )
         INSERT INTO outbox (kind, payload)
         SELECT event.kind, event.payload FROM cart CROSS JOIN unnest($4::text[], $5::jsonb[]) AS event (kind, payload)
         RETURNING id",
        cart.0,
        at.now,
        at.expires_at,
        &told.kinds,
        &told.payloads,
    )
    .fetch_all(connection)
    .await
}

/// As with a book, a cart that has expired begins anew.
pub(in crate::store) async fn put_coupon(
    connection: &mut PgConnection,
    buyer: &Buyer,
    code: &str,
    at: &Stamps,
    told: &OutboxRows,
) -> sqlx::Result<Vec<i64>> {
    let (user, token) = owner(buyer);
    sqlx::query_scalar!(
        "WITH present AS (
             SELECT expires_at, expires_at <= $5 AS expired FROM carts WHERE id = $1
         ), cart AS (
             INSERT INTO carts AS c (id, user_id, token_hash, coupon_code, created_at, updated_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $5, $6)
             ON CONFLICT (id) DO UPDATE
             SET version = c.version + 1, coupon_code = $4, updated_at = $5, expires_at = $6,
                 created_at = CASE WHEN c.expires_at <= $5 THEN $5 ELSE c.created_at END
             RETURNING id
         ), outdated AS (
             DELETE FROM cart_lines l USING cart, present
             WHERE l.cart_id = cart.id AND present.expired AND l.added_at < present.expires_at
         )
         INSERT INTO outbox (kind, payload)
         SELECT event.kind, event.payload FROM cart CROSS JOIN unnest($7::text[], $8::jsonb[]) AS event (kind, payload)
         RETURNING id",
        buyer.cart().0,
        user,
        token,
        code,
        at.now,
        at.expires_at,
        &told.kinds,
        &told.payloads,
    )
    .fetch_all(connection)
    .await
}

pub(in crate::store) async fn remove_coupon(
    connection: &mut PgConnection,
    cart: CartId,
    at: &Stamps,
    told: &OutboxRows,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "WITH cart AS (
             UPDATE carts SET version = version + 1, updated_at = $2, expires_at = $3, coupon_code = NULL
             WHERE id = $1 AND expires_at > $2 AND coupon_code IS NOT NULL RETURNING id
         )
         INSERT INTO outbox (kind, payload)
         SELECT event.kind, event.payload FROM cart CROSS JOIN unnest($4::text[], $5::jsonb[]) AS event (kind, payload)
         RETURNING id",
        cart.0,
        at.now,
        at.expires_at,
        &told.kinds,
        &told.payloads,
    )
    .fetch_all(connection)
    .await
}

/// Locks a cart, and makes it before where there is none: what is not there cannot be locked.
pub(in crate::store) async fn ensure(connection: &mut PgConnection, buyer: &Buyer, at: &Stamps) -> sqlx::Result<()> {
    let (user, token) = owner(buyer);
    sqlx::query!(
        "INSERT INTO carts AS c (id, user_id, token_hash, created_at, updated_at, expires_at)
         VALUES ($1, $2, $3, $4, $4, $5)
         ON CONFLICT (id) DO UPDATE SET version = c.version",
        buyer.cart().0,
        user,
        token,
        at.now,
        at.expires_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks a cart, where there is one.
pub(in crate::store) async fn lock(connection: &mut PgConnection, cart: CartId) -> sqlx::Result<()> {
    sqlx::query!("SELECT id FROM carts WHERE id = $1 FOR UPDATE", cart.0).fetch_optional(connection).await?;
    Ok(())
}

/// Makes the cart what is said here, with these lines instead of those that it has.
pub(in crate::store) async fn replace(
    connection: &mut PgConnection,
    buyer: &Buyer,
    coupon: Option<&str>,
    lines: &[CartLine],
    at: &Stamps,
) -> sqlx::Result<()> {
    let (user, token) = owner(buyer);
    let cart = buyer.cart().0;
    sqlx::query!(
        "INSERT INTO carts AS c (id, user_id, token_hash, coupon_code, created_at, updated_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $5, $6)
         ON CONFLICT (id) DO UPDATE
         SET version = c.version + 1, coupon_code = $4, updated_at = $5, expires_at = $6,
             created_at = CASE WHEN c.expires_at <= $5 THEN $5 ELSE c.created_at END",
        cart,
        user,
        token,
        coupon,
        at.now,
        at.expires_at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM cart_lines WHERE cart_id = $1", cart).execute(&mut *connection).await?;
    let products: Vec<_> = lines.iter().map(|line| line.product.0).collect();
    let quantities: Vec<_> = lines.iter().map(|line| line.quantity).collect();
    let amounts: Vec<_> = lines.iter().map(|line| line.added_price.amount).collect();
    let currencies: Vec<_> = lines.iter().map(|line| line.added_price.currency.to_string()).collect();
    let availabilities: Vec<_> = lines.iter().map(|line| line.added_availability.as_str().to_owned()).collect();
    let times: Vec<_> = lines.iter().map(|line| line.added_at).collect();
    sqlx::query!(
        "INSERT INTO cart_lines (cart_id, product_id, quantity, price_amount, price_currency, availability, added_at)
         SELECT $1, l.*
         FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[]) AS l",
        cart,
        &products,
        &quantities,
        &amounts,
        &currencies,
        &availabilities,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete(connection: &mut PgConnection, cart: CartId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM carts WHERE id = $1", cart.0).execute(connection).await?;
    Ok(())
}

/// Carts that somebody is writing to, or removing, are passed over.
pub(in crate::store) async fn delete_expired(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<CartId>> {
    let ids = sqlx::query_scalar!(
        "DELETE FROM carts WHERE id IN (
             SELECT id FROM carts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING id",
        now,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CartId).collect())
}
