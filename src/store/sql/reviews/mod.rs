//! Queries on reviews.

pub(in crate::store) mod moderation;
mod pages;
pub(in crate::store) mod votes;

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

pub(in crate::store) use pages::{by_user, page};

use super::products::{parse, unreadable};
use crate::model::idempotency::{KeptAnswer, KeyedRequest};
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::product::Status;
use crate::model::review::{Author, Review, ReviewContent, ReviewSummary};
use crate::store::reviews::{Beginning, NewReview, RatedBook, UsedKey};

/// A row of `reviews` with its writer's name, as `review_query!` selects it.
pub(super) struct ReviewRow {
    pub(super) id: Uuid,
    pub(super) product_id: Uuid,
    pub(super) user_id: Option<Uuid>,
    pub(super) author_name: Option<String>,
    pub(super) rating: i16,
    pub(super) title: Option<String>,
    pub(super) body: Option<String>,
    pub(super) language: Option<String>,
    pub(super) verified: bool,
    pub(super) hidden: bool,
    pub(super) hidden_reason: Option<String>,
    pub(super) helpful: i32,
    pub(super) unhelpful: i32,
    pub(super) version: i64,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
}

impl TryFrom<ReviewRow> for Review {
    type Error = sqlx::Error;

    fn try_from(row: ReviewRow) -> sqlx::Result<Self> {
        let author = row.user_id.zip(row.author_name).map(|(id, name)| Author { id: UserId(id), name });
        Ok(Self {
            id: ReviewId(row.id),
            product: ProductId(row.product_id),
            author,
            content: ReviewContent {
                rating: u8::try_from(row.rating).map_err(|error| unreadable("rating", error))?,
                title: row.title,
                text: row.body,
                language: row.language,
            },
            verified: row.verified,
            hidden: row.hidden,
            hidden_reason: row.hidden_reason,
            helpful: row.helpful,
            unhelpful: row.unhelpful,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A query for whole reviews: `r` is the review, `u` its writer.
macro_rules! review_query {
    ($tail:expr $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::store::sql::reviews::ReviewRow,
            r#"SELECT r.id, r.product_id, r.user_id, u.display_name AS "author_name?", r.rating, r.title, r.body, r.language,
                      r.verified, r.hidden, r.hidden_reason, r.helpful, r.unhelpful, r.version, r.created_at, r.updated_at
               FROM reviews r LEFT JOIN users u ON u.id = r.user_id "# + $tail,
            $($argument),*
        )
    };
}
pub(super) use review_query;

fn reviews(rows: Vec<ReviewRow>) -> sqlx::Result<Vec<Review>> {
    rows.into_iter().map(Review::try_from).collect()
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: ReviewId) -> sqlx::Result<Option<Review>> {
    review_query!("WHERE r.id = $1", id.0).fetch_optional(connection).await?.map(Review::try_from).transpose()
}

/// Locked in the order of their ids, as the triggers take them.
pub(in crate::store) async fn by_ids_for_update(
    connection: &mut PgConnection,
    ids: &[ReviewId],
) -> sqlx::Result<HashMap<ReviewId, Review>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = review_query!("WHERE r.id = ANY($1) ORDER BY r.id FOR UPDATE OF r", &ids).fetch_all(connection).await?;
    Ok(reviews(rows)?.into_iter().map(|review| (review.id, review)).collect())
}

pub(in crate::store) async fn summary(
    connection: &mut PgConnection,
    product: ProductId,
) -> sqlx::Result<Option<(Status, ReviewSummary)>> {
    let row = sqlx::query!("SELECT status, review_histogram FROM products WHERE id = $1", product.0)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let histogram = row.review_histogram.try_into().unwrap_or_default();
        Ok((parse("status", &row.status)?, ReviewSummary { histogram }))
    })
    .transpose()
}

/// In the order of their ids, so that two transactions about the same people wait for each other. Shared: one person may
/// write of two books at once.
pub(in crate::store) async fn hold_writers(
    connection: &mut PgConnection,
    users: &[UserId],
) -> sqlx::Result<HashMap<UserId, String>> {
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let rows = sqlx::query!("SELECT id, display_name FROM users WHERE id = ANY($1) ORDER BY id FOR SHARE", &users)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (UserId(row.id), row.display_name)).collect())
}

struct RatedRow {
    status: String,
    rating_average: f64,
    rating_count: i64,
}

macro_rules! rated_query {
    ($sql:literal, $product:expr) => {
        sqlx::query_as!(RatedRow, $sql, $product.0)
    };
}

pub(in crate::store) async fn rated_book(
    connection: &mut PgConnection,
    product: ProductId,
    lock: bool,
) -> sqlx::Result<Option<RatedBook>> {
    let row = if lock {
        // Whoever only refers to the book, as orders do, need not wait for this.
        rated_query!(
            "SELECT status, rating_average, rating_count FROM products WHERE id = $1 FOR NO KEY UPDATE",
            product
        )
        .fetch_optional(connection)
        .await?
    } else {
        rated_query!("SELECT status, rating_average, rating_count FROM products WHERE id = $1", product)
            .fetch_optional(connection)
            .await?
    };
    row.map(|row| {
        let status = parse("status", &row.status)?;
        Ok(RatedBook { status, average: row.rating_average, count: row.rating_count })
    })
    .transpose()
}

pub(in crate::store) async fn beginnings(
    connection: &mut PgConnection,
    product: ProductId,
    requests: &[(UserId, &KeyedRequest)],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Beginning>> {
    let users: Vec<Uuid> = requests.iter().map(|(user, _)| user.0).collect();
    let of_request = |part: fn(&KeyedRequest) -> &str| -> Vec<String> {
        requests.iter().map(|(_, request)| part(request).to_owned()).collect()
    };
    let owners = of_request(|request| &request.owner);
    let operations = of_request(|request| request.operation);
    let keys = of_request(|request| &request.key);
    let rows = sqlx::query!(
        r#"SELECT r.id AS "review?", k.fingerprint AS "fingerprint?", k.resource_id AS "resource_id?", k.status AS "status?",
                  k.answer AS "answer?",
                  EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                          WHERE o.user_id = w.user_id AND l.product_id = $1
                              AND o.state IN ('paid', 'shipped', 'delivered')) AS "verified!"
           FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
               AS w (user_id, owner, operation, key, place)
           LEFT JOIN reviews r ON r.product_id = $1 AND r.user_id = w.user_id
           LEFT JOIN idempotency_keys k
               ON k.owner = w.owner AND k.operation = w.operation AND k.key = w.key AND k.expires_at > $6
           ORDER BY w.place"#,
        product.0,
        &users,
        &owners,
        &operations,
        &keys,
        now,
    )
    .fetch_all(connection)
    .await?;
    let beginnings = rows.into_iter().map(|row| {
        let answer = row.resource_id.zip(row.status).zip(row.answer);
        let answer =
            answer.map(|((resource, status), body)| KeptAnswer { resource, status: status.unsigned_abs(), body });
        Beginning {
            review: row.review.map(ReviewId),
            verified: row.verified,
            key: row.fingerprint.map(|fingerprint| UsedKey { fingerprint, answer }),
        }
    });
    Ok(beginnings.collect())
}

/// Gives how many answers were kept: one less where somebody else has the key. One that has expired is free again.
pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    new: &[NewReview<'_>],
    now: OffsetDateTime,
    keys_expire: OffsetDateTime,
) -> sqlx::Result<usize> {
    let reviews = || new.iter().map(|new| &new.review);
    let requests = || new.iter().map(|new| new.request);
    let ids: Vec<Uuid> = reviews().map(|review| review.id.0).collect();
    let products: Vec<Uuid> = reviews().map(|review| review.product.0).collect();
    let users: Vec<Option<Uuid>> = reviews().map(|review| review.author.as_ref().map(|author| author.id.0)).collect();
    let ratings: Vec<i16> = reviews().map(|review| review.content.rating.into()).collect();
    let titles: Vec<Option<String>> = reviews().map(|review| review.content.title.clone()).collect();
    let texts: Vec<Option<String>> = reviews().map(|review| review.content.text.clone()).collect();
    let languages: Vec<Option<String>> = reviews().map(|review| review.content.language.clone()).collect();
    let verified: Vec<bool> = reviews().map(|review| review.verified).collect();
    let owners: Vec<String> = requests().map(|request| request.owner.clone()).collect();
    let operations: Vec<String> = requests().map(|request| request.operation.to_owned()).collect();
    let keys: Vec<String> = requests().map(|request| request.key.clone()).collect();
    let fingerprints: Vec<Vec<u8>> = requests().map(|request| request.fingerprint.to_vec()).collect();
    let answers: Vec<Vec<u8>> = new.iter().map(|new| new.answer.clone()).collect();
    let kept = sqlx::query_file_scalar!(
        "src/store/sql/queries/insert_reviews.sql",
        &ids,
        &products,
        &users as &[Option<Uuid>],
        &ratings,
        &titles as &[Option<String>],
        &texts as &[Option<String>],
        &languages as &[Option<String>],
        &verified,
        now,
        &owners,
        &operations,
        &keys,
        &fingerprints,
        &answers,
        keys_expire,
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(kept).unwrap_or_default())
}

pub(in crate::store) async fn update(connection: &mut PgConnection, reviews: &[Review]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = reviews.iter().map(|review| review.id.0).collect();
    let ratings: Vec<i16> = reviews.iter().map(|review| review.content.rating.into()).collect();
    let titles: Vec<Option<String>> = reviews.iter().map(|review| review.content.title.clone()).collect();
    let texts: Vec<Option<String>> = reviews.iter().map(|review| review.content.text.clone()).collect();
    let languages: Vec<Option<String>> = reviews.iter().map(|review| review.content.language.clone()).collect();
    let hidden: Vec<bool> = reviews.iter().map(|review| review.hidden).collect();
    let reasons: Vec<Option<String>> = reviews.iter().map(|review| review.hidden_reason.clone()).collect();
    let updated: Vec<OffsetDateTime> = reviews.iter().map(|review| review.updated_at).collect();
    sqlx::query!(
        "UPDATE reviews r
         SET rating = n.rating, title = n.title, body = n.body, language = n.language, hidden = n.hidden,
             hidden_reason = n.hidden_reason, updated_at = n.updated_at, version = r.version + 1
         FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[],
                     $8::timestamptz[]) AS n (id, rating, title, body, language, hidden, hidden_reason, updated_at)
         WHERE r.id = n.id",
        &ids,
        &ratings,
        &titles as &[Option<String>],
        &texts as &[Option<String>],
        &languages as &[Option<String>],
        &hidden,
        &reasons as &[Option<String>],
        &updated,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete(connection: &mut PgConnection, ids: &[ReviewId]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!("DELETE FROM reviews WHERE id = ANY($1)", &ids).execute(connection).await?;
    Ok(())
}

/// The writer is locked first, and so are those of reviews that are being written: of the two, whoever comes second sees what
/// the first one did.
pub(in crate::store) async fn verify(
    connection: &mut PgConnection,
    user: UserId,
    products: &[ProductId],
) -> sqlx::Result<Vec<ProductId>> {
    let products: Vec<Uuid> = products.iter().map(|product| product.0).collect();
    sqlx::query!("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0).fetch_optional(&mut *connection).await?;
    let changed = sqlx::query_scalar!(
        "UPDATE reviews r SET verified = NOT r.verified
         WHERE r.user_id = $1 AND r.product_id = ANY($2)
             AND r.verified <> EXISTS (SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
                                       WHERE o.user_id = $1 AND l.product_id = r.product_id
                                           AND o.state IN ('paid', 'shipped', 'delivered'))
         RETURNING r.product_id",
        user.0,
        &products,
    )
    .fetch_all(connection)
    .await?;
    Ok(changed.into_iter().map(ProductId).collect())
}
