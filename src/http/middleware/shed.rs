//! Refuses work that there is no room for, before memory or connections to the database run out.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::response::{IntoResponse as _, Response};
use metrics::Counter;

use crate::{
    http::problem::{Kind, Problem},
    telemetry::names,
};

/// Room for so many requests at once. Waiting would only make a queue that nobody sees the end of, so there is none.
pub(in crate::http) struct Room {
    taken: AtomicUsize,
    places: usize,
    refused: Counter,
}

/// A place in the room, free again when dropped.
pub(in crate::http) struct Place<'a>(&'a AtomicUsize);

impl Room {
    pub(in crate::http) fn new(places: usize) -> Self {
        Self { taken: AtomicUsize::new(0), places, refused: metrics::counter!(names::HTTP_REQUESTS_SHED_TOTAL) }
    }

    /// A place, where there is one.
    pub(in crate::http) fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.taken);
        // Nothing is read or written on the strength of this count, so its order among other things is of no interest.
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        (before < self.places).then_some(place)
    }

    /// The answer to a request that there is no place for.
    pub(in crate::http) fn refuse(&self) -> Response {
        self.refused.increment(1);
        Problem::new(Kind::Overloaded)
            .detail("The server works on as many requests as it can.")
            .retry_after(Duration::from_secs(1))
            .into_response()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
