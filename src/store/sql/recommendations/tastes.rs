//! Queries for what readers like.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::{ProductId, UserId, WorkId};
use crate::model::recommendation::{ReaderProfile, Sign, Taste, TastedBook, Touched};

/// Somebody's taste in a book.
#[derive(Clone, Debug, PartialEq)]
pub struct TasteRow {
    /// Who.
    pub user: UserId,
    /// Which book.
    pub product: ProductId,
    /// How it is known.
    pub sign: Sign,
    /// Since when.
    pub latest: OffsetDateTime,
}

/// A book that somebody likes.
#[derive(Clone, Debug, PartialEq)]
pub struct TastedBookRow {
    /// The book.
    pub id: ProductId,
    /// Its work.
    pub work: WorkId,
    /// Its series.
    pub series: Option<String>,
    /// Its authors.
    pub authors: Vec<String>,
    /// Its genres, by their slugs.
    pub genres: Vec<String>,
    /// Whether it is active and has a price.
    pub sold: bool,
}

fn sign(
    product: Uuid,
    bought_at: Option<OffsetDateTime>,
    favourite_at: Option<OffsetDateTime>,
    liked_at: Option<OffsetDateTime>,
) -> Sign {
    Taste { product: ProductId(product), bought_at, favourite_at, liked_at }.sign()
}

/// Whoever ordered a book, keeps it in mind or has reviewed it knows it, in whichever edition.
pub(in crate::store) async fn profile(
    connection: &mut PgConnection,
    user: UserId,
    most: i64,
) -> sqlx::Result<ReaderProfile> {
    let rows = sqlx::query!(
        r#"SELECT known.works AS "known!", p.id AS "id?", p.title AS "title?", p.genres AS "genres?", t.bought_at,
                  t.favourite_at, t.liked_at
           FROM (SELECT ARRAY (
                     SELECT DISTINCT b.work_id
                     FROM (SELECT l.product_id
                           FROM orders o JOIN order_lines l ON l.order_id = o.id
                           WHERE o.user_id = $1 AND o.state IN ('pending', 'paid', 'shipped', 'delivered')
                           UNION ALL
                           SELECT product_id FROM favourites WHERE user_id = $1
                           UNION ALL
                           SELECT product_id FROM reviews WHERE user_id = $1) own
                     JOIN products b ON b.id = own.product_id) AS works) known
           LEFT JOIN (SELECT product_id, bought_at, favourite_at, liked_at, latest FROM tastes WHERE user_id = $1
                      ORDER BY latest DESC, product_id LIMIT $2) t ON true
           LEFT JOIN products p ON p.id = t.product_id
           ORDER BY t.latest DESC, t.product_id"#,
        user.0,
        most,
    )
    .fetch_all(connection)
    .await?;
    let known = rows.first().map(|row| row.known.iter().copied().map(WorkId).collect()).unwrap_or_default();
    let tastes = rows
        .into_iter()
        .filter_map(|row| {
            let id = row.id?;
            Some(TastedBook {
                sign: sign(id, row.bought_at, row.favourite_at, row.liked_at),
                id: ProductId(id),
                title: row.title?,
                genres: row.genres?,
            })
        })
        .collect();
    Ok(ReaderProfile { tastes, known })
}

pub(in crate::store) async fn of(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Taste>> {
    let rows = sqlx::query!(
        "SELECT product_id, bought_at, favourite_at, liked_at FROM tastes WHERE user_id = $1
         ORDER BY latest DESC, product_id",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    let tastes = rows.into_iter().map(|row| Taste {
        product: ProductId(row.product_id),
        bought_at: row.bought_at,
        favourite_at: row.favourite_at,
        liked_at: row.liked_at,
    });
    Ok(tastes.collect())
}

pub(in crate::store) async fn all(
    connection: &mut PgConnection,
    after: Option<(UserId, ProductId)>,
    limit: i64,
) -> sqlx::Result<Vec<TasteRow>> {
    let (user, product) = after.map_or((Uuid::nil(), Uuid::nil()), |(user, product)| (user.0, product.0));
    let rows = sqlx::query!(
        r#"SELECT user_id, product_id, bought_at, favourite_at, liked_at, latest AS "latest!"
           FROM tastes WHERE (user_id, product_id) > ($1, $2) ORDER BY user_id, product_id LIMIT $3"#,
        user,
        product,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let tastes = rows.into_iter().map(|row| TasteRow {
        user: UserId(row.user_id),
        product: ProductId(row.product_id),
        sign: sign(row.product_id, row.bought_at, row.favourite_at, row.liked_at),
        latest: row.latest,
    });
    Ok(tastes.collect())
}

pub(in crate::store) async fn books(
    connection: &mut PgConnection,
    after: Option<ProductId>,
    limit: i64,
) -> sqlx::Result<Vec<TastedBookRow>> {
    let rows = sqlx::query!(
        r#"SELECT p.id, p.work_id, p.series, p.authors, p.genres,
                  p.status = 'active' AND p.price_amount IS NOT NULL AS "sold!"
           FROM neighbour_lists l JOIN products p ON p.id = l.product_id
           WHERE l.readers > 0 AND l.product_id > $1 ORDER BY l.product_id LIMIT $2"#,
        after.map_or(Uuid::nil(), |book| book.0),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let books = rows.into_iter().map(|row| TastedBookRow {
        id: ProductId(row.id),
        work: WorkId(row.work_id),
        series: row.series,
        authors: row.authors,
        genres: row.genres,
        sold: row.sold,
    });
    Ok(books.collect())
}

/// What is wanted is what the sources say now: done twice, or long after, it comes to the same. Rows that are as they should
/// be are not written.
pub(in crate::store) async fn note(connection: &mut PgConnection, touched: &Touched) -> sqlx::Result<Vec<UserId>> {
    let (users, products): (Vec<Uuid>, Vec<Uuid>) =
        touched.pairs.iter().map(|(user, product)| (user.0, product.0)).unzip();
    let orders: Vec<Uuid> = touched.orders.iter().map(|order| order.0).collect();
    let changed = sqlx::query_scalar!(
        r#"WITH pair AS MATERIALIZED (
               SELECT user_id, product_id FROM unnest($1::uuid[], $2::uuid[]) AS given (user_id, product_id)
               UNION
               SELECT o.user_id, l.product_id FROM orders o JOIN order_lines l ON l.order_id = o.id
               WHERE o.id = ANY ($3) AND o.user_id IS NOT NULL
           ), wanted AS MATERIALIZED (
               SELECT pair.user_id, pair.product_id, t.bought_at, t.favourite_at, t.liked_at, t.likes
               FROM pair CROSS JOIN LATERAL (
                   SELECT max(s.at) FILTER (WHERE s.kind = 'bought') AS bought_at,
                          max(s.at) FILTER (WHERE s.kind = 'favourite') AS favourite_at,
                          max(s.at) FILTER (WHERE s.kind = 'liked') AS liked_at,
                          coalesce(bool_and(s.kind <> 'disliked'), false) AS likes
                   FROM taste_sources s
                   WHERE s.user_id = pair.user_id AND s.product_id = pair.product_id) t
           ), gone AS (
               DELETE FROM tastes t USING wanted w
               WHERE NOT w.likes AND t.user_id = w.user_id AND t.product_id = w.product_id
               RETURNING t.user_id
           ), written AS (
               INSERT INTO tastes AS t (user_id, product_id, bought_at, favourite_at, liked_at)
               SELECT user_id, product_id, bought_at, favourite_at, liked_at FROM wanted WHERE likes
               ORDER BY user_id, product_id
               ON CONFLICT (user_id, product_id) DO UPDATE
               SET bought_at = excluded.bought_at, favourite_at = excluded.favourite_at, liked_at = excluded.liked_at
               WHERE (t.bought_at, t.favourite_at, t.liked_at)
                     IS DISTINCT FROM (excluded.bought_at, excluded.favourite_at, excluded.liked_at)
               RETURNING t.user_id
           )
           SELECT user_id AS "user!" FROM gone UNION SELECT user_id FROM written"#,
        &users,
        &products,
        &orders,
    )
    .fetch_all(connection)
    .await?;
    Ok(changed.into_iter().map(UserId).collect())
}

pub(in crate::store) async fn recount(connection: &mut PgConnection) -> sqlx::Result<i64> {
    // The limit on time is for requests.
    sqlx::query!(r#"SELECT set_config('statement_timeout', '0', true) AS "set!""#).fetch_one(&mut *connection).await?;
    sqlx::query_scalar!(
        r#"WITH wanted AS MATERIALIZED (
               SELECT user_id, product_id, max(at) FILTER (WHERE kind = 'bought') AS bought_at,
                      max(at) FILTER (WHERE kind = 'favourite') AS favourite_at,
                      max(at) FILTER (WHERE kind = 'liked') AS liked_at
               FROM taste_sources
               GROUP BY user_id, product_id
               HAVING bool_and(kind <> 'disliked')
           ), gone AS (
               DELETE FROM tastes t
               WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.user_id = t.user_id AND w.product_id = t.product_id)
               RETURNING t.user_id
           ), written AS (
               INSERT INTO tastes AS t (user_id, product_id, bought_at, favourite_at, liked_at)
               SELECT user_id, product_id, bought_at, favourite_at, liked_at FROM wanted
               ORDER BY user_id, product_id
               ON CONFLICT (user_id, product_id) DO UPDATE
               SET bought_at = excluded.bought_at, favourite_at = excluded.favourite_at, liked_at = excluded.liked_at
               WHERE (t.bought_at, t.favourite_at, t.liked_at)
                     IS DISTINCT FROM (excluded.bought_at, excluded.favourite_at, excluded.liked_at)
               RETURNING t.user_id
           )
           SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written) AS "changed!""#
    )
    .fetch_one(connection)
    .await
}
