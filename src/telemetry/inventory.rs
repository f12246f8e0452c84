//! What is measured of the streams of stock.

use super::names;

/// A stream was opened.
pub fn record_opened() {
    metrics::gauge!(names::STOCK_STREAMS).increment(1.0);
}

/// A stream ended, for whatever reason.
pub fn record_ended() {
    metrics::gauge!(names::STOCK_STREAMS).decrement(1.0);
}

/// Events were handed to a stream.
pub fn record_events(events: u64) {
    metrics::counter!(names::STOCK_STREAM_EVENTS_TOTAL).increment(events);
}

/// A stream was cut whose reader was too slow.
pub fn record_cut() {
    metrics::counter!(names::STOCK_STREAMS_CUT_TOTAL).increment(1);
}
