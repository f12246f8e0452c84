//! A connection for blocking reads.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, FromRedisValue, aio::MultiplexedConnection, from_redis_value};

use super::RedisError;

/// A connection of its own to the server that owns a key, outside the shared connections, the breaker and the deadlines.
/// It never connects again by itself: whoever reads a stream must know that it was cut off.
pub struct DedicatedConnection {
    pub(super) connection: MultiplexedConnection,
}

impl DedicatedConnection {
    /// Runs one command (a blocking one, `INFO`, `ROLE`) on the server that owned the key when this was opened. After an
    /// error that is a [failure](RedisError::is_failure), drop the connection.
    ///
    /// # Errors
    /// [`RedisError::Timeout`] after `patience`: the connection was cut silently, or the server hangs. A server that owns the
    /// key no longer answers `MOVED`.
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd, patience: Duration) -> Result<T, RedisError> {
        let answer = tokio::time::timeout(patience, command.query_async(&mut self.connection)).await;
        let value = answer.map_err(|_| RedisError::Timeout(patience))??;
        from_redis_value(value).map_err(|error| RedisError::Answer(error.to_string()))
    }
}
