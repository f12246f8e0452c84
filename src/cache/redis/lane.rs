//! A connection that calls share, opened when first needed and again after it failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt as _, Shared};

use super::RedisError;
use super::connect::{Connector, Wire};

/// Several calls wait for the same opening, so its error must be cloned.
type Opening = Shared<BoxFuture<'static, Result<Lent, Arc<RedisError>>>>;

/// A connection, and which one of the lane's it is.
#[derive(Clone)]
pub(super) struct Lent {
    pub(super) wire: Wire,
    number: u64,
}

#[derive(Default)]
struct Slot {
    current: Option<Lent>,
    opening: Option<Opening>,
    opened: u64,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Lane {
    connector: Arc<Connector>,
    slot: Arc<Mutex<Slot>>,
}

impl Lane {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, slot: Arc::default() }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection; opens it where there is none.
    pub(super) async fn lend(&self) -> Result<Lent, RedisError> {
        let opening = {
            let mut slot = self.slot();
            if let Some(lent) = &slot.current {
                return Ok(lent.clone());
            }
            self.opening(&mut slot)
        };
        opening.await.map_err(|error| RedisError::Connection(error.to_string()))
    }

    /// Hands out a failed connection no more. Calls that still wait on it keep it until they end.
    ///
    /// In a cluster the servers that are well answer on it meanwhile, so there it is used until a new one stands.
    pub(super) fn give_up(&self, lent: &Lent) {
        let mut slot = self.slot();
        if slot.current.as_ref().is_some_and(|current| current.number == lent.number) {
            if self.connector.is_cluster() {
                drop(self.opening(&mut slot));
            } else {
                slot.current = None;
            }
        }
    }

    /// Joins the opening under way or starts one.
    fn opening(&self, slot: &mut Slot) -> Opening {
        let start = || {
            let lane = self.clone();
            #[expect(clippy::disallowed_methods, reason = "ends by itself at the latest after the connect timeout")]
            let task = tokio::spawn(async move { lane.open().await });
            let died = |error| Arc::new(RedisError::Connection(format!("connecting broke off: {error}")));
            task.map(move |outcome| outcome.unwrap_or_else(|error| Err(died(error)))).boxed().shared()
        };
        // One that ended without having been cleared away (it panicked) must not stand for ever.
        slot.opening.take_if(|opening| opening.peek().is_some());
        slot.opening.get_or_insert_with(start).clone()
    }

    async fn open(&self) -> Result<Lent, Arc<RedisError>> {
        let outcome = self.connector.open().await;
        let mut slot = self.slot();
        slot.opening = None;
        let wire = outcome.map_err(Arc::new)?;
        slot.opened += 1;
        let lent = Lent { wire, number: slot.opened };
        slot.current = Some(lent.clone());
        Ok(lent)
    }
}
