//! How often books are looked at: counted in memory and written behind the readers, in batches.
//!
//! A batch keeps its number until it is known to be written. The transaction that adds it to the counts notes the number as
//! well, so one whose COMMIT was not answered can be sent again: if it did take place, the number is found and nothing is
//! added. What cannot be written waits, as far as there is room for it.

mod counts;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use time::Date;
use tokio::sync::{Mutex, Notify};

use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::ids::ProductId;
use crate::model::views::{ViewBatch, ViewTotals};
use crate::store::{Store, StoreError};
use crate::telemetry::views as telemetry;
use counts::{Added, Counts};

/// About how many counts are written in one transaction.
const BATCH: usize = 5_000;

/// For how long a write may take: a server that hangs says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long the last counts are tried to be written at the end, and the pause between two tries.
const LAST_PATIENCE: Duration = Duration::from_secs(4);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// For how long written batches are recognised. A batch is sent again within seconds after the primary is back.
const RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Why views could not be counted or told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such book.
    #[error("there is no such book")]
    NotFound,
    /// The primary did not answer.
    #[error("counting took too long")]
    Slow,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service for views.
pub struct Views {
    store: Store,
    clock: Arc<dyn Clock>,
    counts: Counts,
    /// The Julian day to which looks are counted. It turns with a write: a look costs no look at the clock.
    day: AtomicI32,
    /// The batch that is being written, or could not be.
    waiting: Mutex<Option<ViewBatch>>,
    crowded: Notify,
}

impl Views {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let day = AtomicI32::new(clock.now().date().to_julian_day());
        Self { store, clock, counts: Counts::default(), day, waiting: Mutex::default(), crowded: Notify::new() }
    }

    /// Somebody looked at a book. Waits for nothing.
    pub fn seen(&self, book: ProductId) {
        let day = Date::from_julian_day(self.day.load(Ordering::Relaxed)).unwrap_or(Date::MIN);
        match self.counts.add(book, day) {
            Added::Counted => {}
            Added::Crowded => self.crowded.notify_one(),
            Added::Full => telemetry::record_dropped(1),
        }
    }

    /// Waits until so many books are counted that they should be written ahead of time.
    pub async fn crowded(&self) {
        self.crowded.notified().await;
    }

    /// Writes what was counted. Says how many looks. It may be dropped at any point, and nothing is lost or counted twice.
    ///
    /// # Errors
    /// The database's; then the counts wait for the next time.
    pub async fn flush(&self) -> Result<u64, ViewError> {
        self.day.store(self.today().to_julian_day(), Ordering::Relaxed);
        let mut waiting = self.waiting.lock().await;
        let mut written = 0;
        loop {
            if waiting.is_none() {
                let counts = self.counts.take(BATCH);
                *waiting = (!counts.is_empty()).then(|| ViewBatch::new(counts));
            }
            let Some(batch) = waiting.as_ref() else { return Ok(written) };
            tokio::time::timeout(PATIENCE, self.write(batch)).await.map_err(|_| ViewError::Slow)??;
            written += batch.views();
            *waiting = None;
        }
    }

    /// Writes what was counted at the end of the process, with some patience where the primary is away.
    pub async fn flush_finally(&self) {
        let outcome = tokio::time::timeout(LAST_PATIENCE, async {
            while let Err(error) = self.flush().await {
                tracing::info!(%error, "the last views wait to be counted");
                tokio::time::sleep(LAST_PAUSE).await;
            }
        });
        if outcome.await.is_err() {
            let waiting = self.waiting.lock().await.as_ref().map_or(0, ViewBatch::views);
            let lost = waiting + self.counts.views();
            telemetry::record_dropped(lost);
            tracing::warn!(lost, "the last views could not be counted");
        }
    }

    /// Writes a batch, unless that was done before.
    ///
    /// # Errors
    /// The database's; then it is not known whether it is written.
    pub async fn write(&self, batch: &ViewBatch) -> Result<(), StoreError> {
        let mut tx = self.store.begin("views.count").await?;
        if !tx.enter_view_batch(batch.id).await? {
            tracing::debug!(batch = %batch.id, "these views were counted before");
            return tx.rollback().await;
        }
        tx.add_views(&batch.counts).await?;
        tx.forget_view_batches(RETENTION).await?;
        let (books, views) = (batch.counts.len() as u64, batch.views());
        tx.commit(DomainEvent::ViewsCounted { books, views }).await?;
        telemetry::record_counted(views);
        Ok(())
    }

    /// How often a book was looked at, as far as it is written.
    ///
    /// # Errors
    /// [`ViewError::NotFound`], or the database's.
    pub async fn of(&self, book: ProductId) -> Result<ViewTotals, ViewError> {
        self.store.view_totals(book, self.today()).await?.ok_or(ViewError::NotFound)
    }

    fn today(&self) -> Date {
        self.clock.now().date()
    }
}
