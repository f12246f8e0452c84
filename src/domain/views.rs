//! How often books are looked at: counted in memory, merged in Redis, and written behind the readers, in batches.
//!
//! A process hands its counts to Redis every second or so, where those of all processes add up, and one of the processes
//! writes them to the database now and then. Each look counts once, whatever happens on the way:
//!
//! * What is handed to Redis has a number there, and is handed over again under that number until Redis has answered. As long
//!   as it has not, the counts go nowhere else.
//! * What is written to the database is a batch with a number. The transaction that adds it to the counts notes the number as
//!   well, so one whose COMMIT was not answered, or that two processes found in Redis, is added once.
//! * Without Redis counts are written by the process itself, as batches of their own.
//!
//! What a process did not hand over yet is lost when it is killed. What was merged and not yet written is lost where Redis
//! loses its memory, with at most one batch of each process of which it is unknown whether it was merged before.

mod counts;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use time::Date;
use tokio::sync::{Mutex, Notify};

use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::ids::{ProductId, ViewBatchId};
use crate::model::views::{MergeOutcome, MergedBatch, ViewBatch, ViewCount, ViewTotals};
use crate::store::{Store, StoreError};
use crate::telemetry::views as telemetry;
use counts::{Added, Counts};

/// About how many counts are written in one transaction, and handed over in one call.
const BATCH: usize = 5_000;
const HANDFUL: usize = 1_000;

/// How many batches are taken from Redis in one go: one that was left behind, and one of what was counted since.
const MERGED_BATCHES: u32 = 2;

/// For how long a write may take: a server that hangs says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long the last counts are tried to be written at the end, and the pause between two tries.
const LAST_PATIENCE: Duration = Duration::from_secs(4);
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// For how long written batches are recognised. A batch is sent again within seconds after the primary is back, and Redis
/// keeps none for longer.
const RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Over how many days counts that are not written yet are looked for.
const PENDING_DAYS: i32 = 8;

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
    /// By which Redis knows this process.
    sender: u64,
    outgoing: Mutex<Outgoing>,
    crowded: Notify,
}

/// What has left the counts and has not arrived.
#[derive(Default)]
struct Outgoing {
    /// The number of the last handful that Redis has dealt with; nothing before it knows this process.
    number: Option<u64>,
    /// The handful that is to be merged next.
    handful: Option<Handful>,
    /// The batch that is being written past Redis, or could not be.
    direct: Option<ViewBatch>,
}

/// Counts that are merged together.
struct Handful {
    counts: Vec<ViewCount>,
    /// Whether they may have been merged: then they can go nowhere else.
    doubtful: bool,
}

impl Outgoing {
    fn views(&self) -> u64 {
        let handful = self.handful.iter().flat_map(|handful| &handful.counts).map(|count| count.views).sum::<u64>();
        handful + self.direct.as_ref().map_or(0, ViewBatch::views)
    }
}

/// What a flush did.
struct Flushed {
    written: u64,
    /// Whether something is left that could be written later.
    left: bool,
}

impl Views {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        let day = AtomicI32::new(clock.now().date().to_julian_day());
        let (counts, sender) = (Counts::default(), rand::random_range(1..u64::MAX));
        Self { store, clock, counts, day, sender, outgoing: Mutex::default(), crowded: Notify::new() }
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

    /// Hands what was counted to Redis. Says whether all of it is there. It may be dropped at any point, and nothing is lost or
    /// counted twice.
    pub async fn merge(&self) -> bool {
        self.turn_the_day();
        let mut outgoing = self.outgoing.lock().await;
        self.hand_over(&mut outgoing).await
    }

    /// Writes what was counted, by all processes as far as it is merged, and by this one where it cannot be. Says how many
    /// looks. It may be dropped at any point, and nothing is lost or counted twice.
    ///
    /// # Errors
    /// The database's; then the counts wait for the next time.
    pub async fn flush(&self) -> Result<u64, ViewError> {
        Ok(self.flush_once().await?.written)
    }

    async fn flush_once(&self) -> Result<Flushed, ViewError> {
        self.turn_the_day();
        let mut outgoing = self.outgoing.lock().await;
        let merged = self.hand_over(&mut outgoing).await;
        let mut written = self.write_directly(&mut outgoing, !merged).await?;
        // What may be merged cannot be written.
        let mut left = outgoing.handful.is_some();
        for _ in 0..MERGED_BATCHES {
            let batch = match self.store.close_merged_views(self.sender).await {
                Ok(MergedBatch::Closed(batch)) => batch,
                Ok(MergedBatch::Empty) => break,
                Ok(MergedBatch::Busy) => {
                    left = true;
                    break;
                }
                Err(error) => {
                    tracing::debug!(%error, "merged views wait in Redis");
                    break;
                }
            };
            if self.write_in_time(&batch).await? {
                written += batch.views();
            }
            if let Err(error) = self.store.forget_merged_views(self.sender, batch.id).await {
                tracing::debug!(%error, "written views are forgotten later");
            }
        }
        Ok(Flushed { written, left })
    }

    /// Hands over handful after handful. Says whether all of it is in Redis.
    async fn hand_over(&self, outgoing: &mut Outgoing) -> bool {
        loop {
            if outgoing.handful.is_none() {
                let counts = self.counts.take(HANDFUL);
                if counts.is_empty() {
                    return true;
                }
                outgoing.handful = Some(Handful { counts, doubtful: false });
            }
            let Some(number) = outgoing.number else {
                match self.store.merge_views(self.sender, 0, false, &[]).await {
                    Ok(_) => outgoing.number = Some(0),
                    Err(error) => {
                        tracing::debug!(%error, "views are not merged");
                        return false;
                    }
                }
                continue;
            };
            let Some(handful) = &mut outgoing.handful else { continue };
            // Whoever drops this now does not know either whether it was merged.
            let doubtful = std::mem::replace(&mut handful.doubtful, true);
            match self.store.merge_views(self.sender, number + 1, doubtful, &handful.counts).await {
                Ok(MergeOutcome::Added) => {}
                Ok(MergeOutcome::Lost) => {
                    let lost = handful.counts.iter().map(|count| count.views).sum();
                    telemetry::record_dropped(lost);
                    tracing::warn!(lost, "Redis lost its memory, and these views may have been in it");
                }
                Ok(MergeOutcome::Full) => {
                    handful.doubtful = false;
                    return false;
                }
                Err(error) => {
                    if error.is_unsent() {
                        handful.doubtful = doubtful;
                    }
                    tracing::debug!(%error, "views are not merged");
                    return false;
                }
            }
            outgoing.number = Some(number + 1);
            outgoing.handful = None;
        }
    }

    /// Writes what was begun to be written past Redis and, where `all`, everything that is certainly not there.
    async fn write_directly(&self, outgoing: &mut Outgoing, all: bool) -> Result<u64, ViewError> {
        let mut written = 0;
        loop {
            if outgoing.direct.is_none() {
                let counts = match outgoing.handful.take_if(|handful| all && !handful.doubtful) {
                    Some(handful) => handful.counts,
                    None if all => self.counts.take(BATCH),
                    None => Vec::new(),
                };
                outgoing.direct = (!counts.is_empty()).then(|| ViewBatch::new(counts));
            }
            let Some(batch) = &outgoing.direct else { return Ok(written) };
            self.write_in_time(batch).await?;
            written += batch.views();
            outgoing.direct = None;
        }
    }

    /// Writes what was counted at the end of the process, with some patience where something is away.
    pub async fn flush_finally(&self) {
        let outcome = tokio::time::timeout(LAST_PATIENCE, async {
            loop {
                match self.flush_once().await {
                    Ok(Flushed { left: false, .. }) => return,
                    Ok(_) => {}
                    Err(error) => tracing::info!(%error, "the last views wait to be counted"),
                }
                tokio::time::sleep(LAST_PAUSE).await;
            }
        });
        if outcome.await.is_err() {
            let lost = self.outgoing.lock().await.views() + self.counts.views();
            telemetry::record_dropped(lost);
            tracing::warn!(
                lost,
                "not all of the last views could be counted; what is merged in Redis waits for others"
            );
        }
    }

    async fn write_in_time(&self, batch: &ViewBatch) -> Result<bool, ViewError> {
        Ok(tokio::time::timeout(PATIENCE, self.write(batch)).await.map_err(|_| ViewError::Slow)??)
    }

    /// Writes a batch, unless that was done before. Says whether it was not.
    ///
    /// # Errors
    /// The database's; then it is not known whether it is written.
    pub async fn write(&self, batch: &ViewBatch) -> Result<bool, StoreError> {
        let mut tx = self.store.begin("views.count").await?;
        if !tx.enter_view_batch(batch.id).await? {
            tracing::debug!(batch = %batch.id, "these views were counted before");
            tx.rollback().await?;
            return Ok(false);
        }
        tx.add_views(&batch.counts).await?;
        tx.forget_view_batches(RETENTION).await?;
        let (books, views) = (batch.counts.len() as u64, batch.views());
        tx.commit(DomainEvent::ViewsCounted { books, views }).await?;
        telemetry::record_counted(views);
        Ok(true)
    }

    /// How often a book was looked at, as far as it is written, or merged in Redis where that can be asked.
    ///
    /// # Errors
    /// [`ViewError::NotFound`], or the database's.
    pub async fn of(&self, book: ProductId) -> Result<ViewTotals, ViewError> {
        let today = self.today();
        let days = (0..PENDING_DAYS).filter_map(|days| Date::from_julian_day(today.to_julian_day() - days).ok());
        // Redis is asked first: what is written meanwhile is known by its batch, and not counted twice.
        let merged = self.store.merged_views(book, days).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "merged views are not told");
            Vec::new()
        });
        let batches: Vec<ViewBatchId> = merged.iter().map(|(batch, _)| *batch).collect();
        let (mut totals, counted) = self.store.view_totals(book, today, &batches).await?.ok_or(ViewError::NotFound)?;
        for (_, count) in merged.iter().filter(|(batch, _)| !counted.contains(batch)) {
            let views = i64::try_from(count.views).unwrap_or(i64::MAX);
            totals.total += views;
            totals.week += if (today - count.day).whole_days() < 7 { views } else { 0 };
            totals.today += if count.day == today { views } else { 0 };
        }
        Ok(totals)
    }

    fn turn_the_day(&self) {
        self.day.store(self.today().to_julian_day(), Ordering::Relaxed);
    }

    fn today(&self) -> Date {
        self.clock.now().date()
    }
}
