//! One span, one line in the log and one sample in the metrics for each request.
//!
//! All three end with the last byte of the response, or when the client goes away.

use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::context::{RequestContext, X_REQUEST_ID};
use crate::telemetry::names;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The status by which the log and the metrics tell that the client went away before there was an answer (nginx's 499).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The method that the client used, where a HEAD is being answered like a GET.
#[derive(Debug, Clone, Copy)]
pub struct WasHead;

/// The layer; its state is the number of trusted proxies.
pub async fn observe(State(trusted_proxies): State<u8>, mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(&request, trusted_proxies);
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = if request.extensions().get::<WasHead>().is_some() { "HEAD" } else { known_method(request.method()) };
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        url.path = request.uri().path(),
        http.response.status_code = Empty,
        client.address = %context.client(),
        request_id = context.request_id(),
    );
    let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
    if parent.span().span_context().is_valid() {
        // Fails only where no trace layer is installed.
        drop(span.set_parent(parent));
    }
    let traceparent = traceparent(&span);
    let mut observation = Observation {
        start: Instant::now(),
        method,
        route,
        path: request.uri().path().to_owned(),
        trace_id: traceparent.as_ref().and_then(|text| text.split('-').nth(1)).map(str::to_owned),
        context: context.clone(),
        span: span.clone(),
        status: CLIENT_CLOSED_REQUEST,
        bytes: 0,
    };
    metrics::gauge!(names::HTTP_REQUESTS_IN_FLIGHT).increment(1.0);
    request.extensions_mut().insert(context.clone());

    let mut response = next.run(request).instrument(span).await;

    observation.answered(response.status());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(context.request_id()) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(value) = traceparent.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(TRACEPARENT, value);
    }
    response.map(|body| Body::new(ObservedBody { body, observation }))
}

/// The methods of HTTP; whatever else a client makes up must not become a label of its own.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "OTHER",
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// The span's place in its trace, as W3C `traceparent`.
fn traceparent(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context
        .is_valid()
        .then(|| format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8()))
}

/// What is told about a request when it ends: when this is dropped.
struct Observation {
    start: Instant,
    method: &'static str,
    route: String,
    path: String,
    trace_id: Option<String>,
    context: RequestContext,
    span: Span,
    status: u16,
    bytes: u64,
}

impl Observation {
    fn answered(&mut self, status: StatusCode) {
        self.status = status.as_u16();
        self.span.record("http.response.status_code", self.status);
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let elapsed = self.start.elapsed();
        metrics::gauge!(names::HTTP_REQUESTS_IN_FLIGHT).decrement(1.0);
        let labels =
            [("method", self.method.to_owned()), ("route", self.route.clone()), ("status", self.status.to_string())];
        metrics::counter!(names::HTTP_REQUESTS_TOTAL, &labels).increment(1);
        metrics::histogram!(names::HTTP_REQUEST_DURATION_SECONDS, &labels).record(elapsed);
        tracing::info!(
            target: "bookstore::access",
            parent: None,
            method = self.method,
            route = self.route,
            path = self.path,
            status = self.status,
            duration_ms = milliseconds(elapsed),
            bytes = self.bytes,
            request_id = self.context.request_id(),
            trace_id = self.trace_id,
            client = %self.context.client(),
            user = self.context.user().map(tracing::field::display),
            "request"
        );
    }
}

/// To the microsecond, which is what the clock and the reader are good for.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

pin_project_lite::pin_project! {
    /// Counts the bytes, and ends the observation with the body.
    struct ObservedBody {
        #[pin]
        body: Body,
        observation: Observation,
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(task));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            this.observation.bytes += data.len() as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
