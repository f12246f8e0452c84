//! Entries: an answer, and what must hold for it to be served.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::floors::Floors;
use super::key::{Family, Key};
use crate::model::position::Stamp;
use crate::model::representation::Representation;
use crate::model::tags::{Tag, TagHash};

/// How long one entry lives, jitter included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// For how long it is fresh.
    pub fresh: Duration,
    /// For how long after that it may be served while it is loaded again.
    pub while_revalidating: Duration,
    /// For how long after that it may be served where it cannot be loaded.
    pub if_error: Duration,
}

impl Span {
    /// The life of an entry of `family`; `jitter` from 0 to 1 takes up to a tenth off its fresh time, and `scale` from 0 to 1
    /// shortens all of it.
    #[must_use]
    pub fn of(family: Family, present: bool, jitter: f64, scale: f64) -> Self {
        let times = family.lifetimes();
        let scale = scale.clamp(0.0, 1.0);
        let whole = if present { times.fresh } else { times.absent };
        let stale = |time: Duration| if present { time.mul_f64(scale) } else { Duration::ZERO };
        Self {
            fresh: whole.mul_f64(scale * (1.0 - 0.1 * jitter.clamp(0.0, 1.0))),
            while_revalidating: stale(times.while_revalidating),
            if_error: stale(times.if_error),
        }
    }

    /// All of it, stale times included.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.fresh + self.while_revalidating + self.if_error
    }
}

/// Where an entry stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// As good as new.
    Fresh,
    /// To be loaded again, and good enough meanwhile.
    Revalidate,
    /// Good enough only where it cannot be loaded.
    IfError,
    /// Over.
    Expired,
}

/// A kept answer. What is absent is kept too, so that asking for it costs nothing.
pub struct Entry {
    /// By which name.
    pub key: Key,
    /// The answer, unless there is none.
    pub content: Option<Representation>,
    /// What it is known to reflect.
    pub stamp: Stamp,
    /// The database node that it came from.
    pub node: Arc<str>,
    /// What it depends on, by name.
    pub tags: Arc<[Tag]>,
    /// The same for a CDN, separated by spaces.
    pub surrogate_keys: Bytes,
    /// What it depends on, its key and the patterns that cover it included.
    pub watch: Box<[TagHash]>,
    /// When the load began.
    pub born: Instant,
    /// How long it lives.
    pub span: Span,
    /// How long the load took.
    pub load_time: Duration,
    /// The version of the floors at which it was last found valid.
    checked: AtomicU64,
}

/// What an entry is made of.
pub struct Parts {
    /// The answer, unless there is none.
    pub content: Option<Representation>,
    /// What it is known to reflect.
    pub stamp: Stamp,
    /// The database node that it came from.
    pub node: Arc<str>,
    /// What it depends on.
    pub tags: Arc<[Tag]>,
    /// When the load began.
    pub born: Instant,
    /// How long it lives.
    pub span: Span,
    /// How long the load took.
    pub load_time: Duration,
}

/// Everything by which an entry of `key` with `tags` can be invalidated.
#[must_use]
pub fn watch(key: &Key, tags: &[Tag]) -> Box<[TagHash]> {
    tags.iter().map(Tag::hash).chain(key.watched()).collect()
}

impl Entry {
    /// The entry of these parts.
    #[must_use]
    pub fn new(key: Key, parts: Parts) -> Self {
        let watch = watch(&key, &parts.tags);
        let Parts { content, stamp, node, tags, born, span, load_time } = parts;
        let surrogate_keys = tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(" ").into();
        Self {
            key,
            content,
            stamp,
            node,
            tags,
            surrogate_keys,
            watch,
            born,
            span,
            load_time,
            checked: AtomicU64::new(0),
        }
    }

    /// Whether no invalidation has overtaken it.
    #[must_use]
    pub fn is_valid(&self, floors: &Floors) -> bool {
        // The version is read before the floors, so a floor that rises in between is seen the next time.
        let version = floors.version();
        if self.checked.load(Ordering::Relaxed) == version {
            return true;
        }
        let valid = floors.allow(self.stamp, &self.watch);
        if valid {
            self.checked.store(version, Ordering::Relaxed);
        }
        valid
    }

    /// How long ago the load began.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }

    /// Where it stands in its life.
    #[must_use]
    pub fn freshness(&self, now: Instant) -> Freshness {
        let age = self.age(now);
        let Span { fresh, while_revalidating, .. } = self.span;
        match age {
            _ if age < fresh => Freshness::Fresh,
            _ if age < fresh + while_revalidating => Freshness::Revalidate,
            _ if age < self.span.whole() => Freshness::IfError,
            _ => Freshness::Expired,
        }
    }

    /// Whether it is fresh for `at_least` so long, or for a quarter of its life where that is less.
    #[must_use]
    pub fn lasts(&self, at_least: Duration, now: Instant) -> bool {
        self.span.fresh.saturating_sub(self.age(now)) >= at_least.min(self.span.fresh / 4)
    }

    /// Whether it should be loaded again although it is still fresh: the likelier, the nearer its end and the longer the
    /// load takes, so that a hot entry is renewed before it runs out, by one of its readers. `-ln(random)` times the load
    /// time is how far that reader looks ahead (XFetch; Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache
    /// Stampede Prevention, VLDB 2015, with beta = 1).
    #[must_use]
    pub fn is_due_early(&self, now: Instant, random: impl FnOnce() -> f64) -> bool {
        let left = self.span.fresh.saturating_sub(self.age(now));
        // A random number below e^-20 does not come up.
        left < self.load_time * 20 && left.as_secs_f64() <= self.load_time.as_secs_f64() * -random().max(1e-9).ln()
    }

    /// About how many bytes of memory it takes, with its place in the table.
    #[must_use]
    pub fn size(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| 2 * tag.as_str().len() + 24).sum();
        let content = self.content.as_ref().map_or(0, Representation::size);
        content + tags + self.watch.len() * 8 + self.key.text().len() + size_of::<Self>() + 256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::position::{Epoch, Position};

    fn entry(fresh: Duration, load_time: Duration) -> Entry {
        let stamp = Stamp { epoch: Epoch(1), position: Position(10) };
        let span = Span { fresh, while_revalidating: Duration::from_secs(5), if_error: Duration::from_secs(7) };
        let tags = [Tag::genres()].into();
        let parts = Parts { content: None, stamp, node: "n".into(), tags, born: Instant::now(), span, load_time };
        Entry::new(Key::only(Family::Genres), parts)
    }

    #[test]
    fn a_life_has_stages() {
        let entry = entry(Duration::from_secs(10), Duration::ZERO);
        let at = |seconds| entry.freshness(entry.born + Duration::from_secs(seconds));
        assert_eq!([at(9), at(10), at(14)], [Freshness::Fresh, Freshness::Revalidate, Freshness::Revalidate]);
        assert_eq!([at(15), at(21), at(22)], [Freshness::IfError, Freshness::IfError, Freshness::Expired]);
    }

    #[test]
    fn what_lives_short_lasts_if_a_quarter_of_its_life_is_left() {
        let entry = entry(Duration::from_secs(8), Duration::ZERO);
        let lasts = |at_least, age| entry.lasts(Duration::from_secs(at_least), entry.born + Duration::from_secs(age));
        assert!(lasts(1, 7) && !lasts(1, 8) && lasts(60, 6) && !lasts(60, 7) && lasts(0, 8));
    }

    #[test]
    fn a_hot_entry_is_renewed_early_in_proportion_to_its_load() {
        let entry = entry(Duration::from_secs(10), Duration::from_millis(100));
        let due = |left_ms: u64, random: f64| {
            entry.is_due_early(entry.born + Duration::from_secs(10) - Duration::from_millis(left_ms), || random)
        };
        assert!(due(50, 0.5) && !due(100, 0.5), "-ln(0.5) of 100 ms are 69 ms");
        assert!(due(200, 0.1) && !due(300, 0.1), "-ln(0.1) of 100 ms are 230 ms");
        assert!(!due(5_000, 0.0), "far from the end nothing is drawn");
    }

    #[test]
    fn a_valid_entry_is_looked_at_again_after_each_change() {
        let floors = Floors::new(Duration::from_secs(1));
        floors.set_epoch(Epoch(1));
        let entry = entry(Duration::from_secs(1), Duration::ZERO);
        assert!(entry.is_valid(&floors) && entry.is_valid(&floors));
        floors.raise(Position(11), [Tag::book_lists().hash()]);
        assert!(entry.is_valid(&floors), "no business of this entry");
        floors.raise(Position(11), [TagHash::of("books:*")]);
        assert!(!entry.is_valid(&floors));
    }

    #[test]
    fn jitter_takes_at_most_a_tenth() {
        let whole = Family::BookDetail.lifetimes().fresh;
        assert_eq!(Span::of(Family::BookDetail, true, 0.0, 1.0).fresh, whole);
        assert_eq!(Span::of(Family::BookDetail, true, 1.0, 0.5).fresh, whole.mul_f64(0.45));
        assert_eq!(Span::of(Family::BookDetail, false, 0.0, 1.0).whole(), Family::BookDetail.lifetimes().absent);
    }
}
