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
