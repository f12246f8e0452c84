//! `bookstore admin`

use std::{io::Write as _, process::ExitCode, sync::Arc};

use anyhow::bail;
use secrecy::ExposeSecret as _;

use crate::{
    app,
    config::Config,
    db::Db,
    domain::users::{Administration, UserError},
    model::clock::SystemClock,
};

/// Makes the account of `email` an administrator's, and prints the password of one that it made.
///
/// # Errors
/// When the database cannot be reached, its schema is another one, or `email` is no address.
pub fn run(config: &Config, email: &str) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        let db = Db::new(&config.database)?;
        db.probe_once().await;
        db.check_schema().await?;
        let users = app::state(config, &db, &app::store(config, &db)?, Arc::new(SystemClock))?.users.clone();
        let outcome = users.ensure_administrator(email).await;
        db.close().await;
        let (user, outcome) = match outcome {
            Err(UserError::Invalid(violations)) => {
                let messages: Vec<String> = violations.into_iter().map(|violation| violation.message).collect();
                bail!("{email:?} {}", messages.join(", "));
            }
            outcome => outcome?,
        };
        let mut out = std::io::stdout().lock();
        match outcome {
            Administration::Created { password } => {
                writeln!(out, "Made the administrator {}.", user.email)?;
                writeln!(out, "Password: {}", password.expose_secret())?;
                writeln!(out, "It is kept nowhere: note it down, or sign in and change it.")?;
            }
            Administration::Promoted => writeln!(out, "{} is an administrator now; the password stays.", user.email)?,
            Administration::Unchanged => writeln!(out, "{} is an administrator already.", user.email)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
