//! Views that are merged in Redis: there the counts of all processes add up before they are written to the database.
//!
//! A hash is open: counts are added to it, by fields of a book and a day. It is given the number of a batch when the first
//! count comes. To be written, it is closed under another name; a batch that a killed process left closed is found by the
//! next. The database knows the numbers of the batches that it has counted, so that one is written by many, or comes back
//! from the past with a Redis that was restored, without being counted twice.
//!
//! A process sends one batch after the other, by ascending numbers, and Redis remembers its last one. All names are of one
//! slot, so that a script sees all of it at once.

use time::Date;

use super::Store;
use crate::cache::redis::{RedisError, Script};
use crate::model::ids::{ProductId, ViewBatchId};
use crate::model::views::{MergeOutcome, MergedBatch, ViewBatch, ViewCount};

/// For how long the last number of a process is remembered, in seconds.
const SENDER_LIFETIME: u64 = 86_400;

/// For how long counts wait in Redis for a database that is away, in seconds: shorter than the database knows batches that
/// it has counted.
const BATCH_LIFETIME: u64 = 6 * 86_400;

/// The most books and days of the open hash: some 2 MB, and one statement.
const MOST_MERGED: usize = 20_000;

/// For how long one process at a time may be the one that writes, in milliseconds: longer than a write may take.
const TURN: u64 = 15_000;

/// The number of the batch stands in the hash itself, and so is lost and found together with the counts.
///
/// The sender's last number is noted before anything is added: should a command fail in between, counts are lost and none is
/// there twice. A batch that may have come before (`ARGV[2]`) is added only where it is certain that it did not: with the
/// number before it, and no other one, as the last.
static MERGE: Script = Script::new(
    "local last = tonumber(redis.call('GET', KEYS[1]) or '-1')
local mine = tonumber(ARGV[1])
if last == mine then return 'added' end
local lost = ARGV[2] == '1' and last ~= mine - 1
if not lost and #ARGV > 6 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then return 'full' end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
if lost then return 'lost' end
if #ARGV > 6 and redis.call('HSETNX', KEYS[2], 'id', ARGV[3]) == 1 then redis.call('EXPIRE', KEYS[2], ARGV[5]) end
for i = 7, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 'added'",
);

/// Finds the closed hash, or closes the open one. Gives `busy` while another process is at it.
static CLOSE: Script = Script::new(
    "local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then return {'busy', ''} end
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  redis.call('RENAME', KEYS[1], KEYS[2])
end
redis.call('HSETNX', KEYS[2], 'id', ARGV[3])
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
return redis.call('HGETALL', KEYS[2])",
);

static FORGET: Script = Script::new(
    "if redis.call('HGET', KEYS[1], 'id') == ARGV[2] then redis.call('UNLINK', KEYS[1]) end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1",
);

static PEEK: Script = Script::new(
    "local found = {}
for _, key in ipairs(KEYS) do
  local id = redis.call('HGET', key, 'id')
  if id then
    for _, field in ipairs(ARGV) do
      local views = redis.call('HGET', key, field)
      if views then table.insert(found, id); table.insert(found, field); table.insert(found, views) end
    end
  end
end
return found",
);

/// Redis gave no answer about views.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MergeError(#[from] RedisError);

impl MergeError {
    /// Whether it is certain that Redis was asked nothing.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(self.0, RedisError::Open | RedisError::Connection(_) | RedisError::Address(_))
    }
}

impl Store {
    /// Adds counts to those of all processes, once however often it is tried. `sender` is a number that no other process
    /// draws. Its batches come one after the other and are numbered without gaps, where those that were given up before they
    /// were sent do not count; the first is number 1, after an empty one of number 0 by which Redis gets to know the sender.
    /// `doubtful` is one that may have come before.
    ///
    /// # Errors
    /// Where Redis does not answer in time.
    pub async fn merge_views(
        &self,
        sender: u64,
        number: u64,
        doubtful: bool,
        counts: &[ViewCount],
    ) -> Result<MergeOutcome, MergeError> {
        let mut call = MERGE
            .call()
            .key(self.views_key(&format!("sender:{sender}")))
            .key(self.views_key("open"))
            .arg(number)
            .arg(u8::from(doubtful))
            .arg(ViewBatchId::generate().to_string())
            .arg(SENDER_LIFETIME)
            .arg(BATCH_LIFETIME)
            .arg(MOST_MERGED);
        for count in counts {
            call = call.arg(field(count.product, count.day)).arg(count.views);
        }
        let answer: String = self.cache().redis().script("views.merge", &call).await?;
        Ok(match answer.as_str() {
            "full" => MergeOutcome::Full,
            "lost" => MergeOutcome::Lost,
            _ => MergeOutcome::Added,
        })
    }

    /// The batch that is to be written next. The process that is given it has a while to write it, before another one is.
    ///
    /// # Errors
    /// Where Redis does not answer in time.
    pub async fn close_merged_views(&self, sender: u64) -> Result<MergedBatch, MergeError> {
        let call = CLOSE
            .call()
            .key(self.views_key("open"))
            .key(self.views_key("closed"))
            .key(self.views_key("turn"))
            .arg(sender)
            .arg(TURN)
            .arg(ViewBatchId::generate().to_string());
        let fields: Vec<(String, String)> = self.cache().redis().script("views.close", &call).await?;
        let (mut id, mut counts) = (None, Vec::with_capacity(fields.len()));
        for (name, value) in &fields {
            match name.as_str() {
                "busy" => return Ok(MergedBatch::Busy),
                "id" => id = value.parse().ok(),
                field => counts.extend(read_field(field, value)),
            }
        }
        Ok(id.map_or(MergedBatch::Empty, |id| MergedBatch::Closed(ViewBatch { id, counts })))
    }

    /// Forgets a batch that was written, and ends the turn.
    ///
    /// # Errors
    /// Where Redis does not answer in time: then somebody finds it once more, and the database knows it.
    pub async fn forget_merged_views(&self, sender: u64, batch: ViewBatchId) -> Result<(), MergeError> {
        let call =
            FORGET.call().key(self.views_key("closed")).key(self.views_key("turn")).arg(sender).arg(batch.to_string());
        self.cache().redis().script::<i64>("views.forget", &call).await?;
        Ok(())
    }

    /// What is merged of one book on these days and not forgotten, with the batch in which it is.
    ///
    /// # Errors
    /// Where Redis does not answer in time.
    pub async fn merged_views(
        &self,
        book: ProductId,
        days: impl IntoIterator<Item = Date>,
    ) -> Result<Vec<(ViewBatchId, ViewCount)>, MergeError> {
        let mut call = PEEK.call().key(self.views_key("open")).key(self.views_key("closed"));
        for day in days {
            call = call.arg(field(book, day));
        }
        let found: Vec<String> = self.cache().redis().script("views.peek", &call).await?;
        let read = |found: &[String]| match found {
            [id, field, views] => Some((id.parse().ok()?, read_field(field, views)?)),
            _ => None,
        };
        Ok(found.chunks(3).filter_map(read).collect())
    }

    fn views_key(&self, name: &str) -> String {
        let prefix = self.cache().prefix();
        format!("{prefix}:views:{{{prefix}}}:{name}")
    }
}

fn field(book: ProductId, day: Date) -> String {
    format!("{book}:{}", day.to_julian_day())
}

fn read_field(field: &str, views: &str) -> Option<ViewCount> {
    let (book, day) = field.split_once(':')?;
    let day = Date::from_julian_day(day.parse().ok()?).ok()?;
    Some(ViewCount { product: book.parse().ok()?, day, views: views.parse().ok()? })
}
