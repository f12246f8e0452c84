//! Queries on stock.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::ProductId;
use crate::model::stock::{StockCause, StockLevel, StockMove};

struct Row {
    product_id: Uuid,
    version: i64,
    on_hand: i32,
    reserved: i32,
}

impl From<Row> for StockLevel {
    fn from(row: Row) -> Self {
        let Row { product_id, version, on_hand, reserved } = row;
        Self { product: ProductId(product_id), version, on_hand, reserved }
    }
}

/// Rows are locked in the order of their ids, so that two orders of the same books wait for each other instead of
/// deadlocking. Whoever waited sees what the other one left: the condition is checked against the newest row.
pub(in crate::store) async fn apply(
    connection: &mut PgConnection,
    moves: &[StockMove],
    cause: &StockCause,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<StockLevel>> {
    let ids: Vec<_> = moves.iter().map(|one| one.product.0).collect();
    let on_hand: Vec<_> = moves.iter().map(|one| one.on_hand).collect();
    let reserved: Vec<_> = moves.iter().map(|one| one.reserved).collect();
    let rows = sqlx::query_as!(
        Row,
        "WITH wanted AS (
             SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS w (id, on_hand, reserved)
         ), locked AS MATERIALIZED (
             SELECT product_id FROM stock WHERE product_id = ANY($1) ORDER BY product_id FOR UPDATE
         )
         UPDATE stock s
         SET on_hand = s.on_hand + w.on_hand, reserved = s.reserved + w.reserved, version = s.version + 1,
             reason = $4, order_id = $5, actor_id = $6, note = $7, updated_at = $8
         FROM locked l JOIN wanted w ON w.id = l.product_id
         WHERE s.product_id = l.product_id
             AND s.reserved + w.reserved BETWEEN 0 AND s.on_hand + w.on_hand
         RETURNING s.product_id, s.version, s.on_hand, s.reserved",
        &ids,
        &on_hand,
        &reserved,
        cause.reason.as_str(),
        cause.order.map(|order| order.0),
        cause.actor.map(|actor| actor.0),
        cause.note.as_deref(),
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(StockLevel::from).collect())
}

pub(in crate::store) async fn levels(
    connection: &mut PgConnection,
    products: &[ProductId],
) -> sqlx::Result<Vec<StockLevel>> {
    let ids: Vec<_> = products.iter().map(|product| product.0).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT product_id, version, on_hand, reserved FROM stock WHERE product_id = ANY($1) ORDER BY product_id",
        &ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(StockLevel::from).collect())
}
