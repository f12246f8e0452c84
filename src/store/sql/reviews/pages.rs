//! Pages of reviews. Each begins with one comparison of rows, which its index answers: the last page costs what the first one
//! does.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{review_query, reviews};
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::review::{Review, ReviewFilter, ReviewPosition, ReviewSort};

/// A page of the published reviews of a book: `$1` the book, `$2` whose, `$3` the language, `$4` how many, and then what
/// `$after` compares with.
macro_rules! page_query {
    ($connection:expr, $product:expr, $filter:expr, $limit:expr, $after:literal, $order:literal $(, $argument:expr)*) => {
        review_query!(
            "WHERE r.product_id = $1 AND NOT r.hidden AND ($2::boolean IS NULL OR r.verified = $2)
                 AND ($3::text IS NULL OR r.language = $3 OR r.language LIKE $3 || '-%') AND "
                + $after
                + " ORDER BY "
                + $order
                + " LIMIT $4",
            $product.0,
            $filter.verified,
            $filter.language.as_deref(),
            $limit
            $(, $argument)*
        )
        .fetch_all($connection)
        .await
    };
}

pub(in crate::store) async fn page(
    connection: &mut PgConnection,
    product: ProductId,
    sort: ReviewSort,
    filter: &ReviewFilter,
    after: Option<ReviewPosition>,
    limit: i64,
) -> sqlx::Result<Vec<Review>> {
    // A list begins before everything that can be in it.
    let highest = after.map_or((i32::MAX, Uuid::max()), |after| (after.key, after.id.0));
    let lowest = after.map_or((i32::MIN, Uuid::nil()), |after| (after.key, after.id.0));
    let rating = filter.rating.map(i16::from);
    let rows = match (sort, rating) {
        (ReviewSort::Newest, None) => {
            page_query!(connection, product, filter, limit, "r.id < $5", "r.id DESC", highest.1)
        }
        // Among reviews of so many stars the others are the newest, or the oldest.
        (ReviewSort::Newest | ReviewSort::Highest, Some(rating)) => page_query!(
            connection,
            product,
            filter,
            limit,
            "r.rating = $6 AND r.id < $5",
            "r.id DESC",
            highest.1,
            rating
        ),
        (ReviewSort::Lowest, Some(rating)) => {
            page_query!(connection, product, filter, limit, "r.rating = $6 AND r.id > $5", "r.id", lowest.1, rating)
        }
        (ReviewSort::Helpful, rating) => page_query!(
            connection,
            product,
            filter,
            limit,
            "(r.helpful, r.id) < ($6::integer, $5::uuid) AND ($7::smallint IS NULL OR r.rating = $7)",
            "r.helpful DESC, r.id DESC",
            highest.1,
            highest.0,
            rating
        ),
        (ReviewSort::Highest, None) => page_query!(
            connection,
            product,
            filter,
            limit,
            "(r.rating, r.id) < ($6::smallint, $5::uuid)",
            "r.rating DESC, r.id DESC",
            highest.1,
            stars(highest.0)
        ),
        (ReviewSort::Lowest, None) => page_query!(
            connection,
            product,
            filter,
            limit,
            "(r.rating, r.id) > ($6::smallint, $5::uuid)",
            "r.rating, r.id",
            lowest.1,
            stars(lowest.0)
        ),
    }?;
    reviews(rows)
}

/// A number of stars as its column has it.
fn stars(key: i32) -> i16 {
    i16::try_from(key.clamp(0, 6)).unwrap_or_default()
}

pub(in crate::store) async fn by_user(
    connection: &mut PgConnection,
    user: UserId,
    before: Option<ReviewId>,
    limit: i64,
) -> sqlx::Result<Vec<Review>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = review_query!("WHERE r.user_id = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3", user.0, before, limit);
    reviews(rows.fetch_all(connection).await?)
}
