//! The circuit breaker.

use std::time::Duration;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerOptions {
    /// Failures one after the other that open it.
    pub failures: u32,
    /// The shortest time for which it stays open.
    pub min_pause: Duration,
    /// The longest time for which it stays open.
    pub max_pause: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 5, min_pause: Duration::from_millis(200), max_pause: Duration::from_secs(5) }
    }
}

/// What the breaker does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets it pass.
    Closed,
    /// It fails it at once.
    Open {
        /// For so much longer.
        remaining: Duration,
    },
    /// It lets one pass at a time, to find out.
    HalfOpen,
}

/// How the breaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerReport {
    /// What it does with the next call.
    pub state: BreakerState,
    /// Failures since the last success.
    pub failures: u32,
    /// How often it opened since the start.
    pub opened_total: u64,
}
