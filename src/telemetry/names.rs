//! The names of all metrics, after the Prometheus conventions: base units, `_total` on counters.

/// Requests answered, by `method`, `route` and `status`.
pub const HTTP_REQUESTS_TOTAL: &str = "http_requests_total";
/// Time from the first byte of a request's head to the last of its answer, by `method`, `route` and `status`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// Requests in work.
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "http_requests_in_flight";
/// Requests refused with 429, by `policy`.
pub const HTTP_REQUESTS_LIMITED_TOTAL: &str = "http_requests_limited_total";
/// Requests refused with 503 because too many were in work.
pub const HTTP_REQUESTS_SHED_TOTAL: &str = "http_requests_shed_total";
/// Open connections.
pub const HTTP_CONNECTIONS: &str = "http_connections";

/// What a metric is, for its `HELP` and `TYPE`.
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in seconds.
    Seconds,
}

/// Every metric.
pub(super) const ALL: &[(&str, Kind, &str)] = &[
    (HTTP_REQUESTS_TOTAL, Kind::Counter, "Requests answered."),
    (HTTP_REQUEST_DURATION_SECONDS, Kind::Seconds, "Time from a request's head to the last byte of its answer."),
    (HTTP_REQUESTS_IN_FLIGHT, Kind::Gauge, "Requests in work."),
    (HTTP_REQUESTS_LIMITED_TOTAL, Kind::Counter, "Requests refused by a rate limit."),
    (HTTP_REQUESTS_SHED_TOTAL, Kind::Counter, "Requests refused because too many were in work."),
    (HTTP_CONNECTIONS, Kind::Gauge, "Open connections."),
];
