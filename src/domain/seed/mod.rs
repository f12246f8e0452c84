//! A made-up catalogue and its readers, to have a shop to look at: plausible, and the same for the same seed.

mod catalogue;
mod editions;
mod kinds;
mod people;
mod random;
mod ratings;
mod readers;
mod template;
mod words;

#[cfg(test)]
mod tests;

use serde_json::json;
use tokio::sync::mpsc;

pub use catalogue::Catalogue;
pub use readers::{ReaderOptions, Seeded, seed_readers};

use crate::domain::pricing::PricingError;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::genres;
use crate::model::ids::AuditId;
use crate::model::isbn::Isbn13;
use crate::model::money::Currency;
use crate::model::seed::SeededBook;
use crate::store::{Store, StoreError, WriteTx};

/// What to make up.
#[derive(Clone, Debug)]
pub struct SeedOptions {
    /// How many books.
    pub books: u64,
    /// Which catalogue: the same seed gives the same books.
    pub seed: u64,
    /// The currency of the prices.
    pub currency: Currency,
    /// Whether to add to a catalogue that has books already, instead of refusing.
    pub more: bool,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedProgress {
    /// So many of the books are written, or of orders and reviews together.
    Written(u64),
    /// All are written; the indexes and the planner's statistics are brought up to date.
    Finishing,
}

/// Why nothing was made up.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// There are books, and nobody asked for more.
    #[error("the catalogue has books already: it was left as it is")]
    NotEmpty,
    /// There are orders or reviews, and nobody asked for more.
    #[error("the shop has orders or reviews already: it was left as it is")]
    HasReaders,
    /// Readers without books.
    #[error("there are no books that can be bought: seed or import some first")]
    NoBooks,
    /// The shop sells nowhere that made-up readers live.
    #[error("made-up orders have no price: {0}")]
    Pricing(#[from] PricingError),
    /// Another process is doing it.
    #[error("another process is seeding this catalogue")]
    Running,
    /// There are no numbers left for so many.
    #[error("at most {most} books can be made up in all; {present} are here already")]
    TooMany {
        /// The most that there can be.
        most: u64,
        /// Those that there are.
        present: u64,
    },
    /// A book (or a reader) of the same number or identifier is there, because an administrator wrote one or another
    /// seed did.
    #[error("what is made up would clash with what is there ({0}): nothing was written")]
    Clash(String),
    /// The generator ended early.
    #[error("the generator of books failed")]
    Generator,
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SeedError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some(name) => Self::Clash(name.to_owned()),
            None => Self::Store(error),
        }
    }
}

/// How many books are written at once. Large enough that the cost of a statement vanishes, small enough to hold.
const BATCH: usize = 4_000;

/// Writes a made-up catalogue, all of it or nothing, and tells `progress` how far it is. Returns how many made-up books
/// there are now.
///
/// # Errors
/// See [`SeedError`].
pub async fn seed(
    store: &Store,
    clock: &dyn Clock,
    options: &SeedOptions,
    mut progress: impl FnMut(SeedProgress) + Send,
) -> Result<u64, SeedError> {
    let mut tx = store.begin("seed").await?;
    if !tx.begin_bulk_load().await? {
        return Err(SeedError::Running);
    }
    if !options.more && tx.has_products().await? {
        return Err(SeedError::NotEmpty);
    }
    let present = present(&mut tx).await?;
    if options.books > editions::MOST_BOOKS - present {
        return Err(SeedError::TooMany { most: editions::MOST_BOOKS, present });
    }
    if options.books == 0 {
        return Ok(present);
    }
    let names: Vec<_> =
        genres::VOCABULARY.iter().map(|(slug, name)| ((*slug).to_owned(), (*name).to_owned())).collect();
    tx.ensure_genres(&names).await?;

    // The generator works ahead on a thread of its own while the database indexes what it was given.
    let (batches, mut ready) = mpsc::channel(2);
    let (seed, currency, books) = (options.seed, options.currency, options.books);
    let generator = tokio::task::spawn_blocking(move || generate(seed, currency, present, books, &batches));
    let mut written = 0;
    while let Some(batch) = ready.recv().await {
        tx.copy_books(&batch).await?;
        written += batch.len() as u64;
        progress(SeedProgress::Written(written));
    }
    generator.await.map_err(|_| SeedError::Generator)?;
    progress(SeedProgress::Finishing);
    tx.finish_bulk_load().await?;
    tx.record_audit(&AuditRecord {
        id: AuditId::generate(),
        occurred_at: clock.now(),
        actor: Actor { user: None, request_id: None },
        action: "catalogue.seed".to_owned(),
        resource: "catalogue".to_owned(),
        resource_id: None,
        details: json!({ "seed": seed, "books": books, "after": present }),
    })
    .await?;
    tx.commit(DomainEvent::CatalogueSeeded { books }).await?;
    Ok(present + books)
}

/// How many made-up books there are: their numbers ascend, so the last one tells.
async fn present(tx: &mut WriteTx) -> Result<u64, SeedError> {
    let range = [editions::isbn(0), editions::isbn(editions::MOST_BOOKS - 1)];
    let last: Option<Isbn13> = tx.greatest_isbn(&range[0], &range[1]).await?;
    Ok(last.and_then(|isbn| editions::index_of(&isbn)).map_or(0, |index| index + 1))
}

fn generate(seed: u64, currency: Currency, skip: u64, books: u64, batches: &mpsc::Sender<Vec<SeededBook>>) {
    let mut catalogue = Catalogue::new(seed, currency).skip(skip as usize).take(books as usize);
    loop {
        let batch: Vec<_> = catalogue.by_ref().take(BATCH).collect();
        if batch.is_empty() || batches.blocking_send(batch).is_err() {
            return;
        }
    }
}
