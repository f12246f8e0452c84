//! What is measured of rate limits.

use super::names;

/// A request that was refused.
pub fn record_limited(class: &'static str, policy: &'static str) {
    metrics::counter!(names::HTTP_REQUESTS_LIMITED_TOTAL, "class" => class, "policy" => policy).increment(1);
}

/// A request that was counted in this process alone, since Redis gave no answer.
pub fn record_fallback(policy: &'static str) {
    metrics::counter!(names::RATE_LIMIT_FALLBACKS_TOTAL, "policy" => policy).increment(1);
}
