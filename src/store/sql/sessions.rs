//! Queries for sessions.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::products::parse;
use crate::model::identity::{Role, Session};
use crate::model::ids::{SessionId, UserId};

struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    created_at: OffsetDateTime,
    last_seen_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    confirmed_at: OffsetDateTime,
    user_agent: Option<String>,
    address: String,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
            user_agent: row.user_agent,
            address: row.address,
        }
    }
}

pub(in crate::store) async fn by_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
) -> sqlx::Result<Option<(Session, Role)>> {
    let row = sqlx::query!(
        "SELECT s.id, s.user_id, s.created_at, s.last_seen_at, s.expires_at, s.confirmed_at, s.user_agent, s.address,
                u.role
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1",
        token_hash,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let role = parse("role", &row.role)?;
        let session = Session {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
            user_agent: row.user_agent,
            address: row.address,
        };
        Ok((session, role))
    })
    .transpose()
}

pub(in crate::store) async fn of_user(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Session>> {
    let rows = sqlx::query_as!(
        SessionRow,
        "SELECT id, user_id, created_at, last_seen_at, expires_at, confirmed_at, user_agent, address
         FROM sessions WHERE user_id = $1 ORDER BY id DESC",
        user.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Whether the account with this address has a session that began at that client address.
pub(in crate::store) async fn known_address(
    connection: &mut PgConnection,
    email: &str,
    address: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM sessions s JOIN users u ON u.id = s.user_id
                          WHERE u.email = $1 AND s.address = $2) AS "known!""#,
        email,
        address,
    )
    .fetch_one(connection)
    .await
}

pub(in crate::store) async fn insert(
    connection: &mut PgConnection,
    session: &Session,
    token_hash: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sessions
             (id, user_id, token_hash, created_at, last_seen_at, expires_at, confirmed_at, user_agent, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        session.id.0,
        session.user.0,
        token_hash,
        session.created_at,
        session.last_seen_at,
        session.expires_at,
        session.confirmed_at,
        session.user_agent,
        session.address,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the end of a session, unless somebody did so since `seen_before`.
pub(in crate::store) async fn extend(
    connection: &mut PgConnection,
    session: SessionId,
    seen_before: OffsetDateTime,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE sessions SET last_seen_at = $3, expires_at = $4 WHERE id = $1 AND last_seen_at <= $2",
        session.0,
        seen_before,
        now,
        expires_at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(in crate::store) async fn confirm(
    connection: &mut PgConnection,
    session: SessionId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("UPDATE sessions SET confirmed_at = $2 WHERE id = $1", session.0, now).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: SessionId) -> sqlx::Result<Option<Session>> {
    let row = sqlx::query_as!(
        SessionRow,
        "SELECT id, user_id, created_at, last_seen_at, expires_at, confirmed_at, user_agent, address
         FROM sessions WHERE id = $1",
        id.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Session::from))
}

pub(in crate::store) async fn delete(
    connection: &mut PgConnection,
    user: UserId,
    session: SessionId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM sessions WHERE id = $1 AND user_id = $2", session.0, user.0)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(in crate::store) async fn delete_all(
    connection: &mut PgConnection,
    user: UserId,
    except: Option<SessionId>,
) -> sqlx::Result<Vec<SessionId>> {
    let ids = sqlx::query_scalar!(
        "DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2 RETURNING id",
        user.0,
        except.map(|session| session.0),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(SessionId).collect())
}

/// Ends all sessions of a user but the `keep` that were used last.
pub(in crate::store) async fn delete_surplus(
    connection: &mut PgConnection,
    user: UserId,
    keep: i64,
) -> sqlx::Result<Vec<SessionId>> {
    let ids = sqlx::query_scalar!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE user_id = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $2)
         RETURNING id",
        user.0,
        keep,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(SessionId).collect())
}

/// At most `limit`, those that ended first; rows that somebody works on are left to the next round.
pub(in crate::store) async fn delete_expired(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<SessionId>> {
    let ids = sqlx::query_scalar!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING id",
        now,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(SessionId).collect())
}
