//! Queries on idempotency keys.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::idempotency::KeyedRequest;

/// A key as it is stored.
pub(in crate::store) struct Row {
    pub(in crate::store) fingerprint: Vec<u8>,
    pub(in crate::store) resource_id: Uuid,
    pub(in crate::store) status: Option<i16>,
    pub(in crate::store) answer: Option<Vec<u8>>,
    pub(in crate::store) expires_at: OffsetDateTime,
}

/// Says whether the key was free, or has expired and is free again.
pub(in crate::store) async fn claim(
    connection: &mut PgConnection,
    request: &KeyedRequest,
    resource: Uuid,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let claimed = sqlx::query_file!(
        "src/store/sql/queries/claim_key.sql",
        request.owner,
        request.operation,
        request.key,
        request.fingerprint.as_slice(),
        resource,
        now,
        expires_at,
    )
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected() > 0)
}

pub(in crate::store) async fn find(connection: &mut PgConnection, request: &KeyedRequest) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        "SELECT fingerprint, resource_id, status, answer, expires_at FROM idempotency_keys
         WHERE owner = $1 AND operation = $2 AND key = $3",
        request.owner,
        request.operation,
        request.key,
    )
    .fetch_optional(connection)
    .await
}

pub(in crate::store) async fn keep(
    connection: &mut PgConnection,
    request: &KeyedRequest,
    status: u16,
    body: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE idempotency_keys SET status = $4, answer = $5 WHERE owner = $1 AND operation = $2 AND key = $3",
        request.owner,
        request.operation,
        request.key,
        i16::try_from(status).unwrap_or_default(),
        body,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete_expired(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (owner, operation, key) IN (
             SELECT owner, operation, key FROM idempotency_keys WHERE expires_at <= $1
             ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}
