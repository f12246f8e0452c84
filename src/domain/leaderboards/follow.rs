//! How leaderboards follow what happens in the shop.
//!
//! One process at a time holds the place in the outbox. In one transaction it reads what is new, adds it to the scores, and
//! moves the place: so each event counts once, however often a process dies. Before it commits it tells Redis the scores as
//! they are then, on top of those of the transaction before; should it not commit, or Redis not have those, Redis shows the
//! number of a transaction that is not the last one, which every process looks for, and the boards are made anew.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::tally::Tally;
use super::{Leaderboards, open};
use crate::model::events::DomainEvent;
use crate::model::leaderboard::{Board, Score, Window};
use crate::store::leaderboards::shared::{SharedError, kept_since};
use crate::store::projections::{Bell, Reader};
use crate::store::{StoreError, WriteTx};
use crate::telemetry::leaderboards as telemetry;

/// How a look at the outbox went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Followed {
    /// Whether more can be read at once.
    more: bool,
    /// Whether more can be read soon.
    more_behind: bool,
}

impl Leaderboards {
    /// Follows what happens, until `ending`. What has been begun then is brought to its end, so that Redis is left with what
    /// the database has.
    pub async fn run(&self, ending: impl Future<Output = ()>) {
        let mut ending = pin!(ending);
        let mut bell = self.store.bell();
        let mut last = Followed::default();
        let mut compared = Instant::now();
        loop {
            let doubted = tokio::select! {
                biased;
                () = &mut ending => return,
                doubted = self.pause(last, compared, &mut bell) => doubted,
            };
            last = self.follow().await.unwrap_or_else(|error| {
                tracing::info!(%error, "leaderboards wait to be moved");
                Followed::default()
            });
            if doubted || compared.elapsed() >= self.settings.check_interval {
                compared = Instant::now();
                if let Err(error) = self.compare().await {
                    tracing::info!(%error, "leaderboards wait to be compared with those in Redis");
                }
            }
        }
    }

    /// Waits until there is something to do; says whether somebody has found Redis wanting.
    async fn pause(&self, last: Followed, compared: Instant, bell: &mut Bell) -> bool {
        if last.more {
            tokio::task::yield_now().await;
            return false;
        }
        if last.more_behind {
            tokio::time::sleep(self.settings.interval).await;
            return false;
        }
        let due = self.settings.check_interval.saturating_sub(compared.elapsed());
        let doubted = tokio::select! {
            () = tokio::time::sleep(due) => return false,
            () = bell.rung() => false,
            () = self.doubted.notified() => true,
        };
        // What happens meanwhile goes with it.
        tokio::time::sleep(self.settings.interval).await;
        doubted
    }

    /// Reads what is new, if no other process is at it.
    async fn follow(&self) -> Result<Followed, StoreError> {
        // A look costs no transaction number; locking the place does.
        let counted = self.counted.load(Ordering::Relaxed);
        if counted && !self.store.has_events_for(Reader::Leaderboards).await? {
            return Ok(Followed::default());
        }
        let mut tx = self.store.begin("leaderboards.follow").await?;
        let Some(page) = tx.next_events(Reader::Leaderboards).await? else {
            tx.rollback().await?;
            return Ok(Followed::default());
        };
        let (events, next) = page.readable();
        let stuck = next != page.next;
        let followed = Followed { more: page.more && !stuck, more_behind: page.more_behind || stuck };
        let mut tally = Tally::default();
        events.iter().filter_map(|row| row.event.as_ref()).for_each(|event| tally.take(event));
        let Some(version) = tx.leaderboards_version().await?.filter(|_| !tally.from_scratch) else {
            self.recount(tx).await?;
            return Ok(Followed { more: true, ..followed });
        };
        self.counted.store(true, Ordering::Relaxed);
        let orders = tally.orders();
        let sold = if orders.is_empty() { Vec::new() } else { tx.copies_in(&orders).await? };
        for (book, paid_at, copies) in sold {
            tally.take_copies(book, paid_at, copies);
        }
        let changes = tally.changes();
        let mut scores = if changes.is_empty() { Vec::new() } else { tx.add_to_scores(&changes).await? };
        if !tally.gone.is_empty() {
            scores.extend(tx.leave_leaderboards(&tally.gone).await?);
        }
        tx.move_place(Reader::Leaderboards, next).await?;
        if scores.is_empty() {
            tx.commit_bookkeeping().await?;
            return Ok(followed);
        }
        self.publish(tx, version, &scores).await?;
        if let Some(oldest) = events.first() {
            telemetry::record_moved(scores.len(), oldest.age);
        }
        Ok(followed)
    }

    /// Commits scores that moved, and lets Redis have them before.
    async fn publish(&self, mut tx: WriteTx, version: u64, scores: &[Score]) -> Result<(), StoreError> {
        let boards: BTreeSet<Board> = scores.iter().map(|score| score.board).collect();
        if let Some(next) = tx.advance_leaderboards().await? {
            match self.store.share_scores(version, next, scores, self.clock.now()).await {
                Ok(()) => {}
                Err(SharedError::Redis(error)) => tracing::debug!(%error, "Redis is not told of scores"),
                Err(_) => self.doubted.notify_one(),
            }
        }
        tx.commit(DomainEvent::LeaderboardsMoved { boards: boards.into_iter().collect() }).await
    }

    /// Counts everything from scratch.
    async fn recount(&self, mut tx: WriteTx) -> Result<(), StoreError> {
        let begun = Instant::now();
        tx.recount_leaderboards().await?;
        if let Some(version) = tx.advance_leaderboards().await?
            && let Err(error) = self.remake(&mut tx, version, "recount").await?
        {
            tracing::debug!(%error, "Redis is not given the boards");
        }
        tx.commit(DomainEvent::LeaderboardsMoved { boards: Board::ALL.to_vec() }).await?;
        tracing::info!(took = ?begun.elapsed(), "leaderboards were counted from scratch");
        Ok(())
    }

    /// Looks whether Redis has what the database has, and makes the boards anew where it has not.
    ///
    /// # Errors
    /// The database's.
    pub async fn compare(&self) -> Result<(), StoreError> {
        let Some(version) = self.store.latest_leaderboards_version().await? else { return Ok(()) };
        if self.is_shared(version).await != Some(false) {
            return Ok(());
        }
        let mut tx = self.store.begin("leaderboards.remake").await?;
        // Whoever has the place is about to tell Redis something, or to make the boards anew.
        if tx.hold_place(Reader::Leaderboards).await?
            && let Some(version) = tx.leaderboards_version().await?
            && self.is_shared(version).await == Some(false)
        {
            match self.remake(&mut tx, version, "lost").await? {
                Ok(()) => tracing::info!("leaderboards were made anew in Redis, which did not have them"),
                Err(error) => tracing::info!(%error, "leaderboards could not be made anew in Redis"),
            }
        }
        tx.rollback().await
    }

    /// Whether Redis shows the scores of this transaction, and all of them; nothing where it does not answer.
    async fn is_shared(&self, version: u64) -> Option<bool> {
        let shared = match self.store.shared_version(&open(self.clock.now())).await {
            Ok(shared) => Some(shared == version),
            Err(SharedError::Redis(error)) => {
                tracing::debug!(%error, "Redis is not asked for leaderboards");
                None
            }
            Err(_) => Some(false),
        };
        telemetry::set_shared(shared == Some(true));
        shared
    }

    /// Makes all boards anew in Redis, by the scores that the transaction sees.
    async fn remake(
        &self,
        tx: &mut WriteTx,
        version: u64,
        reason: &'static str,
    ) -> Result<Result<(), SharedError>, StoreError> {
        let now = self.clock.now();
        let mut boards: BTreeSet<(Board, Window)> = open(now).into_iter().collect();
        boards.extend(tx.open_windows(kept_since(now)).await?);
        let mut remake = self.store.remake_leaderboards();
        for (board, window) in boards {
            let members = tx.everybody_on(board, window).await?;
            if let Err(error) = remake.fill(board, window, &members).await {
                return Ok(Err(error));
            }
        }
        telemetry::record_remake(reason);
        Ok(remake.finish(version, now).await)
    }
}
