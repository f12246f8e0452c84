//! Positions in the write-ahead log.

use std::fmt;
use std::sync::Mutex;

/// A position in the primary's write-ahead log. Positions only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The position that Postgres gave as `lsn - '0/0'`.
    pub(super) fn from_offset(offset: i64) -> Self {
        Self(u64::try_from(offset).unwrap_or(0))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// The newest position that this process is known to have written at: what a replica must have replayed before it
/// may answer this process.
#[derive(Default)]
pub(super) struct Floor(Mutex<FloorState>);

#[derive(Default)]
struct FloorState {
    position: Lsn,
    /// Commits that are on their way or whose position could not be learnt; `since` counts them up, and a sample of
    /// the primary taken after the last of them settles them.
    unsettled: bool,
    generation: u64,
}

impl Floor {
    fn with<T>(&self, f: impl FnOnce(&mut FloorState) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The position that a replica needs; nothing where no replica can be known to have enough.
    pub(super) fn required(&self) -> Option<Lsn> {
        self.with(|state| (!state.unsettled).then_some(state.position))
    }

    /// A commit was written at or below `position`.
    pub(super) fn raise(&self, position: Lsn) {
        self.with(|state| state.position = state.position.max(position));
    }

    /// A commit may have happened, at a position that nobody could tell.
    pub(super) fn unsettle(&self) {
        self.with(|state| {
            state.unsettled = true;
            state.generation += 1;
        });
    }

    /// Names the state before a sample of the primary is taken.
    pub(super) fn generation(&self) -> u64 {
        self.with(|state| state.generation)
    }

    /// The primary was at `position` at a moment after `generation` was read: all commits of before lie below.
    pub(super) fn settle(&self, generation: u64, position: Lsn) {
        self.with(|state| {
            if state.unsettled && state.generation == generation {
                state.position = state.position.max(position);
                state.unsettled = false;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_commit_asks_for_the_primary_until_a_later_sample() {
        let floor = Floor::default();
        floor.raise(Lsn(10));
        assert_eq!(floor.required(), Some(Lsn(10)));
        let before = floor.generation();
        floor.unsettle();
        assert_eq!(floor.required(), None);
        floor.settle(before, Lsn(20));
        assert_eq!(floor.required(), None, "the sample was begun before the commit");
        floor.settle(floor.generation(), Lsn(30));
        assert_eq!(floor.required(), Some(Lsn(30)));
    }
}
