//! What is measured of outgoing webhooks.

use std::time::Duration;

use super::names;

/// An attempt to deliver, by what came of it.
pub fn record_attempt(outcome: &'static str, duration: Duration) {
    metrics::counter!(names::WEBHOOK_ATTEMPTS_TOTAL, "outcome" => outcome).increment(1);
    metrics::histogram!(names::WEBHOOK_ATTEMPT_DURATION_SECONDS).record(duration);
}

/// A delivery that is not tried any more.
pub fn record_given_up() {
    metrics::counter!(names::WEBHOOK_DELIVERIES_FAILED_TOTAL).increment(1);
}

/// An endpoint that the shop disabled by itself.
pub fn record_disabled(reason: &'static str) {
    metrics::counter!(names::WEBHOOK_ENDPOINTS_DISABLED_TOTAL, "reason" => reason).increment(1);
}

/// Events that became deliveries, and for how long the oldest of them had waited.
pub fn record_dispatch(queued: u64, lag: Duration) {
    metrics::counter!(names::WEBHOOK_DELIVERIES_QUEUED_TOTAL).increment(queued);
    metrics::histogram!(names::WEBHOOK_DISPATCH_LAG_SECONDS).record(lag);
}

/// What waits to be sent.
pub fn set_queue(depth: i64, oldest_due: Duration) {
    metrics::gauge!(names::WEBHOOK_QUEUE_DEPTH).set(depth as f64);
    metrics::gauge!(names::WEBHOOK_QUEUE_OLDEST_DUE_SECONDS).set(oldest_due.as_secs_f64());
}
