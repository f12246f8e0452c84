//! How large a body may be, how long a request may take, and how slowly a body may come.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    response::{IntoResponse as _, Response},
};
use http_body::{Frame, SizeHint};
use http_body_util::{LengthLimitError, Limited};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use crate::http::problem::{Kind, Problem};

/// The bounds of one kind of route.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Longest time for the whole request.
    pub timeout: Duration,
    /// Most bytes of a body.
    pub body_limit: u64,
    /// Longest pause between two pieces of a body.
    pub idle_timeout: Duration,
}

/// The bounds of all routes.
#[derive(Debug, Clone, Copy)]
pub struct RouteBounds {
    /// Those of most.
    pub usual: Bounds,
    /// Those of the bulk import.
    pub import: Bounds,
    /// The bulk import's route.
    pub import_route: &'static str,
}

impl RouteBounds {
    /// Those of a request.
    fn of(&self, request: &Request) -> Bounds {
        if request.uri().path() == self.import_route { self.import } else { self.usual }
    }
}

/// Has a request answered within its bounds.
pub(in crate::http) async fn bounded<F>(
    bounds: &RouteBounds,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let bounds = bounds.of(&request);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > bounds.body_limit) {
        return too_large(bounds.body_limit).into_response();
    }
    // Most requests have no body, and are answered before anybody has to wait for anything: these cost no timer.
    if request.body().is_end_stream() {
        let mut answering = pin!(answer(request));
        return match futures::poll!(&mut answering) {
            Poll::Ready(response) => response,
            Poll::Pending => match tokio::time::timeout(bounds.timeout, answering).await {
                Ok(response) => response,
                Err(_) => too_long(bounds.timeout),
            },
        };
    }
    // Apart, so that the room for it is not kept with every connection.
    Box::pin(with_body(bounds, request, answer)).await
}

/// The same for a request with a body.
async fn with_body<F>(bounds: Bounds, request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let stalled = CancellationToken::new();
    let waiting = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        let limit = usize::try_from(bounds.body_limit).unwrap_or(usize::MAX);
        Body::new(TimedBody {
            body: Limited::new(body, limit),
            sleep: Box::pin(tokio::time::sleep(bounds.idle_timeout)),
            idle_timeout: bounds.idle_timeout,
            waiting: Arc::clone(&waiting),
            stalled: stalled.clone(),
        })
    });
    tokio::select! {
        biased;
        response = answer(request) => response,
        () = stalled.cancelled() => too_slow(bounds.idle_timeout),
        () = tokio::time::sleep(bounds.timeout) => {
            if waiting.load(Ordering::Relaxed) { too_slow(bounds.timeout) } else { too_long(bounds.timeout) }
        }
    }
}

/// What is wrong with a body whose reading failed: for handlers that read it as a stream.
#[must_use]
pub fn body_problem(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return Problem::new(Kind::ContentTooLarge).detail("The body is larger than this operation takes.");
        }
        if error.is::<Stalled>() {
            return Problem::new(Kind::RequestTimeout).detail("The body stopped coming.");
        }
        cause = error.source();
    }
    Problem::new(Kind::MalformedRequest).detail("The body broke off before its end.")
}

fn too_large(limit: u64) -> Problem {
    Problem::new(Kind::ContentTooLarge).detail(format!("A body may have {limit} bytes here."))
}

fn too_long(waited: Duration) -> Response {
    Problem::new(Kind::Timeout).detail(format!("It was given up after {} ms.", waited.as_millis())).into_response()
}

/// 408, after which the connection is of no use: the rest of the body might still come.
fn too_slow(waited: Duration) -> Response {
    let problem = Problem::new(Kind::RequestTimeout)
        .detail(format!("The body was not complete, or paused, after {} ms.", waited.as_millis()));
    ([(header::CONNECTION, "close")], problem).into_response()
}

/// The client has not sent anything for too long.
#[derive(Debug, thiserror::Error)]
#[error("the body stopped coming")]
struct Stalled;

pin_project_lite::pin_project! {
    /// Notes whether the client is being waited for, and for how long.
    struct TimedBody {
        #[pin]
        body: Limited<Body>,
        sleep: Pin<Box<Sleep>>,
        idle_timeout: Duration,
        waiting: Arc<AtomicBool>,
        stalled: CancellationToken,
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.project();
        match this.body.poll_frame(task) {
            Poll::Ready(frame) => {
                this.waiting.store(false, Ordering::Relaxed);
                Poll::Ready(frame)
            }
            Poll::Pending => {
                if !this.waiting.swap(true, Ordering::Relaxed) {
                    this.sleep.as_mut().reset(Instant::now() + *this.idle_timeout);
                }
                if this.sleep.as_mut().poll(task).is_ready() {
                    this.stalled.cancel();
                    return Poll::Ready(Some(Err(Stalled.into())));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
