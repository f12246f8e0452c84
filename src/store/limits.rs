//! Rate limits that all processes share: buckets in Redis, each one number, changed by one script.
//!
//! The script is the generic cell rate algorithm (GCRA, ITU-T I.371; for rate limits see Tarjan, "Rate limiting, cells, and
//! GCRA", 2015). Of a bucket it keeps the time at which it will be full again, by the clock of the Redis server, so that the
//! clocks of the processes do not matter; a bucket that is full is no key at all.

use std::time::Duration;

use super::Store;
use crate::cache::redis::{RedisError, Script};

/// Times are whole microseconds since 1970, which a double holds exactly; `%.0f`, since Lua would write 14 digits only.
/// A time further ahead than debts can explain comes from a clock that was set back, and counts as an empty bucket's.
static DRAW: Script = Script::new(
    "local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local settled, wanted = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local whole = interval * burst
local full_at = tonumber(redis.call('GET', KEYS[1])) or now
if full_at > now + 2 * whole then full_at = now + whole end
full_at = math.max(math.max(full_at, now) + settled * interval, now)
local granted = math.max(math.min(wanted, math.floor((now + whole - full_at) / interval)), 0)
full_at = full_at + granted * interval
if full_at == now then
  redis.call('DEL', KEYS[1])
elseif settled ~= 0 or granted > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
local left = math.max(math.floor((now + whole - full_at) / interval), 0)
return {granted, left, math.max(full_at + interval - now - whole, 0)}",
);

/// A bucket of cells; a request takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket<'a> {
    /// Which limit it belongs to.
    pub policy: &'static str,
    /// Whose it is: no braces.
    pub subject: &'a str,
    /// The time in which one cell comes back, in whole microseconds.
    pub interval: Duration,
    /// How many cells it holds.
    pub burst: u32,
}

/// What to do to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Cells that have been used already, and are taken even where there are none; negative, they are put back.
    pub settled: i32,
    /// Cells that are taken as far as there are any.
    pub wanted: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// How many of the wanted cells there were.
    pub granted: u32,
    /// How many are left.
    pub left: u32,
    /// How long until there is one; zero where there is one left.
    pub wait: Duration,
}

/// The shared limits give no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LimitsUnavailable(#[from] RedisError);

impl Store {
    /// Takes cells out of a shared bucket. One round trip.
    ///
    /// # Errors
    /// Where Redis does not answer in time. Whether anything was taken is unknown then.
    pub async fn draw(&self, bucket: Bucket<'_>, demand: Demand) -> Result<Drawn, LimitsUnavailable> {
        let Bucket { policy, subject, interval, burst } = bucket;
        let cache = self.cache();
        let call = DRAW
            .call()
            .key(format!("{}:limit:{{{policy}:{subject}}}", cache.prefix()))
            .arg(u64::try_from(interval.as_micros()).unwrap_or(u64::MAX))
            .arg(burst)
            .arg(demand.settled)
            .arg(demand.wanted);
        let (granted, left, wait) = cache.redis().script("limits.draw", &call).await?;
        Ok(Drawn { granted, left, wait: Duration::from_micros(wait) })
    }
}
