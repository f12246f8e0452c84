//! What one process tells the streams that it serves.
//!
//! News of stock come from the bus: at least once, in no order, and not at all where the process is cut off. So they decide
//! nothing here but which books to look at. What is told is read from the ledger, after the version that was told last, and a
//! change is told when it is the very next one of its book. All books that changed are read by one statement, a few
//! milliseconds later; and all that are watched are compared with their stock about once a second, whatever was heard.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::InventoryError;
use super::subscription::Queue;
use super::watched::Watched;
use crate::config;
use crate::model::ids::ProductId;
use crate::model::stock::StockChange;
use crate::store::{StockNews, Store, StoreError};

/// The pause after a look at the ledger: what changes meanwhile is read together.
const PAUSE: Duration = Duration::from_millis(5);

/// The pause after one that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// The pause between two comparisons of all books that are watched.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many books one statement reads, and how many changes of each.
const BOOKS_AT_ONCE: usize = 500;
const CHANGES_AT_ONCE: usize = 64;

/// For how long readers whose queues fill up are waited for, so that a busy moment of the shop does not look like a slow
/// reader, and the pause between two looks at them. Where that was in vain, nobody is waited for during a few times as long:
/// readers that stand still must not hold up the others.
const PATIENCE: Duration = Duration::from_millis(250);
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
const IMPATIENCE: Duration = Duration::from_secs(1);

/// Writes a change down for those who watch: what they may know of it.
pub type Encode = fn(&StockChange) -> Bytes;

/// How streams are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubOptions {
    /// The most changes that wait for a slow reader.
    pub buffer: usize,
    /// The most streams at once.
    pub max_streams: usize,
    /// The longest silence on a stream.
    pub heartbeat: Duration,
}

impl From<&config::Inventory> for HubOptions {
    fn from(settings: &config::Inventory) -> Self {
        Self {
            buffer: settings.stream_buffer as usize,
            max_streams: settings.max_streams as usize,
            heartbeat: settings.heartbeat,
        }
    }
}

/// What tells the streams. Cloning is cheap.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    store: Store,
    encode: Encode,
    options: HubOptions,
    watched: Mutex<Watched>,
    /// Wakes the reader of the ledger.
    changed: Notify,
    places: Arc<Semaphore>,
    next: AtomicU64,
    closing: CancellationToken,
}

impl Hub {
    /// A hub over this store, which knows how changes are written.
    #[must_use]
    pub fn new(store: Store, encode: Encode, options: HubOptions) -> Self {
        Self(Arc::new(Inner {
            store,
            encode,
            options,
            watched: Mutex::default(),
            changed: Notify::new(),
            places: Arc::new(Semaphore::new(options.max_streams)),
            next: AtomicU64::new(0),
            closing: CancellationToken::new(),
        }))
    }

    /// Tells the streams what changes, until dropped.
    pub async fn run(&self) -> Infallible {
        let (never, _, _) = tokio::join!(self.read(), self.hear(), self.poll());
        never
    }

    /// Ends all streams; there will be no others.
    pub fn close(&self) {
        self.0.closing.cancel();
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn options(&self) -> HubOptions {
        self.0.options
    }

    pub(super) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub(super) fn encode(&self, change: &StockChange) -> Bytes {
        (self.0.encode)(change)
    }

    /// Room for a stream, and its number.
    pub(super) fn place(&self) -> Result<(OwnedSemaphorePermit, u64), InventoryError> {
        if self.0.closing.is_cancelled() {
            return Err(InventoryError::Stopping);
        }
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| InventoryError::Crowded)?;
        Ok((place, self.0.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// From now on, every change of these books after the version that goes with each is put into the queue, in order.
    pub(super) fn watch(&self, stream: u64, queue: &Arc<Queue>, known: impl Iterator<Item = (ProductId, i64)>) {
        self.watched().watch(stream, queue, known);
        self.0.changed.notify_one();
    }

    /// A stream has ended.
    pub(super) fn unwatch(&self, stream: u64, products: &[ProductId]) {
        self.watched().unwatch(stream, products);
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hear(&self) -> Infallible {
        let mut listener = self.0.store.stock_news();
        while let Some(news) = listener.next().await {
            let mut watched = self.watched();
            for piece in news {
                watched.suspect(&piece);
            }
            drop(watched);
            self.0.changed.notify_one();
        }
        // Without a bus, polling is what is left.
        std::future::pending().await
    }

    async fn poll(&self) -> Infallible {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let all = self.watched().all();
            for known in all.chunks(BOOKS_AT_ONCE) {
                match self.0.store.stock_beyond(known).await {
                    Ok(changed) if changed.is_empty() => {}
                    Ok(changed) => {
                        self.watched().suspect(&StockNews::Books(changed));
                        self.0.changed.notify_one();
                    }
                    Err(error) => tracing::debug!(%error, "stock that is watched could not be looked at"),
                }
            }
        }
    }

    async fn read(&self) -> Infallible {
        let mut patient_from = Instant::now();
        loop {
            let known = self.watched().take_dirty(BOOKS_AT_ONCE);
            if known.is_empty() {
                self.0.changed.notified().await;
                continue;
            }
            match self.0.store.stock_changes(&known, CHANGES_AT_ONCE).await {
                Ok(changes) => self.deliver(changes, &mut patient_from).await,
                Err(error) => {
                    self.put_back(&known, &error);
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn put_back(&self, known: &[(ProductId, i64)], error: &StoreError) {
        tracing::debug!(%error, "changes of stock wait to be told");
        let mut watched = self.watched();
        for (product, _) in known {
            watched.suspect_one(*product);
        }
    }

    /// Hands on what was read, wave by wave: one change of each book at a time. No stream watches more books than its reader's
    /// queue has places by default, so whoever reads at all is not overrun by a wave.
    async fn deliver(&self, changes: Vec<StockChange>, patient_from: &mut Instant) {
        let mut waves: Vec<Vec<StockChange>> = Vec::new();
        let mut read: HashMap<ProductId, usize> = HashMap::new();
        for change in changes {
            let count = read.entry(change.level.product).or_default();
            if waves.len() == *count {
                waves.push(Vec::new());
            }
            if let Some(wave) = waves.get_mut(*count) {
                *count += 1;
                wave.push(change);
            }
        }
        for wave in waves {
            let crowded = self.watched().tell(wave, self.0.encode);
            let since = Instant::now();
            while since >= *patient_from && crowded.iter().any(|queue| queue.is_crowded()) {
                if since.elapsed() >= PATIENCE {
                    *patient_from = Instant::now() + IMPATIENCE;
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
        let mut watched = self.watched();
        // There may be more of those.
        for (product, _) in read.into_iter().filter(|(_, count)| *count == CHANGES_AT_ONCE) {
            watched.suspect_one(product);
        }
    }
}
