//! The second level: entries in Redis, shared by all processes. Nothing here is needed for an answer to be right: what it
//! gives is checked like every entry, and where it fails, the next level is asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deadpool_redis::redis;

use super::codec;
use super::entry::Entry;
use super::key::Key;
use super::redis::{Redis, RedisError, Script};

/// For how long a process may be the one that loads a key for all.
const LOCK_TIME: Duration = Duration::from_secs(2);

/// How often an entry is sent in all where Redis does not take it.
const PUT_ATTEMPTS: u32 = 3;

/// Gives a lock back if it still is one's own.
static UNLOCK: Script =
    Script::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0");

/// What the second level knows of a key.
pub enum Remembered {
    /// An entry, valid or not.
    Found(Box<Entry>),
    /// None that this release can read.
    Nothing,
    /// It does not answer, or not in time.
    Unavailable,
}

/// Whether one's own process is to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is.
    Mine,
    /// Another one is at it.
    Others,
    /// Nobody can tell.
    Unknown,
}

/// Entries in Redis. Cloning is cheap.
#[derive(Clone)]
pub struct Remote {
    redis: Redis,
    prefix: Arc<str>,
    cluster: bool,
}

impl Remote {
    /// Entries under names that begin with `prefix`; in a `cluster`, many of them are in many places.
    #[must_use]
    pub fn new(redis: Redis, prefix: &str, cluster: bool) -> Self {
        Self { redis, prefix: prefix.into(), cluster }
    }

    /// What names begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The braces make an entry and its lock live in the same slot of a cluster.
    fn name(&self, kind: &str, key: &Key) -> String {
        format!("{}:{kind}:{{{}}}", self.prefix, key.text())
    }

    /// The entry of a key. One round trip.
    pub async fn get(&self, key: &Key) -> Remembered {
        let name = self.name("entry", key);
        let mut pipeline = redis::pipe();
        pipeline.get(&name).pttl(&name);
        match self.redis.pipeline_softly::<(Option<Vec<u8>>, i64)>("cache.get", pipeline).await {
            Ok(answer) => read(key, answer),
            Err(error) => unavailable(&error),
        }
    }

    /// The entries of many keys, in their order. One round trip to each node that holds some of them.
    pub async fn get_many(&self, keys: &[Key]) -> Vec<Remembered> {
        if self.cluster {
            return futures::future::join_all(keys.iter().map(|key| self.get(key))).await;
        }
        let mut pipeline = redis::pipe();
        for key in keys {
            let name = self.name("entry", key);
            pipeline.get(&name).pttl(&name);
        }
        type Answer = (Option<Vec<u8>>, i64);
        match self.redis.pipeline_softly::<Vec<redis::Value>>("cache.get_many", pipeline).await {
            Ok(values) => {
                let pairs =
                    values.chunks(2).map(|pair| redis::from_redis_value::<Answer>(redis::Value::Array(pair.to_vec())));
                keys.iter()
                    .zip(pairs)
                    .map(|(key, pair)| pair.map_or(Remembered::Nothing, |pair| read(key, pair)))
                    .collect()
            }
            Err(error) => keys.iter().map(|_| unavailable(&error)).collect(),
        }
    }

    /// Keeps an entry for as long as it lives.
    pub async fn put(&self, entry: &Entry) {
        let Some(command) = self.set(entry) else { return };
        // The same bytes twice are the same bytes, and nobody waits.
        if let Err(error) = self.redis.run_idempotent::<()>("cache.put", &command, PUT_ATTEMPTS).await {
            tracing::debug!(%error, key = %entry.key.text(), "an entry could not be kept in Redis");
        }
    }

    /// Keeps many entries. One round trip, except in a cluster.
    pub async fn put_many(&self, entries: &[Arc<Entry>]) {
        if self.cluster {
            futures::future::join_all(entries.iter().map(|entry| self.put(entry))).await;
            return;
        }
        let mut pipeline = redis::pipe();
        for command in entries.iter().filter_map(|entry| self.set(entry)) {
            pipeline.add_command(command).ignore();
        }
        if pipeline.is_empty() {
            return;
        }
        if let Err(error) = self.redis.pipeline::<()>("cache.put_many", &pipeline).await {
            tracing::debug!(%error, "entries could not be kept in Redis");
        }
    }

    fn set(&self, entry: &Entry) -> Option<redis::Cmd> {
        let left = entry.span.whole().saturating_sub(entry.age(Instant::now()));
        let bytes = codec::encode(entry).filter(|_| left >= Duration::from_millis(1))?;
        let mut command = redis::cmd("SET");
        command.arg(self.name("entry", &entry.key)).arg(&*bytes).arg("PX").arg(left.as_millis() as u64);
        Some(command)
    }

    /// Asks to be the one process that loads `key`. `ticket` is a number that no other process draws.
    pub async fn take_turn(&self, key: &Key, ticket: u64) -> Turn {
        let mut command = redis::cmd("SET");
        command.arg(self.name("lock", key)).arg(ticket).arg("NX").arg("PX").arg(LOCK_TIME.as_millis() as u64);
        match self.redis.run_softly::<Option<String>>("cache.lock", command).await {
            Ok(Some(_)) => Turn::Mine,
            Ok(None) => Turn::Others,
            Err(_) => Turn::Unknown,
        }
    }

    /// Ends the turn.
    pub async fn end_turn(&self, key: &Key, ticket: u64) {
        let call = UNLOCK.call().key(self.name("lock", key)).arg(ticket);
        if let Err(error) = self.redis.script::<i64>("cache.unlock", &call).await {
            tracing::debug!(%error, "a turn runs out instead of being ended");
        }
    }
}

fn read(key: &Key, (bytes, left): (Option<Vec<u8>>, i64)) -> Remembered {
    let left = u64::try_from(left).ok().map(Duration::from_millis);
    let entry = bytes.zip(left).and_then(|(bytes, left)| codec::decode(key.clone(), Bytes::from(bytes), left));
    entry.map_or(Remembered::Nothing, |entry| Remembered::Found(Box::new(entry)))
}

fn unavailable(error: &RedisError) -> Remembered {
    tracing::debug!(%error, "Redis has no answer");
    Remembered::Unavailable
}
