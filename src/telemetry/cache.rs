//! What is measured of Redis, the second level of the cache.

use std::time::Duration;

use super::names;

/// One call to Redis that was sent, or failed to be.
pub fn record_redis_call(operation: &'static str, took: Duration) {
    metrics::histogram!(names::CACHE_REDIS_DURATION_SECONDS, "operation" => operation).record(took.as_secs_f64());
}

/// A call that gave its caller no answer.
pub fn record_redis_error(operation: &'static str, reason: &'static str) {
    metrics::counter!(names::CACHE_REDIS_ERRORS_TOTAL, "operation" => operation, "reason" => reason).increment(1);
}

/// What the circuit breaker does: 0 closed, 1 half open, 2 open.
pub fn record_breaker(state: u8) {
    metrics::gauge!(names::CACHE_BREAKER_STATE).set(f64::from(state));
}

/// The circuit breaker opened.
pub fn record_breaker_opened() {
    metrics::counter!(names::CACHE_BREAKER_OPENED_TOTAL).increment(1);
}
