//! Metrics of the database.

use std::time::Duration;

/// One read or transaction at a node.
pub fn record_database_operation(operation: &'static str, node: &str, took: Duration, ok: bool) {
    let outcome = if ok { "ok" } else { "error" };
    metrics::histogram!("db_operation_duration_seconds", "operation" => operation, "node" => node.to_owned(), "outcome" => outcome)
        .record(took.as_secs_f64());
}

/// How full a node's pool is.
pub fn record_pool(node: &str, open: u32, idle: usize) {
    metrics::gauge!("db_pool_connections", "node" => node.to_owned(), "state" => "idle").set(idle as f64);
    metrics::gauge!("db_pool_connections", "node" => node.to_owned(), "state" => "used")
        .set(f64::from(open) - idle as f64);
}

/// How a node is.
pub fn record_node(node: &str, up: bool, lag: Duration) {
    metrics::gauge!("db_node_up", "node" => node.to_owned()).set(if up { 1.0 } else { 0.0 });
    metrics::gauge!("db_replica_lag_seconds", "node" => node.to_owned()).set(lag.as_secs_f64());
}
