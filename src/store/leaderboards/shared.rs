//! Leaderboards in Redis: a sorted set for each board and window that is not over, of negated scores, so that the smallest come
//! first and equal ones in the order of their ids.
//!
//! A hash beside them keeps the number of the transaction of Postgres whose scores they show, and how many members each set
//! has. Whoever reads is told the number, and whether the set that was read is whole; whoever writes does so only on top of
//! the scores that the change was computed from. So sets that are older, or of which Redis lost one, are never taken for
//! what they are not, and nobody who comes late spoils them.
//!
//! All names have one hash tag, so that a script may touch all of them in a cluster.

use std::time::Duration;

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::super::Store;
use crate::cache::redis::{RedisError, Script, ScriptCall, pipe};
use crate::model::leaderboard::{Board, Placing, Ranked, Score, Stand, Stretch, Window};

/// How many members are sent in one go.
const CHUNK: usize = 1_000;

/// How many changes are sent in one go. Where there are more, the boards are made anew.
const MOST_CHANGES: usize = 20_000;

/// For how long a set outlives its window: clocks of processes may differ, and one may be about to read or write it.
const GRACE: time::Duration = time::Duration::days(1);

/// For how long a set that is being made is kept, should its maker die.
const MAKING: Duration = Duration::from_secs(600);

/// Why Redis does not tell what stands on the boards.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// It does not answer.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// It has lost the boards or one of them, or never had them.
    #[error("Redis does not have all of the boards")]
    Incomplete,
    /// Its scores are of another moment than the change was computed from.
    #[error("Redis has other scores")]
    Moved,
    /// It answered what no release has written.
    #[error("Redis has something else under the name of a board")]
    Unreadable,
}

/// What was read, and the number of the transaction whose scores it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared<T> {
    /// What was read.
    pub value: T,
    /// The number.
    pub version: u64,
}

/// Begins every script that reads. `field` names a set in the hash, `ends` is the day on which its window ends.
macro_rules! reading {
    ($rest:literal) => {
        Script::new(concat!(
            "local version = redis.call('HGET', KEYS[1], 'version')
if not version then return {} end
local since = tonumber(redis.call('HGET', KEYS[1], 'since'))
local function whole(set, field, ends)
  local size = redis.call('ZCARD', set)
  if tonumber(ends) <= since or size ~= tonumber(redis.call('HGET', KEYS[1], field) or 0) then return nil end
  return size
end
",
            $rest
        ))
    };
}

/// Whether all sets are whole.
static CHECK: Script = reading!(
    "for i = 2, #KEYS do
  if not whole(KEYS[i], ARGV[2 * i - 3], ARGV[2 * i - 2]) then return {} end
end
return {version}"
);

/// The first one behind a stand is found by bisecting those of the same score: their members are in order. The ids are of
/// small letters and digits, which every locale sorts like bytes.
static PAGE: Script = reading!(
    "local set = KEYS[2]
local size = whole(set, ARGV[1], ARGV[2])
if not size then return {} end
local low = 0
if ARGV[3] ~= '' then
  low = redis.call('ZCOUNT', set, '-inf', '(' .. ARGV[3])
  local high = low + redis.call('ZCOUNT', set, ARGV[3], ARGV[3])
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZRANGE', set, middle, middle)[1] <= ARGV[4] then low = middle + 1 else high = middle end
  end
end
local found = redis.call('ZRANGE', set, low, low + ARGV[5] - 1, 'WITHSCORES')
table.insert(found, 1, version)
table.insert(found, 2, tostring(size))
table.insert(found, 3, tostring(low + 1))
return found"
);

static AROUND: Script = reading!(
    "local set = KEYS[2]
local size = whole(set, ARGV[1], ARGV[2])
if not size then return {} end
local rank = redis.call('ZRANK', set, ARGV[3])
if not rank then return {version, tostring(size), '1'} end
local low = math.max(rank - ARGV[4], 0)
local found = redis.call('ZRANGE', set, low, rank + ARGV[4], 'WITHSCORES')
table.insert(found, 1, version)
table.insert(found, 2, tostring(size))
table.insert(found, 3, tostring(low + 1))
return found"
);

static PLACINGS: Script = reading!(
    "local found = {version}
for i = 2, #KEYS do
  local size = whole(KEYS[i], ARGV[2 * i - 2], ARGV[2 * i - 1])
  if not size then return {} end
  local rank = redis.call('ZRANK', KEYS[i], ARGV[1])
  table.insert(found, tostring(size))
  table.insert(found, rank and tostring(rank + 1) or '')
  table.insert(found, rank and redis.call('ZSCORE', KEYS[i], ARGV[1]) or '')
end
return found"
);

/// Takes changes over, if Redis shows the scores from which they were computed and the sets that they concern are whole.
static CHANGE: Script = Script::new(
    "local state = KEYS[1]
if redis.call('HGET', state, 'version') ~= ARGV[1] then return 0 end
local at = 4
for i = 2, #KEYS do
  if redis.call('ZCARD', KEYS[i]) ~= tonumber(redis.call('HGET', state, ARGV[at]) or 0) then return 0 end
  at = at + 3 + 2 * ARGV[at + 2]
end
at = 4
for i = 2, #KEYS do
  local field, life, changes = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  at = at + 3
  for _ = 1, changes do
    if ARGV[at] == '' then
      redis.call('ZREM', KEYS[i], ARGV[at + 1])
    else
      redis.call('ZADD', KEYS[i], ARGV[at], ARGV[at + 1])
    end
    at = at + 2
  end
  local size = redis.call('ZCARD', KEYS[i])
  if size == 0 then
    redis.call('HDEL', state, field)
  else
    redis.call('HSET', state, field, size)
    if life ~= '' then redis.call('EXPIRE', KEYS[i], life) end
  end
end
if tonumber(ARGV[3]) > tonumber(redis.call('HGET', state, 'since')) then
  redis.call('HSET', state, 'since', ARGV[3])
  for _, field in ipairs(redis.call('HKEYS', state)) do
    local ends = string.match(field, '^(%d+):')
    if ends and tonumber(ends) <= tonumber(ARGV[3]) then redis.call('HDEL', state, field) end
  end
end
redis.call('HSET', state, 'version', ARGV[2])
return 1",
);

/// Puts sets that were made anew in the place of what was there, all at once, if none of them was lost meanwhile.
static REPLACE: Script = Script::new(
    "local state, at = KEYS[1], 3
for i = 2, #KEYS, 2 do
  if redis.call('ZCARD', KEYS[i]) ~= tonumber(ARGV[at + 1]) then return 0 end
  at = at + 3
end
redis.call('DEL', state)
at = 3
for i = 2, #KEYS, 2 do
  if ARGV[at + 1] == '0' then
    redis.call('DEL', KEYS[i + 1])
  else
    redis.call('RENAME', KEYS[i], KEYS[i + 1])
    if ARGV[at + 2] == '' then
      redis.call('PERSIST', KEYS[i + 1])
    else
      redis.call('EXPIRE', KEYS[i + 1], ARGV[at + 2])
    end
    redis.call('HSET', state, ARGV[at], ARGV[at + 1])
  end
  at = at + 3
end
redis.call('HSET', state, 'version', ARGV[1], 'since', ARGV[2])
return 1",
);

/// The last day whose windows are no longer kept.
#[must_use]
pub fn kept_since(now: OffsetDateTime) -> Date {
    now.saturating_sub(GRACE).date()
}

/// The day on which a window ends, as a number.
fn ends(window: Window) -> i32 {
    window.ends_before().map_or(i32::MAX, Date::to_julian_day)
}

/// What a set is called in the hash.
fn field(board: Board, window: Window) -> String {
    format!("{}:{board}:{}:{}", ends(window), window.period, window.starts_on)
}

/// For how many seconds a set is kept; empty where it has no end. By the shop's clock, which need not be that of Redis.
fn life(window: Window, now: OffsetDateTime) -> String {
    window
        .until()
        .map(|until: OffsetDateTime| (until - now).saturating_add(2 * GRACE).whole_seconds().max(1).to_string())
        .unwrap_or_default()
}

fn float(text: &str) -> Result<f64, SharedError> {
    text.parse().map_err(|_| SharedError::Unreadable)
}

fn whole<T: std::str::FromStr>(text: Option<&String>) -> Result<T, SharedError> {
    text.and_then(|text| text.parse().ok()).ok_or(SharedError::Unreadable)
}

fn member(text: &str) -> Result<Uuid, SharedError> {
    Uuid::try_parse(text).map_err(|_| SharedError::Unreadable)
}

/// Reads `[version, size, rank of the first, member, key, member, key …]`.
fn stretch(found: &[String]) -> Result<Shared<Stretch>, SharedError> {
    let version = found.first().ok_or(SharedError::Incomplete)?;
    let (total, first): (i64, i64) = (whole(found.get(1))?, whole(found.get(2))?);
    let places = found.get(3..).unwrap_or_default().chunks_exact(2).zip(first..).map(|(pair, rank)| match pair {
        [id, key] => Ok(Ranked { rank, stand: Stand { key: float(key)?, member: member(id)? } }),
        _ => Err(SharedError::Unreadable),
    });
    let value = Stretch { places: places.collect::<Result<_, _>>()?, total };
    Ok(Shared { value, version: whole(Some(version))? })
}

impl Store {
    fn state_name(&self) -> String {
        format!("{}:{{leaderboards}}:state", self.cache().prefix())
    }

    fn set_name(&self, board: Board, window: Window) -> String {
        format!("{}:{{leaderboards}}:{board}:{}:{}", self.cache().prefix(), window.period, window.starts_on)
    }

    async fn ask(&self, what: &'static str, call: &ScriptCall) -> Result<Vec<String>, SharedError> {
        let found: Vec<String> = self.cache().redis().script(what, call).await.map_err(|error| match error {
            // Not the server is at fault, but what it has under these names.
            RedisError::Command(_) if !error.is_failure() => SharedError::Unreadable,
            error => error.into(),
        })?;
        if found.is_empty() { Err(SharedError::Incomplete) } else { Ok(found) }
    }

    /// The number of the transaction whose scores Redis shows, if it has all sets of these boards.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn shared_version(&self, boards: &[(Board, Window)]) -> Result<u64, SharedError> {
        let call = boards.iter().fold(CHECK.call().key(self.state_name()), |call, (board, window)| {
            call.key(self.set_name(*board, *window)).arg(field(*board, *window)).arg(ends(*window))
        });
        whole(self.ask("leaderboards.check", &call).await?.first())
    }

    /// A page of a board, from behind `after` on.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn shared_leaderboard(
        &self,
        board: Board,
        window: Window,
        after: Option<Stand>,
        limit: i64,
    ) -> Result<Shared<Stretch>, SharedError> {
        let (key, member) =
            after.map(|after| (after.key.to_string(), after.member.simple().to_string())).unwrap_or_default();
        let call = PAGE.call().key(self.state_name()).key(self.set_name(board, window));
        let call = call.arg(field(board, window)).arg(ends(window)).arg(key).arg(member).arg(limit);
        stretch(&self.ask("leaderboards.page", &call).await?)
    }

    /// A member's place, with at most so many on either side; no places where it has none.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn shared_around(
        &self,
        board: Board,
        window: Window,
        member: Uuid,
        neighbours: i64,
    ) -> Result<Shared<Stretch>, SharedError> {
        let call = AROUND.call().key(self.state_name()).key(self.set_name(board, window));
        let call = call.arg(field(board, window)).arg(ends(window)).arg(member.simple().to_string()).arg(neighbours);
        stretch(&self.ask("leaderboards.around", &call).await?)
    }

    /// Where a member stands on these boards, in their order.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn shared_placings(
        &self,
        member: Uuid,
        boards: &[(Board, Window)],
    ) -> Result<Shared<Vec<Placing>>, SharedError> {
        let call = PLACINGS.call().key(self.state_name()).arg(member.simple().to_string());
        let call = boards.iter().fold(call, |call, (board, window)| {
            call.key(self.set_name(*board, *window)).arg(field(*board, *window)).arg(ends(*window))
        });
        let found = self.ask("leaderboards.placings", &call).await?;
        let placings = found.get(1..).unwrap_or_default().chunks_exact(3).map(|found| match found {
            [total, rank, _] if rank.is_empty() => Ok(Placing { place: None, total: whole(Some(total))? }),
            [total, rank, key] => {
                let place = Ranked { rank: whole(Some(rank))?, stand: Stand { key: float(key)?, member } };
                Ok(Placing { place: Some(place), total: whole(Some(total))? })
            }
            _ => Err(SharedError::Unreadable),
        });
        Ok(Shared { value: placings.collect::<Result<_, _>>()?, version: whole(found.first())? })
    }

    /// Takes scores over that moved by the transaction `to`, on top of those of `from`. Windows that are over are left out.
    ///
    /// # Errors
    /// [`SharedError::Moved`] where Redis shows other scores than those of `from` or has lost some of them, or there are too
    /// many changes. After [`SharedError::Redis`] they may be taken over or not.
    pub async fn share_scores(
        &self,
        from: u64,
        to: u64,
        scores: &[Score],
        now: OffsetDateTime,
    ) -> Result<(), SharedError> {
        let since = kept_since(now).to_julian_day();
        let mut kept: Vec<&Score> = scores.iter().filter(|score| ends(score.window) > since).collect();
        if kept.len() > MOST_CHANGES {
            return Err(SharedError::Moved);
        }
        kept.sort_by_key(|score| (score.board, score.window));
        let mut call = CHANGE.call().key(self.state_name()).arg(from).arg(to).arg(since);
        for of_set in kept.chunk_by(|one, other| (one.board, one.window) == (other.board, other.window)) {
            let [Score { board, window, .. }, ..] = of_set else { continue };
            call = call.key(self.set_name(*board, *window)).arg(field(*board, *window)).arg(life(*window, now));
            call = call.arg(of_set.len());
            for score in of_set {
                let key = score.key.map(|key| key.to_string()).unwrap_or_default();
                call = call.arg(key).arg(score.member.simple().to_string());
            }
        }
        let taken: i64 = self.cache().redis().script("leaderboards.change", &call).await?;
        if taken == 1 { Ok(()) } else { Err(SharedError::Moved) }
    }

    /// Begins to make all sets anew.
    #[must_use]
    pub fn remake_leaderboards(&self) -> Remake<'_> {
        Remake { store: self, number: rand::random_range(0..u64::MAX), made: Vec::new() }
    }
}

/// Sets that are being made anew, under names of their own until they are whole.
pub struct Remake<'a> {
    store: &'a Store,
    number: u64,
    made: Vec<(Board, Window, usize)>,
}

impl Remake<'_> {
    fn name(&self, board: Board, window: Window) -> String {
        format!("{}:made:{}", self.store.set_name(board, window), self.number)
    }

    /// Makes the set of a board.
    ///
    /// # Errors
    /// [`SharedError::Redis`].
    pub async fn fill(&mut self, board: Board, window: Window, members: &[Stand]) -> Result<(), SharedError> {
        let name = self.name(board, window);
        for some in members.chunks(CHUNK) {
            let mut pipeline = pipe();
            let command = pipeline.cmd("ZADD").arg(&name);
            for stand in some {
                command.arg(stand.key.to_string()).arg(stand.member.simple().to_string());
            }
            command.ignore();
            pipeline.cmd("EXPIRE").arg(&name).arg(MAKING.as_secs()).ignore();
            self.store.cache().redis().pipeline::<()>("leaderboards.fill", &pipeline).await?;
        }
        self.made.push((board, window, members.len()));
        Ok(())
    }

    /// Puts what was made in the place of all that was there, as the scores of the transaction `version`.
    ///
    /// # Errors
    /// [`SharedError::Moved`] where Redis has lost some of it meanwhile.
    pub async fn finish(self, version: u64, now: OffsetDateTime) -> Result<(), SharedError> {
        let call = REPLACE.call().key(self.store.state_name()).arg(version).arg(kept_since(now).to_julian_day());
        let call = self.made.iter().fold(call, |call, (board, window, size)| {
            let call = call.key(self.name(*board, *window)).key(self.store.set_name(*board, *window));
            call.arg(field(*board, *window)).arg(*size).arg(life(*window, now))
        });
        let taken: i64 = self.store.cache().redis().script("leaderboards.replace", &call).await?;
        if taken == 1 { Ok(()) } else { Err(SharedError::Moved) }
    }
}
