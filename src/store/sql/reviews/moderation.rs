//! Queries on reports, and on reviews as administrators look through them.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{by_id as review_by_id, parse, review_query, reviews};
use crate::model::ids::{ReviewId, UserId};
use crate::model::review::{ModerationFilter, Review, ReviewReport};
use crate::store::reviews::ModeratedReview;

/// How many open reports are shown of each review.
const SHOWN: i64 = 20;

struct ReportRow {
    review_id: Uuid,
    user_id: Uuid,
    reason: String,
    note: Option<String>,
    reported_at: OffsetDateTime,
    settled_at: Option<OffsetDateTime>,
}

impl TryFrom<ReportRow> for ReviewReport {
    type Error = sqlx::Error;

    fn try_from(row: ReportRow) -> sqlx::Result<Self> {
        Ok(Self {
            review: ReviewId(row.review_id),
            user: UserId(row.user_id),
            reason: parse("reason", &row.reason)?,
            note: row.note,
            reported_at: row.reported_at,
            settled_at: row.settled_at,
        })
    }
}

pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    filter: ModerationFilter,
    before: Option<ReviewId>,
    limit: i64,
) -> sqlx::Result<Vec<ModeratedReview>> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = match filter {
        ModerationFilter::Reported => {
            review_query!(
                "WHERE r.id IN (SELECT DISTINCT review_id FROM review_reports
                                WHERE settled_at IS NULL AND review_id < $1 ORDER BY review_id DESC LIMIT $2)
                 ORDER BY r.id DESC",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await?
        }
        ModerationFilter::Hidden => {
            review_query!("WHERE r.hidden AND r.id < $1 ORDER BY r.id DESC LIMIT $2", before, limit)
                .fetch_all(&mut *connection)
                .await?
        }
        ModerationFilter::All => {
            review_query!("WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2", before, limit)
                .fetch_all(&mut *connection)
                .await?
        }
    };
    with_reports(connection, reviews(rows)?).await
}

pub(in crate::store) async fn by_id(
    connection: &mut PgConnection,
    id: ReviewId,
) -> sqlx::Result<Option<ModeratedReview>> {
    let Some(review) = review_by_id(&mut *connection, id).await? else { return Ok(None) };
    Ok(with_reports(connection, vec![review]).await?.pop())
}

async fn with_reports(connection: &mut PgConnection, reviews: Vec<Review>) -> sqlx::Result<Vec<ModeratedReview>> {
    let ids: Vec<Uuid> = reviews.iter().map(|review| review.id.0).collect();
    let counts = sqlx::query!(
        r#"SELECT review_id, count(*) AS "reports!", count(*) FILTER (WHERE settled_at IS NULL) AS "open!"
           FROM review_reports WHERE review_id = ANY($1) GROUP BY review_id"#,
        &ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    let counts: HashMap<Uuid, (i64, i64)> =
        counts.into_iter().map(|row| (row.review_id, (row.reports, row.open))).collect();
    let rows = sqlx::query_as!(
        ReportRow,
        r#"SELECT o.review_id AS "review_id!", o.user_id AS "user_id!", o.reason AS "reason!", o.note,
                  o.reported_at AS "reported_at!", o.settled_at
           FROM unnest($1::uuid[]) AS w (id)
           CROSS JOIN LATERAL (SELECT * FROM review_reports p WHERE p.review_id = w.id AND p.settled_at IS NULL
                               ORDER BY p.reported_at DESC, p.user_id LIMIT $2) o"#,
        &ids,
        SHOWN,
    )
    .fetch_all(connection)
    .await?;
    let mut open: HashMap<ReviewId, Vec<ReviewReport>> = HashMap::new();
    for row in rows {
        let report = ReviewReport::try_from(row)?;
        open.entry(report.review).or_default().push(report);
    }
    let moderated = reviews.into_iter().map(|review| {
        let (reports, open_count) = counts.get(&review.id.0).copied().unwrap_or_default();
        ModeratedReview { reports, open: open.remove(&review.id).unwrap_or_default(), open_count, review }
    });
    Ok(moderated.collect())
}

pub(in crate::store) async fn report(connection: &mut PgConnection, report: &ReviewReport) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        "INSERT INTO review_reports (review_id, user_id, reason, note, reported_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        report.review.0,
        report.user.0,
        report.reason.as_str(),
        report.note,
        report.reported_at,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

pub(in crate::store) async fn settle(
    connection: &mut PgConnection,
    ids: &[ReviewId],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE review_reports SET settled_at = $2 WHERE review_id = ANY($1) AND settled_at IS NULL",
        &ids,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn reports_of_user(
    connection: &mut PgConnection,
    user: UserId,
) -> sqlx::Result<Vec<ReviewReport>> {
    let rows = sqlx::query_as!(
        ReportRow,
        "SELECT review_id, user_id, reason, note, reported_at, settled_at FROM review_reports
         WHERE user_id = $1 ORDER BY reported_at, review_id",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ReviewReport::try_from).collect()
}
