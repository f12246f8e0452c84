//! The one kind of transaction that can write.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};

use super::error::{DbError, UnavailableReason, Verdict, judge};
use super::position::Lsn;
use super::{Consistency, Db};
use crate::telemetry::database as telemetry;

/// What a transaction leaves behind about itself. There is no commit without one.
pub trait Journal: Sync {
    /// What it is called by later.
    type Record: Send;

    /// Writes the record inside the transaction.
    fn append(&self, connection: &mut PgConnection) -> impl Future<Output = sqlx::Result<Self::Record>> + Send;
}

/// An open transaction that can write. Dropped without [`WriteTransaction::commit`], it never happened.
pub struct WriteTransaction {
    transaction: Transaction<'static, Postgres>,
    db: Db,
    name: &'static str,
    started: Instant,
}

impl Deref for WriteTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

/// A transaction that took place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed<R> {
    /// What its journal is called by.
    pub record: R,
    /// A position that no reader can have claimed who did not see it, and its epoch; nothing where the primary went away
    /// before it could be learnt.
    pub floor: Option<(u64, Lsn)>,
}

/// The floor that was written last, and for whom.
#[derive(Default)]
pub(super) struct SharedFloor {
    /// How many have asked for one.
    tickets: AtomicU64,
    /// The last of them that it is for, its epoch and position.
    last: tokio::sync::Mutex<Option<(u64, (u64, Lsn))>>,
}

/// How often a transaction that collided with others is run in all.
const ATTEMPTS: u32 = 5;

impl Db {
    /// Begins a transaction at the primary. `name` names it in traces and metrics.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] while the primary is down or its pool is exhausted.
    #[expect(clippy::disallowed_methods, reason = "the one place that begins a transaction")]
    pub async fn begin(&self, name: &'static str) -> Result<WriteTransaction, DbError> {
        let node = &self.inner.primary;
        let gone = || DbError::unavailable(UnavailableReason::Primary);
        let mut tries = 0;
        loop {
            if !node.is_up() {
                return Err(gone());
            }
            let started = Instant::now();
            let begun = tokio::select! {
                biased;
                begun = node.writers().begin() => begun,
                () = node.went_down() => return Err(gone()),
            };
            tries += 1;
            match begun {
                Ok(transaction) => return Ok(WriteTransaction { transaction, db: self.clone(), name, started }),
                // Nothing was written yet: a connection that died in the pool costs a second try, no more.
                Err(error) if judge(&error) == Verdict::NodeDown && tries < 2 => node.suspect(&error),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs `work`, a whole transaction from begin to commit, again when it collided with another one, at most five
    /// times in all and with growing, jittered pauses.
    ///
    /// # Errors
    /// What `work` met; a collision only after the last attempt.
    pub async fn retrying<T, E, F, Fut>(&self, is_collision: impl Fn(&E) -> bool, work: F) -> Result<T, E>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        for attempt in 1.. {
            match work().await {
                Err(error) if attempt < ATTEMPTS && is_collision(&error) => {
                    let pause = Duration::from_millis(5 << attempt);
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                }
                outcome => return outcome,
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Learns a position that no earlier reader can have claimed, and asks it of replicas from now on: a log record
    /// written after COMMIT has returned. The insert position right after COMMIT would be too early, since a commit's
    /// record is in the log before its rows are visible. Callers that come while one is being written share the next one:
    /// what many writers need at once costs one statement.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] where the primary is gone: until it can be asked again, only it is new enough.
    pub async fn raise_floor(&self) -> Result<(u64, Lsn), DbError> {
        let shared = &self.inner.shared_floor;
        let ticket = shared.tickets.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = shared.last.lock().await;
        if let Some((covered, floor)) = *last
            && covered >= ticket
        {
            return Ok(floor);
        }
        // Whoever has a ticket by now has committed before the statement begins.
        let covered = shared.tickets.load(Ordering::SeqCst);
        let floor = self.write_floor().await?;
        *last = Some((covered, floor));
        Ok(floor)
    }

    async fn write_floor(&self) -> Result<(u64, Lsn), DbError> {
        let written = self
            .read_sampled("db.floor", Consistency::Latest, |mut connection| async move {
                sqlx::query_scalar!(
                    r#"SELECT (pg_logical_emit_message(false, 'cache', '') - '0/0'::pg_lsn)::bigint AS "position!""#
                )
                .fetch_one(&mut *connection)
                .await
            })
            .await;
        match written {
            Ok((position, sample)) => {
                let position = Lsn::from_offset(position);
                self.inner.floor.raise(position);
                Ok((sample.epoch, position))
            }
            Err(error) => {
                self.inner.floor.unsettle();
                Err(error)
            }
        }
    }
}

/// One statement that writes, journal and all, and so is a transaction by itself.
impl Db {
    /// Runs `statement`, which must write its journal with what it writes and give its record: nothing where it changed
    /// nothing. When this returns, every later read of this process sees what was written. Saves BEGIN and COMMIT two
    /// round trips.
    ///
    /// # Errors
    /// [`DbError`]; where the connection broke, whether it took place is unknown.
    #[expect(clippy::disallowed_methods, reason = "the one place that takes a connection that can write")]
    pub async fn write_once<T, R, F, Fut>(
        &self,
        name: &'static str,
        statement: F,
    ) -> Result<(T, Option<Committed<R>>), DbError>
    where
        F: FnOnce(PoolConnection<Postgres>) -> Fut,
        Fut: Future<Output = sqlx::Result<(T, Option<R>)>>,
    {
        let node = &self.inner.primary;
        let gone = || DbError::unavailable(UnavailableReason::Primary);
        if !node.is_up() {
            return Err(gone());
        }
        let started = Instant::now();
        let connection = tokio::select! {
            biased;
            connection = node.writers().acquire() => connection?,
            () = node.went_down() => return Err(gone()),
        };
        let mut unsettled = Unsettled(Some(self));
        let outcome = statement(connection).await;
        telemetry::record_operation(name, "primary", started.elapsed(), outcome.is_ok());
        match outcome {
            Ok((value, Some(record))) => {
                let floor = self.raise_floor().await.ok();
                unsettled.0 = None;
                Ok((value, Some(Committed { record, floor })))
            }
            Ok((value, None)) => {
                unsettled.0 = None;
                Ok((value, None))
            }
            Err(error) => {
                // The server says that it did not happen; of a broken connection nobody knows.
                if error.as_database_error().is_some() {
                    unsettled.0 = None;
                }
                Err(error.into())
            }
        }
    }
}

/// Until it is told otherwise, assumes that a commit whose answer nobody saw took place.
struct Unsettled<'a>(Option<&'a Db>);

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if let Some(db) = self.0 {
            db.inner.floor.unsettle();
        }
    }
}

impl WriteTransaction {
    /// Writes `journal` and commits. When it returns, every later read of this process sees what was written.
    ///
    /// # Errors
    /// [`DbError`]; where the connection broke during COMMIT itself, whether it took place is unknown.
    pub async fn commit<J: Journal>(mut self, journal: &J) -> Result<Committed<J::Record>, DbError> {
        let Self { ref db, name, started, .. } = self;
        let db = db.clone();
        let record = journal.append(&mut self.transaction).await?;
        let mut unsettled = Unsettled(Some(&db));
        let outcome = self.transaction.commit().await;
        telemetry::record_operation(name, "primary", started.elapsed(), outcome.is_ok());
        outcome?;
        let floor = db.raise_floor().await.ok();
        unsettled.0 = None;
        Ok(Committed { record, floor })
    }

    /// Commits what is no news to any reader, and so raises no floor.
    ///
    /// # Errors
    /// As [`WriteTransaction::commit`].
    pub async fn commit_silently<J: Journal<Record = ()>>(mut self, journal: &J) -> Result<(), DbError> {
        journal.append(&mut self.transaction).await?;
        let outcome = self.transaction.commit().await;
        telemetry::record_operation(self.name, "primary", self.started.elapsed(), outcome.is_ok());
        Ok(outcome?)
    }

    /// Ends the transaction as if it had never been.
    ///
    /// # Errors
    /// [`DbError`] where the connection broke; the transaction is gone all the same.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(self.transaction.rollback().await?)
    }
}
