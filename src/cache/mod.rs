//! The cache: finished answers in this process, behind them in Redis, and whether they may be served.
//!
//! Nothing is ever deleted for the sake of correctness. Every [`Entry`] carries the position in the database's log that it
//! reflects, every invalidation raises [`Floors`], and an entry is checked against them **when it is read**. So a load that
//! was under way during an invalidation, a Redis that comes back with old data, or a late message do no harm: what they
//! bring is below the floor.
//!
//! [`Cache::fetch`] is the whole way of a read: first level, second level, one load for all who wait.

mod codec;
pub mod compress;
pub mod entry;
mod fetch;
mod flight;
pub mod floors;
pub mod key;
mod local;
mod many;
pub mod popularity;
mod quest;
pub mod redis;
mod remote;
pub mod stats;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use entry::{Entry, Freshness};
pub use fetch::{Found, Loaded, Outage, Plan};
pub use floors::{Floors, FloorsReport};
pub use key::{Family, Key};
pub use local::LocalReport;
pub use popularity::Heat;
pub use redis::{Redis, RedisError, RedisOptions};
pub use remote::Remembered;
pub use stats::{CacheResult, Count, Stats};

use flight::Flights;
use local::Local;
use popularity::Popularity;
use remote::Remote;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// This process.
    Local,
    /// Redis.
    Remote,
    /// The database.
    Origin,
}

impl Level {
    /// All of them, the nearest first.
    pub const ALL: &[Self] = &[Self::Local, Self::Remote, Self::Origin];

    /// Its name in metrics and for administrators.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "l1",
            Self::Remote => "l2",
            Self::Origin => "origin",
        }
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// There is none.
    Absent,
    /// An invalidation has overtaken it.
    Invalid,
    /// It runs out soon, or has.
    Ending,
    /// It will do for a while.
    Lasting,
}

impl Outlook {
    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Invalid => "invalid",
            Self::Ending => "ending",
            Self::Lasting => "lasting",
        }
    }
}

/// How the cache is to be.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// Whether anything is kept. Without it every read is a load.
    pub enabled: bool,
    /// How many bytes the first level may take.
    pub capacity: u64,
    /// For how long floors are believed without news.
    pub lease: Duration,
    /// From 0 to 1: what all lifetimes are multiplied by.
    pub lifetime_scale: f64,
    /// What names in Redis begin with.
    pub prefix: String,
    /// Whether Redis is a cluster.
    pub cluster: bool,
    /// How many of the most read keys are wanted.
    pub hot_keys: usize,
}

/// The cache. Cloning is cheap.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    enabled: bool,
    scale: f64,
    floors: Floors,
    local: Local,
    remote: Remote,
    redis: Redis,
    flights: Arc<Flights>,
    stats: Stats,
    popularity: Popularity,
}

impl Cache {
    /// An empty cache over this Redis.
    #[must_use]
    pub fn new(options: &CacheOptions, redis: Redis) -> Self {
        let inner = Inner {
            enabled: options.enabled,
            scale: options.lifetime_scale,
            floors: Floors::new(options.lease),
            local: Local::new(options.capacity),
            remote: Remote::new(redis.clone(), &options.prefix, options.cluster),
            redis,
            flights: Arc::default(),
            stats: Stats::default(),
            popularity: Popularity::new(if options.enabled { options.hot_keys } else { 0 }),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What is known of invalidations.
    #[must_use]
    pub fn floors(&self) -> &Floors {
        &self.inner.floors
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.inner.stats
    }

    /// Which keys are read most.
    #[must_use]
    pub fn popularity(&self) -> &Popularity {
        &self.inner.popularity
    }

    /// Tells the metrics what was counted.
    pub fn publish_metrics(&self) {
        self.inner.stats.publish();
        let local = self.local_report();
        crate::telemetry::cache::record_local(local.entries, local.bytes, local.evictions);
    }

    /// The client of Redis.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.inner.redis
    }

    /// What names in Redis begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.inner.remote.prefix()
    }

    /// How full the first level is.
    #[must_use]
    pub fn local_report(&self) -> LocalReport {
        self.inner.local.report()
    }

    /// Frees the memory of the first level. What may be served does not change by that.
    pub fn free(&self) {
        self.inner.local.clear();
    }

    /// The entry of a key in the first level, valid or not.
    #[must_use]
    pub fn local_entry(&self, key: &Key) -> Option<Arc<Entry>> {
        self.inner.local.get(key.text())
    }

    /// What becomes of the entry of a key in the first level if nobody reads it. Counts as no read.
    #[must_use]
    pub fn outlook(&self, key: &Key, at_least: Duration) -> Outlook {
        let (inner, now) = (&self.inner, Instant::now());
        match inner.local.get(key.text()) {
            None => Outlook::Absent,
            Some(entry) if !entry.is_valid(&inner.floors) => Outlook::Invalid,
            Some(entry) if !entry.lasts(at_least, now) => Outlook::Ending,
            Some(_) => Outlook::Lasting,
        }
    }

    /// All entries of the first level, for those who look after them: see [`Cache::claims`].
    pub fn walk(&self) -> impl Iterator<Item = Arc<Entry>> + Send + '_ {
        self.inner.local.walk()
    }

    /// Whether a reader of the first level would be given this very entry now.
    #[must_use]
    pub fn claims(&self, entry: &Entry) -> bool {
        let now = Instant::now();
        let floors = &self.inner.floors;
        let is_kept = || self.inner.local.get(entry.key.text()).is_some_and(|kept| std::ptr::eq(&*kept, entry));
        floors.trusted(now) && entry.is_valid(floors) && entry.freshness(now) != Freshness::Expired && is_kept()
    }

    /// The entry of a key in the second level, valid or not.
    pub async fn remote_entry(&self, key: &Key) -> Remembered {
        self.inner.remote.get(key).await
    }
}
