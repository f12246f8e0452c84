//! The way of a read through the levels.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::entry::{Entry, Freshness, watch};
use super::flight::{Boarding, Outcome};
use super::key::Key;
use super::quest::Quest;
use super::stats::CacheResult;
use super::{Cache, Level};
use crate::model::consistency::ConsistencyToken;
use crate::model::position::{Position, Stamp};
use crate::model::representation::Representation;
use crate::model::tags::{Tag, TagHash};

/// How often somebody waits for loads of others that turn out to be too old for them before they load alone.
const JOINS: usize = 3;

/// For how long a write waits in the background for its floor to be flushed, and how often it looks.
const REFILL_PATIENCE: Duration = Duration::from_secs(1);
const REFILL_PAUSE: Duration = Duration::from_millis(5);

/// What a load has to see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The load may go only to a node that has replayed this.
    pub need: Position,
    /// Whether that is all there is to know. If not, only the primary is new enough.
    pub trusted: bool,
}

/// What a load brought.
pub struct Loaded {
    /// The answer, unless there is none.
    pub content: Option<Representation>,
    /// What it depends on besides what was known before.
    pub tags: Vec<Tag>,
    /// What it is known to reflect: a position sampled at the same node **before** the load.
    pub stamp: Stamp,
    /// The node.
    pub node: Arc<str>,
    /// Whether the node was the primary, where a read contains everything that was committed before it.
    pub latest: bool,
}

/// Errors that an older answer is better than.
pub trait Outage {
    /// Whether the database could not be reached, rather than the question be wrong.
    fn is_outage(&self) -> bool;
}

/// An answer and where it came from.
#[derive(Clone)]
pub struct Found {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Who had it.
    pub level: Level,
    /// Whether its time was over.
    pub stale: bool,
}

/// What the first level has.
pub(super) enum Look {
    Hit(Found),
    /// To be served, and loaded again meanwhile.
    Renew(Found),
    /// Not to be served, unless nothing better can be had.
    Miss(Option<Arc<Entry>>),
}

impl Cache {
    /// The answer for `key`: from the first level, the second, or a load that all who want it at this moment share. `tags`
    /// is what it depends on as far as that is known without loading it; `token` is what the asker has written.
    ///
    /// `load` may be run more than once, and goes on when the asker has gone away.
    ///
    /// # Errors
    /// Those of `load`, where there is no older answer that may be served for it.
    pub async fn fetch<E, F, Fut>(
        &self,
        key: &Key,
        tags: &[Tag],
        token: Option<&ConsistencyToken>,
        load: F,
    ) -> Result<Found, E>
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        if !self.inner.enabled {
            let loaded = load(Plan { need: Position::default(), trusted: false }).await?;
            let entry = self.quest(key, tags, Position::default(), load).entry(loaded);
            return Ok(Found { entry: Arc::new(entry), level: Level::Origin, stale: false });
        }
        let fallback = match self.look(key, token) {
            Look::Hit(found) => return Ok(found),
            Look::Renew(found) => {
                self.renew(key, tags, &found.entry, load);
                return Ok(found);
            }
            Look::Miss(fallback) => fallback,
        };
        for _ in 0..JOINS {
            let watch = watch(key, tags);
            let demand = self.demand(&watch, token);
            match self.inner.flights.board::<E>(key.text(), self.inner.floors.lease()) {
                Boarding::Lead(ticket) => {
                    let quest = self.quest(key, tags, demand, load.clone());
                    let outcome = match quest.take_off(ticket).await {
                        Ok(outcome) => outcome,
                        // It panicked; whoever asked finds out for themselves why.
                        Err(_) => self.quest(key, tags, demand, load).load().await,
                    };
                    return self.settle(outcome, fallback);
                }
                Boarding::Join(mut landing) => {
                    self.inner.stats.record_join(key.family());
                    let Ok(outcome) = landing.wait_for(Option::is_some).await else { continue };
                    let Some(outcome) = outcome.clone() else { continue };
                    // It may have been begun before a write that this asker knows of.
                    let reached = match &outcome.result {
                        Ok(entry) => {
                            outcome.seen.max(entry.stamp.position) >= demand.max(self.demand(&entry.watch, token))
                        }
                        Err(_) => true,
                    };
                    if reached {
                        return self.settle(outcome, fallback);
                    }
                }
            }
        }
        let demand = self.demand(&watch(key, tags), token);
        let outcome = self.quest(key, tags, demand, load).load().await;
        self.settle(outcome, fallback)
    }

    /// Loads `key` again and keeps it, for those who come next; does nothing where somebody is at it. Needs no waiting for.
    pub fn renew<E, F, Fut>(&self, key: &Key, tags: &[Tag], older: &Arc<Entry>, load: F)
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        // It runs on by itself.
        drop(self.begin_renewal(key, tags, older, load));
    }

    /// The same, and waits for it. Nothing where somebody else is at it, or it failed.
    pub async fn renewed<E, F, Fut>(&self, key: &Key, tags: &[Tag], older: &Arc<Entry>, load: F) -> Option<Found>
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        let outcome = self.begin_renewal(key, tags, older, load)?.await.ok()?;
        Some(Found { entry: outcome.result.ok()?, level: outcome.level, stale: false })
    }

    fn begin_renewal<E, F, Fut>(
        &self,
        key: &Key,
        tags: &[Tag],
        older: &Arc<Entry>,
        load: F,
    ) -> Option<JoinHandle<Outcome<E>>>
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        match self.inner.flights.board::<E>(key.text(), self.inner.floors.lease()) {
            Boarding::Lead(ticket) => {
                let demand = self.demand(&watch(key, tags), None);
                let quest = Quest { older: Some(older.born), ..self.quest(key, tags, demand, load) };
                Some(quest.take_off(ticket))
            }
            Boarding::Join(_) => None,
        }
    }

    /// Loads `key` again after a write, in the background, as soon as `flushed` says that what is loaded can be kept: the
    /// floor of a write is a position that the primary has written and not yet flushed.
    #[expect(clippy::disallowed_methods, reason = "nobody waits for it, and it ends by itself")]
    pub fn refill<E, F, Fut>(&self, key: Key, tags: Vec<Tag>, load: F, flushed: impl Fn() -> Position + Send + 'static)
    where
        E: Outage + Clone + Send + Sync + 'static,
        F: Fn(Plan) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Loaded, E>> + Send,
    {
        if !self.inner.enabled {
            return;
        }
        let cache = self.clone();
        tokio::spawn(async move {
            let floor = cache.inner.floors.required(&watch(&key, &tags));
            let begun = Instant::now();
            while flushed() < floor && begun.elapsed() < REFILL_PATIENCE {
                tokio::time::sleep(REFILL_PAUSE).await;
            }
            if let Boarding::Lead(ticket) = cache.inner.flights.board::<E>(key.text(), cache.inner.floors.lease()) {
                let demand = cache.demand(&watch(&key, &tags), None);
                let quest = Quest { older: Some(begun), ..cache.quest(&key, &tags, demand, load) };
                drop(quest.take_off(ticket));
            }
        });
    }

    pub(super) fn look(&self, key: &Key, token: Option<&ConsistencyToken>) -> Look {
        let inner = &self.inner;
        let now = Instant::now();
        let count = |result| inner.stats.record(key.family(), Level::Local, result);
        if !inner.floors.trusted(now) {
            count(CacheResult::Unavailable);
            return Look::Miss(None);
        }
        let Some(entry) = inner.local.get(key.text()) else {
            count(CacheResult::Miss);
            return Look::Miss(None);
        };
        let too_old = token.is_some_and(|token| entry.stamp.position < token.demand(entry.stamp.epoch, &entry.watch));
        if too_old || !entry.is_valid(&inner.floors) {
            count(CacheResult::Invalid);
            return Look::Miss(None);
        }
        match entry.freshness(now) {
            Freshness::Fresh if entry.is_due_early(now, || rand::random_range(0.0..1.0)) => {
                count(CacheResult::Early);
                Look::Renew(Found { entry, level: Level::Local, stale: false })
            }
            Freshness::Fresh => {
                count(CacheResult::Hit);
                Look::Hit(Found { entry, level: Level::Local, stale: false })
            }
            Freshness::Revalidate => {
                count(CacheResult::Stale);
                Look::Renew(Found { entry, level: Level::Local, stale: true })
            }
            Freshness::IfError => {
                count(CacheResult::Expired);
                Look::Miss(Some(entry))
            }
            Freshness::Expired => {
                count(CacheResult::Expired);
                Look::Miss(None)
            }
        }
    }

    pub(super) fn quest<F>(&self, key: &Key, tags: &[Tag], demand: Position, load: F) -> Quest<F> {
        Quest {
            cache: self.clone(),
            key: key.clone(),
            tags: tags.to_vec(),
            demand,
            older: None,
            begun: Instant::now(),
            load,
        }
    }

    pub(super) fn demand(&self, watch: &[TagHash], token: Option<&ConsistencyToken>) -> Position {
        let floors = &self.inner.floors;
        let token = token.map_or(Position::default(), |token| token.demand(floors.epoch(), watch));
        floors.required(watch).max(token)
    }

    /// Gives the answer, or the older one in place of an outage.
    pub(super) fn settle<E: Outage>(&self, outcome: Outcome<E>, fallback: Option<Arc<Entry>>) -> Result<Found, E> {
        match outcome.result {
            Ok(entry) => {
                let stale = entry.freshness(Instant::now()) != Freshness::Fresh;
                Ok(Found { entry, level: outcome.level, stale })
            }
            Err(error) => {
                let now = Instant::now();
                let floors = &self.inner.floors;
                let servable = |entry: &Arc<Entry>| {
                    floors.trusted(now) && entry.is_valid(floors) && entry.freshness(now) != Freshness::Expired
                };
                match fallback.filter(|entry| error.is_outage() && servable(entry)) {
                    Some(entry) => {
                        self.inner.stats.record(entry.key.family(), Level::Local, CacheResult::Stale);
                        Ok(Found { entry, level: Level::Local, stale: true })
                    }
                    None => Err(error),
                }
            }
        }
    }
}
