//! What the cache counts. Plain counters, since a hit is not to pay for the labels of a metric; they are told to the
//! metrics when those are read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Level;
use super::key::Family;
use crate::telemetry::names;

macro_rules! results {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// How a look at a level ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CacheResult {
            $($(#[$doc])* $name,)*
        }

        impl CacheResult {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in metrics and for administrators.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

results! {
    /// A valid, fresh entry.
    Hit = "hit";
    /// A valid entry that had to be renewed, served meanwhile or for want of a better one.
    Stale = "stale";
    /// A fresh entry that was renewed before its end.
    Early = "early";
    /// No entry.
    Miss = "miss";
    /// An entry that an invalidation had overtaken.
    Invalid = "invalid";
    /// An entry whose time was over.
    Expired = "expired";
    /// The level could not be asked: no trust in the floors, no Redis.
    Unavailable = "unavailable";
    /// Loaded, and kept.
    Kept = "kept";
    /// Loaded, and not kept: it could not be proved to be as new as the newest invalidation.
    Unkept = "unkept";
    /// The load failed.
    Error = "error";
}

const LEVELS: usize = Level::ALL.len();
const RESULTS: usize = CacheResult::ALL.len();

/// The counters.
pub struct Stats {
    requests: Vec<[[AtomicU64; RESULTS]; LEVELS]>,
    joins: Vec<AtomicU64>,
}

/// One counter, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Of which family.
    pub family: Family,
    /// At which level.
    pub level: Level,
    /// With which result.
    pub result: CacheResult,
    /// How often.
    pub count: u64,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            requests: Family::ALL.iter().map(|_| Default::default()).collect(),
            joins: Family::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Stats {
    /// Counts one look.
    pub fn record(&self, family: Family, level: Level, result: CacheResult) {
        if let Some(counter) =
            self.requests.get(family as usize).and_then(|levels| levels.get(level as usize)?.get(result as usize))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts somebody who waited for another's load.
    pub fn record_join(&self, family: Family) {
        if let Some(counter) = self.joins.get(family as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every counter that ever counted.
    #[must_use]
    pub fn counts(&self) -> Vec<Count> {
        let mut counts = Vec::new();
        for (family, levels) in Family::ALL.iter().zip(&self.requests) {
            for (level, results) in Level::ALL.iter().zip(levels) {
                for (result, counter) in CacheResult::ALL.iter().zip(results) {
                    let count = counter.load(Ordering::Relaxed);
                    if count > 0 {
                        counts.push(Count { family: *family, level: *level, result: *result, count });
                    }
                }
            }
        }
        counts
    }

    /// How often somebody of `family` waited for another's load.
    #[must_use]
    pub fn joins(&self, family: Family) -> u64 {
        self.joins.get(family as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Tells the metrics.
    pub fn publish(&self) {
        for Count { family, level, result, count } in self.counts() {
            metrics::counter!(
                names::CACHE_REQUESTS_TOTAL,
                "family" => family.name(), "level" => level.name(), "result" => result.name()
            )
            .absolute(count);
        }
        for family in Family::ALL {
            let joins = self.joins(*family);
            if joins > 0 {
                metrics::counter!(names::CACHE_SINGLE_FLIGHT_JOINS_TOTAL, "family" => family.name()).absolute(joins);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_look_is_counted_once_and_in_its_place() {
        let stats = Stats::default();
        stats.record(Family::Genres, Level::Remote, CacheResult::Hit);
        stats.record(Family::Genres, Level::Remote, CacheResult::Hit);
        stats.record_join(Family::Genres);
        let count = Count { family: Family::Genres, level: Level::Remote, result: CacheResult::Hit, count: 2 };
        assert_eq!(stats.counts(), [count]);
        assert_eq!((stats.joins(Family::Genres), stats.joins(Family::Session)), (1, 0));
    }
}
