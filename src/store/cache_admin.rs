//! The cache, looked at from outside.

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use crate::cache::redis::{BreakerReport, BreakerState};
pub use crate::cache::{CacheResult, Count, Family, FloorsReport, Freshness, Heat, Key, Level, LocalReport};
pub use crate::invalidation::FeedReport;

use super::Store;
use crate::cache::{Entry, Floors, Remembered};
use crate::model::position::{Epoch, Position, Stamp};
use crate::model::tags::{Tag, TagHash};

/// How the cache is, as this process sees it.
#[derive(Clone, Debug)]
pub struct CacheReport {
    /// Looks at levels, of all families.
    pub counts: Vec<Count>,
    /// How often somebody waited for another's load.
    pub joins: Vec<(Family, u64)>,
    /// The keys that are read most, the hottest first.
    pub hottest: Vec<Heat>,
    /// The first level.
    pub local: LocalReport,
    /// What is known of invalidations.
    pub floors: FloorsReport,
    /// For how long that is believed without news.
    pub lease: Duration,
    /// How it is heard.
    pub feed: FeedReport,
    /// What guards Redis.
    pub breaker: BreakerReport,
}

/// How new entries of a tag must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFloor {
    /// The tag; one may be a key or a pattern that was cleared, or the star for all.
    pub tag: Tag,
    /// The place of its newest invalidation.
    pub floor: Position,
}

/// Why an entry may not be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Nothing was heard of invalidations for longer than a lease.
    Untrusted,
    /// It is of another history of the database.
    OtherEpoch,
    /// One of its tags was invalidated after what it reflects.
    BelowFloor(TagFloor),
    /// Its time is over.
    Expired,
}

/// An entry, and whether it may be served.
#[derive(Clone, Debug)]
pub struct EntryReport {
    /// The place in the database's log that it reflects.
    pub stamp: Stamp,
    /// The node that it came from.
    pub node: Arc<str>,
    /// What it depends on.
    pub tags: Arc<[Tag]>,
    /// How long ago its load began.
    pub age: Duration,
    /// For how much longer it is fresh.
    pub fresh_for: Duration,
    /// How long its load took.
    pub load_time: Duration,
    /// Where it stands in its life.
    pub freshness: Freshness,
    /// About how many bytes of memory it takes.
    pub size: usize,
    /// The entity tag of what it holds; nothing where it holds the knowledge that there is nothing.
    pub etag: Option<String>,
    /// Why it may not be served; nothing where it may.
    pub objections: Vec<Objection>,
}

/// What a level has of a key.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Nothing.
    Absent,
    /// It cannot be asked.
    Unavailable,
    /// An entry.
    Found(EntryReport),
}

/// Where an entry comes from, and how new it would have to be.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The key.
    pub key: Key,
    /// The present epoch.
    pub epoch: Epoch,
    /// Whether the floors are believed.
    pub trusted: bool,
    /// The floors of everything by which the key can be invalidated, those without one left out.
    pub floors: Vec<TagFloor>,
    /// What this process has.
    pub local: Finding,
    /// What Redis has.
    pub remote: Finding,
}

impl Store {
    /// How the cache is.
    #[must_use]
    pub fn cache_report(&self) -> CacheReport {
        let cache = self.cache();
        CacheReport {
            counts: cache.stats().counts(),
            joins: Family::ALL.iter().map(|family| (*family, cache.stats().joins(*family))).collect(),
            hottest: cache.popularity().hottest(),
            local: cache.local_report(),
            floors: cache.floors().report(),
            lease: cache.floors().lease(),
            feed: self.invalidation.report(),
            breaker: cache.redis().breaker(),
        }
    }

    /// Where the entry of a key comes from, here and in Redis.
    pub async fn provenance(&self, key: Key) -> Provenance {
        let cache = self.cache();
        let floors = cache.floors();
        let remote = match cache.remote_entry(&key).await {
            Remembered::Nothing => Finding::Absent,
            Remembered::Unavailable => Finding::Unavailable,
            Remembered::Found(entry) => Finding::Found(report(&entry, floors)),
        };
        let local = cache.local_entry(&key).map_or(Finding::Absent, |entry| Finding::Found(report(&entry, floors)));
        let tags = [&local, &remote].into_iter().filter_map(|finding| match finding {
            Finding::Found(entry) => Some(Arc::clone(&entry.tags)),
            Finding::Absent | Finding::Unavailable => None,
        });
        let tags: Vec<Tag> = tags.flat_map(|tags| tags.to_vec()).collect();
        Provenance {
            epoch: floors.epoch(),
            trusted: floors.trusted(Instant::now()),
            floors: tag_floors(&key, &tags, floors),
            local,
            remote,
            key,
        }
    }

    /// Whether the floors were known once, by the stream or the outbox, and the epoch too: before, nothing can be kept.
    #[must_use]
    pub fn knows_invalidations(&self) -> bool {
        let floors = self.cache().floors();
        floors.silence(Instant::now()).is_some() && floors.epoch() != Epoch::default()
    }

    /// Frees the memory that the cache takes in this process.
    pub fn free_cache(&self) {
        self.cache().free();
    }
}

fn report(entry: &Entry, floors: &Floors) -> EntryReport {
    let now = Instant::now();
    let freshness = entry.freshness(now);
    let mut objections = Vec::new();
    if !floors.trusted(now) {
        objections.push(Objection::Untrusted);
    }
    if entry.stamp.epoch != floors.epoch() {
        objections.push(Objection::OtherEpoch);
    }
    let above = |floor: &TagFloor| floor.floor > entry.stamp.position;
    let above = tag_floors(&entry.key, &entry.tags, floors).into_iter().filter(above);
    objections.extend(above.map(Objection::BelowFloor));
    if freshness == Freshness::Expired {
        objections.push(Objection::Expired);
    }
    EntryReport {
        stamp: entry.stamp,
        node: Arc::clone(&entry.node),
        tags: Arc::clone(&entry.tags),
        age: entry.age(now),
        fresh_for: entry.span.fresh.saturating_sub(entry.age(now)),
        load_time: entry.load_time,
        freshness,
        size: entry.size(),
        etag: entry.content.as_ref().map(|content| content.particulars.etag.clone()),
        objections,
    }
}

/// The floors of everything by which an entry of `key` with `tags` can be invalidated.
fn tag_floors(key: &Key, tags: &[Tag], floors: &Floors) -> Vec<TagFloor> {
    let patterns = key.family().patterns().map(|pattern| Tag::of_key(&pattern));
    let mut all: Vec<Tag> = tags.iter().cloned().chain(patterns).collect();
    all.extend([Tag::of_key(key.text()), Tag::all()]);
    all.sort_unstable();
    all.dedup();
    let floor = |tag: Tag| Some(TagFloor { floor: floors.floor(TagHash::of(tag.as_str()))?, tag });
    all.into_iter().filter_map(floor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::entry::{Parts, Span};

    fn entry(position: u64, fresh: Duration) -> Entry {
        let span = Span { fresh, while_revalidating: Duration::ZERO, if_error: Duration::ZERO };
        let parts = Parts {
            content: None,
            stamp: Stamp { epoch: Epoch(1), position: Position(position) },
            node: "n".into(),
            tags: [Tag::genres()].into(),
            born: Instant::now(),
            span,
            load_time: Duration::ZERO,
        };
        Entry::new(Key::only(Family::Genres), parts)
    }

    fn floors() -> Floors {
        let floors = Floors::new(Duration::from_secs(60));
        floors.set_epoch(Epoch(1));
        floors.heard(Instant::now());
        floors
    }

    #[test]
    fn a_valid_entry_meets_no_objection() {
        let floors = floors();
        floors.raise(Position(10), [Tag::genres().hash(), Tag::book_lists().hash()]);
        let report = report(&entry(10, Duration::from_secs(9)), &floors);
        assert_eq!((report.objections, report.freshness), (Vec::new(), Freshness::Fresh));
    }

    #[test]
    fn every_reason_is_told_by_name() {
        let floors = floors();
        for (position, tag) in [(11, "genres"), (12, "books:*"), (13, "books:genres"), (9, "books:genres:*")] {
            floors.raise(Position(position), [TagHash::of(tag)]);
        }
        let below = |position, tag| {
            let tag = Tag::of_key(tag);
            Objection::BelowFloor(TagFloor { tag, floor: Position(position) })
        };
        let expected = [below(12, "books:*"), below(13, "books:genres"), below(11, "genres")];
        assert_eq!(report(&entry(10, Duration::from_secs(9)), &floors).objections, expected);
        floors.raise_all(Position(20));
        floors.set_epoch(Epoch(2));
        floors.miss_one();
        let objections = report(&entry(15, Duration::ZERO), &floors).objections;
        assert_eq!(objections, [Objection::Untrusted, Objection::OtherEpoch, below(20, "*"), Objection::Expired]);
    }
}
