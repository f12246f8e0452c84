//! Queries on what there is, and on the ledger that explains it.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::products::parse;
use crate::model::ids::{OrderId, ProductId, UserId};
use crate::model::stock::{LedgerBalance, Stock, StockChange, StockLevel};

struct StockRow {
    product_id: Uuid,
    version: i64,
    on_hand: i32,
    reserved: i32,
    updated_at: OffsetDateTime,
    status: String,
}

impl TryFrom<StockRow> for Stock {
    type Error = sqlx::Error;

    fn try_from(row: StockRow) -> sqlx::Result<Self> {
        let StockRow { product_id, version, on_hand, reserved, updated_at, status } = row;
        let level = StockLevel { product: ProductId(product_id), version, on_hand, reserved };
        Ok(Self { level, status: parse("status", &status)?, updated_at })
    }
}

pub(in crate::store) async fn of(connection: &mut PgConnection, products: &[Uuid]) -> sqlx::Result<Vec<Stock>> {
    let rows = sqlx::query_as!(
        StockRow,
        "SELECT s.product_id, s.version, s.on_hand, s.reserved, s.updated_at, p.status
         FROM stock s JOIN products p ON p.id = s.product_id WHERE s.product_id = ANY($1)",
        products,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Stock::try_from).collect()
}

pub(in crate::store) async fn for_update(
    connection: &mut PgConnection,
    product: ProductId,
) -> sqlx::Result<Option<Stock>> {
    let row = sqlx::query_as!(
        StockRow,
        "SELECT s.product_id, s.version, s.on_hand, s.reserved, s.updated_at, p.status
         FROM stock s JOIN products p ON p.id = s.product_id WHERE s.product_id = $1 FOR UPDATE OF s",
        product.0,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Stock::try_from).transpose()
}

/// Those of these books whose stock is beyond these versions.
pub(in crate::store) async fn beyond(
    connection: &mut PgConnection,
    products: &[Uuid],
    versions: &[i64],
) -> sqlx::Result<Vec<ProductId>> {
    let ids = sqlx::query_scalar!(
        "SELECT s.product_id
         FROM unnest($1::uuid[], $2::bigint[]) AS w (id, version)
         JOIN stock s ON s.product_id = w.id AND s.version > w.version",
        products,
        versions,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProductId).collect())
}

struct ChangeRow {
    product_id: Uuid,
    version: i64,
    on_hand_change: i32,
    reserved_change: i32,
    on_hand: i32,
    reserved: i32,
    reason: String,
    order_id: Option<Uuid>,
    actor_id: Option<Uuid>,
    note: Option<String>,
    occurred_at: OffsetDateTime,
}

impl TryFrom<ChangeRow> for StockChange {
    type Error = sqlx::Error;

    fn try_from(row: ChangeRow) -> sqlx::Result<Self> {
        Ok(Self {
            level: StockLevel {
                product: ProductId(row.product_id),
                version: row.version,
                on_hand: row.on_hand,
                reserved: row.reserved,
            },
            on_hand_change: row.on_hand_change,
            reserved_change: row.reserved_change,
            reason: parse("reason", &row.reason)?,
            order: row.order_id.map(OrderId),
            actor: row.actor_id.map(UserId),
            note: row.note,
            occurred_at: row.occurred_at,
        })
    }
}

/// The changes of each of these books after a version, in order, at most `limit` of each.
pub(in crate::store) async fn changes_after(
    connection: &mut PgConnection,
    products: &[Uuid],
    versions: &[i64],
    limit: i64,
) -> sqlx::Result<Vec<StockChange>> {
    let rows = sqlx::query_as!(
        ChangeRow,
        r#"SELECT l.product_id AS "product_id!", l.version AS "version!", l.on_hand_change AS "on_hand_change!",
               l.reserved_change AS "reserved_change!", l.on_hand AS "on_hand!", l.reserved AS "reserved!",
               l.reason AS "reason!", l.order_id, l.actor_id, l.note, l.occurred_at AS "occurred_at!"
           FROM unnest($1::uuid[], $2::bigint[]) AS w (id, version)
           CROSS JOIN LATERAL (
               SELECT * FROM stock_ledger l WHERE l.product_id = w.id AND l.version > w.version
               ORDER BY l.version LIMIT $3
           ) l
           ORDER BY l.product_id, l.version"#,
        products,
        versions,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(StockChange::try_from).collect()
}

/// The newest changes of a book before a version.
pub(in crate::store) async fn ledger(
    connection: &mut PgConnection,
    product: ProductId,
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<StockChange>> {
    let rows = sqlx::query_as!(
        ChangeRow,
        "SELECT product_id, version, on_hand_change, reserved_change, on_hand, reserved, reason, order_id, actor_id, note,
             occurred_at
         FROM stock_ledger WHERE product_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
        product.0,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(StockChange::try_from).collect()
}

/// What there is of the next books after this one, in the order of their ids, and what the ledger says.
pub(in crate::store) async fn balances(
    connection: &mut PgConnection,
    after: ProductId,
    limit: i64,
) -> sqlx::Result<Vec<LedgerBalance>> {
    let rows = sqlx::query!(
        r#"SELECT s.product_id AS "product_id!", s.version AS "version!", s.on_hand AS "on_hand!",
               s.reserved AS "reserved!", l.entries AS "entries!", l.last_version AS "last_version!",
               l.on_hand AS "on_hand_sum!", l.reserved AS "reserved_sum!", l.in_step AS "in_step!"
           FROM (SELECT * FROM stock WHERE product_id > $1 ORDER BY product_id LIMIT $2) s
           CROSS JOIN LATERAL (
               SELECT count(*) AS entries, coalesce(max(version), 0) AS last_version,
                   coalesce(sum(on_hand_change), 0)::bigint AS on_hand,
                   coalesce(sum(reserved_change), 0)::bigint AS reserved, coalesce(bool_and(in_step), true) AS in_step
               FROM (
                   SELECT version, on_hand_change, reserved_change,
                       (sum(on_hand_change) OVER w, sum(reserved_change) OVER w) = (on_hand, reserved) AS in_step
                   FROM stock_ledger WHERE product_id = s.product_id WINDOW w AS (ORDER BY version)
               ) steps
           ) l
           ORDER BY s.product_id"#,
        after.0,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LedgerBalance {
            level: StockLevel {
                product: ProductId(row.product_id),
                version: row.version,
                on_hand: row.on_hand,
                reserved: row.reserved,
            },
            entries: row.entries,
            last_version: row.last_version,
            on_hand: row.on_hand_sum,
            reserved: row.reserved_sum,
            in_step: row.in_step,
        })
        .collect())
}
