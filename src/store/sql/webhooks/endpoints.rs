//! Queries for the endpoints of other systems.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::ids::EndpointId;
use crate::model::webhook::{DisabledReason, Endpoint, Secret};
use crate::store::sql::products::parse;

struct EndpointRow {
    id: Uuid,
    url: String,
    description: Option<String>,
    event_types: Vec<String>,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_secret_until: Option<OffsetDateTime>,
    disabled_reason: Option<String>,
    failing_since: Option<OffsetDateTime>,
    version: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = sqlx::Error;

    fn try_from(row: EndpointRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: EndpointId(row.id),
            url: row.url,
            description: row.description,
            event_types: row
                .event_types
                .iter()
                .map(|pattern| parse("event_types", pattern))
                .collect::<sqlx::Result<_>>()?,
            secret: Secret(row.secret),
            previous_secret: row.previous_secret.map(Secret).zip(row.previous_secret_until),
            disabled: row.disabled_reason.map(|reason| parse("disabled_reason", &reason)).transpose()?,
            failing_since: row.failing_since,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! endpoint_query {
    ($rest:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            EndpointRow,
            "SELECT id, url, description, event_types, secret, previous_secret, previous_secret_until, disabled_reason,
                    failing_since, version, created_at, updated_at
             FROM webhook_endpoints " + $rest
            $(, $argument)*
        )
    };
}

fn all(rows: Vec<EndpointRow>) -> sqlx::Result<Vec<Endpoint>> {
    rows.into_iter().map(Endpoint::try_from).collect()
}

pub(in crate::store) async fn list(connection: &mut PgConnection) -> sqlx::Result<Vec<Endpoint>> {
    all(endpoint_query!("ORDER BY id").fetch_all(connection).await?)
}

/// Those that are sent events, kept from being removed until the transaction ends.
pub(in crate::store) async fn enabled(connection: &mut PgConnection) -> sqlx::Result<Vec<Endpoint>> {
    all(endpoint_query!("WHERE enabled ORDER BY id FOR KEY SHARE").fetch_all(connection).await?)
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: EndpointId) -> sqlx::Result<Option<Endpoint>> {
    endpoint_query!("WHERE id = $1", id.0).fetch_optional(connection).await?.map(Endpoint::try_from).transpose()
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: EndpointId,
) -> sqlx::Result<Option<Endpoint>> {
    endpoint_query!("WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(connection)
        .await?
        .map(Endpoint::try_from)
        .transpose()
}

/// How many there are; until the transaction ends, nobody else adds one.
pub(in crate::store) async fn count_exclusively(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query!("LOCK TABLE webhook_endpoints IN SHARE ROW EXCLUSIVE MODE").execute(&mut *connection).await?;
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM webhook_endpoints"#).fetch_one(connection).await
}

fn patterns(endpoint: &Endpoint) -> Vec<String> {
    endpoint.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect()
}

pub(in crate::store) async fn insert(connection: &mut PgConnection, endpoint: &Endpoint) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO webhook_endpoints (id, url, description, event_types, secret, enabled, disabled_reason, version,
                                        created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6::text IS NULL, $6, $7, $8, $9)",
        endpoint.id.0,
        endpoint.url,
        endpoint.description,
        &patterns(endpoint),
        endpoint.secret.0,
        endpoint.disabled.map(DisabledReason::as_str),
        endpoint.version,
        endpoint.created_at,
        endpoint.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn update(connection: &mut PgConnection, endpoint: &Endpoint) -> sqlx::Result<()> {
    let (previous, until) = endpoint.previous_secret.as_ref().map(|(secret, until)| (&secret.0, *until)).unzip();
    sqlx::query!(
        "UPDATE webhook_endpoints
         SET url = $2, description = $3, event_types = $4, secret = $5, previous_secret = $6, previous_secret_until = $7,
             enabled = $8::text IS NULL, disabled_reason = $8, failing_since = $9, version = $10, updated_at = $11
         WHERE id = $1",
        endpoint.id.0,
        endpoint.url,
        endpoint.description,
        &patterns(endpoint),
        endpoint.secret.0,
        previous,
        until,
        endpoint.disabled.map(DisabledReason::as_str),
        endpoint.failing_since,
        endpoint.version,
        endpoint.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete(connection: &mut PgConnection, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM webhook_endpoints WHERE id = $1", id.0).execute(connection).await?;
    Ok(())
}

/// Without a change there is no write: most attempts succeed, and would have the same row written again and again.
pub(in crate::store) async fn note_success(connection: &mut PgConnection, id: EndpointId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE webhook_endpoints SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", id.0)
        .execute(connection)
        .await?;
    Ok(())
}
