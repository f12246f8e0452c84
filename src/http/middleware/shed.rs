//! Refuses work that there is no room for, before memory or connections to the database run out.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::sync::Semaphore;

use crate::{
    http::problem::{Kind, Problem},
    telemetry::names,
};

/// The layer; its state has one permit for each request that may be in work at once. Waiting would only make a queue
/// that nobody sees the end of, so there is none.
pub async fn shed(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            metrics::counter!(names::HTTP_REQUESTS_SHED_TOTAL).increment(1);
            Problem::new(Kind::Overloaded)
                .detail("The server works on as many requests as it can.")
                .retry_after(Duration::from_secs(1))
                .into_response()
        }
    }
}
