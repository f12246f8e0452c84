//! Queries for the books that are looked at most.

use sqlx::PgConnection;
use time::Date;

use super::listing::summary_row;
use crate::model::listing::ProductSummary;
use crate::model::trending::{DAYS, Trending};

summary_row!(
    /// A book with its looks.
    TrendingRow { score: f64, views: i64 }
);

/// The looks are summed first, from the few days that count, and the wide rows of books are read one after the other in the
/// order of the sums, until there are enough of them: `OFFSET 0` keeps the planner from reading all books instead.
pub(in crate::store) async fn trending(
    connection: &mut PgConnection,
    today: Date,
    genre: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Trending>> {
    let rows = sqlx::query_as!(
        TrendingRow,
        r#"WITH looks AS MATERIALIZED (
               SELECT v.product_id, sum(v.views * power(0.5::double precision, $1 - v.day)) AS score,
                      sum(v.views)::bigint AS views
               FROM product_views v
               WHERE v.day > $1 - $4::integer AND v.day <= $1
               GROUP BY v.product_id
           )
           SELECT p.id AS "id!", p.work_id AS "work_id!", p.title AS "title!", p.subtitle, p.series, p.series_position,
                  p.authors AS "authors!", p.isbn13, p.language, p.format, p.publisher, p.published,
                  p.published_precision, p.genres AS "genres!", p.cover_url, p.price_amount, p.price_currency,
                  p.status AS "status!", p.rating_average AS "rating_average!", p.rating_count AS "rating_count!",
                  p.rating_histogram, p.created_at AS "created_at!", p.updated_at AS "updated_at!",
                  coalesce(s.on_hand - s.reserved, 0) AS "available!", l.score AS "score!", l.views AS "views!"
           FROM (SELECT * FROM looks ORDER BY score DESC, product_id) l
           CROSS JOIN LATERAL (
               SELECT * FROM products
               WHERE id = l.product_id AND status = 'active' AND ($2::text IS NULL OR genres @> ARRAY[$2::text])
               OFFSET 0
           ) p
           LEFT JOIN stock s ON s.product_id = p.id
           ORDER BY l.score DESC, l.product_id
           LIMIT $3"#,
        today,
        genre,
        limit,
        DAYS,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Trending { score: row.score, views: row.views, book: ProductSummary::try_from(row)? }))
        .collect()
}
