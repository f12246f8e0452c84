//! The metrics of requests, with the label sets that have been seen so far at hand.
//!
//! To look up a metric by its labels costs more than to serve a cached answer: text is copied, hashed and compared for each
//! of them. There are few sets of them (methods times routes times statuses), so each is looked up once and then found in a
//! table that is read without a lock.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Gauge, Histogram};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::telemetry::names;

/// Places in the table: a power of two, far more than there are sets of labels.
const PLACES: usize = 4096;

/// How far from its first place a set of labels may be. One that finds no place is looked up each time.
const LONGEST_SEARCH: usize = 32;

/// The metrics of all requests.
pub(super) struct Samples {
    in_flight: Gauge,
    table: Box<[OnceLock<Entry>]>,
}

struct Entry {
    method: &'static str,
    route: Box<str>,
    status: u16,
    requests: Counter,
    seconds: Histogram,
}

impl Samples {
    /// An empty table, for the recorder of metrics that is installed now.
    pub(super) fn new() -> Self {
        Self {
            in_flight: metrics::gauge!(names::HTTP_REQUESTS_IN_FLIGHT),
            table: (0..PLACES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// A request has begun.
    pub(super) fn begin(&self) {
        self.in_flight.increment(1.0);
    }

    /// A request has ended.
    pub(super) fn end(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.in_flight.decrement(1.0);
        let start = xxh3_64_with_seed(route.as_bytes(), u64::from(status) << 8 | method.len() as u64) as usize;
        for place in (start..).take(LONGEST_SEARCH).filter_map(|place| self.table.get(place % PLACES)) {
            let entry = place.get_or_init(|| Entry::new(method, route, status));
            if entry.status == status && entry.method == method && *entry.route == *route {
                return entry.record(took);
            }
        }
        Entry::new(method, route, status).record(took);
    }
}

impl Entry {
    fn new(method: &'static str, route: &str, status: u16) -> Self {
        let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
        Self {
            method,
            route: route.into(),
            status,
            requests: metrics::counter!(names::HTTP_REQUESTS_TOTAL, &labels),
            seconds: metrics::histogram!(names::HTTP_REQUEST_DURATION_SECONDS, &labels),
        }
    }

    fn record(&self, took: Duration) {
        self.requests.increment(1);
        self.seconds.record(took);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_set_of_labels_is_counted_even_where_the_table_is_full() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let samples = Samples::new();
            for _ in 0..2 {
                for number in 0..PLACES * 2 {
                    samples.begin();
                    samples.end("GET", &format!("/{number}"), 200, Duration::ZERO);
                }
            }
        });
        let text = recorder.handle().render();
        for number in 0..PLACES * 2 {
            let line = format!("http_requests_total{{method=\"GET\",route=\"/{number}\",status=\"200\"}} 2");
            assert!(text.contains(&line), "{line} is missing");
        }
        assert!(text.contains("http_requests_in_flight 0"));
    }
}
