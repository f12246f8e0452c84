//! The access log: one line for each request, on standard error beside the rest of the log.
//!
//! A line is put together by hand and added to a buffer that a task of its own writes out. So a request pays neither for
//! the fields of a log event nor for a system call, and never waits for whoever reads the log: where that one cannot keep
//! up, lines are dropped and counted.

use std::{
    cell::RefCell,
    io::{self, Write},
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use metrics::Counter;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::names;
use crate::config::LogFormat;

/// What the lines are called, for the filter of the log.
pub const TARGET: &str = "bookstore::access";

/// Longest time for which a line waits to be written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);

/// Bytes that are written without waiting for that.
const FLUSH_AT: usize = 256 * 1024;

/// Most bytes that wait; what comes after them is dropped.
const MOST_WAITING: usize = 8 * 1024 * 1024;

/// What is told of a request.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// When it ended.
    pub at: SystemTime,
    /// Its method.
    pub method: &'a str,
    /// The route that it took, `/products/{id}`.
    pub route: &'a str,
    /// Its path, without the query, which may hold secrets.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// How long it took, its body included.
    pub duration: Duration,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// Its id.
    pub request_id: &'a str,
    /// Its trace, as 32 hexadecimal digits.
    pub trace_id: &'a str,
    /// Who asked.
    pub client: IpAddr,
    /// Which user that was.
    pub user: Option<Uuid>,
}

/// Where lines wait to be written. Cheap to clone.
#[derive(Clone)]
pub struct AccessLog(Arc<Inner>);

struct Inner {
    format: LogFormat,
    waiting: Mutex<Vec<u8>>,
    writer: Mutex<Writing>,
    full: Notify,
    dropped: Counter,
}

struct Writing {
    to: Box<dyn Write + Send>,
    /// Takes turns with what waits, so that neither grows anew.
    buffer: Vec<u8>,
}

impl AccessLog {
    /// A log in this format that ends up at `writer`.
    pub fn new(format: LogFormat, writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Inner {
            format,
            waiting: Mutex::default(),
            writer: Mutex::new(Writing { to: Box::new(writer), buffer: Vec::new() }),
            full: Notify::new(),
            dropped: metrics::counter!(names::HTTP_ACCESS_LOG_DROPPED_TOTAL),
        }))
    }

    /// Adds a line. It never waits for the writer.
    pub fn add(&self, record: &Record<'_>) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = RefCell::default();
        }
        LINE.with_borrow_mut(|line| {
            line.clear();
            match self.0.format {
                LogFormat::Json => json(line, record),
                LogFormat::Text => text(line, record),
            }
            let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let before = waiting.len();
            if before + line.len() > MOST_WAITING {
                self.0.dropped.increment(1);
                return;
            }
            waiting.extend_from_slice(line);
            // Once for each time that the mark is passed.
            if before < FLUSH_AT && waiting.len() >= FLUSH_AT {
                self.0.full.notify_one();
            }
        });
    }

    /// Writes what waits. It blocks for as long as the writer does.
    pub fn flush(&self) {
        let mut writing = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writing { to, buffer } = &mut *writing;
        mem::swap(&mut *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner), buffer);
        if buffer.is_empty() {
            return;
        }
        if to.write_all(buffer).and_then(|()| to.flush()).is_err() {
            let lines = buffer.iter().filter(|byte| **byte == b'\n').count();
            self.0.dropped.increment(lines as u64);
        }
        buffer.clear();
    }

    /// Writes what waits, again and again until the end.
    pub async fn run(self, ending: CancellationToken) {
        while !ending.is_cancelled() {
            tokio::select! {
                () = ending.cancelled() => {}
                () = self.0.full.notified() => {}
                () = tokio::time::sleep(FLUSH_INTERVAL) => {}
            }
            let log = self.clone();
            // A panic there has been told; the next round tries again.
            drop(tokio::task::spawn_blocking(move || log.flush()).await);
        }
    }
}

/// Standard error, locked for all of a write, so that lines of the rest of the log do not come in between.
pub(super) struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// The line as the log writes its events in JSON.
fn json(line: &mut Vec<u8>, record: &Record<'_>) {
    line.extend_from_slice(b"{\"timestamp\":\"");
    timestamp(line, record.at);
    line.extend_from_slice(b"\",\"level\":\"INFO\",\"message\":\"request\",\"method\":\"");
    line.extend_from_slice(record.method.as_bytes());
    line.extend_from_slice(b"\",\"route\":\"");
    escaped(line, record.route);
    line.extend_from_slice(b"\",\"path\":\"");
    escaped(line, record.path);
    line.extend_from_slice(b"\",\"status\":");
    number(line, record.status.into());
    line.extend_from_slice(b",\"duration_ms\":");
    milliseconds(line, record.duration);
    line.extend_from_slice(b",\"bytes\":");
    number(line, record.bytes);
    line.extend_from_slice(b",\"request_id\":\"");
    escaped(line, record.request_id);
    line.extend_from_slice(b"\",\"trace_id\":\"");
    line.extend_from_slice(record.trace_id.as_bytes());
    line.extend_from_slice(b"\",\"client\":\"");
    address(line, record.client);
    if let Some(user) = record.user {
        line.extend_from_slice(b"\",\"user\":\"");
        line.extend_from_slice(user.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    }
    line.extend_from_slice(b"\",\"target\":\"bookstore::access\"}\n");
}

/// The line as the log writes its events in text.
fn text(line: &mut Vec<u8>, record: &Record<'_>) {
    let Record { method, route, path, status, bytes, request_id, trace_id, client, .. } = record;
    timestamp(line, record.at);
    line.extend_from_slice(b"  INFO bookstore::access: request");
    // Writing to memory cannot fail.
    let _ = write!(line, " method={method:?} route={route:?} path={path:?} status={status} duration_ms=");
    milliseconds(line, record.duration);
    let _ = write!(line, " bytes={bytes} request_id={request_id:?} trace_id={trace_id:?} client={client}");
    if let Some(user) = record.user {
        let _ = write!(line, " user={user}");
    }
    line.push(b'\n');
}

const TO_THE_SECOND: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// RFC 3339 to the microsecond. What comes before the point is the same for a second, and kept for that long.
fn timestamp(line: &mut Vec<u8>, at: SystemTime) {
    thread_local! {
        static SECOND: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(second, formatted)| {
        if *second != since.as_secs() {
            *second = since.as_secs();
            *formatted = OffsetDateTime::from(at).format(TO_THE_SECOND).unwrap_or_default();
        }
        line.extend_from_slice(formatted.as_bytes());
    });
    line.push(b'.');
    digits(line, since.subsec_micros(), 6);
    line.push(b'Z');
}

/// To the microsecond, which is what the clock and the reader are good for.
fn milliseconds(line: &mut Vec<u8>, duration: Duration) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    number(line, micros / 1000);
    line.push(b'.');
    digits(line, (micros % 1000) as u32, 3);
}

fn address(line: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    line.push(b'.');
                }
                number(line, octet.into());
            }
        }
        IpAddr::V6(address) => {
            let _ = write!(line, "{address}");
        }
    }
}

fn number(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number with leading zeros.
fn digits(line: &mut Vec<u8>, mut number: u32, width: usize) {
    let start = line.len();
    line.resize(start + width, b'0');
    for digit in line.iter_mut().skip(start).rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The inside of a JSON string.
fn escaped(line: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        line.extend_from_slice(text.as_bytes());
    } else if let Ok(quoted) = serde_json::to_string(text) {
        let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        line.extend_from_slice(inside.unwrap_or_default().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record<'a>(path: &'a str, route: &'a str) -> Record<'a> {
        Record {
            at: UNIX_EPOCH + Duration::from_micros(1_795_227_157_000_042),
            method: "GET",
            route,
            path,
            status: 404,
            duration: Duration::from_micros(12_034),
            bytes: 1234,
            request_id: "test-1",
            trace_id: "0af7651916cd43dd8448eb211c80319c",
            client: IpAddr::from([192, 0, 2, 10]),
            user: Some(Uuid::from_u128(7)),
        }
    }

    /// What has been written, and can be looked at.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_whatever_the_path() {
        for path in ["/things/1", "/a\"b\\c", "/\u{1}ü", "/ends-in-\"", "\"", "/\\"] {
            let mut line = Vec::new();
            json(&mut line, &record(path, "/things/{id}"));
            assert_eq!(line.pop(), Some(b'\n'));
            let expected = json!({
                "timestamp": "2026-11-21T02:12:37.000042Z", "level": "INFO", "message": "request", "method": "GET",
                "route": "/things/{id}", "path": path, "status": 404, "duration_ms": 12.034, "bytes": 1234,
                "request_id": "test-1", "trace_id": "0af7651916cd43dd8448eb211c80319c", "client": "192.0.2.10",
                "user": "00000000-0000-0000-0000-000000000007", "target": TARGET,
            });
            assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), expected);
        }
    }

    #[test]
    fn a_line_of_text_is_one_line() {
        let mut line = Vec::new();
        text(&mut line, &record("/a\nb", "unmatched"));
        let line = String::from_utf8(line).unwrap();
        assert_eq!(
            line,
            "2026-11-21T02:12:37.000042Z  INFO bookstore::access: request method=\"GET\" route=\"unmatched\" \
             path=\"/a\\nb\" status=404 duration_ms=12.034 bytes=1234 request_id=\"test-1\" \
             trace_id=\"0af7651916cd43dd8448eb211c80319c\" client=192.0.2.10 \
             user=00000000-0000-0000-0000-000000000007\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_written_within_a_second_and_at_the_end() {
        let sink = Sink::default();
        let written = || sink.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count();
        let (log, ending) = (AccessLog::new(LogFormat::Json, sink.clone()), CancellationToken::new());
        let running = log.clone().run(ending.clone());
        let test = async {
            log.add(&record("/1", "/1"));
            tokio::time::sleep(Duration::from_secs(1)).await;
            // It is asked to be written by then; the thread that writes it goes by the real clock, and may be late.
            for _ in 0..1_000 {
                if written() == 0 {
                    std::thread::sleep(Duration::from_millis(5));
                    tokio::task::yield_now().await;
                }
            }
            assert_eq!(written(), 1);
            log.add(&record("/2", "/2"));
            ending.cancel();
        };
        futures::future::join(running, test).await;
        assert_eq!(written(), 2);
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let log = metrics::with_local_recorder(&recorder, || AccessLog::new(LogFormat::Json, Sink::default()));
        let mut line = Vec::new();
        json(&mut line, &record("/1", "/1"));
        let room = MOST_WAITING / line.len();
        for _ in 0..room + 3 {
            log.add(&record("/1", "/1"));
        }
        assert!(
            recorder.handle().render().contains("http_access_log_dropped_total 3"),
            "{}",
            recorder.handle().render()
        );
        log.flush();
        log.add(&record("/1", "/1"));
        assert!(recorder.handle().render().contains("http_access_log_dropped_total 3"), "there is room again");
    }
}
