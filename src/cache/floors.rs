//! Floors: how new an entry must be, by tag, and for how long a process may believe that it knows them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::model::position::{Epoch, Position, Stamp};
use crate::model::tags::{Tag, TagHash};

/// Most floors that are kept one by one. When there are more, the older half is merged into the floor of everything.
const MOST_FLOORS: usize = 200_000;

/// What is known of invalidations. Floors only rise, so order and repetition of what is heard do not matter.
pub struct Floors {
    state: RwLock<State>,
    /// Counts the changes, so that an entry that was valid at a version need not be looked at again.
    version: AtomicU64,
    /// The last moment at which everything published until then was known, in nanoseconds after `started`, plus one.
    heard: AtomicU64,
    /// Counts the invalidations whose floor could not be learnt, and up to which of them that was made good.
    missed: AtomicU64,
    made_good: AtomicU64,
    started: Instant,
    lease: Duration,
}

#[derive(Default)]
struct State {
    epoch: Epoch,
    /// The floor of everything. Floors that are forgotten are merged into it, so that what they forbade stays forbidden.
    base: Position,
    tags: HashMap<TagHash, Position>,
}

/// How the floors are, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorsReport {
    /// The epoch.
    pub epoch: Epoch,
    /// The floor of everything.
    pub base: Position,
    /// How many tags have one of their own.
    pub tags: usize,
    /// Since when nothing was heard; absent where nothing ever was.
    pub silence: Option<Duration>,
    /// Whether they may be believed.
    pub trusted: bool,
}

impl Floors {
    /// Floors that are believed for `lease` after each time that everything published was heard.
    #[must_use]
    pub fn new(lease: Duration) -> Self {
        Self {
            state: RwLock::default(),
            version: AtomicU64::new(1),
            heard: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            made_good: AtomicU64::new(0),
            started: Instant::now(),
            lease,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Raises the floors of these tags; that of [`Tag::all`] is everything's.
    pub fn raise(&self, position: Position, tags: impl IntoIterator<Item = TagHash>) {
        let everything = Tag::all().hash();
        let mut state = self.write();
        let mut changed = false;
        for tag in tags {
            let State { base, tags, .. } = &mut *state;
            let floor = if tag == everything { base } else { tags.entry(tag).or_default() };
            changed |= *floor < position;
            *floor = (*floor).max(position);
        }
        // What one wrote oneself is heard once more.
        if !changed {
            return;
        }
        if state.tags.len() > MOST_FLOORS {
            let mut all: Vec<Position> = state.tags.values().copied().collect();
            let middle = all.len() / 2;
            let (_, median, _) = all.select_nth_unstable(middle);
            state.forget(*median);
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Raises the floor of everything.
    pub fn raise_all(&self, position: Position) {
        self.raise(position, [Tag::all().hash()]);
    }

    /// Forgets the floors at or below `position`, which must be older than any entry lives. They go into the floor of
    /// everything, so this is right even where it is not.
    pub fn forget(&self, position: Position) {
        self.write().forget(position);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// From now on entries of this epoch alone are valid.
    pub fn set_epoch(&self, epoch: Epoch) {
        if self.epoch() != epoch {
            self.write().epoch = epoch;
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// The present epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.read().epoch
    }

    /// Counts the changes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// How new an entry that depends on `watch` must be.
    #[must_use]
    pub fn required(&self, watch: &[TagHash]) -> Position {
        self.read().required(watch)
    }

    /// The floor that this tag itself has; that of [`Tag::all`] is everything's.
    #[must_use]
    pub fn floor(&self, tag: TagHash) -> Option<Position> {
        let state = self.read();
        if tag == Tag::all().hash() {
            return Some(state.base).filter(|base| *base != Position::default());
        }
        state.tags.get(&tag).copied()
    }

    /// Whether an entry of this stamp that depends on `watch` may be served, as far as floors go.
    #[must_use]
    pub fn allow(&self, stamp: Stamp, watch: &[TagHash]) -> bool {
        let state = self.read();
        stamp.epoch == state.epoch && stamp.position >= state.required(watch)
    }

    /// Everything published before `moment` is known.
    pub fn heard(&self, moment: Instant) {
        let nanos = moment.saturating_duration_since(self.started).as_nanos();
        self.heard.fetch_max(u64::try_from(nanos).unwrap_or(u64::MAX - 1) + 1, Ordering::AcqRel);
    }

    /// An invalidation took place, and nobody could tell where: nothing is believed until that is made good.
    pub fn miss_one(&self) {
        self.missed.fetch_add(1, Ordering::AcqRel);
    }

    /// How many invalidations were missed so far, for [`Floors::make_good`].
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Acquire)
    }

    /// The floors contain all that took place until [`Floors::missed`] was at `missed`.
    pub fn make_good(&self, missed: u64) {
        self.made_good.fetch_max(missed, Ordering::AcqRel);
    }

    /// Whether an invalidation is missing.
    #[must_use]
    pub fn is_missing_one(&self) -> bool {
        self.missed() > self.made_good.load(Ordering::Acquire)
    }

    /// Whether the floors may be believed at `now`.
    #[must_use]
    pub fn trusted(&self, now: Instant) -> bool {
        !self.is_missing_one() && self.silence(now).is_some_and(|silence| silence < self.lease)
    }

    /// For how long floors are believed.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// For how long nothing has been heard; nothing where nothing ever was.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Option<Duration> {
        let heard = self.heard.load(Ordering::Acquire).checked_sub(1)?;
        Some(now.saturating_duration_since(self.started).saturating_sub(Duration::from_nanos(heard)))
    }

    /// How they are.
    #[must_use]
    pub fn report(&self) -> FloorsReport {
        let now = Instant::now();
        let state = self.read();
        FloorsReport {
            epoch: state.epoch,
            base: state.base,
            tags: state.tags.len(),
            silence: self.silence(now),
            trusted: self.trusted(now),
        }
    }
}

impl State {
    fn required(&self, watch: &[TagHash]) -> Position {
        watch.iter().filter_map(|tag| self.tags.get(tag)).copied().fold(self.base, Position::max)
    }

    fn forget(&mut self, position: Position) {
        let mut highest = self.base;
        self.tags.retain(|_, floor| {
            let keep = *floor > position;
            if !keep {
                highest = highest.max(*floor);
            }
            keep
        });
        self.base = highest;
        self.tags.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(name: u8) -> TagHash {
        TagHash(u64::from(name) + 1_000)
    }

    fn at(position: u64) -> Stamp {
        Stamp { epoch: Epoch::default(), position: Position(position) }
    }

    #[test]
    fn an_entry_must_be_as_new_as_each_of_its_tags() {
        let floors = Floors::new(Duration::from_secs(1));
        floors.raise(Position(10), [tag(1)]);
        floors.raise(Position(5), [tag(1), tag(2)]);
        assert!(!floors.allow(at(9), &[tag(1), tag(3)]));
        assert!(floors.allow(at(10), &[tag(1), tag(2)]));
        assert!(floors.allow(at(5), &[tag(2)]) && !floors.allow(at(4), &[tag(2)]));
        floors.raise_all(Position(11));
        assert!(!floors.allow(at(10), &[]) && floors.allow(at(11), &[tag(1)]));
        floors.set_epoch(Epoch(1));
        assert!(!floors.allow(at(11), &[]), "another epoch");
    }

    #[test]
    fn silence_ends_the_trust_and_hearing_restores_it() {
        let floors = Floors::new(Duration::from_millis(500));
        let now = Instant::now();
        assert!(!floors.trusted(now), "nothing was heard yet");
        floors.heard(now);
        assert!(floors.trusted(now + Duration::from_millis(499)));
        assert!(!floors.trusted(now + Duration::from_millis(500)));
        let before = floors.missed();
        floors.miss_one();
        floors.make_good(before);
        assert!(!floors.trusted(now), "what was made good was another one");
        floors.make_good(floors.missed());
        assert!(floors.trusted(now));
    }

    #[test]
    fn many_floors_are_bounded() {
        let floors = Floors::new(Duration::from_secs(1));
        for i in 0..=MOST_FLOORS as u64 {
            floors.raise(Position(i + 1), [TagHash(i)]);
        }
        let report = floors.report();
        assert!(report.tags <= MOST_FLOORS / 2 + 1, "{report:?}");
        assert!(!floors.allow(at(report.base.0 - 1), &[TagHash(0)]));
    }

    proptest! {
        /// Whatever was forbidden stays forbidden, in whatever order floors are raised and forgotten.
        #[test]
        fn forgetting_forbids_nothing_less(
            raised in prop::collection::vec((1..100_u64, 0..8_u8), 1..40), forgotten in 0..100_u64, entry in 0..100_u64,
        ) {
            let floors = Floors::new(Duration::from_secs(1));
            for (position, name) in &raised {
                floors.raise(Position(*position), [tag(*name)]);
            }
            let before: Vec<bool> = (0..8).map(|name| floors.allow(at(entry), &[tag(name)])).collect();
            floors.forget(Position(forgotten));
            for (name, allowed) in before.iter().enumerate() {
                prop_assert!(*allowed || !floors.allow(at(entry), &[tag(name as u8)]));
                if entry >= forgotten {
                    prop_assert_eq!(*allowed, floors.allow(at(entry), &[tag(name as u8)]));
                }
            }
        }
    }
}
