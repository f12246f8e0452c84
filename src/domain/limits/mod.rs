//! How many requests a client may make, in all processes together.
//!
//! | class | requests | counted per |
//! |---|---|---|
//! | read | GET, HEAD and other safe methods | user, else address |
//! | write | all other methods | user, else address |
//! | sign-in | signing in, registering, confirming and changing a password | address, whoever asks |
//!
//! Each has a bucket (GCRA) for every user and every address, which Redis keeps. Failed sign-ins to one account are counted by
//! [`super::throttle`].
//!
//! * Writes and sign-ins ask Redis each time, and are counted exactly. A refusal is remembered until the time that it names.
//! * Reads ask for a *grant* of a twentieth of the quota at once, in the background, so that a cached answer waits for no
//!   round trip. What a process has drawn and not spent, one grant at most, is missing to the others. As much may have been
//!   let through on credit, which its next question settles. So over any time n processes let through at most n tenths of
//!   the quota too many (n grants drawn before it began, and n on credit within it), and n twentieths after a pause; the
//!   average is exact, since what was let through on credit is taken from what comes after.
//! * Where Redis does not answer (down, slow, or its circuit breaker is open), the process decides alone by the same quotas,
//!   knowing what it has let through before; n processes then let through at most n times the quota. When Redis is back the
//!   buckets are shared again.
//!
//! Whose session a token is turns out only when a handler looks it up; from then on the token is remembered for a while, so
//! that the next request with it can be counted without a look-up. A made-up token is never remembered, and counts against
//! the address.

pub(super) mod gcra;
mod purse;
pub(super) mod shards;
pub(super) mod shared;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::config::{self, Quota};
use crate::store::Store;
use crate::store::limits::{Demand, Drawn};
use crate::telemetry::limits as telemetry;
use gcra::Gcra;
use purse::{Decision, Purse, Question, Step, Terms};
use shards::{Forgettable, Shards};
use shared::Shared;

/// Grants in a quota of reads.
const GRANTS_PER_QUOTA: u32 = 20;

/// Most subjects that are known of each policy, and most tokens that are remembered.
const MOST_KNOWN: usize = 100_000;

/// For how long a verified token is counted as its user's without having been verified again.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// A hash of a token.
pub type TokenHash = [u8; 16];

/// A kind of requests with limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes something.
    Write,
    /// Tries or sets a password.
    SignIn,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Reads of a user.
    ReadUser,
    /// Reads from an address.
    ReadAddress,
    /// Writes of a user.
    WriteUser,
    /// Writes from an address.
    WriteAddress,
    /// Sign-ins from an address.
    SignInAddress,
}

impl Policy {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::ReadUser, Self::ReadAddress, Self::WriteUser, Self::WriteAddress, Self::SignInAddress];

    /// Its name in header fields, metrics and Redis.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadUser => "read-user",
            Self::ReadAddress => "read-address",
            Self::WriteUser => "write-user",
            Self::WriteAddress => "write-address",
            Self::SignInAddress => "sign-in-address",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::ReadUser | Self::ReadAddress => "read",
            Self::WriteUser | Self::WriteAddress => "write",
            Self::SignInAddress => "sign_in",
        }
    }

    fn quota(self, settings: &config::Limits) -> Quota {
        match self {
            Self::ReadUser => settings.read_per_user,
            Self::ReadAddress => settings.read_per_address,
            Self::WriteUser => settings.write_per_user,
            Self::WriteAddress => settings.write_per_address,
            Self::SignInAddress => settings.sign_in_per_address,
        }
    }
}

/// The outcome of counting one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The policy that it counted against.
    pub policy: Policy,
    /// Whether the request may go on.
    pub allowed: bool,
    /// How many more may.
    pub remaining: u32,
    /// How long until all may that the quota allows; for a refused request, until one may.
    pub reset: Duration,
}

/// Whom a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    User(Uuid),
    Address(IpAddr),
}

impl Subject {
    fn name(self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Address(address) => address.to_string(),
        }
    }
}

/// A limit with everybody whom it concerns.
struct Limit {
    policy: Policy,
    quota: Quota,
    terms: Terms,
    purses: Shards<Subject, Purse>,
}

/// A user whose token was verified.
struct Known {
    user: Uuid,
    until: Instant,
}

impl Forgettable for Known {
    fn is_idle(&self, now: Instant) -> bool {
        self.until <= now
    }
}

/// Counts requests. Cheap to clone.
#[derive(Clone)]
pub struct RateLimiter {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Shared,
    limits: [Limit; Policy::ALL.len()],
    tokens: Shards<TokenHash, Known>,
}

impl RateLimiter {
    /// Limits that are shared through this store; without one they are this process's alone.
    #[must_use]
    pub fn new(settings: &config::Limits, store: Option<Store>) -> Self {
        let limits = Policy::ALL.map(|policy| {
            let quota = policy.quota(settings);
            let grant = (quota.requests.get() / GRANTS_PER_QUOTA).max(1);
            let terms = Terms { gcra: Gcra::new(quota), grant: i32::try_from(grant).unwrap_or(i32::MAX) };
            Limit { policy, quota, terms, purses: Shards::new(MOST_KNOWN) }
        });
        Self { inner: Arc::new(Inner { shared: Shared(store), limits, tokens: Shards::new(MOST_KNOWN) }) }
    }

    /// What a policy allows.
    #[must_use]
    pub fn quota(&self, policy: Policy) -> Quota {
        self.inner.limits[policy as usize].quota
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Counts a request that presents a token, verified or not, from a client's address.
    pub async fn count(&self, class: Class, token: Option<&TokenHash>, client: IpAddr) -> Verdict {
        let user = token.and_then(|token| self.user_of(token));
        let subject = user.map_or_else(|| Subject::Address(network_of(client)), Subject::User);
        match (class, subject) {
            (Class::Read, Subject::User(_)) => self.by_grants(Policy::ReadUser, subject).await,
            (Class::Read, Subject::Address(_)) => self.by_grants(Policy::ReadAddress, subject).await,
            (Class::Write, Subject::User(_)) => Box::pin(self.exactly(Policy::WriteUser, subject)).await,
            (Class::Write, Subject::Address(_)) => Box::pin(self.exactly(Policy::WriteAddress, subject)).await,
            (Class::SignIn, _) => self.count_sign_in(client).await,
        }
    }

    /// Counts a use of a password from a client's address.
    pub async fn count_sign_in(&self, client: IpAddr) -> Verdict {
        Box::pin(self.exactly(Policy::SignInAddress, Subject::Address(network_of(client)))).await
    }

    /// Remembers whose token this is, after it has been verified.
    pub fn remember(&self, token: TokenHash, user: Uuid) {
        let now = Instant::now();
        let until = now + REMEMBERED_FOR;
        self.inner.tokens.with(&token, now, || Known { user, until }, |known| *known = Known { user, until });
    }

    fn user_of(&self, token: &TokenHash) -> Option<Uuid> {
        self.inner.tokens.look(token, |known| (!known.is_idle(Instant::now())).then_some(known.user)).flatten()
    }

    /// Forgets what is of no use any more. To be called now and then.
    pub fn tidy(&self) {
        self.inner.limits.iter().for_each(|limit| limit.purses.tidy());
        self.inner.tokens.tidy();
    }

    /// Counts by grants: without a round trip, but for a burst that is faster than the grants.
    async fn by_grants(&self, policy: Policy, subject: Subject) -> Verdict {
        let limit = &self.inner.limits[policy as usize];
        if self.inner.shared.0.is_none() {
            return limit.count_alone(subject, Instant::now());
        }
        loop {
            let now = Instant::now();
            let Step { decision, alone, question } = limit.purses.with(
                &subject,
                now,
                || Purse::new(&limit.terms, now),
                |purse| purse.count(&limit.terms, now),
            );
            if let Some(question) = question {
                self.ask(policy, subject, question);
            }
            if alone {
                telemetry::record_fallback(policy.name());
            }
            match decision {
                Decision::Admitted { left } => return limit.admitted(left),
                Decision::Refused { wait } => return limit.refused(wait),
                Decision::Later(answer) => answer.await,
            }
        }
    }

    /// Asks for a grant, and lets nobody wait for it.
    fn ask(&self, policy: Policy, subject: Subject, question: Question) {
        let mut asked = Asked { limiter: self.clone(), policy, subject, question, answer: None };
        #[expect(clippy::disallowed_methods, reason = "ends by itself at Redis's deadline")]
        tokio::spawn(async move {
            let (inner, gcra) = (&asked.limiter.inner, asked.limit().terms.gcra);
            asked.answer = inner.shared.draw(policy.name(), &subject.name(), gcra, asked.question.demand).await;
            drop(asked);
        });
    }

    /// Counts one by one: a round trip for each that is not known to be refused.
    async fn exactly(&self, policy: Policy, subject: Subject) -> Verdict {
        let limit = &self.inner.limits[policy as usize];
        let (now, terms) = (Instant::now(), &limit.terms);
        if self.inner.shared.0.is_none() {
            return limit.count_alone(subject, now);
        }
        // Counted here as well, for the case that Redis says nothing.
        let (dry, alone) = limit.purses.with(
            &subject,
            now,
            || Purse::new(terms, now),
            |purse| match purse.dry_for(now) {
                None => (None, purse.count_alone(terms, now)),
                dry => (dry, Ok(0)),
            },
        );
        if let Some(wait) = dry {
            return limit.refused(wait);
        }
        let demand = Demand { settled: 0, wanted: 1 };
        match (self.inner.shared.draw(policy.name(), &subject.name(), terms.gcra, demand).await, alone) {
            (Some(drawn), _) if drawn.granted > 0 => limit.admitted(drawn.left),
            (Some(drawn), alone) => {
                limit.purses.look(&subject, |purse| {
                    if alone.is_ok() {
                        purse.uncount_alone(terms);
                    }
                    purse.set_dry(drawn.wait, Instant::now());
                });
                limit.refused(drawn.wait)
            }
            (None, alone) => {
                telemetry::record_fallback(policy.name());
                limit.verdict(alone)
            }
        }
    }
}

/// A question that was asked. However its task ends, those who wait are told.
struct Asked {
    limiter: RateLimiter,
    policy: Policy,
    subject: Subject,
    question: Question,
    answer: Option<Drawn>,
}

impl Asked {
    fn limit(&self) -> &Limit {
        &self.limiter.inner.limits[self.policy as usize]
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let (Question { demand, waiting }, answer) = (&self.question, self.answer);
        self.limit().purses.look(&self.subject, |purse| purse.answered(*demand, answer, Instant::now()));
        waiting.notify_waiters();
    }
}

impl Limit {
    fn count_alone(&self, subject: Subject, now: Instant) -> Verdict {
        let new = || Purse::new(&self.terms, now);
        self.verdict(self.purses.with(&subject, now, new, |purse| purse.count_alone(&self.terms, now)))
    }

    fn verdict(&self, counted: Result<u32, Duration>) -> Verdict {
        counted.map_or_else(|wait| self.refused(wait), |left| self.admitted(left))
    }

    fn admitted(&self, remaining: u32) -> Verdict {
        let gcra = &self.terms.gcra;
        let reset = gcra.interval * gcra.burst.saturating_sub(remaining);
        Verdict { policy: self.policy, allowed: true, remaining, reset }
    }

    fn refused(&self, wait: Duration) -> Verdict {
        telemetry::record_limited(self.policy.class(), self.policy.name());
        Verdict { policy: self.policy, allowed: false, remaining: 0, reset: wait }
    }
}

/// Whom an address stands for: of IPv6 the network of 64 bits, since a customer of a provider has all of it.
pub(super) fn network_of(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
