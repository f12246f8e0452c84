//! `bookstore seed`

use std::{io::Write as _, process::ExitCode, time::Instant};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    app,
    config::Config,
    db::Db,
    domain::{
        pricing::Pricing,
        seed::{self, ReaderOptions, SeedError, SeedOptions, SeedProgress},
    },
    model::clock::SystemClock,
    store::Store,
};

/// How many books are made up where nobody says what is wanted.
pub const DEFAULT_BOOKS: u64 = 100_000;

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Books.
    pub books: u64,
    /// Orders of readers.
    pub orders: u64,
    /// Reviews by readers.
    pub reviews: u64,
    /// Which ones.
    pub seed: u64,
    /// Whether to add to what is there.
    pub more: bool,
}

/// Fills the shop with made-up books and readers.
///
/// # Errors
/// When there are such already and `more` was not asked for, or the database cannot be written.
pub fn run(config: &Config, wanted: &Wanted) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        let db = Db::new(&config.database)?;
        db.probe_once().await;
        db.check_schema().await?;
        let outcome = fill(config, &app::store(config, &db)?, wanted).await;
        db.close().await;
        match outcome {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error @ (SeedError::NotEmpty | SeedError::HasReaders)) => bail!("{error}; --more adds to it"),
            Err(error) => Err(error.into()),
        }
    })
}

/// Makes up books, then readers, and shows on the terminal how far it is. Readers that are there without `more` leave the
/// books that were made up just before.
///
/// # Errors
/// Those of [`seed::seed`] and [`seed::seed_readers`].
pub(super) async fn fill(config: &Config, store: &Store, wanted: &Wanted) -> Result<(), SeedError> {
    let Wanted { books, orders, reviews, seed, more } = *wanted;
    // The configuration was checked: its currency is one.
    let currency = config.shop.currency.parse().map_err(|_| SeedError::Generator)?;
    let pricing = Pricing::new(&config.shop).map_err(|_| SeedError::Generator)?;
    if books > 0 {
        let options = SeedOptions { books, seed, currency, more };
        let shown = Shown::new("Books", books);
        seed::seed(store, &SystemClock, &options, shown.progress()).await?;
        shown.done(&format!("{books} books"));
    }
    if orders > 0 || reviews > 0 {
        let options = ReaderOptions { orders, reviews, seed, more };
        let shown = Shown::new("Orders and reviews", orders + reviews);
        let made = seed::seed_readers(store, &SystemClock, &pricing, &options, shown.progress()).await?;
        shown.done(&format!("{} readers with {} orders and {} reviews", made.people, made.orders, made.reviews));
    }
    Ok(())
}

/// A bar on a terminal, and a line now and then elsewhere.
struct Shown {
    what: &'static str,
    of: u64,
    bar: ProgressBar,
    begun: Instant,
}

impl Shown {
    fn new(what: &'static str, of: u64) -> Self {
        let bar = ProgressBar::new(of);
        let template = format!("{what} {{wide_bar}} {{human_pos}} of {{human_len}}, {{eta}} to go {{msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self { what, of, bar, begun: Instant::now() }
    }

    fn progress(&self) -> impl FnMut(SeedProgress) + Send {
        let (what, of, bar) = (self.what, self.of, self.bar.clone());
        let mut tenths = 0;
        move |progress| match progress {
            SeedProgress::Written(written) if bar.is_hidden() => {
                if written * 10 / of > tenths {
                    tenths = written * 10 / of;
                    say(&format!("{what} {written} of {of}"));
                }
            }
            SeedProgress::Written(written) => bar.set_position(written),
            SeedProgress::Finishing => bar.set_message("(finishing)"),
        }
    }

    fn done(self, made: &str) {
        self.bar.finish_and_clear();
        say(&format!("Wrote {made} in {:.1} s.", self.begun.elapsed().as_secs_f64()));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn say(line: &str) {
    // Nobody is left to be told where the terminal is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
