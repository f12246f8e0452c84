//! Logs, traces and metrics.

use std::{
    io,
    sync::{LazyLock, Mutex, MutexGuard},
};

use bookstore::{
    config::LogFormat,
    telemetry::{access_log::AccessLog, log_layer, trace_layer},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use serde_json::Value;
use tracing::Dispatch;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

use super::*;

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

struct Writer<'a>(MutexGuard<'a, Vec<u8>>);

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.make_writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Writer<'a> {
        Writer(self.0.lock().unwrap())
    }
}

impl Log {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// With a single subscriber in the process, tracing asks only that of the thread which comes first whether a line is of
/// interest, and remembers a no for all threads (tracing-core, `callsite::dispatchers`, `JustOne`). So there is a second.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// What is observed in this thread, which is the whole of a single-threaded test.
struct Observed {
    log: Log,
    access_log: AccessLog,
    exporter: InMemorySpanExporter,
    _guard: tracing::subscriber::DefaultGuard,
}

fn observe() -> Observed {
    LazyLock::force(&SECOND);
    let (log, exporter) = (Log::default(), InMemorySpanExporter::default());
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let subscriber =
        tracing_subscriber::registry().with(trace_layer(&provider)).with(log_layer(LogFormat::Json, log.clone()));
    let access_log = AccessLog::new(LogFormat::Json, log.clone());
    Observed { log, access_log, exporter, _guard: tracing::subscriber::set_default(subscriber) }
}

impl Observed {
    fn app(&self) -> Frame {
        self.app_with(&options())
    }

    fn app_with(&self, options: &FrameOptions) -> Frame {
        app_with(&FrameOptions { access_log: Some(self.access_log.clone()), ..options.clone() })
    }

    fn lines(&self) -> Vec<Value> {
        self.access_log.flush();
        self.log.lines()
    }
}

const SECRETS: [(&str, &str); 3] =
    [("authorization", "Bearer hunter2"), ("cookie", "bookstore_session=hunter2"), ("x-request-id", "test-1")];

#[tokio::test]
async fn each_request_has_one_line_and_no_secret_in_it() {
    let observed = observe();
    let app = observed.app();
    bytes(send(&app, "GET", "/things/1?token=hunter2", &SECRETS, "").await).await;
    bytes(send(&app, "GET", "/me", &[], "").await).await;
    let lines = observed.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(!format!("{lines:?}").contains("hunter2"), "{lines:?}");
    let [first, second] = &lines[..] else { unreachable!() };
    for (key, expected) in [
        ("method", "GET"),
        ("route", "/things/{id}"),
        ("path", "/things/1"),
        ("request_id", "test-1"),
        ("client", "0.0.0.0"),
        ("target", "bookstore::access"),
        ("level", "INFO"),
    ] {
        assert_eq!(first[key], expected, "{first}");
    }
    assert_eq!(first["status"], 404);
    assert!(first["bytes"].as_u64().unwrap() > 100 && first["duration_ms"].as_f64().unwrap() > 0.0, "{first}");
    assert_eq!(first["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(second["user"], Uuid::from_u128(7).to_string());
}

#[tokio::test]
async fn what_is_logged_inside_a_request_carries_its_id() {
    let observed = observe();
    bytes(send(&observed.app(), "GET", "/log", &SECRETS, "").await).await;
    let lines = observed.lines();
    assert_eq!(lines[0]["message"], "inside");
    assert_eq!(lines[0]["span"]["request_id"], "test-1");
    assert_eq!(lines[0]["request_id"], "test-1");
    assert_eq!(lines[1]["target"], "bookstore::access");
}

#[tokio::test]
async fn a_request_that_is_not_traced_makes_no_span_but_has_ids() {
    let observed = observe();
    let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let unsampled = sampled.replace("-01", "-00");
    for (traced, sent) in
        [(None, Some(sampled)), (None, None), (Some(0.0), None), (Some(1.0), Some(unsampled.as_str()))]
    {
        let app = observed.app_with(&FrameOptions { traced, ..options() });
        let headers: Vec<_> = SECRETS.into_iter().chain(sent.map(|sent| ("traceparent", sent))).collect();
        let response = send(&app, "GET", "/log", &headers, "").await;
        let out = response.headers()["traceparent"].to_str().unwrap().to_owned();
        bytes(response).await;
        assert!(out.starts_with("00-") && out.ends_with("-00") && out.len() == 55, "{out}");
        if let Some(sent) = sent {
            assert_eq!(out[..36], sent[..36], "the trace is the client's");
            assert_ne!(out[36..52], sent[36..52], "the place in it is not");
        }
        let lines = observed.lines();
        let [.., inside, request] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(inside["request_id"], "test-1", "{inside}");
        assert_eq!(request["trace_id"], out[3..35]);
    }
    assert!(observed.exporter.get_finished_spans().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_is_logged_too() {
    let observed = observe();
    let app = observed.app();
    let request = app.answer(request("GET", "/slow", &[], ""), None);
    assert!(tokio::time::timeout(Duration::from_millis(50), request).await.is_err());
    assert_eq!(observed.lines()[0]["status"], 499);
}

#[tokio::test]
async fn a_trace_goes_on_here() {
    let observed = observe();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let response = send(&observed.app(), "GET", "/bare/500", &[("traceparent", traceparent)], "").await;
    let out = response.headers()["traceparent"].to_str().unwrap().to_owned();
    bytes(response).await;
    let spans = observed.exporter.get_finished_spans().unwrap();
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(out, format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", span.span_context.span_id()));
    assert_eq!(span.name, "GET /bare/{status}");
    assert_eq!(span.span_kind, opentelemetry::trace::SpanKind::Server);
    assert!(matches!(span.status, opentelemetry::trace::Status::Error { .. }));
    let attribute = |key: &str| span.attributes.iter().find(|pair| pair.key.as_str() == key).unwrap().value.to_string();
    assert_eq!(attribute("http.route"), "/bare/{status}");
    assert_eq!(attribute("http.request.method"), "GET");
    assert_eq!(attribute("http.response.status_code"), "500");
    assert_eq!(observed.lines()[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
}

#[tokio::test]
async fn a_traceparent_that_cannot_be_read_begins_a_trace() {
    let observed = observe();
    for odd in ["nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
        bytes(send(&observed.app(), "GET", "/search", &[("traceparent", odd)], "").await).await;
    }
    for span in observed.exporter.get_finished_spans().unwrap() {
        assert!(span.span_context.is_valid());
        assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
    }
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let app = app();
    for path in ["/things/1", "/things/2", "/nowhere/1", "/nowhere/2"] {
        bytes(get_path(&app, path).await).await;
    }
    bytes(send(&app, "BREW-1", "/search", &[], "").await).await;
    bytes(send(&app, "BREW-2", "/search", &[], "").await).await;
    let text = recorder.handle().render();
    for line in [
        "http_requests_total{method=\"GET\",route=\"/things/{id}\",status=\"404\"} 2",
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 2",
        "http_requests_total{method=\"OTHER\",route=\"/search\",status=\"405\"} 2",
        "http_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
