//! Redis, the second level of the cache, as one server or as a cluster.
//!
//! * Every call has a deadline, getting a connection included, and goes through a circuit breaker: Redis down or hung means
//!   slower, never stuck.
//! * A few connections carry the calls of all: commands of concurrent calls travel together, and no call asks first whether
//!   its connection still lives. One that failed is not handed out again.
//! * Redis may be absent at the start and come and go later; nothing connects before the first call.

mod breaker;
mod connect;
mod dedicated;
mod error;
mod lane;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::redis::from_redis_value;
use tracing::Instrument as _;

use crate::telemetry::cache as telemetry;
use breaker::Breaker;
use connect::Connector;
use lane::Lane;

pub use breaker::{BreakerOptions, BreakerReport, BreakerState};
pub use deadpool_redis::redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, ServerErrorKind, ToRedisArgs, Value, cmd, pipe, streams,
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
    /// Connections (to each node) that all calls share.
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
    inner: Arc<Inner>,
}

struct Inner {
    connector: Arc<Connector>,
    lanes: Vec<Lane>,
    turn: AtomicUsize,
    breaker: Breaker,
    soft_deadline: Duration,
    hard_deadline: Duration,
}

/// What is sent in one round trip.
#[derive(Clone, Copy)]
enum Message<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline),
}

/// The longest pause before the first repetition of an idempotent command; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

impl Redis {
    /// Connects to nothing yet: Redis may be absent at the start.
    ///
    /// # Errors
    /// [`RedisError::Address`] where an address cannot be used.
    pub fn new(options: RedisOptions) -> Result<Self, RedisError> {
        let connector = Arc::new(Connector::new(&options)?);
        let lane = |_| Lane::new(Arc::clone(&connector));
        let inner = Inner {
            lanes: (0..options.max_connections.max(1)).map(lane).collect(),
            connector,
            turn: AtomicUsize::new(0),
            breaker: Breaker::new(options.breaker),
            soft_deadline: options.soft_deadline,
            hard_deadline: options.hard_deadline,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs one command within the hard deadline, through the breaker. `what` names it in traces and metrics.
    ///
    /// It is not sent again after a failure, and after a [`RedisError::Timeout`] may still take effect. Only in a cluster,
    /// whose client follows slots as they move, may it be sent twice where a connection broke.
    ///
    /// # Errors
    /// Any [`RedisError`] but [`RedisError::Slow`].
    pub async fn run<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        read(what, self.inner.call(what, Message::Command(command)).await)
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
        let inner = Arc::clone(&self.inner);
        self.softly(what, async move { inner.call(what, Message::Command(&command)).await }).await
    }

    /// The same for commands in one round trip, all of whose keys must be of one slot.
    ///
    /// # Errors
    /// As [`Redis::run_softly`].
    pub async fn pipeline_softly<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        pipeline: Pipeline,
    ) -> Result<T, RedisError> {
        let inner = Arc::clone(&self.inner);
        self.softly(what, async move { inner.call(what, Message::Pipeline(&pipeline)).await }).await
    }

    async fn softly<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<Value, RedisError>> + Send + 'static,
    ) -> Result<T, RedisError> {
        let patience = self.inner.soft_deadline;
        let mut call = Box::pin(call);
        if let Ok(outcome) = tokio::time::timeout(patience, &mut call).await {
            return read(what, outcome);
        }
        telemetry::record_redis_error(what, "slow");
        #[expect(clippy::disallowed_methods, reason = "ends by itself at the hard deadline")]
        drop(tokio::spawn(call));
        Err(RedisError::Slow(patience))
    }

    /// Runs commands in one round trip. All their keys must be of one slot.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn pipeline<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, RedisError> {
        read(what, self.inner.call(what, Message::Pipeline(pipeline)).await)
    }

    /// Runs a script by its hash, and once more with its code where the server does not know it. Each has a hard deadline of
    /// its own.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn script<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        call: &ScriptCall,
    ) -> Result<T, RedisError> {
        let outcome = match self.inner.call(what, Message::Command(&call.by_hash())).await {
            Err(error) if error.is_unknown_script() => self.inner.call(what, Message::Command(&call.by_code())).await,
            outcome => outcome,
        };
        read(what, outcome)
    }

    /// Runs a command that may be run twice (the caller vouches for that), up to `attempts` times in all, with growing
    /// pauses that are all random ("full jitter": Brooker, Exponential Backoff And Jitter, 2015). Each attempt has a hard
    /// deadline of its own. An open breaker ends it at once.
    ///
    /// # Errors
    /// As [`Redis::run`], of the last attempt.
    pub async fn run_idempotent<T: FromRedisValue + Send + 'static>(
        &self,
        what: &'static str,
        command: &Cmd,
        attempts: u32,
    ) -> Result<T, RedisError> {
        let mut ceiling = FIRST_PAUSE;
        for _ in 1..attempts {
            match self.inner.call(what, Message::Command(command)).await {
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(ceiling.mul_f64(rand::random_range(0.0..=1.0))).await;
                    ceiling = ceiling.saturating_mul(2).min(self.inner.hard_deadline);
                }
                outcome => return read(what, outcome),
            }
        }
        self.run(what, command).await
    }

    /// Opens a connection of its own to the server that owns `key`, for blocking reads.
    ///
    /// # Errors
    /// [`RedisError::Timeout`] and [`RedisError::Connection`].
    pub async fn dedicated(&self, key: impl AsRef<[u8]>) -> Result<DedicatedConnection, RedisError> {
        self.inner.connector.dedicated(key.as_ref()).await
    }

    /// How the breaker is.
    #[must_use]
    pub fn breaker(&self) -> BreakerReport {
        self.inner.breaker.report()
    }

    /// Asks whether Redis is there; of a cluster, every primary that there is a connection to.
    ///
    /// # Errors
    /// As [`Redis::run`].
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.run("ping", &cmd("PING")).await
    }
}

impl Inner {
    /// One round trip: through the breaker, within the hard deadline, measured.
    async fn call(&self, what: &'static str, message: Message<'_>) -> Result<Value, RedisError> {
        let outcome = match self.breaker.admit() {
            None => Err(RedisError::Open),
            Some(permit) => {
                let started = Instant::now();
                let span = tracing::info_span!("redis", otel.name = what, db.system.name = "redis");
                let outcome = self.send(message).instrument(span).await;
                permit.settle(!outcome.as_ref().is_err_and(RedisError::is_failure));
                telemetry::record_redis_call(what, started.elapsed());
                outcome
            }
        };
        outcome.inspect_err(|error| telemetry::record_redis_error(what, error.reason()))
    }

    async fn send(&self, message: Message<'_>) -> Result<Value, RedisError> {
        let lane = &self.lanes[self.turn.fetch_add(1, Ordering::Relaxed) % self.lanes.len()];
        let mut used = None;
        let attempt = async {
            let mut wire = used.insert(lane.lend().await?).wire.clone();
            Ok(match message {
                Message::Command(command) => command.query_async(&mut wire).await?,
                Message::Pipeline(pipeline) => pipeline.query_async(&mut wire).await?,
            })
        };
        let patience = self.hard_deadline;
        let outcome = tokio::time::timeout(patience, attempt).await.unwrap_or(Err(RedisError::Timeout(patience)));
        if let (Some(lent), Err(error)) = (&used, &outcome)
            && error.is_failure()
        {
            lane.give_up(lent);
        }
        outcome
    }
}

/// Reads an answer as what the caller expects.
fn read<T: FromRedisValue>(what: &'static str, outcome: Result<Value, RedisError>) -> Result<T, RedisError> {
    from_redis_value(outcome?).map_err(|error| {
        let error = RedisError::Answer(error.to_string());
        telemetry::record_redis_error(what, error.reason());
        error
    })
}
