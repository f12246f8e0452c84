//! Following the outbox: each event once and in the order of transactions, whichever process reads it.
//!
//! A reader's place is a row that is locked while it is moved, in the same transaction that keeps what the events led to: so an
//! event has its effect once, however often a process dies, and one process at a time is at it.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::broadcast::{self, error::RecvError};

use super::sql::projections as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::invalidation::News;
use crate::model::events::DomainEvent;

/// For how long an event that this release cannot read is left to processes of another one.
const FOREIGN: Duration = Duration::from_secs(600);

/// Who follows the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Deliveries to other systems.
    Webhooks,
    /// What leaderboards count.
    Leaderboards,
    /// What readers like.
    Tastes,
}

impl Reader {
    fn name(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::Leaderboards => "leaderboards",
            Self::Tastes => "tastes",
        }
    }
}

/// How far a reader is.
#[derive(Clone, Debug)]
pub struct OutboxPlace {
    /// Everything of transactions before this one was read.
    pub place: String,
    /// The snapshot that it began with, if it began by counting everything: nothing of that is read once more.
    pub seen: Option<String>,
}

/// A row of the outbox whose transaction has ended.
#[derive(Clone, Debug)]
pub struct OutboxEvent {
    /// What it is called by.
    pub id: i64,
    /// The number of the transaction that wrote it.
    pub transaction: String,
    /// What happened; nothing where another release wrote what this one does not know.
    pub event: Option<DomainEvent>,
    /// When, by the primary's clock.
    pub occurred_at: OffsetDateTime,
    /// How long ago that is.
    pub age: Duration,
}

/// What comes next in the outbox.
#[derive(Clone, Debug)]
pub struct OutboxPage {
    /// The rows, in the order of their transactions' numbers.
    pub events: Vec<OutboxEvent>,
    /// The place behind them.
    pub next: String,
    /// Whether more can be read at once.
    pub more: bool,
    /// Whether more can be read as soon as transactions have ended that still run.
    pub more_behind: bool,
}

impl OutboxPage {
    /// The events up to a transaction that wrote one which only another release can read, and the place behind them. After a
    /// while nobody else will.
    #[must_use]
    pub fn readable(&self) -> (&[OutboxEvent], &str) {
        let foreign = self.events.iter().find(|row| row.event.is_none() && row.age < FOREIGN);
        match foreign.map(|row| row.transaction.as_str()) {
            Some(transaction) => {
                // What the same transaction wrote before it would be read once more with it.
                let readable = self.events.split(|row| row.transaction == transaction).next();
                (readable.unwrap_or_default(), transaction)
            }
            None => (&self.events, &self.next),
        }
    }
}

/// Rings when something has happened in the shop.
pub struct Bell(broadcast::Receiver<Arc<News>>);

impl Bell {
    /// Waits until something has happened since the last time.
    pub async fn rung(&mut self) {
        match self.0.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            // The shop is being taken down; what is left is found by whoever polls.
            Err(RecvError::Closed) => std::future::pending().await,
        }
        // One ring stands for all that has happened until now.
        while matches!(self.0.try_recv(), Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_))) {}
    }
}

impl Store {
    /// What rings when something has happened in the shop, here or at another process.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(self.invalidation.subscribe())
    }

    /// Whether anything lies behind the place of a reader. A look costs no transaction number; locking the place does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_events_for(&self, reader: Reader) -> Result<bool, StoreError> {
        self.read("projections.waiting", Consistency::Latest, |mut c| async move {
            sql::is_waiting(&mut c, reader.name()).await
        })
        .await
    }
}

impl WriteTx {
    /// What comes next in the outbox, and the reader's place, locked until the transaction ends; nothing where another process
    /// has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_events(&mut self, reader: Reader) -> Result<Option<OutboxPage>, StoreError> {
        let Some(place) = sql::lock_place(&mut self.transaction, reader.name()).await? else { return Ok(None) };
        Ok(Some(sql::page_from(&mut self.transaction, &place).await?))
    }

    /// Locks the place of a reader until the transaction ends, as [`WriteTx::next_events`] does, and reads nothing; says
    /// whether it could be had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_place(&mut self, reader: Reader) -> Result<bool, StoreError> {
        Ok(sql::lock_place(&mut self.transaction, reader.name()).await?.is_some())
    }

    /// Moves the place of a reader: what lies before it has had its effect.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_place(&mut self, reader: Reader, place: &str) -> Result<(), StoreError> {
        Ok(sql::move_place(&mut self.transaction, reader.name(), place).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, known: bool, age: Duration) -> OutboxEvent {
        let event = known.then_some(DomainEvent::CatalogueSeeded { books: 1 });
        OutboxEvent { id, transaction: (100 + id).to_string(), event, occurred_at: OffsetDateTime::UNIX_EPOCH, age }
    }

    #[test]
    fn what_another_release_wrote_is_left_to_it_for_a_while() {
        let page = |events| OutboxPage { events, next: "999".to_owned(), more: true, more_behind: false };
        let young = page(vec![row(1, true, Duration::ZERO), row(2, false, Duration::ZERO), row(3, true, FOREIGN)]);
        let (events, next) = young.readable();
        assert_eq!((events.len(), next), (1, "102"));
        let old = page(vec![row(1, true, Duration::ZERO), row(2, false, FOREIGN)]);
        let (events, next) = old.readable();
        assert_eq!((events.len(), next), (2, "999"));
        let beside = |id, known| OutboxEvent { transaction: "200".to_owned(), ..row(id, known, Duration::ZERO) };
        let divided = page(vec![row(1, true, Duration::ZERO), beside(2, true), beside(3, false)]);
        let (events, next) = divided.readable();
        assert_eq!((events.len(), next), (1, "200"), "a transaction is read as a whole");
    }
}
