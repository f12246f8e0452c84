//! Queries for favourites.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::summary_row;
use crate::invalidation::outbox::OutboxRows;
use crate::model::favourite::{Favourite, FavouriteBook};
use crate::model::ids::{ProductId, UserId};
use crate::model::listing::ProductSummary;
use crate::store::favourites::Added;

pub(in crate::store) async fn add(
    connection: &mut PgConnection,
    user: UserId,
    product: ProductId,
    now: OffsetDateTime,
    most: i64,
    told: &OutboxRows,
) -> sqlx::Result<(Added, Vec<i64>)> {
    let row = sqlx::query_file!(
        "src/store/sql/queries/add_favourite.sql",
        user.0,
        product.0,
        now,
        most,
        &told.kinds,
        &told.payloads,
    )
    .fetch_one(connection)
    .await?;
    let added = match row.added_at {
        Some(at) if row.is_new => Added::New(at),
        Some(at) => Added::Before(at),
        None if row.is_book => Added::TooMany,
        None => Added::NoBook,
    };
    Ok((added, row.told))
}

pub(in crate::store) async fn remove(
    connection: &mut PgConnection,
    user: UserId,
    product: ProductId,
    told: &OutboxRows,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "WITH removed AS (
             DELETE FROM favourites WHERE user_id = $1 AND product_id = $2 RETURNING product_id
         )
         INSERT INTO outbox (kind, payload)
         SELECT event.kind, event.payload FROM removed CROSS JOIN unnest($3::text[], $4::jsonb[]) AS event (kind, payload)
         RETURNING id",
        user.0,
        product.0,
        &told.kinds,
        &told.payloads,
    )
    .fetch_all(connection)
    .await
}

pub(in crate::store) async fn one(
    connection: &mut PgConnection,
    user: UserId,
    product: ProductId,
) -> sqlx::Result<Option<Favourite>> {
    let added_at = sqlx::query_scalar!(
        "SELECT f.added_at FROM favourites f JOIN products p ON p.id = f.product_id
         WHERE f.user_id = $1 AND f.product_id = $2 AND p.status <> 'draft'",
        user.0,
        product.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(added_at.map(|added_at| Favourite { product, added_at }))
}

summary_row!(
    /// A book that somebody keeps in mind.
    FavouriteRow { added_at: OffsetDateTime }
);

pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    user: UserId,
    after: Option<Favourite>,
    limit: i64,
) -> sqlx::Result<Vec<FavouriteBook>> {
    let rows = sqlx::query_as!(
        FavouriteRow,
        r#"SELECT p.id, p.work_id, p.title, p.subtitle, p.series, p.series_position, p.authors, p.isbn13, p.language,
                  p.format, p.publisher, p.published, p.published_precision, p.genres, p.cover_url, p.price_amount,
                  p.price_currency, p.status, p.rating_average, p.rating_count, p.rating_histogram, p.created_at,
                  p.updated_at, coalesce(s.on_hand - s.reserved, 0) AS "available!", f.added_at
           FROM favourites f
           JOIN products p ON p.id = f.product_id
           LEFT JOIN stock s ON s.product_id = p.id
           WHERE f.user_id = $1 AND (f.added_at, f.product_id) < ($2, $3) AND p.status <> 'draft'
           ORDER BY f.added_at DESC, f.product_id DESC
           LIMIT $4"#,
        user.0,
        after.map_or(LAST, |after| after.added_at),
        after.map_or(Uuid::max(), |after| after.product.0),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(FavouriteBook { added_at: row.added_at, book: ProductSummary::try_from(row)? }))
        .collect()
}

pub(in crate::store) async fn all(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Favourite>> {
    let rows = sqlx::query!(
        "SELECT product_id, added_at FROM favourites WHERE user_id = $1 ORDER BY added_at, product_id",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| Favourite { product: ProductId(row.product_id), added_at: row.added_at }).collect())
}

/// Later than anything that was kept in mind.
const LAST: OffsetDateTime = time::macros::datetime!(9999-12-31 00:00 UTC);

pub(in crate::store) async fn count(connection: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM favourites f JOIN products p ON p.id = f.product_id
           WHERE f.user_id = $1 AND p.status <> 'draft'"#,
        user.0,
    )
    .fetch_one(connection)
    .await
}
