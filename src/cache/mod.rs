//! Redis, the second level of the cache. Today the service only knows whether it is there.

use std::time::Duration;

use deadpool_redis::{Config, Pool, Runtime};

/// Why Redis did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The address is no Redis URL.
    #[error("no pool can be made: {0}")]
    Pool(#[from] deadpool_redis::CreatePoolError),
    /// No connection could be had.
    #[error("no connection: {0}")]
    Connection(#[from] deadpool_redis::PoolError),
    /// A command failed.
    #[error("{0}")]
    Command(#[from] deadpool_redis::redis::RedisError),
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

/// A pool of connections to Redis. Cloning is cheap.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    timeout: Duration,
}

impl Redis {
    /// A pool of at most `max_connections`, opened when first needed. No call waits longer than `timeout`.
    ///
    /// # Errors
    /// [`RedisError::Pool`] where `url` is no Redis URL.
    pub fn new(url: &str, max_connections: usize, timeout: Duration) -> Result<Self, RedisError> {
        let mut config = Config::from_url(url);
        config.pool = Some(deadpool_redis::PoolConfig::new(max_connections));
        Ok(Self { pool: config.create_pool(Some(Runtime::Tokio1))?, timeout })
    }

    /// Asks whether Redis is there.
    ///
    /// # Errors
    /// [`RedisError`] where it is not.
    pub async fn ping(&self) -> Result<(), RedisError> {
        let ping = async {
            let mut connection = self.pool.get().await?;
            deadpool_redis::redis::cmd("PING").query_async::<()>(&mut connection).await?;
            Ok(())
        };
        tokio::time::timeout(self.timeout, ping).await.unwrap_or(Err(RedisError::Timeout(self.timeout)))
    }
}
