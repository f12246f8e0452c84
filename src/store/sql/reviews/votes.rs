//! Queries on votes. Triggers count them.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::review::ReviewVote;

pub(in crate::store) async fn write(
    connection: &mut PgConnection,
    review: ReviewId,
    wanted: &[(UserId, Option<bool>)],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let (users, votes): (Vec<Uuid>, Vec<Option<bool>>) = wanted.iter().map(|(user, vote)| (user.0, *vote)).unzip();
    let changed = sqlx::query_scalar!(
        r#"WITH wanted AS (
               SELECT * FROM unnest($2::uuid[], $3::boolean[]) AS w (user_id, helpful)
           ), written AS (
               INSERT INTO review_votes AS v (review_id, user_id, helpful, voted_at)
               SELECT $1, user_id, helpful, $4 FROM wanted WHERE helpful IS NOT NULL ORDER BY user_id
               ON CONFLICT (review_id, user_id) DO UPDATE SET helpful = excluded.helpful, voted_at = excluded.voted_at
               WHERE v.helpful <> excluded.helpful
               RETURNING 1
           ), withdrawn AS (
               DELETE FROM review_votes v USING wanted w
               WHERE v.review_id = $1 AND v.user_id = w.user_id AND w.helpful IS NULL
               RETURNING 1
           )
           SELECT EXISTS (SELECT FROM written) OR EXISTS (SELECT FROM withdrawn) AS "changed!""#,
        review.0,
        &users,
        &votes as &[Option<bool>],
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(changed)
}

pub(in crate::store) async fn withdraw(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<ProductId>> {
    let products = sqlx::query_scalar!(
        "WITH withdrawn AS (DELETE FROM review_votes WHERE user_id = $1 RETURNING review_id)
         SELECT DISTINCT r.product_id FROM withdrawn w JOIN reviews r ON r.id = w.review_id",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(products.into_iter().map(ProductId).collect())
}

pub(in crate::store) async fn of_user(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<ReviewVote>> {
    let rows = sqlx::query!(
        "SELECT review_id, helpful, voted_at FROM review_votes WHERE user_id = $1 ORDER BY voted_at, review_id",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    let vote =
        |row: (Uuid, bool, OffsetDateTime)| ReviewVote { review: ReviewId(row.0), helpful: row.1, voted_at: row.2 };
    Ok(rows.into_iter().map(|row| vote((row.review_id, row.helpful, row.voted_at))).collect())
}
