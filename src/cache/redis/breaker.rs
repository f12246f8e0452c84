//! The circuit breaker (Nygard, Release It!): whoever fails again and again is left alone for a while, so that its callers do
//! not wait for nothing and it is not asked by everybody the moment it comes back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::cache as telemetry;

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Closed,
    Open { until: Instant },
    HalfOpen { probing: bool },
}

struct Inner {
    mode: Mode,
    failures: u32,
    /// Openings without a success between them.
    in_a_row: u32,
    opened_total: u64,
    /// Grows when it opens and when it closes. A call that began before says nothing about the time after.
    era: u64,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Breaker {
    options: BreakerOptions,
    inner: Arc<Mutex<Inner>>,
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(options: BreakerOptions) -> Self {
        telemetry::record_breaker(0);
        let inner = Inner { mode: Mode::Closed, failures: 0, in_a_row: 0, opened_total: 0, era: 0 };
        Self { options, inner: Arc::new(Mutex::new(inner)) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks whether a call may be made. Its outcome is told to the permit.
    pub(super) fn admit(&self) -> Option<Permit> {
        let (era, probe) = self.with(|inner| match inner.mode {
            Mode::Closed => Some((inner.era, false)),
            Mode::Open { until } if Instant::now() < until => None,
            Mode::HalfOpen { probing: true } => None,
            Mode::Open { .. } | Mode::HalfOpen { probing: false } => {
                inner.mode = Mode::HalfOpen { probing: true };
                telemetry::record_breaker(1);
                Some((inner.era, true))
            }
        })?;
        Some(Permit { breaker: self.clone(), era, probe })
    }

    pub(super) fn report(&self) -> BreakerReport {
        self.with(|inner| {
            let state = match inner.mode {
                Mode::Closed => BreakerState::Closed,
                Mode::HalfOpen { .. } => BreakerState::HalfOpen,
                Mode::Open { until } => match until.checked_duration_since(Instant::now()) {
                    None | Some(Duration::ZERO) => BreakerState::HalfOpen,
                    Some(remaining) => BreakerState::Open { remaining },
                },
            };
            BreakerReport { state, failures: inner.failures, opened_total: inner.opened_total }
        })
    }

    /// Doubles with every opening in a row; half of it is random ("equal jitter": Brooker, Exponential Backoff And Jitter,
    /// 2015), so that processes which lost Redis together do not come back together.
    fn pause(&self, in_a_row: u32) -> Duration {
        let BreakerOptions { min_pause, max_pause, .. } = self.options;
        let ceiling = min_pause.saturating_mul(2_u32.saturating_pow(in_a_row)).min(max_pause);
        ceiling.mul_f64(rand::random_range(0.5..=1.0)).max(min_pause)
    }

    fn open(&self, inner: &mut Inner) {
        inner.in_a_row = inner.in_a_row.saturating_add(1);
        inner.opened_total += 1;
        inner.era += 1;
        let pause = self.pause(inner.in_a_row);
        inner.mode = Mode::Open { until: Instant::now() + pause };
        telemetry::record_breaker(2);
        telemetry::record_breaker_opened();
        // The first opening is news, its repetitions are not.
        if inner.in_a_row == 1 {
            tracing::warn!(failures = inner.failures, ?pause, "Redis fails: it is not asked for a while");
        } else {
            tracing::debug!(failures = inner.failures, ?pause, "Redis still fails");
        }
    }
}

/// The permission for one call.
pub(super) struct Permit {
    breaker: Breaker,
    era: u64,
    probe: bool,
}

impl Permit {
    /// Tells how the call ended. Dropped without that (its caller went away), the permit says nothing, and where it was a
    /// probe, the next call is one.
    pub(super) fn settle(self, ok: bool) {
        let breaker = self.breaker.clone();
        breaker.with(|inner| {
            if inner.era != self.era {
                return;
            }
            if !ok {
                inner.failures = inner.failures.saturating_add(1);
                if self.probe || inner.failures >= breaker.options.failures {
                    breaker.open(inner);
                }
                return;
            }
            inner.failures = 0;
            if self.probe {
                inner.mode = Mode::Closed;
                inner.in_a_row = 0;
                inner.era += 1;
                telemetry::record_breaker(0);
                tracing::info!("Redis answers again");
            }
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.with(|inner| {
                // Another era means that it was settled.
                if inner.era == self.era {
                    inner.mode = Mode::HalfOpen { probing: false };
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerOptions { failures: 3, ..BreakerOptions::default() })
    }

    fn fail(breaker: &Breaker) {
        breaker.admit().unwrap().settle(false);
    }

    async fn wait_until_half_open(breaker: &Breaker) -> Duration {
        let BreakerState::Open { remaining } = breaker.report().state else { panic!("{:?}", breaker.report()) };
        assert!(breaker.admit().is_none());
        tokio::time::advance(remaining).await;
        assert_eq!(breaker.report().state, BreakerState::HalfOpen);
        remaining
    }

    #[tokio::test(start_paused = true)]
    async fn only_failures_in_a_row_open_it() {
        let breaker = breaker();
        for _ in 0..10 {
            fail(&breaker);
            fail(&breaker);
            breaker.admit().unwrap().settle(true);
        }
        assert_eq!(breaker.report(), BreakerReport { state: BreakerState::Closed, failures: 0, opened_total: 0 });
        (0..3).for_each(|_| fail(&breaker));
        assert!(breaker.admit().is_none());
        assert_eq!(breaker.report().opened_total, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time_decides() {
        let breaker = breaker();
        (0..3).for_each(|_| fail(&breaker));
        wait_until_half_open(&breaker).await;
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_none(), "a second probe");
        probe.settle(false);
        wait_until_half_open(&breaker).await;
        drop(breaker.admit().unwrap());
        breaker.admit().expect("a probe whose caller went away blocks nobody").settle(true);
        assert_eq!(breaker.report().state, BreakerState::Closed);
        let (one, other) = (breaker.admit(), breaker.admit());
        assert!(one.is_some() && other.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_longest_and_begin_anew_after_a_success() {
        let breaker = breaker();
        let BreakerOptions { min_pause, max_pause, .. } = breaker.options;
        (0..3).for_each(|_| fail(&breaker));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            pauses.push(wait_until_half_open(&breaker).await);
            fail(&breaker);
        }
        assert!(pauses[0] <= min_pause * 2 && pauses[11] >= max_pause / 2, "{pauses:?}");
        assert!(pauses.iter().all(|pause| (min_pause..=max_pause).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().collect::<std::collections::BTreeSet<_>>().len() > 6, "no jitter: {pauses:?}");
        wait_until_half_open(&breaker).await;
        breaker.admit().unwrap().settle(true);
        (0..3).for_each(|_| fail(&breaker));
        assert!(wait_until_half_open(&breaker).await <= min_pause * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_before_says_nothing_about_the_time_after() {
        let breaker = breaker();
        let early: Vec<_> = (0..9).map(|_| breaker.admit().unwrap()).collect();
        let mut early = early.into_iter();
        early.by_ref().take(3).for_each(|permit| permit.settle(false));
        early.next().unwrap().settle(true);
        assert!(breaker.admit().is_none(), "a late success closed it");
        wait_until_half_open(&breaker).await;
        breaker.admit().unwrap().settle(true);
        early.for_each(|permit| permit.settle(false));
        assert!(breaker.admit().is_some(), "late failures opened it");
    }
}
