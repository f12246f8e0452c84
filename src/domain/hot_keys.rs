//! Keeping warm what is read most, by what was seen and not by a list: hot entries are loaded again before they run out, and
//! after an invalidation before the next reader comes. The ranking that processes write down together is what the next one
//! to start reads ahead.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::reads::{Outcome, Reads};
use crate::model::answer::Source;
use crate::model::hot_keys::KeyReads;
use crate::store::hot_keys::{Heat, Outlook};
use crate::store::{Key, Store, StoreError};
use crate::telemetry::cache as telemetry;

/// What is fresh for less than this, or for less than a quarter of its life, is loaded again.
pub const RENEW_WITHIN: Duration = Duration::from_secs(15);

/// The pause between two looks at the hot entries: one at a thousand takes about as long as ten requests.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How often it is asked which keys are hot.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two loads of one key. What was loaded right after an invalidation can often not be kept, as long
/// as the primary has not flushed that, and what is written all the time is not to be loaded all the time.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The same where there is nothing to be had by a key, or it cannot be had.
const GIVE_UP_FOR: Duration = Duration::from_secs(30);

/// The service that keeps warm what is hot.
pub struct HotKeys {
    store: Store,
    reads: Reads,
    rate: u32,
}

/// What one who keeps has in mind.
struct Rounds {
    hot: Vec<Heat>,
    asked: Option<Instant>,
    /// Keys that are left alone until then.
    resting: HashMap<Key, Instant>,
    /// How many loads may be made now.
    loads: f64,
    counted: Instant,
}

impl HotKeys {
    /// The service over these reads, whose store should be [`Store::renewing`] by [`RENEW_WITHIN`]; it makes at most `rate`
    /// loads a second, one after the other.
    #[must_use]
    pub fn new(store: Store, reads: Reads, rate: u32) -> Self {
        Self { store, reads, rate }
    }

    /// Keeps warm what is hot, until dropped.
    pub async fn keep(&self) -> Infallible {
        let now = Instant::now();
        let mut rounds = Rounds { hot: Vec::new(), asked: None, resting: HashMap::new(), loads: 0.0, counted: now };
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            self.look(&mut rounds).await;
        }
    }

    /// Looks at the hot entries, the hottest first, and loads those that will not last.
    async fn look(&self, rounds: &mut Rounds) {
        let now = Instant::now();
        let rate = f64::from(self.rate);
        // What was saved up in quiet times is spent within a second.
        rounds.loads = (rounds.loads + rate * (now - rounds.counted).as_secs_f64()).min(rate);
        rounds.counted = now;
        let cache = self.store.cache();
        // Without news of what is written only the primary is new enough, and it is not to be asked ahead.
        if !cache.floors().trusted(now) {
            return;
        }
        if rounds.asked.is_none_or(|asked| now - asked >= ASK_INTERVAL) {
            rounds.hot = cache.popularity().hottest();
            rounds.asked = Some(now);
            rounds.resting.retain(|_, until| *until > now);
            telemetry::record_hot_keys(rounds.hot.len());
        }
        for heat in &rounds.hot {
            if rounds.loads < 1.0 {
                return;
            }
            let outlook = cache.outlook(&heat.key, RENEW_WITHIN);
            let rests = |until: &Instant| *until > Instant::now();
            if outlook == Outlook::Lasting || rounds.resting.get(&heat.key).is_some_and(rests) {
                continue;
            }
            let outcome = self.reads.answer(&heat.key).await;
            let (name, rest) = match outcome {
                Outcome::Answered(Source::Origin) => ("loaded", RETRY_AFTER),
                Outcome::Answered(Source::Cache { .. }) => ("shared", RETRY_AFTER),
                Outcome::Nothing => ("nothing", GIVE_UP_FOR),
                Outcome::Failed => ("failed", RETRY_AFTER),
            };
            telemetry::record_refresh(heat.key.family().name(), outlook.name(), name);
            // What another process loaded costs the database nothing.
            rounds.loads -= if name == "shared" { 0.1 } else { 1.0 };
            rounds.resting.insert(heat.key.clone(), Instant::now() + rest);
        }
    }

    /// Adds what this process counted since the last time to the ranking of all. Says of how many keys. Where that fails, the
    /// ranking lacks these reads; nothing worse.
    ///
    /// # Errors
    /// The database's.
    pub async fn rank(&self) -> Result<usize, StoreError> {
        let popularity = self.store.cache().popularity();
        let news = popularity.take_news();
        let public = news.into_iter().filter(|(key, _)| self.reads.is_public(key));
        let reads: Vec<KeyReads> =
            public.map(|(key, reads)| KeyReads { key: key.text().as_ref().to_owned(), reads }).collect();
        if reads.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin("hot_keys.rank").await?;
        tx.rank_keys(&reads, popularity.wanted()).await?;
        tx.commit_bookkeeping().await?;
        Ok(reads.len())
    }

    /// The keys that were hot when processes last wrote them down, the hottest first. They count as read in this process, so
    /// that they stay warm until it has seen for itself. What another release wrote and this one cannot read is left out.
    ///
    /// # Errors
    /// The database's.
    pub async fn remember(&self) -> Result<Vec<Key>, StoreError> {
        let popularity = self.store.cache().popularity();
        if popularity.wanted() == 0 {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for ranked in self.store.ranking(popularity.wanted()).await? {
            if let Some(key) = Key::parse(&ranked.key).filter(|key| self.reads.is_public(key)) {
                popularity.assume(&key, ranked.reads);
                keys.push(key);
            }
        }
        Ok(keys)
    }
}
