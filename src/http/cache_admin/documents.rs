//! The cache as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::hottest::{self, HotKeyDocument};
use crate::domain::cache_admin::{
    BreakerReport, BreakerState, CacheReport, CacheResult, Cleared, EntryReport, Family, FeedReport, Finding,
    FloorsReport, Freshness, Level, Objection, Provenance, Reach, TagFloor,
};
use crate::domain::warm_up::Warmed;

/// How the cache of the process that answers is, since its start.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheReport)]
pub struct CacheDocument {
    /// The memory of the first level.
    memory: MemoryDocument,
    /// Every family that was asked for, by name.
    families: Vec<FamilyDocument>,
    /// The keys that this process is asked for most, the hottest first: at most 20 of those that are kept warm.
    hottest: Vec<HotKeyDocument>,
    /// What is known of invalidations.
    floors: FloorsDocument,
    /// How it is heard.
    feed: FeedDocument,
    /// What guards Redis.
    breaker: BreakerDocument,
}

/// The memory of the first level.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheMemory)]
struct MemoryDocument {
    /// Entries.
    #[schema(minimum = 0, example = 4213)]
    entries: u64,
    /// About how many bytes they take.
    #[schema(minimum = 0, example = 12_582_912)]
    bytes: u64,
    /// How many bytes they may take.
    #[schema(minimum = 0, example = 469_762_048)]
    capacity: u64,
    /// Entries that had to make room for others.
    #[schema(minimum = 0, example = 0)]
    evictions: u64,
}

/// What was asked of a family of entries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheFamily)]
struct FamilyDocument {
    /// Which.
    #[schema(example = "book_detail")]
    family: &'static str,
    /// The share of the requests that were answered by this process or by Redis; `null` where there were none. What a
    /// renewal in the background finds in Redis counts too.
    #[schema(minimum = 0, maximum = 1, example = 0.97)]
    hit_rate: Option<f64>,
    /// Requests that waited for the load of another one.
    #[schema(minimum = 0, example = 12)]
    joins: u64,
    /// How looks at a level ended, by level (`l1` is this process, `l2` Redis, `origin` the database) and by result. `hit`,
    /// `stale` (served while it was loaded again, or because it could not be) and `early` (renewed before its end) were
    /// served; `miss`, `invalid` (overtaken by an invalidation), `expired` and `unavailable` (it could not be asked, or the
    /// floors were not believed) were not. A load is `kept`, `unkept` (it could not be proved to be new enough) or an `error`.
    #[schema(example = json!({"l1": {"hit": 970, "miss": 30}, "l2": {"miss": 30}, "origin": {"kept": 30}}))]
    levels: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
}

/// What is known of invalidations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheFloors)]
struct FloorsDocument {
    /// The history of the database that entries must be of.
    #[schema(example = "5d41402abc4b2a76")]
    epoch: String,
    /// The place in the database's log that every entry must reflect.
    #[schema(example = "0/16B3748")]
    base: String,
    /// How many tags have a floor of their own.
    #[schema(minimum = 0, example = 118)]
    tags: usize,
    /// For how many seconds nothing has been heard; `null` where nothing ever was.
    #[schema(minimum = 0, example = 0.04)]
    silence_seconds: Option<f64>,
    /// For how many seconds the floors are believed without news.
    #[schema(minimum = 0, example = 0.5)]
    lease_seconds: f64,
    /// Whether they are believed. If not, nothing is answered from the cache.
    #[schema(example = true)]
    trusted: bool,
}

/// How invalidations are heard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheFeed)]
struct FeedDocument {
    /// `stream` (Redis), or `outbox` (the database, while the stream is not heard).
    #[schema(example = "stream")]
    source: &'static str,
    /// Messages heard.
    #[schema(minimum = 0, example = 5120)]
    messages: u64,
    /// How often the stream was lost, or had a gap.
    #[schema(minimum = 0, example = 0)]
    interruptions: u64,
    /// How often the outbox was asked instead.
    #[schema(minimum = 0, example = 1)]
    catch_ups: u64,
    /// Rows of the outbox that this process published for writers that did not.
    #[schema(minimum = 0, example = 0)]
    relayed: u64,
}

/// The circuit breaker before Redis.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheBreaker)]
struct BreakerDocument {
    /// `closed` (calls pass), `open` (they fail at once) or `half_open` (one at a time passes, to find out).
    #[schema(example = "closed")]
    state: &'static str,
    /// For how many seconds more it is open.
    #[schema(minimum = 0, example = json!(null))]
    open_for_seconds: Option<f64>,
    /// Failures since the last success.
    #[schema(minimum = 0, example = 0)]
    failures: u32,
    /// How often it opened.
    #[schema(minimum = 0, example = 0)]
    opened: u64,
}

impl From<CacheReport> for CacheDocument {
    fn from(report: CacheReport) -> Self {
        let families = Family::ALL.iter().filter_map(|family| FamilyDocument::of(*family, &report));
        let mut families: Vec<_> = families.collect();
        families.sort_by_key(|document| document.family);
        let CacheReport { local, floors, hottest, lease, feed, breaker, .. } = report;
        let FloorsReport { epoch, base, tags, silence, trusted } = floors;
        let FeedReport { streaming, messages, interruptions, catch_ups, relayed } = feed;
        let BreakerReport { state, failures, opened_total } = breaker;
        let (state, open_for_seconds) = match state {
            BreakerState::Closed => ("closed", None),
            BreakerState::Open { remaining } => ("open", Some(remaining.as_secs_f64())),
            BreakerState::HalfOpen => ("half_open", None),
        };
        Self {
            memory: MemoryDocument {
                entries: local.entries,
                bytes: local.bytes,
                capacity: local.capacity,
                evictions: local.evictions,
            },
            families,
            hottest: hottest::shown(&hottest),
            floors: FloorsDocument {
                epoch: epoch.to_string(),
                base: base.to_string(),
                tags,
                silence_seconds: silence.map(|silence| silence.as_secs_f64()),
                lease_seconds: lease.as_secs_f64(),
                trusted,
            },
            feed: FeedDocument {
                source: if streaming { "stream" } else { "outbox" },
                messages,
                interruptions,
                catch_ups,
                relayed,
            },
            breaker: BreakerDocument { state, open_for_seconds, failures, opened: opened_total },
        }
    }
}

impl FamilyDocument {
    fn of(family: Family, report: &CacheReport) -> Option<Self> {
        let mut levels: BTreeMap<_, BTreeMap<_, u64>> = BTreeMap::new();
        let (mut asked, mut served) = (0, 0);
        for count in report.counts.iter().filter(|count| count.family == family) {
            levels.entry(count.level.name()).or_default().insert(count.result.name(), count.count);
            let found = matches!(count.result, CacheResult::Hit | CacheResult::Stale | CacheResult::Early);
            if count.level == Level::Local {
                asked += count.count;
            }
            if found && count.level != Level::Origin {
                served += count.count;
            }
        }
        if levels.is_empty() {
            return None;
        }
        let joins = report.joins.iter().find(|(joined, _)| *joined == family).map_or(0, |(_, joins)| *joins);
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
        let hit_rate = (asked > 0).then(|| (served as f64 / asked as f64).min(1.0));
        Some(Self { family: family.name(), hit_rate, joins, levels })
    }
}

/// Where the entry of a key comes from, and whether it would be served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheEntry)]
pub struct ProvenanceDocument {
    /// The key.
    #[schema(example = "book:detail:0198c0de-7a11-7000-8000-000000000000")]
    key: String,
    /// Its family.
    #[schema(example = "book_detail")]
    family: &'static str,
    /// The history of the database that entries must be of.
    #[schema(example = "5d41402abc4b2a76")]
    epoch: String,
    /// Whether the process believes its floors. If not, nothing is answered from the cache.
    #[schema(example = true)]
    trusted: bool,
    /// How new the entry must be: the floors of everything by which it can be invalidated, as far as they have one.
    floors: Vec<TagFloorDocument>,
    /// What this process has.
    l1: FindingDocument,
    /// What Redis has.
    l2: FindingDocument,
}

/// How new entries of a tag must be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheTagFloor)]
struct TagFloorDocument {
    /// The tag. One may be a key or a pattern that was cleared, or `*` for everything.
    #[schema(example = "book:0198c0de-7a11-7000-8000-000000000000")]
    tag: String,
    /// The place of its newest invalidation in the database's log.
    #[schema(example = "0/16B3748")]
    floor: String,
}

impl From<TagFloor> for TagFloorDocument {
    fn from(floor: TagFloor) -> Self {
        Self { tag: floor.tag.to_string(), floor: floor.floor.to_string() }
    }
}

/// What a level has of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheFinding)]
struct FindingDocument {
    /// `valid` (it would be served), `invalid` (see `reasons`), `absent`, or `unavailable` (the level does not answer).
    #[schema(example = "valid")]
    state: &'static str,
    /// Why it is not valid.
    reasons: Vec<ReasonDocument>,
    /// The entry, where there is one.
    entry: Option<EntryDocument>,
}

/// Why an entry is not served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheReason)]
struct ReasonDocument {
    /// `not_trusted` (nothing was heard of invalidations for longer than a lease), `other_epoch` (another history of the
    /// database), `below_floor` (a tag was invalidated after what the entry reflects) or `expired`.
    #[schema(example = "below_floor")]
    code: &'static str,
    /// Which tag was invalidated, and where.
    floor: Option<TagFloorDocument>,
}

impl From<Objection> for ReasonDocument {
    fn from(objection: Objection) -> Self {
        let (code, floor) = match objection {
            Objection::Untrusted => ("not_trusted", None),
            Objection::OtherEpoch => ("other_epoch", None),
            Objection::BelowFloor(floor) => ("below_floor", Some(floor.into())),
            Objection::Expired => ("expired", None),
        };
        Self { code, floor }
    }
}

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheEntryFacts)]
struct EntryDocument {
    /// The place in the database's log that it is known to reflect.
    #[schema(example = "0/16B37A0")]
    as_of: String,
    /// The history that this is a place of.
    #[schema(example = "5d41402abc4b2a76")]
    epoch: String,
    /// The database node that it came from.
    #[schema(example = "replica-1")]
    node: String,
    /// What it depends on.
    #[schema(example = json!(["book:0198c0de-7a11-7000-8000-000000000000"]))]
    tags: Vec<String>,
    /// Seconds since its load began.
    #[schema(minimum = 0, example = 12.5)]
    age_seconds: f64,
    /// For how many seconds more it is fresh.
    #[schema(minimum = 0, example = 870.2)]
    fresh_seconds: f64,
    /// `fresh`; `revalidate` (served while it is loaded again), `if_error` (served where it cannot be loaded) or `expired`.
    #[schema(example = "fresh")]
    stage: &'static str,
    /// How many milliseconds its load took.
    #[schema(minimum = 0, example = 1.8)]
    load_milliseconds: f64,
    /// About how many bytes of memory it takes.
    #[schema(minimum = 0, example = 3127)]
    bytes: usize,
    /// The entity tag of what it holds; `null` where it holds the knowledge that there is nothing.
    #[schema(example = "3.bW9yZSBieXRlcyBvZiBpdA")]
    etag: Option<String>,
}

impl From<Finding> for FindingDocument {
    fn from(finding: Finding) -> Self {
        let (state, report) = match finding {
            Finding::Absent => ("absent", None),
            Finding::Unavailable => ("unavailable", None),
            Finding::Found(report) if report.objections.is_empty() => ("valid", Some(report)),
            Finding::Found(report) => ("invalid", Some(report)),
        };
        let Some(EntryReport { stamp, node, tags, age, fresh_for, load_time, freshness, size, etag, objections }) =
            report
        else {
            return Self { state, reasons: Vec::new(), entry: None };
        };
        let entry = EntryDocument {
            as_of: stamp.position.to_string(),
            epoch: stamp.epoch.to_string(),
            node: node.to_string(),
            tags: tags.iter().map(ToString::to_string).collect(),
            age_seconds: age.as_secs_f64(),
            fresh_seconds: fresh_for.as_secs_f64(),
            stage: match freshness {
                Freshness::Fresh => "fresh",
                Freshness::Revalidate => "revalidate",
                Freshness::IfError => "if_error",
                Freshness::Expired => "expired",
            },
            load_milliseconds: load_time.as_secs_f64() * 1e3,
            bytes: size,
            etag,
        };
        Self { state, reasons: objections.into_iter().map(Into::into).collect(), entry: Some(entry) }
    }
}

impl From<Provenance> for ProvenanceDocument {
    fn from(provenance: Provenance) -> Self {
        let Provenance { key, epoch, trusted, floors, local, remote } = provenance;
        Self {
            key: key.text().to_string(),
            family: key.family().name(),
            epoch: epoch.to_string(),
            trusted,
            floors: floors.into_iter().map(Into::into).collect(),
            l1: local.into(),
            l2: remote.into(),
        }
    }
}

/// What was cleared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheCleared)]
pub struct ClearedDocument {
    /// By what: `key`, `pattern`, `tag` or `all`.
    #[schema(example = "tag")]
    by: &'static str,
    /// The tag whose floor was raised.
    #[schema(example = "book:0198c0de-7a11-7000-8000-000000000000")]
    tag: String,
    /// The place in the database's log below which no entry of the tag is served any more. `null` where the primary went
    /// away before it could be learnt; then no process believes what it has before it has asked the outbox.
    #[schema(example = "0/16B3748")]
    floor: Option<String>,
    /// The history that this is a place of.
    #[schema(example = "5d41402abc4b2a76")]
    epoch: Option<String>,
    /// How other processes learn it; this one knows already. `published`: all of them hear it from Redis within milliseconds.
    /// `outbox`: Redis did not take it, and all of them learn it from the database within `cache.lease`.
    #[schema(example = "published")]
    reach: &'static str,
    /// Whether the memory was freed as well. Nothing has to be deleted for a part to be cleared.
    #[schema(example = false)]
    freed: bool,
}

impl From<Cleared> for ClearedDocument {
    fn from(cleared: Cleared) -> Self {
        Self {
            by: cleared.by.name(),
            tag: cleared.tag.to_string(),
            floor: cleared.floor.map(|stamp| stamp.position.to_string()),
            epoch: cleared.floor.map(|stamp| stamp.epoch.to_string()),
            reach: match cleared.reach {
                Reach::Published => "published",
                Reach::Outbox => "outbox",
            },
            freed: cleared.freed,
        }
    }
}

/// What was read ahead.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheWarmed)]
pub struct WarmedDocument {
    /// Entries that were loaded from the database.
    #[schema(minimum = 0, example = 180)]
    loaded: u32,
    /// Entries that came from Redis.
    #[schema(minimum = 0, example = 40)]
    shared: u32,
    /// Entries that this process had already.
    #[schema(minimum = 0, example = 10)]
    present: u32,
    /// Entries that could not be loaded.
    #[schema(minimum = 0, example = 0)]
    failed: u32,
    /// How many milliseconds it took.
    #[schema(minimum = 0, example = 412.5)]
    milliseconds: f64,
}

impl From<Warmed> for WarmedDocument {
    fn from(warmed: Warmed) -> Self {
        let Warmed { loaded, shared, present, failed, took } = warmed;
        Self { loaded, shared, present, failed, milliseconds: took.as_secs_f64() * 1e3 }
    }
}
