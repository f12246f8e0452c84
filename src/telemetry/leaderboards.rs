//! What is measured of leaderboards.

use std::time::Duration;

use super::names;

/// A board or a place that was read past the cache.
pub fn record_read(source: &'static str) {
    metrics::counter!(names::LEADERBOARD_READS_TOTAL, "source" => source).increment(1);
}

/// Scores that moved, and for how long the oldest event behind them had waited.
pub fn record_moved(scores: usize, lag: Duration) {
    metrics::counter!(names::LEADERBOARD_SCORES_MOVED_TOTAL).increment(scores as u64);
    metrics::histogram!(names::LEADERBOARD_LAG_SECONDS).record(lag);
}

/// The boards were made anew in Redis.
pub fn record_remake(reason: &'static str) {
    metrics::counter!(names::LEADERBOARD_REMAKES_TOTAL, "reason" => reason).increment(1);
}

/// Whether Redis has the boards that the database has.
pub fn set_shared(shared: bool) {
    metrics::gauge!(names::LEADERBOARD_SHARED).set(if shared { 1.0 } else { 0.0 });
}
