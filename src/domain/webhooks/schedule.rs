//! When a failed delivery is tried again.

use std::time::Duration;

use rand::RngExt as _;
use time::OffsetDateTime;

/// The waits that Standard Webhooks proposes (5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h), as multiples of the first.
const MULTIPLES: &[u32] = &[1, 60, 360, 1_440, 3_600, 7_200, 10_080, 14_400, 17_280];

/// The longest wait that an endpoint can ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The wait after so many attempts (from 1) since the delivery was queued, give or take a fifth: endpoints that come back are
/// not met by everything at once. A longer wait that the endpoint asked for is kept, up to a day.
pub fn wait(first: Duration, attempts: i32, asked_for: Option<Duration>) -> Duration {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let multiple = MULTIPLES.get(place).or(MULTIPLES.last()).copied().unwrap_or(1);
    let wait = first.saturating_mul(multiple).mul_f64(rand_fraction());
    wait.max(asked_for.unwrap_or_default().min(LONGEST))
}

#[expect(clippy::disallowed_methods, reason = "a spread of waits, which nobody gains by guessing")]
fn rand_fraction() -> f64 {
    rand::rng().random_range(0.8..1.2)
}

/// The wait of a `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub fn retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = OffsetDateTime::from(httpdate::parse_http_date(value.trim()).ok()?);
    Some(Duration::try_from(at - now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_the_schedule() {
        let first = Duration::from_secs(5);
        let around = |attempts, seconds: f64| {
            for _ in 0..50 {
                let wait = wait(first, attempts, None).as_secs_f64();
                assert!((seconds * 0.8..=seconds * 1.2).contains(&wait), "{wait} after {attempts}");
            }
        };
        for (attempts, seconds) in
            (1..).zip([5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0, 86_400.0])
        {
            around(attempts, seconds);
        }
        around(0, 5.0);
    }

    #[test]
    fn an_endpoint_can_ask_for_more_but_not_for_less_or_for_ever() {
        let first = Duration::from_secs(5);
        assert_eq!(wait(first, 1, Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert!(wait(first, 2, Some(Duration::from_secs(60))) >= Duration::from_secs(240));
        assert_eq!(wait(first, 1, Some(Duration::from_secs(u64::MAX))), LONGEST);
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = time::macros::datetime!(1994-11-06 08:49:07 UTC);
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:48:37 GMT", now), Some(Duration::ZERO));
        for wrong in ["", "-1", "soon", "1.5"] {
            assert_eq!(retry_after(wrong, now), None);
        }
    }
}
