//! One line in the access log and one sample in the metrics for each request, and a span for those that are traced.
//!
//! All three end with the last byte of the response, or when the client goes away.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri},
};
use http_body::{Frame, SizeHint};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{
    context::{RequestContext, X_REQUEST_ID},
    ids::{TraceParent, chance},
    samples::Samples,
};
use crate::telemetry::access_log::{AccessLog, Record};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The status by which the log and the metrics tell that the client went away before there was an answer (nginx's 499).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// What observes all requests.
pub(in crate::http) struct Observer {
    samples: Samples,
    log: Option<AccessLog>,
    trusted_proxies: u8,
    traced: Option<f64>,
}

impl Observer {
    /// `traced` is the share of the traces begun here that is kept; with none nothing is traced.
    pub(in crate::http) fn new(log: Option<AccessLog>, trusted_proxies: u8, traced: Option<f64>) -> Self {
        Self { samples: Samples::new(), log, trusted_proxies, traced }
    }

    /// Begins to observe a request.
    #[expect(clippy::disallowed_methods, reason = "the time in a log is that of the world, and decides nothing")]
    pub(in crate::http) fn begin(self: &Arc<Self>, request: &Request, peer: Option<IpAddr>) -> Observation {
        let start = Instant::now();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let headers = request.headers();
        let context = RequestContext::of(headers, peer, at, self.trusted_proxies);
        let parent = headers.get(TRACEPARENT).and_then(TraceParent::given);
        let method = known_method(request.method());
        let sampled = |ratio| parent.map_or_else(|| chance(ratio), |parent| parent.is_sampled());
        let (span, place) = if self.traced.is_some_and(sampled) {
            let span = span(request, method, &context, parent.is_some());
            let place = TraceParent::of(span.context().span().span_context());
            (span, place)
        } else {
            (Span::none(), None)
        };
        let trace = place.unwrap_or_else(|| parent.map_or_else(TraceParent::new, TraceParent::next));
        self.samples.begin();
        Observation {
            observer: Arc::clone(self),
            start,
            at,
            method,
            uri: request.uri().clone(),
            trace,
            context,
            span,
            status: CLIENT_CLOSED_REQUEST,
            bytes: 0,
        }
    }
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

fn span(request: &Request, method: &'static str, context: &RequestContext, has_parent: bool) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        url.path = request.uri().path(),
        http.response.status_code = Empty,
        client.address = %context.client(),
        request_id = context.request_id(),
    );
    if has_parent {
        // Fails only where no trace layer is installed.
        drop(span.set_parent(TraceContextPropagator::new().extract(&Headers(request.headers()))));
    }
    span
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

/// What is told about a request when it ends: when this is dropped.
pub(in crate::http) struct Observation {
    observer: Arc<Observer>,
    start: Instant,
    /// When it began, since 1970.
    at: Duration,
    method: &'static str,
    uri: Uri,
    trace: TraceParent,
    context: RequestContext,
    span: Span,
    status: u16,
    bytes: u64,
}

impl Observation {
    /// The request that is observed.
    pub(in crate::http) fn context(&self) -> &RequestContext {
        &self.context
    }

    /// Its span; one that does nothing where the request is not traced.
    pub(in crate::http) fn span(&self) -> &Span {
        &self.span
    }

    /// Its path.
    pub(in crate::http) fn path(&self) -> &str {
        self.uri.path()
    }

    /// Notes the answer's status, and adds the ids to its headers.
    pub(in crate::http) fn answered(&mut self, status: StatusCode, headers: &mut HeaderMap) {
        self.status = status.as_u16();
        if !self.span.is_none() {
            let route = self.route();
            self.span.context().span().update_name(format!("{} {route}", self.method));
            self.span.record("http.route", route);
            self.span.record("http.response.status_code", self.status);
            if status.is_server_error() {
                self.span.record("otel.status_code", "ERROR");
            }
        }
        if let Some(id) = self.context.id_header() {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Some(trace) = self.trace.to_header() {
            headers.insert(TRACEPARENT, trace);
        }
    }

    fn route(&self) -> &str {
        self.context.route().unwrap_or("unmatched")
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let duration = self.start.elapsed();
        self.observer.samples.end(self.method, self.route(), self.status, duration);
        if let Some(log) = &self.observer.log {
            log.add(&Record {
                at: UNIX_EPOCH + self.at + duration,
                method: self.method,
                route: self.route(),
                path: self.path(),
                status: self.status,
                duration,
                bytes: self.bytes,
                request_id: self.context.request_id(),
                trace_id: self.trace.trace_id(),
                client: self.context.client(),
                user: self.context.user(),
            });
        }
    }
}

pin_project_lite::pin_project! {
    /// The body of an answer. It counts the bytes, and ends the observation with itself.
    pub struct ObservedBody {
        #[pin]
        body: Body,
        observation: Observation,
    }
}

impl ObservedBody {
    pub(in crate::http) fn new(body: Body, observation: Observation) -> Self {
        Self { body, observation }
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
