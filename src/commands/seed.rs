//! `bookstore seed`

use std::{io::Write as _, process::ExitCode, time::Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    app,
    config::Config,
    db::Db,
    domain::seed::{self, SeedError, SeedOptions, SeedProgress},
    model::clock::SystemClock,
    store::Store,
};

/// Fills the catalogue with made-up books.
///
/// # Errors
/// When there are books already and `more` was not asked for, or the database cannot be written.
pub fn run(config: &Config, books: u64, seed: u64, more: bool) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        let db = Db::new(&config.database)?;
        db.probe_once().await;
        db.check_schema().await?;
        let outcome = fill(config, &app::store(config, &db)?, books, seed, more).await;
        db.close().await;
        match outcome {
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(SeedError::NotEmpty) => bail!("{}; --more adds to it", SeedError::NotEmpty),
            Err(error) => Err(error.into()),
        }
    })
}

/// Makes up books, and shows on the terminal how far it is. Returns how many made-up books there are now.
///
/// # Errors
/// Those of [`seed::seed`].
pub(super) async fn fill(config: &Config, store: &Store, books: u64, seed: u64, more: bool) -> Result<u64, SeedError> {
    // The configuration was checked: its currency is one.
    let currency = config.shop.currency.parse().map_err(|_| SeedError::Generator)?;
    let options = SeedOptions { books, seed, currency, more };
    let bar = ProgressBar::new(books);
    if let Ok(style) = ProgressStyle::with_template("Books {wide_bar} {human_pos} of {human_len}, {eta} to go {msg}") {
        bar.set_style(style);
    }
    let begun = Instant::now();
    let mut tenths = 0;
    let outcome = seed::seed(store, &SystemClock, &options, |progress| match progress {
        SeedProgress::Written(written) if bar.is_hidden() => {
            if written * 10 / books > tenths {
                tenths = written * 10 / books;
                say(&format!("Books {written} of {books}"));
            }
        }
        SeedProgress::Written(written) => bar.set_position(written),
        SeedProgress::Finishing => bar.set_message("(finishing)"),
    })
    .await;
    bar.finish_and_clear();
    if outcome.is_ok() {
        say(&format!("Wrote {books} books in {:.1} s.", begun.elapsed().as_secs_f64()));
    }
    outcome
}

fn say(line: &str) {
    // Nobody is left to be told where the terminal is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
