//! Queries for the audit log.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::audit::{Actor, AuditRecord};
use crate::model::ids::{AuditId, UserId};

pub(in crate::store) async fn insert(connection: &mut PgConnection, record: &AuditRecord) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO audit_log (id, occurred_at, actor_id, action, resource, resource_id, details, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        record.id.0,
        record.occurred_at,
        record.actor.user.map(|user| user.0),
        record.action,
        record.resource,
        record.resource_id,
        record.details,
        record.actor.request_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct AuditRow {
    id: Uuid,
    occurred_at: OffsetDateTime,
    actor_id: Option<Uuid>,
    action: String,
    resource: String,
    resource_id: Option<String>,
    details: serde_json::Value,
    request_id: Option<String>,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        Self {
            id: AuditId(row.id),
            occurred_at: row.occurred_at,
            actor: Actor { user: row.actor_id.map(UserId), request_id: row.request_id },
            action: row.action,
            resource: row.resource,
            resource_id: row.resource_id,
            details: row.details,
        }
    }
}

pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    resource_id: Option<&str>,
    before: Option<AuditId>,
    limit: i64,
) -> sqlx::Result<Vec<AuditRecord>> {
    let rows = sqlx::query_as!(
        AuditRow,
        "SELECT id, occurred_at, actor_id, action, resource, resource_id, details, request_id
         FROM audit_log
         WHERE ($1::text IS NULL OR resource_id = $1) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        resource_id,
        before.map(|id| id.0),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(AuditRecord::from).collect())
}

pub(in crate::store) async fn of_actor(connection: &mut PgConnection, actor: UserId) -> sqlx::Result<Vec<AuditRecord>> {
    let rows = sqlx::query_as!(
        AuditRow,
        "SELECT id, occurred_at, actor_id, action, resource, resource_id, details, request_id
         FROM audit_log WHERE actor_id = $1 ORDER BY id DESC",
        actor.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(AuditRecord::from).collect())
}
