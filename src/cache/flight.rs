//! Single flight: of many who miss the same entry at once, one loads it.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Level;
use super::entry::Entry;
use crate::model::position::Position;

/// What came of a load.
#[derive(Clone)]
pub struct Outcome<E> {
    /// The entry, or why there is none.
    pub result: Result<Arc<Entry>, E>,
    /// Where it came from.
    pub level: Level,
    /// It contains every write that was known when it was begun, up to here: more than the entry can claim for ever, since
    /// a position that the primary has not flushed may be used again after a crash.
    pub seen: Position,
    /// When it was begun.
    pub begun: Instant,
}

/// A load on its way.
pub struct Flight<E> {
    begun: Instant,
    outcome: watch::Sender<Option<Outcome<E>>>,
}

/// The part that somebody has in a flight.
pub enum Boarding<E> {
    /// To load.
    Lead(Ticket<E>),
    /// To wait.
    Join(watch::Receiver<Option<Outcome<E>>>),
}

/// The right and the duty to load. Dropped without [`Ticket::land`], those who wait are told that nothing came of it.
pub struct Ticket<E> {
    key: Arc<str>,
    flight: Arc<Flight<E>>,
    flights: Arc<Flights>,
}

/// All loads on their way, by the texts of their keys.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Arc<str>, Arc<dyn Any + Send + Sync>>>);

impl Flights {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Joins the flight of `key` unless it is older than `patience`, as it may be after a pause of the whole process; then,
    /// and where there is none, leads one.
    pub fn board<E: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        key: &Arc<str>,
        patience: Duration,
    ) -> Boarding<E> {
        let now = Instant::now();
        let mut flights = self.lock();
        if let Some(flight) = flights.get(key).and_then(|flight| Arc::clone(flight).downcast::<Flight<E>>().ok())
            && now.saturating_duration_since(flight.begun) < patience
        {
            return Boarding::Join(flight.outcome.subscribe());
        }
        let flight = Arc::new(Flight { begun: now, outcome: watch::Sender::new(None) });
        flights.insert(Arc::clone(key), Arc::<Flight<E>>::clone(&flight));
        Boarding::Lead(Ticket { key: Arc::clone(key), flight, flights: Arc::clone(self) })
    }
}

impl<E> Ticket<E> {
    /// Tells everybody who waits.
    pub fn land(self, outcome: Outcome<E>) {
        self.flight.outcome.send_replace(Some(outcome));
    }
}

impl<E> Drop for Ticket<E> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let mine = flights
            .get(&self.key)
            .is_some_and(|flight| std::ptr::addr_eq(Arc::as_ptr(flight), Arc::as_ptr(&self.flight)));
        if mine {
            flights.remove(&self.key);
        }
    }
}
