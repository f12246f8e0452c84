//! What is measured of the cache beyond what it counts itself.

use std::time::Duration;

use super::names;

/// One load of an entry from the database, rendering and compressing included.
pub fn record_load(family: &'static str, took: Duration, ok: bool) {
    let outcome = if ok { "ok" } else { "error" };
    metrics::histogram!(names::CACHE_LOAD_DURATION_SECONDS, "family" => family, "outcome" => outcome)
        .record(took.as_secs_f64());
}

/// One event that made entries out of date.
pub fn record_invalidation(event: &'static str) {
    metrics::counter!(names::CACHE_INVALIDATIONS_TOTAL, "event" => event).increment(1);
}

/// How long a message was on its way through the stream.
pub fn record_feed_lag(lag: Duration) {
    metrics::histogram!(names::CACHE_FEED_LAG_SECONDS).record(lag.as_secs_f64());
}

/// Whether the floors are believed, and for how long nothing was heard.
pub fn record_trust(trusted: bool, silence: Option<Duration>) {
    metrics::gauge!(names::CACHE_LEASE_VALID).set(if trusted { 1.0 } else { 0.0 });
    if let Some(silence) = silence {
        metrics::gauge!(names::CACHE_FEED_SILENCE_SECONDS).set(silence.as_secs_f64());
    }
}

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

/// One hot entry that would not have lasted, why, and what was done about it.
pub fn record_refresh(family: &'static str, reason: &'static str, outcome: &'static str) {
    metrics::counter!(names::CACHE_REFRESHES_TOTAL, "family" => family, "reason" => reason, "outcome" => outcome)
        .increment(1);
}

/// How many keys are hot.
pub fn record_hot_keys(keys: usize) {
    metrics::gauge!(names::CACHE_HOT_KEYS).set(keys as f64);
}

/// One comparison of an entry with the primary.
pub fn record_audit(family: &'static str, result: &'static str) {
    metrics::counter!(names::CACHE_AUDITS_TOTAL, "family" => family, "result" => result).increment(1);
}

/// An entry that was served and not true, and how old it was.
pub fn record_inconsistency(family: &'static str, age: Duration) {
    metrics::counter!(names::CACHE_INCONSISTENCY_TOTAL, "family" => family).increment(1);
    metrics::histogram!(names::CACHE_INCONSISTENCY_AGE_SECONDS).record(age.as_secs_f64());
}

/// How full the first level is.
pub fn record_local(entries: u64, bytes: u64, evictions: u64) {
    metrics::gauge!(names::CACHE_ENTRIES).set(entries as f64);
    metrics::gauge!(names::CACHE_BYTES).set(bytes as f64);
    metrics::counter!(names::CACHE_EVICTIONS_TOTAL).absolute(evictions);
}
