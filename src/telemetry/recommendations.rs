//! What is measured of recommendations.

use std::time::Duration;

use super::names;

/// What readers did became tastes, so long after the oldest of it.
pub fn record_followed(lag: Duration) {
    metrics::histogram!(names::RECOMMENDATION_TASTES_LAG_SECONDS).record(lag);
}

/// The neighbours of so many books were computed.
pub fn record_batch(lists: usize, duration: Duration) {
    metrics::counter!(names::RECOMMENDATION_LISTS_COMPUTED_TOTAL).increment(lists as u64);
    metrics::histogram!(names::RECOMMENDATION_BATCH_DURATION_SECONDS).record(duration);
}

/// What waits to be computed.
pub fn set_queue(depth: i64, oldest: Duration) {
    metrics::gauge!(names::RECOMMENDATION_QUEUE_DEPTH).set(depth as f64);
    metrics::gauge!(names::RECOMMENDATION_QUEUE_OLDEST_SECONDS).set(oldest.as_secs_f64());
}
