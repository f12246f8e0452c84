//! What is measured of the cache beyond what it counts itself.

use std::time::Duration;

use super::names;

/// One load of an entry from the database, rendering and compressing included.
pub fn record_load(family: &'static str, took: Duration, ok: bool) {
    let outcome = if ok { "ok" } else { "error" };
    metrics::histogram!(names::CACHE_LOAD_DURATION_SECONDS, "family" => family, "outcome" => outcome)
        .record(took.as_secs_f64());
}
