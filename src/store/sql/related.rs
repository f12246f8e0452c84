//! Queries for related books.

use sqlx::PgConnection;

use super::listing::summary_row;
use super::products::parse;
use crate::model::ids::{ProductId, WorkId};
use crate::model::listing::ProductSummary;
use crate::model::related::{Kinship, Related};

pub(in crate::store) async fn kinship(connection: &mut PgConnection, id: ProductId) -> sqlx::Result<Option<Kinship>> {
    let row = sqlx::query!(
        r#"SELECT p.status, p.work_id, p.series_key, p.series_position, p.author_keys AS "author_keys!", p.genres
           FROM products p
           WHERE p.id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Kinship {
            status: parse("status", &row.status)?,
            work: WorkId(row.work_id),
            series: row.series_key,
            position: row.series_position,
            authors: row.author_keys,
            genres: row.genres,
        })
    })
    .transpose()
}

summary_row!(
    /// A related book.
    RelatedRow { relation: String }
);

/// Every relation is a bounded walk along an index of its own. Of the genres the fifty most popular books are weighed by
/// how many genres they share.
pub(in crate::store) async fn related(
    connection: &mut PgConnection,
    id: ProductId,
    kinship: &Kinship,
    each: i64,
) -> sqlx::Result<Vec<Related>> {
    let rows = sqlx::query_as!(
        RelatedRow,
        r#"WITH related AS MATERIALIZED (
               (SELECT 'edition' AS relation, 1 AS place, p.id, row_number() OVER (ORDER BY p.popularity DESC, p.id) AS near
                FROM products p
                WHERE p.status = 'active' AND p.work_id = $2 AND p.id <> $1
                ORDER BY near
                LIMIT $7)
               UNION ALL
               (SELECT 'series', 2, p.id,
                       row_number() OVER (ORDER BY coalesce(p.series_position > $4::double precision, false) DESC,
                                                   abs(p.series_position - $4), p.series_position, p.popularity DESC, p.id)
                       AS near
                FROM products p
                WHERE p.status = 'active' AND p.series_key = $3::text AND p.id <> $1 AND p.work_id <> $2
                ORDER BY near
                LIMIT $7)
               UNION ALL
               (SELECT 'readers', 3, p.id, n.place
                FROM book_neighbours n JOIN products p ON p.id = n.neighbour_id
                WHERE n.product_id = $1 AND p.status = 'active' AND p.work_id <> $2
                ORDER BY n.place
                LIMIT $7)
               UNION ALL
               (SELECT 'author', 4, a.id, row_number() OVER (ORDER BY a.popularity DESC, a.id) AS near
                FROM (SELECT p.id, p.popularity
                      FROM products p
                      WHERE p.status = 'active' AND p.author_keys && $5::text[] AND p.id <> $1 AND p.work_id <> $2
                      ORDER BY p.popularity DESC, p.id DESC
                      LIMIT $7) a)
               UNION ALL
               (SELECT 'genre', 5, g.id, row_number() OVER (ORDER BY g.shared DESC, g.popularity DESC, g.id) AS near
                FROM (SELECT p.id, p.popularity,
                             (SELECT count(*) FROM unnest(p.genres) AS genre WHERE genre = ANY ($6)) AS shared
                      FROM products p
                      WHERE p.status = 'active' AND p.genres && $6::text[] AND p.id <> $1 AND p.work_id <> $2
                      ORDER BY p.popularity DESC, p.id DESC
                      LIMIT 50) g
                ORDER BY near
                LIMIT $7))
           SELECT p.id AS "id!", p.work_id AS "work_id!", p.title AS "title!", p.subtitle, p.series, p.series_position,
                  p.authors AS "authors!", p.isbn13, p.language, p.format, p.publisher, p.published,
                  p.published_precision, p.genres AS "genres!", p.cover_url, p.price_amount, p.price_currency,
                  p.status AS "status!", p.rating_average AS "rating_average!", p.rating_count AS "rating_count!",
                  p.rating_histogram, p.created_at AS "created_at!", p.updated_at AS "updated_at!",
                  coalesce(s.on_hand - s.reserved, 0) AS "available!", r.relation AS "relation!"
           FROM related r
           JOIN products p ON p.id = r.id
           LEFT JOIN stock s ON s.product_id = p.id
           ORDER BY r.place, r.near"#,
        id.0,
        kinship.work.0,
        kinship.series,
        kinship.position,
        &kinship.authors,
        &kinship.genres,
        each,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Related { relation: parse("relation", &row.relation)?, book: ProductSummary::try_from(row)? }))
        .collect()
}
