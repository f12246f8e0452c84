//! The query for what is counted of people.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::model::ids::UserId;
use crate::model::user_stats::{GenreRead, UserStats};

/// One statement, so that all numbers are of one moment. Each part goes along an index of what is somebody's.
pub(in crate::store) async fn of(connection: &mut PgConnection, user: UserId) -> sqlx::Result<UserStats> {
    let row = sqlx::query!(
        r#"WITH bought AS MATERIALIZED (
               SELECT l.product_id, sum(l.quantity)::bigint AS copies
               FROM orders o JOIN order_lines l ON l.order_id = o.id
               WHERE o.user_id = $1 AND o.state IN ('paid', 'shipped', 'delivered')
               GROUP BY l.product_id
           ), read AS (
               SELECT g.slug, g.name, count(*) AS books
               FROM bought b
               JOIN products p ON p.id = b.product_id
               CROSS JOIN unnest(p.genres) AS genre
               JOIN genres g ON g.slug = genre
               GROUP BY g.slug
               ORDER BY books DESC, g.slug
               LIMIT 10
           )
           SELECT r.reviews AS "reviews!", r.average_rating,
                  (SELECT count(*) FROM favourites f JOIN products p ON p.id = f.product_id
                   WHERE f.user_id = $1 AND p.status <> 'draft') AS "favourites!",
                  (SELECT count(*) FROM orders WHERE user_id = $1) AS "orders!",
                  (SELECT count(*) FROM bought) AS "books!",
                  (SELECT coalesce(sum(copies), 0)::bigint FROM bought) AS "copies!",
                  (SELECT coalesce(jsonb_agg(read ORDER BY books DESC, slug), '[]') FROM read)
                      AS "genres!: Json<Vec<GenreRead>>"
           FROM (SELECT count(*) AS reviews, avg(rating)::double precision AS average_rating
                 FROM reviews WHERE user_id = $1 AND NOT hidden) r"#,
        user.0,
    )
    .fetch_one(connection)
    .await?;
    Ok(UserStats {
        reviews: row.reviews,
        average_rating: row.average_rating,
        favourites: row.favourites,
        orders: row.orders,
        books: row.books,
        copies: row.copies,
        genres: row.genres.0,
    })
}
