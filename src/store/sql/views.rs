//! Queries for views.

use std::time::Duration;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::model::ids::{ProductId, ViewBatchId};
use crate::model::views::{ViewCount, ViewTotals};

pub(in crate::store) async fn enter_batch(connection: &mut PgConnection, batch: ViewBatchId) -> sqlx::Result<bool> {
    let entered = sqlx::query!("INSERT INTO view_batches (id) VALUES ($1) ON CONFLICT DO NOTHING", batch.0)
        .execute(connection)
        .await?;
    Ok(entered.rows_affected() == 1)
}

/// Rows are locked in the order of the key, so that two processes that count the same books do not block each other.
pub(in crate::store) async fn add(connection: &mut PgConnection, counts: &[ViewCount]) -> sqlx::Result<()> {
    let books: Vec<Uuid> = counts.iter().map(|count| count.product.0).collect();
    let days: Vec<Date> = counts.iter().map(|count| count.day).collect();
    let views: Vec<i64> = counts.iter().map(|count| i64::try_from(count.views).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        "INSERT INTO product_views (product_id, day, views)
         SELECT p.id, seen.day, seen.views
         FROM unnest($1::uuid[], $2::date[], $3::bigint[]) AS seen (id, day, views)
         JOIN products p ON p.id = seen.id
         ORDER BY p.id, seen.day
         ON CONFLICT (product_id, day) DO UPDATE SET views = product_views.views + EXCLUDED.views",
        &books,
        &days,
        &views,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn forget_batches(connection: &mut PgConnection, age: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM view_batches WHERE id IN (
             SELECT id FROM view_batches WHERE counted_at < now() - make_interval(secs => $1)
             ORDER BY counted_at LIMIT 100 FOR UPDATE SKIP LOCKED)",
        age.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One statement, so that a batch is either among the counted ones and in the sums, or neither.
pub(in crate::store) async fn totals(
    connection: &mut PgConnection,
    book: ProductId,
    today: Date,
    batches: &[ViewBatchId],
) -> sqlx::Result<Option<(ViewTotals, Vec<ViewBatchId>)>> {
    let batches: Vec<Uuid> = batches.iter().map(|batch| batch.0).collect();
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(v.views) FILTER (WHERE v.day = $2), 0)::bigint AS "today!",
                  coalesce(sum(v.views) FILTER (WHERE v.day BETWEEN $2 - 6 AND $2), 0)::bigint AS "week!",
                  coalesce(sum(v.views), 0)::bigint AS "total!",
                  ARRAY(SELECT b.id FROM view_batches b WHERE b.id = ANY ($3)) AS "counted!"
           FROM products p
           LEFT JOIN product_views v ON v.product_id = p.id
           WHERE p.id = $1
           GROUP BY p.id"#,
        book.0,
        today,
        &batches,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        let totals = ViewTotals { today: row.today, week: row.week, total: row.total };
        (totals, row.counted.into_iter().map(ViewBatchId).collect())
    }))
}
