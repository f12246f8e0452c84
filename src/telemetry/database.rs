//! What is measured of the database.

use std::time::Duration;

use super::names;

/// One read or transaction at a node.
pub fn record_operation(operation: &'static str, node: &str, took: Duration, ok: bool) {
    let outcome = if ok { "ok" } else { "error" };
    metrics::histogram!(
        names::DB_OPERATION_DURATION_SECONDS,
        "operation" => operation, "node" => node.to_owned(), "outcome" => outcome
    )
    .record(took.as_secs_f64());
}

/// How full a node's pool is.
pub fn record_pool(node: &str, open: u32, idle: usize) {
    let idle = idle as f64;
    for (state, connections) in [("idle", idle), ("used", f64::from(open) - idle)] {
        metrics::gauge!(names::DB_POOL_CONNECTIONS, "node" => node.to_owned(), "state" => state).set(connections);
    }
}

/// How a node is.
pub fn record_node(node: &str, up: bool, lag: Duration) {
    metrics::gauge!(names::DB_NODE_UP, "node" => node.to_owned()).set(if up { 1.0 } else { 0.0 });
    metrics::gauge!(names::DB_REPLICA_LAG_SECONDS, "node" => node.to_owned()).set(lag.as_secs_f64());
}
