//! Queries for genres.

use sqlx::PgConnection;

use crate::model::product::Genre;

/// Every genre with its active books, counted in one pass over the index that carries the genres.
pub(in crate::store) async fn all(connection: &mut PgConnection) -> sqlx::Result<Vec<Genre>> {
    sqlx::query_as!(
        Genre,
        r#"SELECT g.slug, g.name, coalesce(counted.books, 0) AS "books!"
           FROM genres g
           LEFT JOIN (SELECT unnest(p.genres) AS slug, count(*) AS books
                      FROM products p
                      WHERE p.status = 'active'
                      GROUP BY 1) counted ON counted.slug = g.slug
           ORDER BY g.slug"#
    )
    .fetch_all(connection)
    .await
}
