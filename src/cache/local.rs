//! The first level: entries in this process, as many as there is memory for, the most used ones (TinyLFU; Einziger,
//! Friedman, Manes: TinyLFU, ACM Transactions on Storage 2017).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;

use super::entry::Entry;

/// Entries by the text of their keys.
pub struct Local {
    entries: moka::sync::Cache<Arc<str>, Arc<Entry>>,
    evictions: Arc<AtomicU64>,
    capacity: u64,
}

/// How full it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalReport {
    /// Entries.
    pub entries: u64,
    /// About how many bytes they take.
    pub bytes: u64,
    /// How many bytes they may take.
    pub capacity: u64,
    /// How many entries had to make room for others.
    pub evictions: u64,
}

/// Entries leave when their stale times are over too.
struct Lifetime;

impl moka::Expiry<Arc<str>, Arc<Entry>> for Lifetime {
    fn expire_after_create(&self, _: &Arc<str>, entry: &Arc<Entry>, now: Instant) -> Option<Duration> {
        Some(entry.span.whole().saturating_sub(entry.age(now)))
    }

    fn expire_after_update(
        &self,
        _: &Arc<str>,
        entry: &Arc<Entry>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.span.whole().saturating_sub(entry.age(now)))
    }
}

impl Local {
    /// Room for about `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let evicted = Arc::clone(&evictions);
        let entries = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .weigher(|_: &Arc<str>, entry: &Arc<Entry>| u32::try_from(entry.size()).unwrap_or(u32::MAX))
            .eviction_policy(EvictionPolicy::tiny_lfu())
            .expire_after(Lifetime)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evicted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { entries, evictions, capacity }
    }

    /// The entry of a key, valid or not.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Keeps an entry.
    pub fn put(&self, entry: Arc<Entry>) {
        self.entries.insert(Arc::clone(entry.key.text()), entry);
    }

    /// All entries, one after the other, in an order that differs between processes. Looking at them does not make them seem
    /// used; what comes or goes meanwhile may be missed.
    pub fn walk(&self) -> impl Iterator<Item = Arc<Entry>> + Send + '_ {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// Forgets all entries: for memory's sake alone, since what is invalid is not served anyway.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// How full it is, after what was put off has been done.
    #[must_use]
    pub fn report(&self) -> LocalReport {
        self.entries.run_pending_tasks();
        LocalReport {
            entries: self.entries.entry_count(),
            bytes: self.entries.weighted_size(),
            capacity: self.capacity,
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }
}
