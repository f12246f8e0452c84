//! The generic cell rate algorithm in this process: of a bucket it keeps the time at which it will be full again.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Quota;

/// How a bucket fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Gcra {
    /// The time in which one cell comes back: whole microseconds, which is what Redis counts in.
    pub(in crate::domain) interval: Duration,
    /// How many cells it holds.
    pub(in crate::domain) burst: u32,
}

impl Gcra {
    pub(in crate::domain) fn new(quota: Quota) -> Self {
        let interval = quota.window.as_micros() / u128::from(quota.requests.get());
        let interval = Duration::from_micros(u64::try_from(interval).unwrap_or(u64::MAX).max(1));
        Self { interval, burst: quota.requests.get() }
    }

    /// The time in which an empty bucket fills.
    fn whole(&self) -> Duration {
        self.interval * self.burst
    }

    /// Takes a cell.
    ///
    /// # Errors
    /// The time until there is one.
    pub(in crate::domain) fn charge(&self, full_at: &mut Instant, now: Instant) -> Result<(), Duration> {
        let after = (*full_at).max(now) + self.interval;
        let empty = now + self.whole();
        if after > empty {
            return Err(after - empty);
        }
        *full_at = after;
        Ok(())
    }

    /// Puts a cell back.
    pub(in crate::domain) fn give_back(&self, full_at: &mut Instant) {
        if let Some(earlier) = full_at.checked_sub(self.interval) {
            *full_at = earlier;
        }
    }

    /// How many cells there are.
    pub(in crate::domain) fn left(&self, full_at: Instant, now: Instant) -> u32 {
        let left = self.whole().saturating_sub(full_at.saturating_duration_since(now));
        self.cells_in(left).min(self.burst)
    }

    /// How many cells come back in a time.
    pub(in crate::domain) fn cells_in(&self, time: Duration) -> u32 {
        u32::try_from(time.as_micros() / self.interval.as_micros().max(1)).unwrap_or(u32::MAX)
    }
}
