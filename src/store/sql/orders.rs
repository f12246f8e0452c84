//! Queries on orders.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::{CartId, OrderId, ProductId, UserId};
use crate::model::order::{Address, HistoryEntry, Order, OrderLine, OrderState};
use crate::model::product::Format;
use crate::store::orders::{CheckoutCart, CheckoutLine, OrderFilter, Placement};

/// A stored text or number that no release has written.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

struct Row {
    id: Uuid,
    number: i64,
    user_id: Option<Uuid>,
    guest_token_hash: Option<Vec<u8>>,
    email: String,
    shipping_address: Json<Address>,
    shipping_method: String,
    coupon_code: Option<String>,
    state: String,
    currency: String,
    subtotal: i64,
    discount: i64,
    shipping: i64,
    tax: i64,
    total: i64,
    refunded: i64,
    version: i64,
    placed_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    tracking: Option<String>,
    lines: Json<Vec<OrderLine>>,
}

impl TryFrom<Row> for Order {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let guest = row.guest_token_hash.map(<[u8; 32]>::try_from).transpose();
        let guest = guest.map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?;
        Ok(Self {
            id: OrderId(row.id),
            number: row.number,
            user: row.user_id.map(UserId),
            guest,
            email: row.email,
            address: row.shipping_address.0,
            shipping_method: row.shipping_method,
            coupon: row.coupon_code,
            state: row.state.parse().map_err(unreadable)?,
            currency: row.currency.parse().map_err(unreadable)?,
            subtotal: row.subtotal,
            discount: row.discount,
            shipping: row.shipping,
            tax: row.tax,
            total: row.total,
            refunded: row.refunded,
            version: row.version,
            placed_at: row.placed_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
            tracking: row.tracking,
            lines: row.lines.0,
        })
    }
}

macro_rules! order_query {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT o.id, o.number, o.user_id, o.guest_token_hash, o.email,
                   o.shipping_address AS "shipping_address: Json<Address>", o.shipping_method, o.coupon_code, o.state,
                   o.currency, o.subtotal, o.discount, o.shipping, o.tax, o.total, o.refunded, o.version, o.placed_at,
                   o.updated_at, o.expires_at, o.tracking,
                   (SELECT jsonb_agg(jsonb_build_object('product', l.product_id, 'title', l.title, 'authors', l.authors,
                        'isbn13', l.isbn13, 'format', l.format, 'quantity', l.quantity, 'unit_price', l.unit_price,
                        'subtotal', l.subtotal, 'discount', l.discount, 'tax', l.tax, 'total', l.total)
                        ORDER BY l.position)
                    FROM order_lines l WHERE l.order_id = o.id) AS "lines!: Json<Vec<OrderLine>>"
               FROM orders o "# + $tail,
            $($argument),*
        )
    };
}

fn orders(rows: Vec<Row>) -> sqlx::Result<Vec<Order>> {
    rows.into_iter().map(Order::try_from).collect()
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: OrderId) -> sqlx::Result<Option<Order>> {
    order_query!("WHERE o.id = $1", id.0).fetch_optional(connection).await?.map(Order::try_from).transpose()
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: OrderId,
) -> sqlx::Result<Option<Order>> {
    let row = order_query!("WHERE o.id = $1 FOR UPDATE OF o", id.0).fetch_optional(connection).await?;
    row.map(Order::try_from).transpose()
}

pub(in crate::store) async fn of_user(
    connection: &mut PgConnection,
    user: UserId,
    before: Option<OrderId>,
    limit: i64,
) -> sqlx::Result<Vec<Order>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = order_query!("WHERE o.user_id = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3", user.0, before, limit);
    orders(rows.fetch_all(connection).await?)
}

pub(in crate::store) async fn of_guest(
    connection: &mut PgConnection,
    guest: &[u8; 32],
    before: Option<OrderId>,
    limit: i64,
) -> sqlx::Result<Vec<Order>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = order_query!(
        "WHERE o.guest_token_hash = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3",
        guest.as_slice(),
        before,
        limit,
    );
    orders(rows.fetch_all(connection).await?)
}

pub(in crate::store) async fn of_all(
    connection: &mut PgConnection,
    filter: &OrderFilter,
    before: Option<OrderId>,
    limit: i64,
) -> sqlx::Result<Vec<Order>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = order_query!(
        "WHERE o.id < $1 AND ($2::text IS NULL OR o.state = $2) AND ($3::text IS NULL OR o.email = $3)
             AND ($4::bigint IS NULL OR o.number = $4)
         ORDER BY o.id DESC LIMIT $5",
        before,
        filter.state.map(OrderState::as_str),
        filter.email.as_deref(),
        filter.number,
        limit,
    );
    orders(rows.fetch_all(connection).await?)
}

pub(in crate::store) async fn history(connection: &mut PgConnection, id: OrderId) -> sqlx::Result<Vec<HistoryEntry>> {
    let rows = sqlx::query!(
        "SELECT state, occurred_at, actor_id, reason FROM order_history WHERE order_id = $1 ORDER BY version",
        id.0,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(HistoryEntry {
                state: row.state.parse().map_err(unreadable)?,
                occurred_at: row.occurred_at,
                actor: row.actor_id.map(UserId),
                reason: row.reason,
            })
        })
        .collect()
}

pub(in crate::store) async fn cart(
    connection: &mut PgConnection,
    cart: CartId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<CheckoutCart>> {
    let rows = sqlx::query_file!("src/store/sql/queries/checkout_cart.sql", cart.0, now).fetch_all(connection).await?;
    let mut found: Option<CheckoutCart> = None;
    for row in rows {
        let cart = found.get_or_insert_with(|| CheckoutCart {
            version: row.version,
            coupon: row.coupon_code,
            number: row.number,
            lines: Vec::new(),
        });
        let format = row.format.as_deref().map(str::parse::<Format>).transpose().map_err(unreadable)?;
        cart.lines.push(CheckoutLine {
            product: ProductId(row.product_id),
            quantity: row.quantity,
            title: row.title,
            authors: row.authors,
            isbn13: row.isbn13,
            format,
            status: row.status.parse().map_err(unreadable)?,
            price: row.price_amount.zip(row.price_currency),
            available: row.available,
        });
    }
    Ok(found)
}

/// A line as the statement reads it.
#[derive(serde::Serialize)]
struct PlacedLine<'a> {
    position: usize,
    #[serde(flatten)]
    line: &'a OrderLine,
}

pub(in crate::store) async fn place(
    connection: &mut PgConnection,
    order: &Order,
    placement: &Placement<'_>,
) -> sqlx::Result<bool> {
    let lines: Vec<_> = order.lines.iter().enumerate().map(|(position, line)| PlacedLine { position, line }).collect();
    let lines = serde_json::to_value(lines).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query_file_scalar!(
        "src/store/sql/queries/place_order.sql",
        order.id.0,
        order.number,
        order.user.map(|user| user.0),
        order.guest.as_ref().map(<[u8; 32]>::as_slice),
        order.email,
        Json(&order.address) as _,
        order.address.country,
        order.shipping_method,
        order.coupon,
        order.state.as_str(),
        order.currency.to_string(),
        order.subtotal,
        order.discount,
        order.shipping,
        order.tax,
        order.total,
        order.placed_at,
        order.expires_at,
        lines,
        placement.customer,
        placement.cart.0,
        placement.cart_version,
        placement.answer,
        placement.request.owner,
        placement.request.operation,
        placement.request.key,
    )
    .fetch_one(connection)
    .await
}

/// What a move of an order leaves behind.
pub(in crate::store) struct Moved<'a> {
    pub(in crate::store) to: OrderState,
    pub(in crate::store) tracking: Option<&'a str>,
    pub(in crate::store) actor: Option<UserId>,
    pub(in crate::store) reason: Option<&'a str>,
    pub(in crate::store) now: OffsetDateTime,
}

pub(in crate::store) async fn advance(
    connection: &mut PgConnection,
    id: OrderId,
    moved: Moved<'_>,
) -> sqlx::Result<i64> {
    sqlx::query_file_scalar!(
        "src/store/sql/queries/move_order.sql",
        id.0,
        moved.to.as_str(),
        moved.now,
        moved.tracking,
        moved.actor.map(|actor| actor.0),
        moved.reason,
    )
    .fetch_one(connection)
    .await
}

/// Orders whose time has run out, locked; those that others hold, and those that are just being paid for, are passed over.
pub(in crate::store) async fn take_expired(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Order>> {
    let rows = order_query!(
        "WHERE o.state = 'pending' AND o.expires_at <= $1
             AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.state = 'processing')
         ORDER BY o.expires_at LIMIT $2 FOR UPDATE OF o SKIP LOCKED",
        now,
        limit,
    );
    orders(rows.fetch_all(connection).await?)
}

pub(in crate::store) async fn release_coupon(
    connection: &mut PgConnection,
    id: OrderId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "WITH released AS (
             UPDATE coupon_uses SET released_at = $2 WHERE order_id = $1 AND released_at IS NULL RETURNING coupon_code
         )
         UPDATE coupons c SET uses = c.uses - 1 FROM released r WHERE c.code = r.coupon_code AND c.uses > 0
         RETURNING c.code",
        id.0,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Takes one of the uses that a coupon has left. Says whether there was one.
pub(in crate::store) async fn use_coupon(connection: &mut PgConnection, code: &str) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "UPDATE coupons SET uses = uses + 1 WHERE code = $1 AND (max_uses IS NULL OR uses < max_uses)",
        code,
    )
    .execute(connection)
    .await?;
    Ok(used.rows_affected() > 0)
}

pub(in crate::store) async fn coupon_uses_of(
    connection: &mut PgConnection,
    code: &str,
    customer: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM coupon_uses
           WHERE coupon_code = $1 AND customer = $2 AND released_at IS NULL"#,
        code,
        customer,
    )
    .fetch_one(connection)
    .await
}

/// Takes away what says whose these orders were. The books, amounts and states stay: the law wants them kept.
pub(in crate::store) async fn forget_buyer(connection: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE orders SET email = '', guest_token_hash = NULL, user_id = NULL,
             shipping_address = jsonb_build_object('name', '', 'line1', '', 'city', '', 'country', country)
         WHERE user_id = $1",
        user.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether somebody has orders that are not over.
pub(in crate::store) async fn has_open(connection: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM orders WHERE user_id = $1 AND state IN ('pending', 'paid', 'shipped')) AS "open!""#,
        user.0,
    )
    .fetch_one(connection)
    .await
}
