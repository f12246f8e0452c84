//! Learning from the outbox what was not heard: the one answer to a silent Redis, a gap in the stream, a start and a pause
//! of the process.
//!
//! A [`Horizon`] is taken now and then while the stream is heard. It is of use once everything that was published before it
//! has been heard. All that is missed later then lies behind it: rows whose transactions its snapshot did not show, and rows
//! that it showed unpublished. That holds without any clock, however long transactions take to commit.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Invalidation;
use super::outbox::{self, Horizon, RETENTION, Row};
use super::stream::hashes;
use crate::db::DbError;
use crate::model::position::Position;

/// How often a horizon is taken.
const HORIZON_INTERVAL: Duration = Duration::from_secs(1);

/// What is known of how far this process has caught up.
#[derive(Default)]
pub struct CatchUp(Mutex<State>);

#[derive(Default)]
struct State {
    /// Everything before it is known.
    usable: Option<Taken>,
    /// To become usable when enough was heard.
    candidate: Option<Taken>,
    /// Rows behind the usable one that are known already: a long transaction holds the horizon back, and what lies behind
    /// it would be taken for news again and again.
    known: HashSet<i64>,
}

struct Taken {
    horizon: Horizon,
    at: Instant,
}

impl Invalidation {
    /// Learns all that took place until now. Afterwards the floors can be believed for a lease.
    ///
    /// # Errors
    /// [`DbError`] where the primary cannot be asked.
    pub async fn catch_up(&self) -> Result<(), DbError> {
        let inner = &self.inner;
        let mut state = inner.catch_up.0.lock().await;
        let begun = Instant::now();
        let missed = inner.cache.floors().missed();
        // Behind a horizon that is too old, rows may have been removed already.
        let usable = state.usable.as_ref().filter(|taken| taken.at.elapsed() < RETENTION / 2);
        match usable.map(|taken| taken.horizon.clone()) {
            Some(horizon) => {
                let (rows, horizon) = outbox::behind(&inner.db, &horizon).await?;
                self.learn(&mut state, rows).await?;
                state.usable = Some(Taken { horizon, at: begun });
            }
            None => {
                let horizon = outbox::horizon(&inner.db).await?;
                // A position after the horizon's snapshot: whatever that showed is contained in what is loaded from there on.
                let (epoch, position) = inner.db.raise_floor().await?;
                self.know_epoch(epoch);
                inner.cache.floors().raise_all(Position(position.0));
                tracing::info!(%position, "nothing is known of what was invalidated: all entries are loaded once more");
                state.usable = Some(Taken { horizon: horizon.all_known(), at: begun });
                state.known.clear();
            }
        }
        state.candidate = None;
        inner.cache.floors().make_good(missed);
        self.hear(begun);
        Ok(())
    }

    /// Applies rows that are news.
    async fn learn(&self, state: &mut State, rows: Vec<Row>) -> Result<(), DbError> {
        let news: Vec<&Row> = rows.iter().filter(|row| !state.known.contains(&row.id)).collect();
        if !news.is_empty() {
            let tags = outbox::tags(news.iter().copied());
            let (epoch, position) = self.inner.db.raise_floor().await?;
            self.know_epoch(epoch);
            self.inner.cache.floors().raise(Position(position.0), hashes(&tags));
            let ids = news.iter().map(|row| row.id).collect();
            self.tell(ids, news.iter().filter_map(|row| row.event.clone()).collect());
        }
        state.known = rows.iter().map(|row| row.id).collect();
        Ok(())
    }

    /// What a process does first: learns the floors of what nobody has published. With the floors that Redis kept, that is
    /// all there is to know; without, everything counts as out of date.
    pub(super) async fn begin_catching_up(&self, floors_known: bool) -> Result<(), DbError> {
        if floors_known {
            let horizon = outbox::horizon(&self.inner.db).await?;
            if !outbox::is_overfull(&horizon) {
                let mut state = self.inner.catch_up.0.lock().await;
                state.usable = Some(Taken { horizon, at: Instant::now() });
            }
        }
        self.catch_up().await
    }

    /// Keeps the horizon near, while the stream is heard. `heard` is the moment before which all that was published is known.
    pub(super) async fn move_horizon(&self, heard: Instant) -> Result<(), DbError> {
        let mut state = self.inner.catch_up.0.lock().await;
        if state.candidate.as_ref().is_some_and(|candidate| heard > candidate.at) {
            state.usable = state.candidate.take();
            state.known.clear();
        }
        let due = |taken: &Option<Taken>| taken.as_ref().is_none_or(|taken| taken.at.elapsed() > HORIZON_INTERVAL);
        if state.candidate.is_none() && due(&state.usable) {
            let horizon = outbox::horizon(&self.inner.db).await?;
            if !outbox::is_overfull(&horizon) {
                state.candidate = Some(Taken { horizon, at: Instant::now() });
            }
        }
        Ok(())
    }
}
