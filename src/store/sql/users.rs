//! Queries for accounts.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::products::parse;
use crate::model::identity::{Account, Role, User};
use crate::model::ids::UserId;

struct UserRow {
    id: Uuid,
    email: String,
    password_hash: String,
    display_name: String,
    role: String,
    version: i64,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    password_changed_at: OffsetDateTime,
}

impl TryFrom<UserRow> for Account {
    type Error = sqlx::Error;

    fn try_from(row: UserRow) -> sqlx::Result<Self> {
        let user = User {
            id: UserId(row.id),
            email: row.email,
            display_name: row.display_name,
            role: parse("role", &row.role)?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            password_changed_at: row.password_changed_at,
        };
        Ok(Self { user, password_hash: row.password_hash })
    }
}

pub(in crate::store) async fn by_id(connection: &mut PgConnection, id: UserId) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, email, password_hash, display_name, role, version, created_at, updated_at, password_changed_at
         FROM users WHERE id = $1",
        id.0,
    )
    .fetch_optional(connection)
    .await?
    .map(Account::try_from)
    .transpose()
}

pub(in crate::store) async fn by_id_for_update(
    connection: &mut PgConnection,
    id: UserId,
) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, email, password_hash, display_name, role, version, created_at, updated_at, password_changed_at
         FROM users WHERE id = $1 FOR UPDATE",
        id.0,
    )
    .fetch_optional(connection)
    .await?
    .map(Account::try_from)
    .transpose()
}

pub(in crate::store) async fn by_email(connection: &mut PgConnection, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        UserRow,
        "SELECT id, email, password_hash, display_name, role, version, created_at, updated_at, password_changed_at
         FROM users WHERE email = $1",
        email,
    )
    .fetch_optional(connection)
    .await?
    .map(Account::try_from)
    .transpose()
}

pub(in crate::store) async fn insert(connection: &mut PgConnection, account: &Account) -> sqlx::Result<()> {
    let user = &account.user;
    sqlx::query!(
        "INSERT INTO users
             (id, email, password_hash, display_name, role, version, created_at, updated_at, password_changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        user.id.0,
        user.email,
        account.password_hash,
        user.display_name,
        user.role.as_str(),
        user.version,
        user.created_at,
        user.updated_at,
        user.password_changed_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn update_profile(
    connection: &mut PgConnection,
    id: UserId,
    email: &str,
    display_name: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET email = $2, display_name = $3, version = version + 1, updated_at = $4 WHERE id = $1",
        id.0,
        email,
        display_name,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn update_password(
    connection: &mut PgConnection,
    id: UserId,
    password_hash: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $2, password_changed_at = $3, version = version + 1, updated_at = $3
         WHERE id = $1",
        id.0,
        password_hash,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same password under today's parameters: nothing that anybody could notice.
pub(in crate::store) async fn replace_hash(
    connection: &mut PgConnection,
    id: UserId,
    password_hash: &str,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", id.0, password_hash).execute(connection).await?;
    Ok(())
}

pub(in crate::store) async fn update_role(
    connection: &mut PgConnection,
    id: UserId,
    role: Role,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET role = $2, version = version + 1, updated_at = $3 WHERE id = $1",
        id.0,
        role.as_str(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete(connection: &mut PgConnection, id: UserId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM users WHERE id = $1", id.0).execute(connection).await?;
    Ok(())
}
