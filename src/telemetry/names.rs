//! The names of all metrics, after the Prometheus conventions: base units, `_total` on counters.

/// Requests answered, by `method`, `route` and `status`.
pub const HTTP_REQUESTS_TOTAL: &str = "http_requests_total";
/// Time from the first byte of a request's head to the last of its answer, by `method`, `route` and `status`.
pub const HTTP_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// Requests in work.
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "http_requests_in_flight";
/// Requests refused with 429, by `class` and `policy`.
pub const HTTP_REQUESTS_LIMITED_TOTAL: &str = "http_requests_limited_total";
/// Requests that were counted in this process alone, since Redis gave no answer, by `policy`.
pub const RATE_LIMIT_FALLBACKS_TOTAL: &str = "rate_limit_fallbacks_total";
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
/// Looks at a level of the cache, by `family`, `level` and `result`.
pub const CACHE_REQUESTS_TOTAL: &str = "cache_requests_total";
/// Reads that waited for the load of another one, by `family`.
pub const CACHE_SINGLE_FLIGHT_JOINS_TOTAL: &str = "cache_single_flight_joins_total";
/// Time of a load from the database, by `family` and `outcome`.
pub const CACHE_LOAD_DURATION_SECONDS: &str = "cache_load_duration_seconds";
/// Events that made entries out of date, by `event`.
pub const CACHE_INVALIDATIONS_TOTAL: &str = "cache_invalidations_total";
/// Time of a message through the stream, from a process to itself.
pub const CACHE_FEED_LAG_SECONDS: &str = "cache_feed_lag_seconds";
/// Whether the floors are believed.
pub const CACHE_LEASE_VALID: &str = "cache_lease_valid";
/// For how long nothing was heard of invalidations.
pub const CACHE_FEED_SILENCE_SECONDS: &str = "cache_feed_silence_seconds";
/// Time of a call to Redis, by `operation`.
pub const CACHE_REDIS_DURATION_SECONDS: &str = "cache_redis_duration_seconds";
/// Calls to Redis without an answer, by `operation` and `reason`.
pub const CACHE_REDIS_ERRORS_TOTAL: &str = "cache_redis_errors_total";
/// What the circuit breaker before Redis does: 0 closed, 1 half open, 2 open.
pub const CACHE_BREAKER_STATE: &str = "cache_breaker_state";
/// How often that circuit breaker opened.
pub const CACHE_BREAKER_OPENED_TOTAL: &str = "cache_breaker_opened_total";
/// Entries in the first level.
pub const CACHE_ENTRIES: &str = "cache_entries";
/// Bytes that they take.
pub const CACHE_BYTES: &str = "cache_bytes";
/// Entries that had to make room for others.
pub const CACHE_EVICTIONS_TOTAL: &str = "cache_evictions_total";
/// Hot entries that were looked after ahead of their readers, by `family`, `reason` and `outcome`.
pub const CACHE_REFRESHES_TOTAL: &str = "cache_refreshes_total";
/// Keys that are hot at present.
pub const CACHE_HOT_KEYS: &str = "cache_hot_keys";
/// Entries that were compared with the primary, by `family` and `result`.
pub const CACHE_AUDITS_TOTAL: &str = "cache_audits_total";
/// Entries that were served and not true, by `family`. One that stays so is counted at every audit.
pub const CACHE_INCONSISTENCY_TOTAL: &str = "cache_inconsistency_total";
/// How old they were.
pub const CACHE_INCONSISTENCY_AGE_SECONDS: &str = "cache_inconsistency_age_seconds";
/// Looks at books that were written to the database.
pub const VIEWS_COUNTED_TOTAL: &str = "views_counted_total";
/// Looks at books that were not counted.
pub const VIEWS_DROPPED_TOTAL: &str = "views_dropped_total";
/// Open streams of stock.
pub const STOCK_STREAMS: &str = "stock_streams";
/// Events that were handed to streams of stock.
pub const STOCK_STREAM_EVENTS_TOTAL: &str = "stock_stream_events_total";
/// Streams of stock that were cut because their readers were too slow.
pub const STOCK_STREAMS_CUT_TOTAL: &str = "stock_streams_cut_total";
/// Deliveries of events to endpoints that were queued.
pub const WEBHOOK_DELIVERIES_QUEUED_TOTAL: &str = "webhook_deliveries_queued_total";
/// Deliveries that were given up.
pub const WEBHOOK_DELIVERIES_FAILED_TOTAL: &str = "webhook_deliveries_failed_total";
/// Attempts to deliver, by `outcome`.
pub const WEBHOOK_ATTEMPTS_TOTAL: &str = "webhook_attempts_total";
/// Time of an attempt.
pub const WEBHOOK_ATTEMPT_DURATION_SECONDS: &str = "webhook_attempt_duration_seconds";
/// Time from an event to its deliveries.
pub const WEBHOOK_DISPATCH_LAG_SECONDS: &str = "webhook_dispatch_lag_seconds";
/// Endpoints that the shop disabled by itself, by `reason`.
pub const WEBHOOK_ENDPOINTS_DISABLED_TOTAL: &str = "webhook_endpoints_disabled_total";
/// Deliveries that wait.
pub const WEBHOOK_QUEUE_DEPTH: &str = "webhook_queue_depth";
/// For how long the oldest of them that is due has been.
pub const WEBHOOK_QUEUE_OLDEST_DUE_SECONDS: &str = "webhook_queue_oldest_due_seconds";
/// Boards and places read past the cache, by `source`.
pub const LEADERBOARD_READS_TOTAL: &str = "leaderboard_reads_total";
/// Scores of leaderboards that moved.
pub const LEADERBOARD_SCORES_MOVED_TOTAL: &str = "leaderboard_scores_moved_total";
/// Time from an event to the leaderboards that follow it.
pub const LEADERBOARD_LAG_SECONDS: &str = "leaderboard_lag_seconds";
/// How often the boards were made anew in Redis, by `reason`.
pub const LEADERBOARD_REMAKES_TOTAL: &str = "leaderboard_remakes_total";
/// Whether Redis has the boards that the database has.
pub const LEADERBOARD_SHARED: &str = "leaderboard_shared";
/// Time from what a reader did to its being counted.
pub const RECOMMENDATION_TASTES_LAG_SECONDS: &str = "recommendation_tastes_lag_seconds";
/// Books whose neighbours were computed.
pub const RECOMMENDATION_LISTS_COMPUTED_TOTAL: &str = "recommendation_lists_computed_total";
/// Time of a batch of them.
pub const RECOMMENDATION_BATCH_DURATION_SECONDS: &str = "recommendation_batch_duration_seconds";
/// Books whose neighbours are to be computed.
pub const RECOMMENDATION_QUEUE_DEPTH: &str = "recommendation_queue_depth";
/// For how long the first of them has been.
pub const RECOMMENDATION_QUEUE_OLDEST_SECONDS: &str = "recommendation_queue_oldest_seconds";

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
    (RATE_LIMIT_FALLBACKS_TOTAL, Kind::Counter, "Requests counted in this process alone, for want of Redis."),
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
    (CACHE_REQUESTS_TOTAL, Kind::Counter, "Looks at a level of the cache."),
    (CACHE_SINGLE_FLIGHT_JOINS_TOTAL, Kind::Counter, "Reads that waited for the load of another one."),
    (CACHE_LOAD_DURATION_SECONDS, Kind::Seconds, "Time of a load from the database, rendering included."),
    (CACHE_INVALIDATIONS_TOTAL, Kind::Counter, "Events that made entries out of date."),
    (CACHE_FEED_LAG_SECONDS, Kind::Seconds, "Time of an invalidation through the stream."),
    (CACHE_LEASE_VALID, Kind::Gauge, "Whether what is known of invalidations is recent enough."),
    (CACHE_FEED_SILENCE_SECONDS, Kind::Gauge, "For how long nothing was heard of invalidations."),
    (CACHE_ENTRIES, Kind::Gauge, "Entries in the first level of the cache."),
    (CACHE_BYTES, Kind::Gauge, "Bytes that the entries of the first level take."),
    (CACHE_EVICTIONS_TOTAL, Kind::Counter, "Entries that had to make room for others."),
    (CACHE_REDIS_DURATION_SECONDS, Kind::Seconds, "Time of a call to Redis, waiting for a connection included."),
    (CACHE_REDIS_ERRORS_TOTAL, Kind::Counter, "Calls to Redis that gave their caller no answer."),
    (CACHE_BREAKER_STATE, Kind::Gauge, "The circuit breaker before Redis: 0 closed, 1 half open, 2 open."),
    (CACHE_BREAKER_OPENED_TOTAL, Kind::Counter, "How often the circuit breaker before Redis opened."),
    (CACHE_REFRESHES_TOTAL, Kind::Counter, "Hot entries that were loaded again ahead of their readers."),
    (CACHE_HOT_KEYS, Kind::Gauge, "Keys that are read so much that they are kept warm."),
    (CACHE_AUDITS_TOTAL, Kind::Counter, "Entries of the cache that were compared with the primary."),
    (CACHE_INCONSISTENCY_TOTAL, Kind::Counter, "Entries that were served and were not what the primary says."),
    (CACHE_INCONSISTENCY_AGE_SECONDS, Kind::Seconds, "Age of the entries that were served and not true."),
    (VIEWS_COUNTED_TOTAL, Kind::Counter, "Looks at books that were written to the database."),
    (
        VIEWS_DROPPED_TOTAL,
        Kind::Counter,
        "Looks at books that were not counted, for want of room, or of servers at the wrong time.",
    ),
    (STOCK_STREAMS, Kind::Gauge, "Open streams of stock."),
    (STOCK_STREAM_EVENTS_TOTAL, Kind::Counter, "Events that were handed to streams of stock."),
    (STOCK_STREAMS_CUT_TOTAL, Kind::Counter, "Streams of stock that were cut because their readers were too slow."),
    (WEBHOOK_DELIVERIES_QUEUED_TOTAL, Kind::Counter, "Deliveries of events to endpoints that were queued."),
    (WEBHOOK_DELIVERIES_FAILED_TOTAL, Kind::Counter, "Deliveries that were given up."),
    (WEBHOOK_ATTEMPTS_TOTAL, Kind::Counter, "Attempts to deliver an event to an endpoint."),
    (WEBHOOK_ATTEMPT_DURATION_SECONDS, Kind::Seconds, "Time of an attempt to deliver."),
    (WEBHOOK_DISPATCH_LAG_SECONDS, Kind::Seconds, "Time from an event to its deliveries being queued."),
    (WEBHOOK_ENDPOINTS_DISABLED_TOTAL, Kind::Counter, "Endpoints that were disabled because they failed or are gone."),
    (WEBHOOK_QUEUE_DEPTH, Kind::Gauge, "Deliveries that wait to be sent, of the whole shop."),
    (RECOMMENDATION_TASTES_LAG_SECONDS, Kind::Seconds, "Time from what a reader did to its being counted."),
    (RECOMMENDATION_LISTS_COMPUTED_TOTAL, Kind::Counter, "Books whose neighbours were computed."),
    (RECOMMENDATION_BATCH_DURATION_SECONDS, Kind::Seconds, "Time of a batch of books whose neighbours were computed."),
    (RECOMMENDATION_QUEUE_DEPTH, Kind::Gauge, "Books whose neighbours are to be computed, of the whole shop."),
    (RECOMMENDATION_QUEUE_OLDEST_SECONDS, Kind::Gauge, "For how long the first of these books has been waiting."),
    (WEBHOOK_QUEUE_OLDEST_DUE_SECONDS, Kind::Gauge, "For how long the oldest delivery that is due has been."),
    (LEADERBOARD_READS_TOTAL, Kind::Counter, "Boards and places that were read past the cache."),
    (LEADERBOARD_SCORES_MOVED_TOTAL, Kind::Counter, "Scores of leaderboards that moved."),
    (LEADERBOARD_LAG_SECONDS, Kind::Seconds, "Time from an event to the leaderboards that follow it."),
    (LEADERBOARD_REMAKES_TOTAL, Kind::Counter, "Times that the boards were made anew in Redis."),
    (LEADERBOARD_SHARED, Kind::Gauge, "Whether Redis has the boards that the database has."),
];
