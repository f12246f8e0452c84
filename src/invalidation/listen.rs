//! Hearing: tailing the stream, and the watch over whether it is heard.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Invalidation;
use super::message::Message;
use super::stream::{Place, StreamError, Tail, hashes};
use crate::db::DbError;
use crate::model::position::Position;
use crate::telemetry::cache as telemetry;

/// The first and the longest pause between two attempts to hear the stream again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Why the stream is not heard.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("what was missed could not be learnt: {0}")]
    CatchUp(#[from] DbError),
}

impl Invalidation {
    /// Tails the stream until dropped.
    pub async fn listen(&self) -> Infallible {
        let (mut pause, longest) = PAUSES;
        loop {
            let begun = Instant::now();
            let Err(error) = self.tail().await;
            if self.inner.streaming.swap(false, Ordering::Relaxed) {
                self.inner.interruptions.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "the stream is not heard; the outbox is asked instead");
            } else {
                tracing::debug!(%error, "the stream is still not heard");
            }
            if begun.elapsed() > longest {
                pause = PAUSES.0;
            }
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn tail(&self) -> Result<Infallible, Interruption> {
        let inner = &self.inner;
        // A block stays well below a lease. Where an answer is slow, the watch asks the outbox long before patience ends.
        let (block, patience) = (self.fraction(5), self.fraction(2));
        let connecting = tokio::time::timeout(self.fraction(1), inner.stream.connect(inner.cache.redis()));
        let mut tail =
            connecting.await.map_err(|_| StreamError::Redis(crate::cache::RedisError::Timeout(self.fraction(1))))??;
        let mut place = self.join(&mut tail, patience.max(Duration::from_millis(100))).await?;
        inner.streaming.store(true, Ordering::Relaxed);
        tracing::info!("the stream is heard");
        let mut looked = Instant::now();
        // Where there was nothing more to read although there should have been.
        let mut stuck = None;
        loop {
            let asked = Instant::now();
            let (messages, complete) = tail.read(&mut place, block, patience).await?;
            let quiet = messages.is_empty();
            for message in &messages {
                self.take_in(message);
            }
            if complete && !quiet {
                self.hear(asked);
            }
            // Silence is proof only of a stream that is still there, and still the one that writers write to.
            if quiet || looked.elapsed() > block {
                looked = Instant::now();
                let newest = tail.newest(patience).await?.ok_or(StreamError::Gap)?;
                if quiet && newest == place {
                    self.hear(looked);
                } else if newest.is_before(place) || (quiet && stuck == Some(place)) {
                    return Err(StreamError::Gap.into());
                } else if quiet {
                    // It came just now, or it was removed before anybody read it: the next read tells.
                    stuck = Some(place);
                }
            }
        }
    }

    /// Finds a place in the stream from which on nothing is missed, and learns what lies before.
    async fn join(&self, tail: &mut Tail, patience: Duration) -> Result<Place, Interruption> {
        let inner = &self.inner;
        let redis = inner.cache.redis();
        let run_id = tail.run_id(patience).await?;
        let place = match tail.newest(patience).await? {
            Some(place) => place,
            None => {
                // A message that says nothing begins a life of the stream.
                inner.stream.publish(redis, &self.greeting()).await.map_err(StreamError::from)?;
                tail.newest(patience).await?.ok_or(StreamError::Gap)?
            }
        };
        let complete = tail.settled_run_id(patience).await?.as_deref() == Some(run_id.as_str());
        let first = inner.cache.floors().silence(Instant::now()).is_none();
        if first {
            if complete {
                let learnt = tail.learn(patience * 5).await?;
                inner.cache.floors().raise_all(learnt.base);
                for (tag, position) in learnt.floors {
                    inner.cache.floors().raise(position, [tag]);
                }
            }
            self.begin_catching_up(complete).await?;
        } else {
            self.catch_up().await?;
        }
        if !complete {
            // The server lost what it knew, or is another one: whatever it says of the past is covered by this.
            let (_, position) = inner.db.raise_floor().await?;
            inner.stream.settle(redis, Position(position.0), &run_id).await.map_err(StreamError::from)?;
        }
        Ok(place)
    }

    fn greeting(&self) -> Message {
        let stamp = self.inner.db.primary_sample();
        Message {
            epoch: crate::model::position::Epoch(stamp.epoch),
            position: Position::default(),
            tags: Vec::new(),
            ids: Vec::new(),
            events: Vec::new(),
            origin: self.inner.origin,
            sent: self.inner.started.elapsed().as_nanos() as u64,
        }
    }

    fn take_in(&self, message: &Message) {
        let inner = &self.inner;
        inner.messages.fetch_add(1, Ordering::Relaxed);
        let floors = inner.cache.floors();
        floors.raise(message.position, hashes(&message.tags));
        if message.epoch == floors.epoch() {
            inner.db.heard_of(crate::db::Lsn(message.position.0));
        } else if !message.tags.is_empty() {
            // Somebody lives in another history. Which one is right, our own primary has to say.
            floors.miss_one();
        }
        if message.origin == inner.origin {
            let sent = Duration::from_nanos(message.sent);
            telemetry::record_feed_lag(inner.started.elapsed().saturating_sub(sent));
        }
        if !message.events.is_empty() {
            self.tell(message.ids.clone(), message.events.clone());
        }
    }

    /// Watches until dropped whether the stream is heard, asks the outbox where it is not, and keeps the epoch and the
    /// horizon.
    pub async fn watch(&self) -> Infallible {
        let inner = &self.inner;
        let floors = inner.cache.floors();
        loop {
            tokio::time::sleep(self.fraction(10)).await;
            self.know_epoch(inner.db.primary_sample().epoch);
            let silence = floors.silence(Instant::now());
            let heard = silence.filter(|silence| *silence < self.fraction(5) * 2 && !floors.is_missing_one());
            // Before the first word of the stream its tail learns the floors, unless it cannot.
            let starting = silence.is_none() && inner.started.elapsed() < self.fraction(1) * 2;
            let outcome = match heard {
                _ if starting => Ok(()),
                Some(silence) => {
                    let moment = Instant::now().checked_sub(silence);
                    match moment {
                        Some(moment) => self.limited(self.move_horizon(moment)).await,
                        None => Ok(()),
                    }
                }
                None => {
                    inner.catch_ups.fetch_add(1, Ordering::Relaxed);
                    self.limited(self.catch_up()).await
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "the outbox could not be asked");
            }
            let now = Instant::now();
            inner.db.set_hearing(floors.trusted(now));
            telemetry::record_trust(floors.trusted(now), floors.silence(now));
        }
    }

    async fn limited<F: Future<Output = Result<(), DbError>>>(&self, work: F) -> Result<(), DbError> {
        let limit = self.fraction(1);
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            tracing::debug!("the outbox took longer than a lease");
            Ok(())
        })
    }
}
