//! From a committed write to every cache: events become tags ([`rules`]), tags become floors, floors travel.
//!
//! 1. A write's transaction writes its events to the [`outbox`]. There is no commit without.
//! 2. After COMMIT a record of its own in the log gives the floor; the writer raises its own floors and publishes both to the
//!    [`stream`] before it answers.
//! 3. Every process tails the stream ([`listen`]). One that hears nothing learns from the outbox ([`catch_up`]).
//! 4. What a writer could not publish, because it died or was cut off, is published by the [`relay`] of any process.

mod catch_up;
mod listen;
mod message;
pub mod outbox;
mod relay;
pub mod rules;
mod stream;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::sync::{broadcast, mpsc};

use crate::cache::Cache;
use crate::db::{Committed, Db, DbError, Lsn, WriteTransaction};
use crate::model::consistency::ConsistencyToken;
use crate::model::events::{DomainEvent, Events};
use crate::model::position::{Epoch, Position, Stamp};
use crate::model::tags::Tag;
use crate::telemetry::cache as telemetry;
use catch_up::CatchUp;
use message::Message;
use outbox::OutboxRows;
use stream::{Stream, hashes};

/// How many pieces of news a slow listener may be behind before it is told that it missed some.
const BUS_CAPACITY: usize = 4_096;

/// How many publications may wait for being noted in the outbox; what finds no room, the relay publishes once more.
const MARKS: usize = 10_000;

/// What listeners inside the process hear: at least once, in no certain order.
#[derive(Clone, Debug)]
pub struct News {
    /// The rows of the outbox that tell it, by which what is heard twice can be recognised.
    pub ids: Vec<i64>,
    /// What happened.
    pub events: Vec<DomainEvent>,
}

/// What became of the news of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// What the writer may show to read its own write at any process.
    pub token: ConsistencyToken,
    /// Whether it was published. If not, the relay does it, and whoever hears no stream asks the outbox.
    pub published: bool,
}

/// How the feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedReport {
    /// Whether the stream is being heard; if not, the outbox is asked instead.
    pub streaming: bool,
    /// Messages heard.
    pub messages: u64,
    /// How often the stream was lost, or had a gap.
    pub interruptions: u64,
    /// How often the outbox was asked instead.
    pub catch_ups: u64,
    /// Rows that were published for writers that did not.
    pub relayed: u64,
}

/// The module. Cloning is cheap.
#[derive(Clone)]
pub struct Invalidation {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    cache: Cache,
    stream: Stream,
    catch_up: CatchUp,
    bus: broadcast::Sender<Arc<News>>,
    marks: mpsc::Sender<Vec<i64>>,
    to_mark: tokio::sync::Mutex<mpsc::Receiver<Vec<i64>>>,
    /// The name by which this process recognises what it said itself.
    origin: u64,
    started: Instant,
    streaming: AtomicBool,
    messages: AtomicU64,
    interruptions: AtomicU64,
    catch_ups: AtomicU64,
    relayed: AtomicU64,
}

impl Invalidation {
    /// The module for this database and cache; names in Redis begin with `prefix`.
    #[must_use]
    pub fn new(db: Db, cache: Cache, prefix: &str) -> Self {
        let (marks, to_mark) = mpsc::channel(MARKS);
        let (bus, _) = broadcast::channel(BUS_CAPACITY);
        let inner = Inner {
            db,
            cache,
            stream: Stream::new(prefix),
            catch_up: CatchUp::default(),
            bus,
            marks,
            to_mark: tokio::sync::Mutex::new(to_mark),
            origin: rand::random_range(1..u64::MAX),
            started: Instant::now(),
            streaming: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            interruptions: AtomicU64::new(0),
            catch_ups: AtomicU64::new(0),
            relayed: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Commits a transaction with its events, and tells everybody. When it returns, this process answers no read with
    /// anything older, and the others do not either as soon as they have heard. Gives nothing where the primary went away before
    /// the floor could be learnt.
    ///
    /// # Errors
    /// See [`WriteTransaction::commit`].
    pub async fn commit(&self, transaction: WriteTransaction, events: &Events) -> Result<Option<Announced>, DbError> {
        let committed = transaction.commit(events).await?;
        Ok(self.tell_of(committed, events).await)
    }

    /// The same for a single statement, which is given the rows of the outbox that it has to write with what it writes, and
    /// which gives their ids: none where it changed nothing.
    ///
    /// # Errors
    /// See [`Db::write_once`].
    pub async fn write_once<T, F, Fut>(
        &self,
        name: &'static str,
        events: &Events,
        statement: F,
    ) -> Result<(T, Option<Announced>), DbError>
    where
        F: FnOnce(PoolConnection<Postgres>, OutboxRows) -> Fut,
        Fut: Future<Output = sqlx::Result<(T, Vec<i64>)>>,
    {
        let rows = OutboxRows::of(events)?;
        let statement = async |connection| {
            let (value, ids) = statement(connection, rows).await?;
            Ok((value, Some(ids).filter(|ids| !ids.is_empty())))
        };
        let (value, committed) = self.inner.db.write_once(name, statement).await?;
        let announced = match committed {
            Some(committed) => self.tell_of(committed, events).await,
            None => None,
        };
        Ok((value, announced))
    }

    async fn tell_of(&self, committed: Committed<Vec<i64>>, events: &Events) -> Option<Announced> {
        for event in events.iter() {
            telemetry::record_invalidation(event.kind());
        }
        let Some((epoch, position)) = committed.floor else {
            // Whoever asks the outbox next will find it; until then nothing here is known to be new enough.
            self.inner.cache.floors().miss_one();
            return None;
        };
        Some(self.announce(epoch, position, committed.record, events.iter().cloned().collect()).await)
    }

    /// Raises one's own floors, and tells the others.
    async fn announce(&self, epoch: u64, position: Lsn, ids: Vec<i64>, events: Vec<DomainEvent>) -> Announced {
        let inner = &self.inner;
        let tags = rules::tags_of(&events);
        let stamp = Stamp { epoch: Epoch(epoch), position: Position(position.0) };
        let token = ConsistencyToken::new(stamp, &tags);
        self.know_epoch(epoch);
        inner.cache.floors().raise(stamp.position, hashes(&tags));
        let sent = inner.started.elapsed().as_nanos() as u64;
        let message =
            Message { epoch: stamp.epoch, position: stamp.position, tags, ids, events, origin: inner.origin, sent };
        let published = match inner.stream.publish(inner.cache.redis(), &message).await {
            Ok(()) => {
                // Without room it is published once more by the relay, which does no harm.
                let _ = inner.marks.try_send(message.ids);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "a write is left to the relay");
                false
            }
        };
        Announced { token, published }
    }

    /// Frees the memory of the first level, until dropped, whenever somebody has cleared all of the cache: nothing of it can be
    /// served any more.
    pub async fn free_what_is_cleared(&self) -> Infallible {
        let mut news = self.subscribe();
        loop {
            let is_all = |event: &DomainEvent| rules::tags(event).contains(&Tag::all());
            match news.recv().await {
                Ok(news) if news.events.iter().any(is_all) => self.inner.cache.free(),
                Ok(_) => {}
                // What was missed is in memory for a while longer; nothing worse.
                Err(error) => tracing::debug!(%error, "news of cleared caches were missed"),
            }
        }
    }

    /// News of the whole shop, for listeners inside this process.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<News>> {
        self.inner.bus.subscribe()
    }

    /// The cache that is being invalidated.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    /// How the feed is.
    #[must_use]
    pub fn report(&self) -> FeedReport {
        let inner = &self.inner;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FeedReport {
            streaming: inner.streaming.load(Ordering::Relaxed),
            messages: read(&inner.messages),
            interruptions: read(&inner.interruptions),
            catch_ups: read(&inner.catch_ups),
            relayed: read(&inner.relayed),
        }
    }

    fn tell(&self, ids: Vec<i64>, events: Vec<DomainEvent>) {
        // Without listeners there is nobody to tell.
        let _ = self.inner.bus.send(Arc::new(News { ids, events }));
    }

    fn hear(&self, moment: Instant) {
        self.inner.cache.floors().heard(moment);
    }

    fn know_epoch(&self, epoch: u64) {
        if epoch != 0 {
            self.inner.cache.floors().set_epoch(Epoch(epoch));
        }
    }

    /// A fraction of the lease: nothing that keeps the trust may take longer than a few of them together.
    fn fraction(&self, parts: u32) -> Duration {
        self.inner.cache.floors().lease() / parts
    }
}
