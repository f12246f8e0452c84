//! `bookstore migrate`

use std::{io::Write as _, process::ExitCode};

use crate::{config::Config, db};

/// Brings the database to the schema of this program.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        let applied = db::migrate(&config.database.url).await?;
        let line = match applied {
            0 => "The schema is up to date.".to_owned(),
            1 => "Applied one migration.".to_owned(),
            more => format!("Applied {more} migrations."),
        };
        writeln!(std::io::stdout(), "{line}")?;
        Ok(ExitCode::SUCCESS)
    })
}
