//! Queries that make deliveries of events, and that share the work of sending them.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::{DeliveryId, EndpointId};
use crate::model::webhook::{Attempt, Claim, Outcome, Queue, Secret};
use crate::store::webhooks::{NewDelivery, Outlook};

/// How many attempts of a delivery are kept.
const KEPT_ATTEMPTS: i32 = 20;

/// How many rows are removed in one go.
const REMOVED: i64 = 5_000;

pub(in crate::store) async fn outlook(connection: &mut PgConnection) -> sqlx::Result<Outlook> {
    sqlx::query_as!(
        Outlook,
        r#"SELECT EXISTS (SELECT FROM outbox WHERE xid >= (SELECT place FROM outbox_places WHERE reader = 'webhooks')) AS "waiting!",
                  EXISTS (SELECT FROM webhook_endpoints WHERE enabled) AS "endpoints!""#,
    )
    .fetch_one(connection)
    .await
}

/// An event that an endpoint has already is left out. Says how many were added.
pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    deliveries: &[NewDelivery],
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let column = |of: fn(&NewDelivery) -> &str| deliveries.iter().map(|one| of(one).to_owned()).collect::<Vec<_>>();
    let ids: Vec<Uuid> = deliveries.iter().map(|one| one.id.0).collect();
    let endpoints: Vec<Uuid> = deliveries.iter().map(|one| one.endpoint.0).collect();
    let done = sqlx::query!(
        "INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, payload, next_attempt_at, created_at)
         SELECT id, endpoint_id, event_id, type, payload, $6, $6
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
              AS new (id, endpoint_id, event_id, type, payload)
         ON CONFLICT ON CONSTRAINT webhook_deliveries_event_key DO NOTHING",
        &ids,
        &endpoints,
        &column(|one| &one.event_id),
        &column(|one| one.event_type.as_str()),
        &column(|one| &one.payload),
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Takes deliveries that are due, of each endpoint no more than the process has room for, and of chance endpoints where it
/// has not room for all. Until `lease_ends` nobody else takes them.
pub(in crate::store) async fn claim(
    connection: &mut PgConnection,
    limit: i64,
    per_endpoint: i64,
    in_work: &[(EndpointId, i64)],
    now: OffsetDateTime,
    lease_ends: OffsetDateTime,
) -> sqlx::Result<Vec<Claim>> {
    let (busy, counts): (Vec<Uuid>, Vec<i64>) = in_work.iter().map(|(endpoint, count)| (endpoint.0, *count)).unzip();
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT d.id, e.id AS endpoint_id, e.url, e.secret,
                      CASE WHEN e.previous_secret_until > $5 THEN e.previous_secret END AS previous_secret
               FROM webhook_endpoints e
               LEFT JOIN unnest($3::uuid[], $4::bigint[]) AS busy (id, count) ON busy.id = e.id
               CROSS JOIN LATERAL (
                   SELECT w.id FROM webhook_deliveries w
                   WHERE w.endpoint_id = e.id AND w.state = 'pending' AND w.next_attempt_at <= $5
                   ORDER BY w.next_attempt_at
                   LIMIT greatest($2 - coalesce(busy.count, 0), 0)
                   FOR UPDATE SKIP LOCKED) d
               WHERE e.enabled
               ORDER BY random() LIMIT $1
           )
           UPDATE webhook_deliveries w
           SET next_attempt_at = $6, attempts = w.attempts + 1, attempt_number = w.attempt_number + 1
           FROM due WHERE w.id = due.id
           RETURNING w.id, due.endpoint_id, due.url, due.secret, due.previous_secret, w.event_id, w.payload,
                     w.attempts, w.attempt_number"#,
        limit,
        per_endpoint,
        &busy,
        &counts,
        now,
        lease_ends,
    )
    .fetch_all(connection)
    .await?;
    let claims = rows.into_iter().map(|row| Claim {
        delivery: DeliveryId(row.id),
        endpoint: EndpointId(row.endpoint_id),
        url: row.url,
        secrets: std::iter::once(row.secret).chain(row.previous_secret).map(Secret).collect(),
        event_id: row.event_id,
        payload: row.payload,
        attempt: row.attempts,
        number: row.attempt_number,
    });
    Ok(claims.collect())
}

/// Notes what became of an attempt. Says whether it was still this process's to note.
pub(in crate::store) async fn finish(
    connection: &mut PgConnection,
    delivery: DeliveryId,
    attempt: &Attempt,
    outcome: Outcome,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let (state, retry_at, finished_at) = match outcome {
        Outcome::Delivered => ("delivered", None, Some(now)),
        Outcome::Retry(at) => ("pending", Some(at), None),
        Outcome::Failed => ("failed", None, Some(now)),
    };
    let noted = sqlx::query!(
        "WITH finished AS (
             UPDATE webhook_deliveries
             SET state = $3, next_attempt_at = coalesce($4, next_attempt_at), finished_at = $5
             WHERE id = $1 AND attempt_number = $2 AND state = 'pending'
             RETURNING id
         ), forgotten AS (
             DELETE FROM webhook_attempts a USING finished f WHERE a.delivery_id = f.id AND a.number <= $2 - $11::integer
         )
         INSERT INTO webhook_attempts (delivery_id, number, started_at, duration_ms, status, error, response)
         SELECT id, $2, $6, $7, $8, $9, $10 FROM finished",
        delivery.0,
        attempt.number,
        state,
        retry_at,
        finished_at,
        attempt.started_at,
        i32::try_from(attempt.duration.as_millis()).unwrap_or(i32::MAX),
        attempt.status.and_then(|status| i16::try_from(status).ok()),
        attempt.error,
        attempt.response,
        KEPT_ATTEMPTS,
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Forgets what was finished before a time, and what has waited since then for an endpoint that is disabled.
pub(in crate::store) async fn remove_old(connection: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let finished = sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE id IN (
             SELECT id FROM webhook_deliveries WHERE finished_at < $1 ORDER BY finished_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        before,
        REMOVED,
    )
    .execute(&mut *connection)
    .await?;
    let waiting = sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE id IN (
             SELECT d.id FROM webhook_endpoints e
             JOIN webhook_deliveries d ON d.endpoint_id = e.id AND d.state = 'pending' AND d.created_at < $1
             WHERE NOT e.enabled LIMIT $2 FOR UPDATE OF d SKIP LOCKED)",
        before,
        REMOVED,
    )
    .execute(connection)
    .await?;
    Ok(finished.rows_affected() + waiting.rows_affected())
}

pub(in crate::store) async fn measure(connection: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Queue> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "depth!", extract(epoch FROM $1 - min(d.next_attempt_at))::double precision AS "oldest"
           FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id AND e.enabled
           WHERE d.state = 'pending'"#,
        now,
    )
    .fetch_one(connection)
    .await?;
    let oldest_due = Duration::try_from_secs_f64(row.oldest.unwrap_or_default()).unwrap_or_default();
    Ok(Queue { depth: row.depth, oldest_due })
}
