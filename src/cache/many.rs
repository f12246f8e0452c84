//! Many answers at once: one round trip to the second level, and one load for all that is still missing.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entry::{Entry, Freshness, watch};
use super::fetch::{Found, Loaded, Look, Outage, Plan};
use super::flight::Outcome;
use super::key::Key;
use super::quest::Quest;
use super::remote::Remembered;
use super::stats::CacheResult;
use super::{Cache, Level};
use crate::model::consistency::ConsistencyToken;
use crate::model::position::Position;
use crate::model::tags::Tag;
use crate::telemetry::cache as telemetry;

/// One that has to be looked for further.
struct Missing {
    /// Its place among those that are wanted.
    at: usize,
    quest: Quest<()>,
    /// What may be served where nothing better can be had.
    older: Option<Arc<Entry>>,
}

impl Cache {
    /// The answers for many keys, in their order, each with what it depends on as far as that is known before. What the first
    /// level lacks is asked of the second one in one round trip, and what that lacks is loaded at once: `load` is given the
    /// places of those that are wanted, and answers in their order. Entries that are fresh for less than `at_least` are loaded
    /// along.
    ///
    /// There is no single flight here: to wait for as many others as there are keys would take longer than one statement does.
    ///
    /// # Errors
    /// Those of `load`, where not everything that it was to load has an older answer that may be served for it.
    pub async fn fetch_many<E, F, Fut>(
        &self,
        wanted: &[(Key, Vec<Tag>)],
        at_least: Duration,
        token: Option<&ConsistencyToken>,
        load: F,
    ) -> Result<Vec<Option<Found>>, E>
    where
        E: Outage + Clone,
        F: Fn(Plan, Vec<usize>) -> Fut,
        Fut: Future<Output = Result<Vec<Loaded>, E>> + Send,
    {
        let mut found: Vec<Option<Found>> = vec![None; wanted.len()];
        let mut missing = Vec::new();
        for (at, (key, tags)) in wanted.iter().enumerate() {
            let looked = if self.inner.enabled { self.look(key, token) } else { Look::Miss(None) };
            let older = match looked {
                Look::Hit(hit) if hit.entry.lasts(at_least, Instant::now()) => {
                    found[at] = Some(hit);
                    continue;
                }
                Look::Hit(due) | Look::Renew(due) => Some(due.entry),
                Look::Miss(older) => older,
            };
            let demand = self.demand(&watch(key, tags), token);
            missing.push(Missing { at, quest: self.quest(key, tags, demand, ()), older });
        }
        self.take_from_redis(&mut missing, &mut found, at_least, token).await;
        if !missing.is_empty() {
            self.load_many(missing, &mut found, load).await?;
        }
        Ok(found)
    }

    /// One round trip for all that is missing. What is found is missing no more.
    async fn take_from_redis(
        &self,
        missing: &mut Vec<Missing>,
        found: &mut [Option<Found>],
        at_least: Duration,
        token: Option<&ConsistencyToken>,
    ) {
        let inner = &self.inner;
        if missing.is_empty() || !inner.enabled || !inner.floors.trusted(Instant::now()) {
            return;
        }
        let keys: Vec<Key> = missing.iter().map(|one| one.quest.key.clone()).collect();
        let mut remembered = inner.remote.get_many(&keys).await.into_iter();
        missing.retain(|one| {
            let count = |result| inner.stats.record(one.quest.key.family(), Level::Remote, result);
            let entry = match remembered.next() {
                Some(Remembered::Found(entry)) => Arc::new(*entry),
                Some(Remembered::Nothing) => {
                    count(CacheResult::Miss);
                    return true;
                }
                Some(Remembered::Unavailable) | None => {
                    count(CacheResult::Unavailable);
                    return true;
                }
            };
            let now = Instant::now();
            let new_enough = entry.stamp.position >= self.demand(&entry.watch, token);
            if !new_enough || !inner.floors.trusted(now) || !entry.is_valid(&inner.floors) {
                count(CacheResult::Invalid);
                return true;
            }
            let younger = one.older.as_ref().is_none_or(|older| entry.born > older.born);
            if entry.freshness(now) != Freshness::Fresh || !entry.lasts(at_least, now) || !younger {
                count(CacheResult::Expired);
                return true;
            }
            count(CacheResult::Hit);
            inner.local.put(Arc::clone(&entry));
            found[one.at] = Some(Found { entry, level: Level::Remote, stale: false });
            false
        });
    }

    /// Loads all that is missing, and keeps it.
    #[expect(clippy::disallowed_methods, reason = "what follows is for other processes, and nobody waits for it")]
    async fn load_many<E, F, Fut>(&self, missing: Vec<Missing>, found: &mut [Option<Found>], load: F) -> Result<(), E>
    where
        E: Outage + Clone,
        F: Fn(Plan, Vec<usize>) -> Fut,
        Fut: Future<Output = Result<Vec<Loaded>, E>> + Send,
    {
        let inner = &self.inner;
        let Some(family) = missing.first().map(|one| one.quest.key.family()) else { return Ok(()) };
        let places: Vec<usize> = missing.iter().map(|one| one.at).collect();
        let begun = Instant::now();
        let need = missing.iter().map(|one| one.quest.demand).max().unwrap_or_default();
        let mut plan = Plan { need, trusted: inner.enabled && inner.floors.trusted(begun) };
        let loaded = loop {
            let loaded = match load(plan, places.clone()).await {
                Ok(loaded) => loaded,
                Err(error) => {
                    telemetry::record_load(family.name(), begun.elapsed(), false);
                    return self.fall_back(missing, found, &error);
                }
            };
            let need = self.needed(&missing, &loaded).max(plan.need);
            if need == plan.need {
                break loaded;
            }
            plan.need = need;
        };
        telemetry::record_load(family.name(), begun.elapsed(), true);
        let mut useful = Vec::new();
        for (one, loaded) in missing.into_iter().zip(loaded) {
            let entry = Arc::new(one.quest.entry(loaded));
            if inner.enabled && self.keep(&entry) {
                useful.push(Arc::clone(&entry));
            }
            found[one.at] = Some(Found { entry, level: Level::Origin, stale: false });
            // Compressing a hundred books takes as long as a hundred requests do.
            tokio::task::yield_now().await;
        }
        let remote = inner.remote.clone();
        tokio::spawn(async move { remote.put_many(&useful).await });
        Ok(())
    }

    /// How new the loaded must be, where they turn out to depend on what asks for more than was planned.
    fn needed(&self, missing: &[Missing], loaded: &[Loaded]) -> Position {
        let needs = missing.iter().zip(loaded).filter_map(|(one, loaded)| {
            let known: Vec<Tag> = one.quest.tags.iter().chain(&loaded.tags).cloned().collect();
            let need = one.quest.demand.max(self.inner.floors.required(&watch(&one.quest.key, &known)));
            (!loaded.latest && loaded.stamp.position < need).then_some(need)
        });
        needs.max().unwrap_or_default()
    }

    /// Older answers in place of an outage.
    fn fall_back<E: Outage + Clone>(
        &self,
        missing: Vec<Missing>,
        found: &mut [Option<Found>],
        error: &E,
    ) -> Result<(), E> {
        for one in missing {
            self.inner.stats.record(one.quest.key.family(), Level::Origin, CacheResult::Error);
            let outcome = Outcome {
                result: Err(error.clone()),
                level: Level::Origin,
                seen: Position::default(),
                begun: one.quest.begun,
            };
            found[one.at] = Some(self.settle(outcome, one.older)?);
        }
        Ok(())
    }
}
