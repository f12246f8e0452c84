//! How many requests a client may make, told by `RateLimit` and `RateLimit-Policy` on every answer
//! (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! Requests of a user count against the user, all others against the client's address. Whose session a token is turns
//! out only when the handler looks it up; from then on the token is remembered for a while, so that the next request
//! with it can be counted without a look-up. A made-up token is never remembered, and counts against the address.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::context::RequestContext;
use crate::{
    http::{
        openapi::SESSION_COOKIE,
        problem::{Kind, Problem},
    },
    telemetry::names,
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// For how long a verified token is counted as its user's without having been verified again.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// Most tokens that are remembered; further ones count against their address.
const MOST_REMEMBERED: usize = 100_000;

/// A number of requests in a window. All of it may be used at once; it refills evenly.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Requests in one window.
    pub requests: NonZeroU32,
    /// The time in which a used-up allowance is whole again.
    pub window: Duration,
}

/// The outcome of counting one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The policy that it counted against.
    policy: &'static str,
    requests: u32,
    window: Duration,
    remaining: u32,
    /// How long until all is available again; for a refused request, until one is.
    reset: Duration,
    allowed: bool,
}

/// An allowance for each key.
#[derive(Debug)]
pub struct KeyedLimit<K: Hash + Eq + Clone> {
    policy: &'static str,
    allowance: Allowance,
    limiter: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    /// An allowance for each key under the name of a policy.
    #[must_use]
    pub fn new(policy: &'static str, allowance: Allowance) -> Self {
        // A period of zero has no meaning, so the shortest there is takes its place.
        let period = (allowance.window / allowance.requests.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(period).unwrap_or_else(|| Quota::per_second(allowance.requests));
        let quota = quota.allow_burst(allowance.requests);
        let limiter = RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>();
        Self { policy, allowance, limiter }
    }

    /// Counts a request.
    pub fn count(&self, key: &K) -> Verdict {
        let Allowance { requests, window } = self.allowance;
        let (requests, policy) = (requests.get(), self.policy);
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity().min(requests);
                let reset = window * (requests - remaining) / requests;
                Verdict { policy, requests, window, remaining, reset, allowed: true }
            }
            Err(refused) => {
                let reset = refused.wait_time_from(DefaultClock::default().now());
                Verdict { policy, requests, window, remaining: 0, reset, allowed: false }
            }
        }
    }

    /// Forgets keys whose allowance is whole.
    pub fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// The limits of the API.
pub struct Limits {
    address: KeyedLimit<IpAddr>,
    user: KeyedLimit<Uuid>,
    tokens: Mutex<HashMap<[u8; 16], (Uuid, Instant)>>,
}

impl Limits {
    /// Limits with these allowances.
    #[must_use]
    pub fn new(per_address: Allowance, per_user: Allowance) -> Self {
        Self {
            address: KeyedLimit::new("address", per_address),
            user: KeyedLimit::new("user", per_user),
            tokens: Mutex::default(),
        }
    }

    /// Forgets what is of no use any more. To be called now and then.
    pub fn tidy(&self) {
        self.address.tidy();
        self.user.tidy();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, (_, verified)| verified.elapsed() < REMEMBERED_FOR);
        tokens.shrink_to_fit();
    }

    fn count(&self, token: Option<&[u8; 16]>, client: IpAddr) -> Verdict {
        match token.and_then(|token| self.user_of(token)) {
            Some(user) => self.user.count(&user),
            None => self.address.count(&network_of(client)),
        }
    }

    fn user_of(&self, token: &[u8; 16]) -> Option<Uuid> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).filter(|(_, verified)| verified.elapsed() < REMEMBERED_FOR).map(|(user, _)| *user)
    }

    fn remember(&self, token: [u8; 16], user: Uuid) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() < MOST_REMEMBERED || tokens.contains_key(&token) {
            tokens.insert(token, (user, Instant::now()));
        }
    }
}

/// A request that has been counted.
pub(in crate::http) struct Counted {
    token: Option<[u8; 16]>,
    verdict: Verdict,
}

impl Limits {
    /// Counts a request.
    pub(in crate::http) async fn admit(&self, headers: &HeaderMap, context: &RequestContext) -> Counted {
        let token = token_of(headers);
        Counted { verdict: self.count(token.as_ref(), context.client()), token }
    }

    /// Tells what is left in the answer to a request, and remembers who turned out to have asked.
    pub(in crate::http) fn tell(&self, counted: &Counted, context: &RequestContext, headers: &mut HeaderMap) {
        if counted.verdict.allowed
            && let (Some(token), Some(user)) = (counted.token, context.user())
        {
            self.remember(token, user);
        }
        counted.verdict.write(headers);
    }
}

impl Counted {
    /// The answer to a request that is one too many.
    pub(in crate::http) fn refused(&self) -> Option<Response> {
        let verdict = (!self.verdict.allowed).then_some(&self.verdict)?;
        metrics::counter!(names::HTTP_REQUESTS_LIMITED_TOTAL, "policy" => verdict.policy).increment(1);
        Some(refusal(verdict).into_response())
    }
}

/// The problem of a request that is one too many.
#[must_use]
pub fn refusal(verdict: &Verdict) -> Problem {
    let Verdict { requests, window, .. } = verdict;
    Problem::new(Kind::TooManyRequests)
        .detail(format!("The limit is {requests} requests in {} s.", seconds(*window)))
        .retry_after(verdict.reset)
}

impl Verdict {
    /// Whether the request may go on.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    fn write(&self, headers: &mut HeaderMap) {
        let Self { policy, requests, remaining, .. } = self;
        let (window, reset) = (seconds(self.window), seconds(self.reset));
        for (name, text) in [
            (RATE_LIMIT_POLICY, format!("\"{policy}\";q={requests};w={window}")),
            (RATE_LIMIT, format!("\"{policy}\";r={remaining};t={reset}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Whoever has one IPv6 address has the whole /64.
fn network_of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The hash of the session token that a request presents. It is not verified.
fn token_of(headers: &HeaderMap) -> Option<[u8; 16]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let token = bearer.or_else(|| {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|value| value.split(';')).find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == SESSION_COOKIE).then_some(value)
        })
    })?;
    Sha256::digest(token.as_bytes()).get(..16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(requests: u32, window: Duration) -> Allowance {
        Allowance { requests: NonZeroU32::new(requests).unwrap(), window }
    }

    #[test]
    fn a_used_up_allowance_refuses_and_says_when_to_come_back() {
        let limit = KeyedLimit::new("test", allowance(3, Duration::from_secs(30)));
        let left: Vec<u32> = (0..3).map(|_| limit.count(&"a").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = limit.count(&"a");
        assert!(!refused.allowed() && refused.reset <= Duration::from_secs(10), "{refused:?}");
        assert!(limit.count(&"b").allowed(), "another key has its own");
    }

    #[test]
    fn fields_follow_the_draft() {
        let mut headers = HeaderMap::new();
        KeyedLimit::new("address", allowance(300, Duration::from_secs(10))).count(&1).write(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"address\";q=300;w=10");
        assert_eq!(headers[RATE_LIMIT], "\"address\";r=299;t=1");
    }

    #[test]
    fn a_verified_token_counts_against_its_user_and_a_made_up_one_against_the_address() {
        let limits = Limits::new(allowance(1, Duration::from_secs(60)), allowance(2, Duration::from_secs(60)));
        let (client, user) = (IpAddr::from([192, 0, 2, 1]), Uuid::from_u128(7));
        assert_eq!(limits.count(Some(&[1; 16]), client).policy, "address");
        assert!(!limits.count(Some(&[2; 16]), client).allowed(), "changing the token does not help");
        limits.remember([1; 16], user);
        assert_eq!(limits.count(Some(&[1; 16]), client).policy, "user");
        limits.tidy();
        assert!(limits.count(Some(&[1; 16]), client).allowed());
        assert!(!limits.count(Some(&[1; 16]), client).allowed());
    }

    #[test]
    fn the_token_is_found_in_either_place() {
        let with = |name: HeaderName, value: &'static str| {
            token_of(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
        };
        let token = with(header::AUTHORIZATION, "bearer abc");
        assert!(token.is_some());
        assert_eq!(with(header::COOKIE, "a=b; bookstore_session=abc"), token);
        assert_eq!(with(header::AUTHORIZATION, "Basic abc"), None);
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let address = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(address("2001:db8:1:2:3::4"), address("2001:db8:1:2::9"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }
}
