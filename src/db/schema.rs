//! The schema: its migrations are part of the program, and a process serves only the schema that it was built for.

use std::collections::BTreeSet;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

use super::{Consistency, Db, DbError};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations are missing.
    #[error("the database lacks {0} of this program's migrations: run `bookstore migrate`")]
    Behind(usize),
    /// The schema is newer than this program.
    #[error("the database has {0} migrations that this program does not know: use a newer program")]
    Ahead(usize),
    /// A migration failed.
    #[error("a migration failed")]
    Migration(#[from] MigrateError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Brings the database at `url` to the schema of this program. Two processes that do so at once wait for each other.
/// Returns how many migrations were applied.
///
/// # Errors
/// Where the database cannot be reached, a migration fails, or one that was applied has been changed since.
pub async fn migrate(url: &SecretString) -> Result<usize, SchemaError> {
    apply(&MIGRATIONS, url).await
}

/// The same with the migrations of a folder instead of those that this program was built with.
///
/// # Errors
/// As [`migrate`], and where the folder cannot be read.
pub async fn migrate_from(folder: &Path, url: &SecretString) -> Result<usize, SchemaError> {
    apply(&Migrator::new(folder).await?, url).await
}

async fn apply(migrations: &Migrator, url: &SecretString) -> Result<usize, SchemaError> {
    let mut connection = PgConnection::connect(url.expose_secret()).await.map_err(DbError::from)?;
    let before = applied(&mut connection).await.map_err(DbError::from)?;
    migrations.run(&mut connection).await?;
    let after = applied(&mut connection).await.map_err(DbError::from)?;
    connection.close().await.map_err(DbError::from)?;
    Ok(after.difference(&before).count())
}

impl Db {
    /// Checks that the schema is that of this program.
    ///
    /// # Errors
    /// [`SchemaError::Behind`] or [`SchemaError::Ahead`], or the database's.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let there =
            self.read("db.schema", Consistency::PreferLatest, |mut connection| async move {
                applied(&mut connection).await
            })
            .await?;
        let wanted: BTreeSet<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        match (wanted.difference(&there).count(), there.difference(&wanted).count()) {
            (0, 0) => Ok(()),
            (0, more) => Err(SchemaError::Ahead(more)),
            (missing, _) => Err(SchemaError::Behind(missing)),
        }
    }
}

/// The migrations that were applied. The table is the migrator's own and is not there before its first run.
async fn applied(connection: &mut PgConnection) -> sqlx::Result<BTreeSet<i64>> {
    let is_there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !is_there {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(connection).await?;
    Ok(versions.into_iter().collect())
}
