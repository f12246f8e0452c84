//! Queries that show deliveries, and queue them again.

use std::time::Duration;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::{DeliveryId, EndpointId};
use crate::model::webhook::{Attempt, Delivery, DeliveryState, EventType};
use crate::store::sql::products::parse;

struct DeliveryRow {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: String,
    r#type: String,
    payload: String,
    state: String,
    attempts: i32,
    next_attempt_at: OffsetDateTime,
    created_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
    last_number: Option<i32>,
    last_started_at: Option<OffsetDateTime>,
    last_duration_ms: Option<i32>,
    last_status: Option<i16>,
    last_error: Option<String>,
    last_response: Option<String>,
}

fn duration(milliseconds: i32) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

fn status(code: Option<i16>) -> Option<u16> {
    code.and_then(|code| u16::try_from(code).ok())
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = sqlx::Error;

    fn try_from(row: DeliveryRow) -> sqlx::Result<Self> {
        let last_attempt = row.last_number.zip(row.last_started_at).zip(row.last_duration_ms);
        Ok(Self {
            id: DeliveryId(row.id),
            endpoint: EndpointId(row.endpoint_id),
            event_id: row.event_id,
            event_type: row.r#type,
            payload: row.payload,
            state: parse("state", &row.state)?,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
            last_attempt: last_attempt.map(|((number, started_at), milliseconds)| Attempt {
                number,
                started_at,
                duration: duration(milliseconds),
                status: status(row.last_status),
                error: row.last_error,
                response: row.last_response,
            }),
        })
    }
}

macro_rules! delivery_query {
    ($rest:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            DeliveryRow,
            r#"SELECT d.id, d.endpoint_id, d.event_id, d.type, d.payload, d.state, d.attempts, d.next_attempt_at,
                      d.created_at, d.finished_at,
                      a.number AS "last_number?", a.started_at AS "last_started_at?", a.duration_ms AS "last_duration_ms?",
                      a.status AS "last_status?", a.error AS "last_error?", a.response AS "last_response?"
               FROM webhook_deliveries d
               LEFT JOIN LATERAL (
                   SELECT number, started_at, duration_ms, status, error, response FROM webhook_attempts
                   WHERE delivery_id = d.id ORDER BY number DESC LIMIT 1) a ON true "# + $rest
            $(, $argument)*
        )
    };
}

pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    endpoint: Option<EndpointId>,
    state: Option<DeliveryState>,
    event_type: Option<EventType>,
    before: Option<DeliveryId>,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    delivery_query!(
        "WHERE ($1::uuid IS NULL OR d.endpoint_id = $1) AND ($2::text IS NULL OR d.state = $2)
             AND ($3::text IS NULL OR d.type = $3) AND ($4::uuid IS NULL OR d.id < $4)
         ORDER BY d.id DESC LIMIT $5",
        endpoint.map(|endpoint| endpoint.0),
        state.map(DeliveryState::as_str),
        event_type.map(EventType::as_str),
        before.map(|before| before.0),
        limit
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Delivery::try_from)
    .collect()
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: DeliveryId) -> sqlx::Result<Option<Delivery>> {
    delivery_query!("WHERE d.id = $1", id.0).fetch_optional(connection).await?.map(Delivery::try_from).transpose()
}

pub(in crate::store) async fn attempts(connection: &mut PgConnection, id: DeliveryId) -> sqlx::Result<Vec<Attempt>> {
    let rows = sqlx::query!(
        "SELECT number, started_at, duration_ms, status, error, response
         FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number DESC",
        id.0,
    )
    .fetch_all(connection)
    .await?;
    let attempts = rows.into_iter().map(|row| Attempt {
        number: row.number,
        started_at: row.started_at,
        duration: duration(row.duration_ms),
        status: status(row.status),
        error: row.error,
        response: row.response,
    });
    Ok(attempts.collect())
}

pub(in crate::store) async fn replay(
    connection: &mut PgConnection,
    id: DeliveryId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = $2, finished_at = NULL
         WHERE id = $1",
        id.0,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The oldest first, at most `limit` of them. Says how many.
pub(in crate::store) async fn replay_failed(
    connection: &mut PgConnection,
    endpoint: EndpointId,
    since: OffsetDateTime,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<u64> {
    let queued = sqlx::query!(
        "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = $3, finished_at = NULL
         WHERE id IN (
             SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'failed' AND created_at >= $2
             ORDER BY created_at LIMIT $4 FOR UPDATE)",
        endpoint.0,
        since,
        now,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(queued.rows_affected())
}
