//! The wall clock, injected so that tests can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// Tells the time of day in UTC. Correctness never rests on it: it stamps records and ends sessions.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the home of the wall clock")]
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        // Postgres keeps microseconds: what is answered at a write must equal what is read back.
        now.replace_nanosecond(now.nanosecond() / 1_000 * 1_000).unwrap_or(now)
    }
}

/// A clock that stands a settable distance from another one.
#[derive(Clone)]
pub struct ShiftedClock {
    base: Arc<dyn Clock>,
    shift_seconds: Arc<AtomicI64>,
}

impl ShiftedClock {
    /// A clock that starts out equal to `base`.
    #[must_use]
    pub fn new(base: Arc<dyn Clock>) -> Self {
        Self { base, shift_seconds: Arc::default() }
    }

    /// Moves the clock forward (or back, when negative) by whole seconds.
    pub fn advance(&self, by: Duration) {
        self.shift_seconds.fetch_add(by.whole_seconds(), Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> OffsetDateTime {
        self.base.now() + Duration::seconds(self.shift_seconds.load(Ordering::Relaxed))
    }
}
