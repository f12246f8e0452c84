//! Ids of requests, and of traces in W3C `traceparent`.
//!
//! They name, and guard nothing, so that the random numbers in them may be quick ones.

use std::{cell::RefCell, time::Duration};

use axum::http::HeaderValue;
use opentelemetry::trace::SpanContext;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

thread_local! {
    static RANDOM: RefCell<SmallRng> = RefCell::new(seeded());
}

#[expect(clippy::disallowed_methods, reason = "the home of ids of requests and traces, which are not the shop's data")]
fn seeded() -> SmallRng {
    SmallRng::from_rng(&mut rand::rng())
}

fn random<T>(draw: impl FnOnce(&mut SmallRng) -> T) -> T {
    RANDOM.with_borrow_mut(draw)
}

/// Whether something of this probability happens.
pub(in crate::http) fn chance(probability: f64) -> bool {
    probability > 0.0 && (probability >= 1.0 || random(|random| random.random::<f64>()) < probability)
}

/// A request's id.
#[derive(Debug)]
pub(super) enum RequestId {
    Given(Box<str>),
    New([u8; 36]),
}

impl RequestId {
    /// The client's own id, when it is short and harmless in a log.
    pub(super) fn given(id: &str) -> Option<Self> {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        ((1..=128).contains(&id.len()) && id.bytes().all(harmless)).then(|| Self::Given(id.into()))
    }

    /// A UUIDv7 of this time since 1970.
    pub(super) fn new(at: Duration) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or_default();
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random(|random| random.random())).into_uuid();
        let mut text = [0; 36];
        uuid.as_hyphenated().encode_lower(&mut text);
        Self::New(text)
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Given(id) => id,
            // What a UUID is written with is ASCII.
            Self::New(text) => std::str::from_utf8(text).unwrap_or_default(),
        }
    }
}

/// The place of a request in its trace, as `00-<32 digits>-<16 digits>-<2 digits>`.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct TraceParent([u8; 55]);

impl TraceParent {
    /// What the client sent, where it can be read.
    pub(in crate::http) fn given(value: &HeaderValue) -> Option<Self> {
        let text: [u8; 55] = value.as_bytes().get(..55)?.try_into().ok()?;
        let hexadecimal = |range: std::ops::Range<usize>| {
            text.get(range).is_some_and(|part| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        };
        let zero =
            |range: std::ops::Range<usize>| text.get(range).is_some_and(|part| part.iter().all(|byte| *byte == b'0'));
        let readable = hexadecimal(0..2)
            && hexadecimal(3..35)
            && hexadecimal(36..52)
            && hexadecimal(53..55)
            && [2, 35, 52].iter().all(|dash| text.get(*dash) == Some(&b'-'))
            && !zero(3..35)
            && !zero(36..52)
            && !text.starts_with(b"ff")
            // Later versions may have more after it, the present one has not.
            && (value.len() == 55 || (!text.starts_with(b"00") && value.as_bytes().get(55) == Some(&b'-')));
        readable.then_some(Self(text))
    }

    /// The beginning of a trace that nobody keeps.
    pub(in crate::http) fn new() -> Self {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        if let Some(id) = text.get_mut(3..35) {
            write_random(id);
        }
        Self(text).next()
    }

    /// The place after this one in the same trace, in a span that nobody keeps.
    pub(in crate::http) fn next(mut self) -> Self {
        if let Some(version) = self.0.get_mut(..2) {
            version.copy_from_slice(b"00");
        }
        if let Some(id) = self.0.get_mut(36..52) {
            write_random(id);
        }
        if let Some(flags) = self.0.get_mut(53..) {
            flags.copy_from_slice(b"00");
        }
        self
    }

    /// That of a span.
    pub(in crate::http) fn of(span: &SpanContext) -> Option<Self> {
        let text = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
        span.is_valid().then(|| text.as_bytes().try_into().ok().map(Self)).flatten()
    }

    /// Whether whoever sent it keeps the trace.
    pub(in crate::http) fn is_sampled(&self) -> bool {
        self.0.last().is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
    }

    /// The id of the trace.
    pub(in crate::http) fn trace_id(&self) -> &str {
        self.0.get(3..35).and_then(|id| std::str::from_utf8(id).ok()).unwrap_or_default()
    }

    /// As a header's value.
    pub(in crate::http) fn to_header(self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok()
    }
}

/// Random hexadecimal digits, the first of which is not zero: an id of zeros alone would be none.
fn write_random(digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for part in digits.chunks_mut(16) {
        let mut bits: u64 = random(|random| random.random());
        for digit in part {
            *digit = DIGITS.get((bits & 15) as usize).copied().unwrap_or_default();
            bits >>= 4;
        }
    }
    if let Some(first @ b'0') = digits.first_mut() {
        *first = b'1';
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_sane_request_id_is_kept() {
        assert_eq!(RequestId::given("abc-1.2_3:4").unwrap().as_str(), "abc-1.2_3:4");
        for odd in ["", "a b", "a\"b", "a,b", &"x".repeat(129)] {
            assert!(RequestId::given(odd).is_none(), "{odd:?} was taken over");
        }
    }

    #[test]
    fn a_new_request_id_is_a_uuid_of_its_time() {
        let (first, second) = (RequestId::new(Duration::from_secs(1_700_000_000)), RequestId::new(Duration::ZERO));
        let uuid = Uuid::parse_str(first.as_str()).unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_timestamp().unwrap().to_unix().0, 1_700_000_000);
        assert_ne!(first.as_str()[14..], second.as_str()[14..], "the rest is random");
    }

    #[test]
    fn a_traceparent_is_read_strictly() {
        let given = |text: &str| TraceParent::given(&HeaderValue::from_str(text).unwrap());
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = given(good).unwrap();
        assert!(parent.is_sampled());
        assert_eq!(parent.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!given(&good.replace("-01", "-02")).unwrap().is_sampled());
        assert!(given(&format!("{}-more", good.replacen("00", "01", 1))).is_some(), "a later version");
        for odd in [
            "",
            "nonsense",
            &good[..54],
            &format!("{good}-more"),
            &good.to_uppercase(),
            &good.replace("b7ad6b7169203331", "0000000000000000"),
            &good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &good.replacen("00", "ff", 1),
            &good.replace('-', "_"),
        ] {
            assert!(given(odd).is_none(), "{odd:?} was taken");
        }
    }

    #[test]
    fn a_trace_that_nobody_keeps_still_has_its_ids() {
        let (first, second) = (TraceParent::new(), TraceParent::new());
        assert_ne!(first.trace_id(), second.trace_id());
        let read = TraceParent::given(&first.to_header().unwrap()).unwrap();
        assert_eq!((read.trace_id(), read.is_sampled()), (first.trace_id(), false));
        let next = first.next();
        assert_eq!(next.trace_id(), first.trace_id());
        assert_ne!(next.0[36..52], first.0[36..52]);
    }

    #[test]
    fn chances_are_as_they_say() {
        let happened = (0..10_000).filter(|_| chance(0.5)).count();
        assert!((4_000..6_000).contains(&happened), "{happened} of 10,000");
        assert!(chance(1.0) && !chance(0.0));
    }
}
