//! One stream: first what there is, or what its reader missed; then every change, once and in order for each book.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::InventoryError;
use super::hub::Hub;
use crate::domain::violation::Violation;
use crate::model::ids::ProductId;
use crate::model::product::Status;
use crate::model::stock::Stock;
use crate::telemetry::inventory as telemetry;

/// The most books of one stream.
pub const MAX_WATCHED: usize = 50;

/// How many missed changes of a book are read at once.
const REPLAYED_AT_ONCE: usize = 64;

/// The pause after reading them failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What a reader wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    products: Vec<ProductId>,
    since: Option<Vec<i64>>,
}

impl Watch {
    /// All changes of these books, and first what there is of each.
    #[must_use]
    pub fn new(mut products: Vec<ProductId>) -> Self {
        products.sort_unstable();
        products.dedup();
        Self { products, since: None }
    }

    /// The books, each once, in the order of their ids.
    #[must_use]
    pub fn products(&self) -> &[ProductId] {
        &self.products
    }

    /// Only what came after these versions, one for each book in the order of their ids. Of a book at a version that there
    /// never was, such as 0, the reader is told what there is.
    #[must_use]
    pub fn since(self, versions: Vec<i64>) -> Self {
        Self { since: Some(versions), ..self }
    }
}

/// What a stream tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// What there is of a book.
    Snapshot(Stock),
    /// What changed.
    Change(Arc<Change>),
    /// The reader is too slow. It is the last event.
    Lagging,
}

/// A change, written once for all who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which book.
    pub product: ProductId,
    /// The version that it left.
    pub version: i64,
    /// The rest.
    pub data: Bytes,
}

/// What waits for the reader of a stream.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Notify,
    places: usize,
}

#[derive(Default)]
struct Waiting {
    changes: VecDeque<Arc<Change>>,
    overflowed: bool,
}

enum Next {
    Change(Arc<Change>),
    Nothing,
    Overflowed,
}

impl Queue {
    pub(super) fn new(places: usize) -> Self {
        Self { waiting: Mutex::default(), ready: Notify::new(), places }
    }

    /// Adds a change where there is room, and says whether little is left. Where there was none once, nothing more is taken.
    pub(super) fn push(&self, change: Arc<Change>) -> bool {
        let mut waiting = self.waiting();
        if waiting.overflowed {
            return false;
        }
        if waiting.changes.len() == self.places {
            waiting.overflowed = true;
            telemetry::record_cut();
        } else {
            waiting.changes.push_back(change);
        }
        let is_crowded = self.leaves_little(&waiting);
        drop(waiting);
        self.ready.notify_one();
        is_crowded
    }

    /// Whether little room is left, and the reader might still be quick enough.
    pub(super) fn is_crowded(&self) -> bool {
        self.leaves_little(&self.waiting())
    }

    fn leaves_little(&self, waiting: &Waiting) -> bool {
        !waiting.overflowed && waiting.changes.len() > self.places / 2
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next change alone.
    #[cfg(test)]
    pub(super) fn take(&self) -> Option<Arc<Change>> {
        match self.pop() {
            Next::Change(change) => Some(change),
            Next::Nothing | Next::Overflowed => None,
        }
    }

    fn pop(&self) -> Next {
        let mut waiting = self.waiting();
        match waiting.changes.pop_front() {
            Some(change) => Next::Change(change),
            None if waiting.overflowed => Next::Overflowed,
            None => Next::Nothing,
        }
    }
}

/// An open stream. It ends when dropped.
pub struct Subscription {
    hub: Hub,
    number: u64,
    products: Vec<ProductId>,
    /// Up to which version of each book the reader was told; 0 where nothing yet.
    told: Vec<i64>,
    /// The same for what was read, and may still have to be told.
    read: Vec<i64>,
    /// What comes before that which waits in the queue.
    before: VecDeque<Event>,
    /// Whether there may be changes in the ledger that have to be read before listening to the hub.
    is_behind: bool,
    is_watching: bool,
    queue: Arc<Queue>,
    _place: OwnedSemaphorePermit,
}

impl Subscription {
    pub(super) async fn open(hub: &Hub, watch: Watch, sees_drafts: bool) -> Result<Self, InventoryError> {
        let Watch { products, since } = watch;
        let invalid = |message: String| Violation::new("/products", message);
        if products.is_empty() || products.len() > MAX_WATCHED {
            let message = format!("must name between 1 and {MAX_WATCHED} books");
            return Err(InventoryError::Invalid(vec![invalid(message)]));
        }
        let (place, number) = hub.place()?;
        let stock = hub.store().stock(&products).await?;
        let stock: HashMap<ProductId, Stock> = stock
            .into_iter()
            .filter(|stock| sees_drafts || stock.status != Status::Draft)
            .map(|stock| (stock.level.product, stock))
            .collect();
        let missing = products.iter().filter(|product| !stock.contains_key(product));
        let missing: Vec<Violation> = missing.map(|product| invalid(format!("there is no book {product}"))).collect();
        if !missing.is_empty() {
            return Err(InventoryError::Invalid(missing));
        }
        let since = since.filter(|since| since.len() == products.len()).unwrap_or_else(|| vec![0; products.len()]);
        telemetry::record_opened();
        let mut stream = Self {
            hub: hub.clone(),
            number,
            told: since,
            read: Vec::with_capacity(products.len()),
            before: VecDeque::new(),
            is_behind: false,
            is_watching: false,
            queue: Arc::new(Queue::new(hub.options().buffer)),
            products,
            _place: place,
        };
        for (product, told) in stream.products.iter().zip(&mut stream.told) {
            let Some(stock) = stock.get(product) else { continue };
            let present = stock.level.version;
            // A version that there never was, or that went down with a primary: what is known after it means nothing.
            if !(1..=present).contains(told) {
                *told = 0;
                stream.before.push_back(Event::Snapshot(*stock));
                stream.read.push(present);
            } else {
                stream.is_behind |= *told < present;
                stream.read.push(*told);
            }
        }
        Ok(stream)
    }

    /// The number of the stream in its process.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The books, in the order of their ids.
    #[must_use]
    pub fn products(&self) -> &[ProductId] {
        &self.products
    }

    /// Up to which version of each of them the reader was told; 0 where nothing yet.
    #[must_use]
    pub fn told(&self) -> &[i64] {
        &self.told
    }

    /// The longest silence.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.hub.options().heartbeat
    }

    /// Waits for the next event; nothing where the stream ends. It may be dropped and asked again.
    pub async fn next(&mut self) -> Option<Event> {
        let closing = self.hub.closing().clone();
        closing.run_until_cancelled(self.advance()).await
    }

    async fn advance(&mut self) -> Event {
        loop {
            if let Some(event) = self.take() {
                return event;
            }
            if self.is_behind {
                self.read_on().await;
            } else if !self.is_watching {
                let known = self.products.iter().copied().zip(self.read.iter().copied());
                self.hub.watch(self.number, &self.queue, known);
                self.is_watching = true;
            } else {
                self.queue.ready.notified().await;
            }
        }
    }

    /// The next event, where it is there already.
    pub fn take(&mut self) -> Option<Event> {
        let event = match self.before.pop_front() {
            Some(event) => event,
            // What is in the queue comes after all that is read before it.
            None => match self.queue.pop() {
                Next::Change(change) => Event::Change(change),
                Next::Overflowed => Event::Lagging,
                Next::Nothing => return None,
            },
        };
        let told = match &event {
            Event::Snapshot(stock) => Some((stock.level.product, stock.level.version)),
            Event::Change(change) => Some((change.product, change.version)),
            Event::Lagging => None,
        };
        if let Some((product, version)) = told
            && let Ok(place) = self.products.binary_search(&product)
            && let Some(told) = self.told.get_mut(place)
        {
            *told = version;
        }
        Some(event)
    }

    /// Reads some of what was missed.
    async fn read_on(&mut self) {
        let known: Vec<_> = self.products.iter().copied().zip(self.read.iter().copied()).collect();
        let changes = match self.hub.store().stock_changes(&known, REPLAYED_AT_ONCE).await {
            Ok(changes) => changes,
            Err(error) => {
                tracing::debug!(%error, "what a stream missed could not be read");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                return;
            }
        };
        let mut counts = vec![0; self.products.len()];
        for change in changes {
            let (product, version) = (change.level.product, change.level.version);
            let Ok(place) = self.products.binary_search(&product) else { continue };
            if let (Some(read), Some(count)) = (self.read.get_mut(place), counts.get_mut(place)) {
                *read = version;
                *count += 1;
            }
            let data = self.hub.encode(&change);
            self.before.push_back(Event::Change(Arc::new(Change { product, version, data })));
        }
        // What is written from now on is told by the hub, which goes on where this ends.
        self.is_behind = counts.contains(&REPLAYED_AT_ONCE);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.is_watching {
            self.hub.unwatch(self.number, &self.products);
        }
        telemetry::record_ended();
    }
}
