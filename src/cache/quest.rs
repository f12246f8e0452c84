//! What one who leads a flight does: second level, a turn among the processes, the load, and keeping what it brought.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument as _;
use tracing::field::Empty;

use super::entry::{Entry, Freshness, Parts, Span, watch};
use super::fetch::{Loaded, Outage, Plan};
use super::flight::{Outcome, Ticket};
use super::key::Key;
use super::remote::{Remembered, Turn};
use super::stats::CacheResult;
use super::{Cache, Level, compress};
use crate::model::position::{Epoch, Position};
use crate::model::tags::Tag;
use crate::telemetry::cache as telemetry;

/// For how long a process waits for another one that loads the same key: longer than a turn lasts that nobody ends.
const TURN_PATIENCE: Duration = Duration::from_secs(4);

/// The first and the longest pause between two looks for what another process loads.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(20));

/// A search for one entry.
pub struct Quest<F> {
    pub(super) cache: Cache,
    pub(super) key: Key,
    pub(super) tags: Vec<Tag>,
    /// How new the entry must be.
    pub(super) demand: Position,
    /// An entry that is to be renewed: what the second level has is of use only where it is younger.
    pub(super) older: Option<Instant>,
    pub(super) begun: Instant,
    pub(super) load: F,
}

/// What the second level has.
enum Remotely {
    Hit(Arc<Entry>),
    /// To be served only where nothing better can be had.
    Older(Arc<Entry>),
    Nothing,
    Unavailable,
}

impl Cache {
    /// Keeps what was loaded in the first level, unless that is useless. Says whether it is of use to others too.
    pub(super) fn keep(&self, entry: &Arc<Entry>) -> bool {
        let inner = &self.inner;
        // A stamp of no epoch is no stamp. What is below a floor would be refused at the next look.
        let useful = entry.stamp.epoch != Epoch::default() && inner.floors.allow(entry.stamp, &entry.watch);
        if useful {
            inner.local.put(Arc::clone(entry));
        }
        let result = if useful { CacheResult::Kept } else { CacheResult::Unkept };
        inner.stats.record(entry.key.family(), Level::Origin, result);
        useful
    }
}

impl<F> Quest<F> {
    /// Starts as a task of its own, so that it lands also where the one who began it goes away.
    #[expect(clippy::disallowed_methods, reason = "a load that others wait for outlives the request that began it")]
    pub(super) fn take_off<E, Fut>(self, ticket: Ticket<E>) -> tokio::task::JoinHandle<Outcome<E>>
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        let span = tracing::info_span!("cache.load", cache.family = self.key.family().name(), cache.level = Empty);
        let of_load = span.clone();
        let flight = async move {
            // No two processes draw the same number within the life of a turn.
            let number = rand::random_range(1..u64::MAX);
            let (outcome, my_turn) = self.fly(number).await;
            of_load.record("cache.level", outcome.level.name());
            ticket.land(outcome.clone());
            // What follows is for other processes; nobody waits for it.
            if let (Ok(entry), Level::Origin) = (&outcome.result, outcome.level)
                && self.is_servable(entry)
            {
                self.cache.inner.remote.put(entry).await;
            }
            if my_turn {
                self.cache.inner.remote.end_turn(&self.key, number).await;
            }
            outcome
        };
        tokio::spawn(flight.instrument(span))
    }

    /// Second level, turn, load. Says whether the turn was taken.
    async fn fly<E, Fut>(&self, number: u64) -> (Outcome<E>, bool)
    where
        E: Outage,
        F: Fn(Plan) -> Fut,
        Fut: Future<Output = Result<Loaded, E>>,
    {
        let (mut pause, longest) = PAUSES;
        let mut fallback = None;
        let mut my_turn = false;
        loop {
            match self.look_remotely().await {
                Remotely::Hit(entry) => {
                    self.cache.inner.local.put(Arc::clone(&entry));
                    let seen = entry.stamp.position;
                    return (Outcome { result: Ok(entry), level: Level::Remote, seen, begun: self.begun }, my_turn);
                }
                Remotely::Older(entry) => fallback = Some(entry),
                Remotely::Nothing => {}
                Remotely::Unavailable => break,
            }
            if my_turn || self.begun.elapsed() > TURN_PATIENCE {
                break;
            }
            match self.cache.inner.remote.take_turn(&self.key, number).await {
                // Somebody may have kept it between the look and the turn: one more look, and then it is up to us.
                Turn::Mine => my_turn = true,
                Turn::Others => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                Turn::Unknown => break,
            }
        }
        let loaded = self.load().await;
        let (seen, begun) = (loaded.seen, loaded.begun);
        let outcome = match self.cache.settle(loaded, fallback) {
            Ok(found) => Outcome {
                result: Ok(found.entry),
                level: if found.stale { Level::Remote } else { Level::Origin },
                seen,
                begun,
            },
            Err(error) => Outcome { result: Err(error), level: Level::Origin, seen, begun },
        };
        (outcome, my_turn)
    }

    async fn look_remotely(&self) -> Remotely {
        let inner = &self.cache.inner;
        let count = |result| inner.stats.record(self.key.family(), Level::Remote, result);
        if !inner.floors.trusted(Instant::now()) {
            count(CacheResult::Unavailable);
            return Remotely::Unavailable;
        }
        let entry = match inner.remote.get(&self.key).await {
            Remembered::Found(entry) => *entry,
            Remembered::Nothing => {
                count(CacheResult::Miss);
                return Remotely::Nothing;
            }
            Remembered::Unavailable => {
                count(CacheResult::Unavailable);
                return Remotely::Unavailable;
            }
        };
        // Trust is asked for again: the answer may have been long in coming.
        if entry.stamp.position < self.demand || !self.is_servable(&entry) {
            count(CacheResult::Invalid);
            return Remotely::Nothing;
        }
        match entry.freshness(Instant::now()) {
            Freshness::Fresh if self.older.is_none_or(|older| entry.born > older) => {
                count(CacheResult::Hit);
                Remotely::Hit(Arc::new(entry))
            }
            Freshness::Expired => {
                count(CacheResult::Expired);
                Remotely::Nothing
            }
            _ => {
                count(CacheResult::Expired);
                Remotely::Older(Arc::new(entry))
            }
        }
    }

    fn is_servable(&self, entry: &Entry) -> bool {
        let floors = &self.cache.inner.floors;
        floors.trusted(Instant::now()) && entry.is_valid(floors)
    }

    /// Loads, and keeps what can be proved to be new enough.
    pub(super) async fn load<E, Fut>(&self) -> Outcome<E>
    where
        E: Outage,
        F: Fn(Plan) -> Fut,
        Fut: Future<Output = Result<Loaded, E>>,
    {
        let inner = &self.cache.inner;
        let count = |result| inner.stats.record(self.key.family(), Level::Origin, result);
        let begun = Instant::now();
        let mut plan = Plan { need: self.demand.max(self.required(&self.tags)), trusted: inner.floors.trusted(begun) };
        loop {
            let loaded = match (self.load)(plan).await {
                Ok(loaded) => loaded,
                Err(error) => {
                    count(CacheResult::Error);
                    telemetry::record_load(self.key.family().name(), begun.elapsed(), false);
                    return Outcome {
                        result: Err(error),
                        level: Level::Origin,
                        seen: Position::default(),
                        begun: self.begun,
                    };
                }
            };
            let known: Vec<Tag> = self.tags.iter().chain(&loaded.tags).cloned().collect();
            let need = self.demand.max(self.required(&known));
            // The load itself told of tags that ask for more than was planned: once more, by a node that has it.
            if !loaded.latest && loaded.stamp.position < need && plan.need < need {
                plan.need = need;
                continue;
            }
            let seen = if loaded.latest { loaded.stamp.position.max(plan.need) } else { loaded.stamp.position };
            telemetry::record_load(self.key.family().name(), begun.elapsed(), true);
            let entry = Arc::new(self.entry(loaded));
            self.cache.keep(&entry);
            return Outcome { result: Ok(entry), level: Level::Origin, seen, begun: self.begun };
        }
    }

    fn required(&self, tags: &[Tag]) -> Position {
        self.cache.inner.floors.required(&watch(&self.key, tags))
    }

    /// The entry of what a load brought, compressed once and for all.
    pub(super) fn entry(&self, loaded: Loaded) -> Entry {
        let Loaded { content, tags, stamp, node, .. } = loaded;
        let content = content.map(|mut content| {
            content.variants = compress::variants(&content.body);
            content
        });
        let tags = self.tags.iter().cloned().chain(tags).collect();
        let span = Span::of(self.key.family(), content.is_some(), rand::random_range(0.0..1.0), self.cache.inner.scale);
        let load_time = self.begun.elapsed();
        Entry::new(self.key.clone(), Parts { content, stamp, node, tags, born: self.begun, span, load_time })
    }
}
