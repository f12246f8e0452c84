//! Logs, traces and metrics: installed once, flushed at the end.

pub mod access_log;
pub mod cache;
pub mod database;
pub mod inventory;
pub mod leaderboards;
pub mod limits;
pub mod names;
pub mod recommendations;
pub mod request;
mod sampling;
pub mod views;
pub mod webhooks;

use std::sync::OnceLock;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt as _, registry::LookupSpan, util::SubscriberInitExt as _,
};

use access_log::{AccessLog, StandardError};
use request::WithRequestId;
use sampling::RequestsOnly;

use crate::config::{self, LogFormat};

/// The access log of the process, where there is one.
static ACCESS_LOG: OnceLock<AccessLog> = OnceLock::new();

/// The bounds of the buckets of every duration, in seconds: dense where the targets are.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What has been installed.
#[derive(Clone)]
pub struct Telemetry {
    traces: SdkTracerProvider,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Installs logs, traces and metrics for the whole process. Call it once, before the asynchronous runtime is entered.
    ///
    /// # Errors
    /// When the exporter of traces cannot be made, or something is installed already.
    pub fn install(config: &config::Telemetry) -> anyhow::Result<Self> {
        let traces = tracer_provider(config)?;
        let filter = EnvFilter::try_new(&config.log_filter).context("telemetry.log_filter")?;
        tracing_subscriber::registry()
            .with(trace_layer(&traces))
            .with(log_layer(config.log_format, std::io::stderr).with_filter(filter))
            .try_init()
            .context("a logger is installed already")?;
        let metrics = prometheus()?.install_recorder().context("a recorder of metrics is installed already")?;
        describe();
        if tracing::enabled!(target: access_log::TARGET, tracing::Level::INFO) {
            ACCESS_LOG.get_or_init(|| AccessLog::new(config.log_format, StandardError));
        }
        Ok(Self { traces, metrics })
    }

    /// The metrics, for `/metrics` and for upkeep.
    #[must_use]
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what has not been sent. Call it last, outside the asynchronous runtime.
    pub fn flush(&self) {
        if let Some(log) = access_log() {
            log.flush();
        }
        if let Err(error) = self.traces.shutdown() {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// The access log of the process: none before [`Telemetry::install`], or where the filter of the log leaves it out.
#[must_use]
pub fn access_log() -> Option<AccessLog> {
    ACCESS_LOG.get().cloned()
}

/// One line of the log for each event.
pub fn log_layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match format {
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false);
            layer.map_event_format(WithRequestId).with_writer(writer).boxed()
        }
        LogFormat::Text => tracing_subscriber::fmt::layer().with_writer(writer).boxed(),
    }
}

/// Spans as traces. It has a level of its own: what is logged says nothing about what is traced.
pub fn trace_layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("bookstore"))
        .with_location(false)
        .with_threads(false)
        .with_filter(LevelFilter::INFO)
        .boxed()
}

/// Without an exporter nothing is traced.
fn tracer_provider(config: &config::Telemetry) -> anyhow::Result<SdkTracerProvider> {
    let resource = Resource::builder()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok(builder.with_sampler(Sampler::AlwaysOff).build());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .context("the exporter of traces")?;
    let sampler = Sampler::ParentBased(Box::new(RequestsOnly));
    Ok(builder.with_sampler(sampler).with_batch_exporter(exporter).build())
}

fn prometheus() -> anyhow::Result<PrometheusBuilder> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .context("the buckets of durations")
}

fn describe() {
    for (name, kind, help) in names::ALL {
        match kind {
            names::Kind::Counter => metrics::describe_counter!(*name, *help),
            names::Kind::Gauge => metrics::describe_gauge!(*name, *help),
            names::Kind::Seconds => metrics::describe_histogram!(*name, metrics::Unit::Seconds, *help),
        }
    }
}
