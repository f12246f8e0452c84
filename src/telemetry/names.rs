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
/// Lines of the access log that were dropped because nobody took them.
pub const HTTP_ACCESS_LOG_DROPPED_TOTAL: &str = "http_access_log_dropped_total";
/// Open connections.
pub const HTTP_CONNECTIONS: &str = "http_connections";
/// Time of a read or transaction at a node, by `operation`, `node` and `outcome`.
pub const DB_OPERATION_DURATION_SECONDS: &str = "db_operation_duration_seconds";
/// Connections of a node's pool, by `node` and `state`.
pub const DB_POOL_CONNECTIONS: &str = "db_pool_connections";
/// Whether a node answers, by `node`.
pub const DB_NODE_UP: &str = "db_node_up";
/// For how long a replica has been behind, by `node`.
pub const DB_REPLICA_LAG_SECONDS: &str = "db_replica_lag_seconds";

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
    (
        HTTP_ACCESS_LOG_DROPPED_TOTAL,
        Kind::Counter,
        "Lines of the access log that were dropped because nobody took them.",
    ),
    (HTTP_CONNECTIONS, Kind::Gauge, "Open connections."),
    (DB_OPERATION_DURATION_SECONDS, Kind::Seconds, "Time of a read or transaction, waiting for a connection included."),
    (DB_POOL_CONNECTIONS, Kind::Gauge, "Connections of a database node's pool."),
    (DB_NODE_UP, Kind::Gauge, "Whether a database node answers."),
    (DB_REPLICA_LAG_SECONDS, Kind::Gauge, "For how long a replica has been behind the primary."),
];
