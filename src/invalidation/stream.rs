//! The feed in Redis: a stream of messages and, beside it, the floors that they add up to, for processes that start.
//!
//! All messages of one life of the stream have the same first half of their id, and the second half counts them without a
//! gap. So whoever reads sees what was trimmed away, lost, or begun anew.

use std::time::Duration;

use deadpool_redis::redis::{self, Cmd, streams::StreamInfoStreamReply};

use super::message::Message;
use crate::cache::redis::{DedicatedConnection, Script};
use crate::cache::{Redis, RedisError};
use crate::model::position::Position;
use crate::model::tags::{Tag, TagHash};

/// About so many messages are kept: far more than are told within a lease.
const MOST_MESSAGES: u32 = 20_000;

/// Most floors that are kept for processes that start; beyond, the lowest go into the floor of everything.
const MOST_FLOORS: u32 = 100_000;

/// Most messages that are read in one go.
const BATCH: usize = 512;

/// Adds a message, and its floors to those that are kept.
static PUBLISH: Script = Script::new(
    "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
     local id
     if last[1] then
       id = string.match(last[1][1], '^%d+') .. '-*'
     else
       local now = redis.call('TIME')
       id = now[1] .. string.format('%06d', tonumber(now[2])) .. '-1'
     end
     id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], id, 'm', ARGV[1])
     local position = tonumber(ARGV[2])
     local before = tonumber(redis.call('HGET', KEYS[3], 'base') or '0')
     local base = before
     for i = 5, #ARGV do
       if ARGV[i] == '*' then base = math.max(base, position)
       else redis.call('ZADD', KEYS[2], 'GT', position, ARGV[i]) end
     end
     local most = tonumber(ARGV[4])
     local excess = redis.call('ZCARD', KEYS[2]) - most
     if excess > 0 then
       local gone = redis.call('ZPOPMIN', KEYS[2], excess + math.floor(most / 10))
       for i = 2, #gone, 2 do base = math.max(base, tonumber(gone[i])) end
     end
     if base > before then redis.call('HSET', KEYS[3], 'base', string.format('%.0f', base)) end
     return id",
);

/// Moves the floors at or below a position into the floor of everything; with a run id, notes whose life they are of.
static SETTLE: Script = Script::new(
    "local before = tonumber(redis.call('HGET', KEYS[2], 'base') or '0')
     local base = math.max(before, tonumber(ARGV[1]))
     redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
     redis.call('HSET', KEYS[2], 'base', string.format('%.0f', base))
     if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'run_id', ARGV[2]) end
     return 1",
);

/// A place in the stream: which life of it, and the how-manieth message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    life: u64,
    number: u64,
}

impl Place {
    fn parse(id: &str) -> Option<Self> {
        let (life, number) = id.split_once('-')?;
        Some(Self { life: life.parse().ok()?, number: number.parse().ok()? })
    }

    fn id(self) -> String {
        format!("{}-{}", self.life, self.number)
    }

    /// Whether it is a place that `other` has left behind, or of an earlier life.
    #[must_use]
    pub fn is_before(self, other: Self) -> bool {
        (self.life, self.number) < (other.life, other.number)
    }

    /// Whether `next` is the message right after this one.
    #[must_use]
    pub fn is_followed_by(self, next: Self) -> bool {
        self.life == next.life && self.number + 1 == next.number
    }
}

/// Why the stream is of no use at the moment.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Redis.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Messages are missing: trimmed, lost, or the stream was begun anew.
    #[error("the stream has a gap")]
    Gap,
    /// The server is a replica of another one.
    #[error("the server is no primary")]
    NotPrimary,
    /// An answer that no Redis gives.
    #[error("the answer to {0} cannot be read")]
    Unreadable(&'static str),
}

/// The names of what is kept in Redis. The braces put all of it into one slot of a cluster.
#[derive(Clone)]
pub struct Stream {
    stream: String,
    floors: String,
    about: String,
}

/// What a starting process learns.
pub struct Learnt {
    /// The floor of everything.
    pub base: Position,
    /// The others.
    pub floors: Vec<(TagHash, Position)>,
}

impl Stream {
    /// The stream under names that begin with `prefix`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        let name = |what: &str| format!("{{{prefix}:feed}}:{what}");
        Self { stream: name("stream"), floors: name("floors"), about: name("about") }
    }

    /// Adds a message.
    ///
    /// # Errors
    /// [`RedisError`]; it may have been added all the same.
    pub async fn publish(&self, redis: &Redis, message: &Message) -> Result<(), RedisError> {
        let text = serde_json::to_string(message).map_err(|error| RedisError::Answer(error.to_string()))?;
        let mut call = PUBLISH.call().key(&self.stream).key(&self.floors).key(&self.about);
        call = call.arg(text).arg(message.position.0).arg(MOST_MESSAGES).arg(MOST_FLOORS);
        for tag in &message.tags {
            call = call.arg(tag.as_str());
        }
        redis.script::<String>("feed.publish", &call).await.map(drop)
    }

    /// Moves the kept floors at or below `position` into the floor of everything. With `run_id`, that of a server whose
    /// floors were lost or are old: from then on they are known to be complete.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn settle(&self, redis: &Redis, position: Position, run_id: &str) -> Result<(), RedisError> {
        let call = SETTLE.call().key(&self.floors).key(&self.about).arg(position.0).arg(run_id);
        redis.script::<i64>("feed.settle", &call).await.map(drop)
    }

    /// A connection to tail the stream.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn connect(&self, redis: &Redis) -> Result<Tail, StreamError> {
        Ok(Tail { connection: redis.dedicated(&self.stream).await?, names: self.clone() })
    }
}

/// A connection that tails the stream.
pub struct Tail {
    connection: DedicatedConnection,
    names: Stream,
}

impl Tail {
    /// The name of the server's present life.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn run_id(&mut self, patience: Duration) -> Result<String, StreamError> {
        let info: String = self.connection.query(redis::cmd("INFO").arg("server"), patience).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        line.map(|id| id.trim().to_owned()).ok_or(StreamError::Unreadable("INFO"))
    }

    /// Whose floors are kept.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn settled_run_id(&mut self, patience: Duration) -> Result<Option<String>, StreamError> {
        Ok(self.connection.query(redis::cmd("HGET").arg(&self.names.about).arg("run_id"), patience).await?)
    }

    /// The place of the newest message, also where that was removed; nothing where there is none at all.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn newest(&mut self, patience: Duration) -> Result<Option<Place>, StreamError> {
        let role: Vec<redis::Value> = self.connection.query(&redis::cmd("ROLE"), patience).await?;
        let role = role.into_iter().next().and_then(|role| redis::from_redis_value::<String>(role).ok());
        if role.as_deref() != Some("master") {
            return Err(StreamError::NotPrimary);
        }
        let length: u64 = self.connection.query(redis::cmd("XLEN").arg(&self.names.stream), patience).await?;
        if length == 0 {
            return Ok(None);
        }
        // Not the newest one that is there, but the newest one that ever was: it may have been removed since.
        let mut command = redis::cmd("XINFO");
        command.arg("STREAM").arg(&self.names.stream);
        let about: StreamInfoStreamReply = self.connection.query(&command, patience).await?;
        Place::parse(&about.last_generated_id).map(Some).ok_or(StreamError::Unreadable("XINFO"))
    }

    /// The kept floors.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn learn(&mut self, patience: Duration) -> Result<Learnt, StreamError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(&self.names.floors).arg(0).arg(-1).arg("WITHSCORES");
        let floors: Vec<(String, f64)> = self.connection.query(&command, patience).await?;
        // Read after the floors: what moved from them to it meanwhile is in one of the two.
        let base: Option<u64> =
            self.connection.query(redis::cmd("HGET").arg(&self.names.about).arg("base"), patience).await?;
        let floors = floors.into_iter().map(|(tag, position)| (TagHash::of(&tag), Position(position as u64)));
        Ok(Learnt { base: Position(base.unwrap_or(0)), floors: floors.collect() })
    }

    /// The messages after `place`, in order and without a gap; none where none came within `block`. Says too whether these
    /// were all.
    ///
    /// # Errors
    /// [`StreamError::Gap`] where messages are missing.
    pub async fn read(
        &mut self,
        place: &mut Place,
        block: Duration,
        patience: Duration,
    ) -> Result<(Vec<Message>, bool), StreamError> {
        let command = self.reading(*place, block);
        type Entry = (String, Vec<(String, String)>);
        type Streams = Option<Vec<(String, Vec<Entry>)>>;
        let found: Streams = self.connection.query(&command, block + patience).await?;
        let entries = found.into_iter().flatten().next().map(|(_, entries)| entries).unwrap_or_default();
        let complete = entries.len() < BATCH;
        let mut messages = Vec::with_capacity(entries.len());
        for (id, fields) in entries {
            let next = Place::parse(&id).filter(|next| place.is_followed_by(*next)).ok_or(StreamError::Gap)?;
            let text = fields.into_iter().find(|(name, _)| name == "m").map(|(_, text)| text).unwrap_or_default();
            messages.push(serde_json::from_str(&text).map_err(|_| StreamError::Unreadable("XREAD"))?);
            *place = next;
        }
        Ok((messages, complete))
    }

    fn reading(&self, place: Place, block: Duration) -> Cmd {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(BATCH).arg("BLOCK").arg(block.as_millis().max(1) as u64);
        command.arg("STREAMS").arg(&self.names.stream).arg(place.id());
        command
    }
}

/// The tags of a message, hashed.
pub fn hashes(tags: &[Tag]) -> impl Iterator<Item = TagHash> + '_ {
    tags.iter().map(Tag::hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_a_restart_and_a_step_back_are_seen() {
        let at = |id| Place::parse(id).unwrap();
        assert!(at("17-4").is_followed_by(at("17-5")));
        for other in ["17-6", "17-4", "17-3", "18-5", "16-5"] {
            assert!(!at("17-4").is_followed_by(at(other)), "{other}");
        }
        assert_eq!(at("17-4").id(), "17-4");
        assert_eq!(Place::parse("17"), None);
    }
}
