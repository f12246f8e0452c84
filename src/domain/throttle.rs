//! How fast passwords can be tried.
//!
//! | counted per | what | allowed | stops |
//! |---|---|---|---|
//! | address | every use of a password | `limits.sign_in_per_address` | one machine that tries many accounts |
//! | account and address | failed attempts | `limits.sign_in_per_account` | one machine that tries one account |
//! | account | failed attempts | ten times that | many machines that try one account |
//!
//! A limit per account is also a way to lock its owner out. So the last one, the only one that strangers can use up for
//! somebody else, does not hold for addresses from which the account is signed in: the owner's usual devices get in while
//! an attack goes on. An attempt is charged before it is made and given back when it succeeds: many at once cannot pass
//! by counting late. An address that does not exist is counted like one that does.
//!
//! The first is a class of [`super::limits`], which counts it when the request comes in. The other two are counted here, in
//! the same buckets that all processes share; while Redis does not answer, by this process alone, which has counted all along.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::limits::gcra::Gcra;
use super::limits::shards::{Forgettable, Shards};
use super::limits::shared::Shared;
use super::limits::{RateLimiter, network_of};
use crate::config::{self, Quota};
use crate::store::limits::{Demand, Drawn};
use crate::telemetry::limits as telemetry;

/// How many times more the failed attempts from all addresses together may be than those from one.
const ADDRESSES_PER_ACCOUNT: u32 = 10;

/// Most keys that a counter remembers.
const MOST_KEYS: usize = 100_000;

/// Counts attempts to use passwords.
pub struct Throttle {
    counters: Option<Counters>,
}

struct Counters {
    limiter: RateLimiter,
    pair: Counter,
    account: Counter,
}

/// How an attempt was met.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may be made.
    Admitted(Attempt),
    /// It may be made only if the account is signed in at this address; else it may be made after this time.
    OnlyIfKnown(Attempt, Duration),
    /// It may be made after this time.
    Refused(Duration),
}

/// An attempt, and what was charged for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    pair: Option<Charge>,
    account: Option<Charge>,
}

impl Throttle {
    /// A throttle with these limits, shared as `limiter` shares its own; none where there is none.
    #[must_use]
    pub fn new(settings: &config::Limits, limiter: Option<&RateLimiter>) -> Self {
        let counters = limiter.map(|limiter| {
            let tight = settings.sign_in_per_account;
            let loose = Quota { requests: tight.requests.saturating_mul(TEN), window: tight.window };
            Counters {
                pair: Counter::new("sign-in-account-address", tight, limiter.shared().clone()),
                account: Counter::new("sign-in-account", loose, limiter.shared().clone()),
                limiter: limiter.clone(),
            }
        });
        Self { counters }
    }

    /// Charges an address for a use of a password that did not come in as a sign-in.
    ///
    /// # Errors
    /// The time after which it may be made.
    pub async fn charge_address(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(counters) = &self.counters else { return Ok(()) };
        let verdict = counters.limiter.count_sign_in(address).await;
        if verdict.allowed { Ok(()) } else { Err(verdict.reset) }
    }

    /// Charges an attempt to use the password of the account of `email`, normalized.
    pub async fn admit(&self, email: &str, address: IpAddr) -> Admission {
        let Some(counters) = &self.counters else { return Admission::Admitted(Attempt { pair: None, account: None }) };
        let pair = match counters.pair.charge(&format!("{email} {}", network_of(address))).await {
            Ok(charge) => Some(charge),
            Err(wait) => return Admission::Refused(wait),
        };
        match counters.account.charge(email).await {
            Ok(charge) => Admission::Admitted(Attempt { pair, account: Some(charge) }),
            Err(wait) => Admission::OnlyIfKnown(Attempt { pair, account: None }, wait),
        }
    }

    /// Gives back what an attempt cost the account: it succeeded, or could not be made.
    pub async fn give_back(&self, attempt: Attempt) {
        let Some(counters) = &self.counters else { return };
        for (counter, charge) in [(&counters.account, attempt.account), (&counters.pair, attempt.pair)] {
            if let Some(charge) = charge {
                counter.give_back(charge).await;
            }
        }
    }
}

const TEN: std::num::NonZeroU32 = match std::num::NonZeroU32::new(ADDRESSES_PER_ACCOUNT) {
    Some(ten) => ten,
    None => std::num::NonZeroU32::MIN,
};

/// A hash of what is counted: neither Redis nor the memory need to know who signs in, nor keep texts of any length.
type Key = [u8; 16];

/// One attempt that was charged.
#[derive(Debug, PartialEq, Eq)]
struct Charge {
    key: Key,
    /// In the bucket that all processes share.
    shared: bool,
    /// In this process.
    here: bool,
}

/// The bucket of a key in this process: when it will be full again.
struct Tally(Instant);

impl Forgettable for Tally {
    fn is_idle(&self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// Counts what can be given back.
struct Counter {
    policy: &'static str,
    gcra: Gcra,
    shared: Shared,
    tallies: Shards<Key, Tally>,
}

impl Counter {
    fn new(policy: &'static str, quota: Quota, shared: Shared) -> Self {
        Self { policy, gcra: Gcra::new(quota), shared, tallies: Shards::new(MOST_KEYS) }
    }

    async fn charge(&self, what: &str) -> Result<Charge, Duration> {
        let mut key = Key::default();
        key.copy_from_slice(&Sha256::digest(what)[..16]);
        let now = Instant::now();
        let here = self.tallies.with(&key, now, || Tally(now), |tally| self.gcra.charge(&mut tally.0, now));
        let charge = |shared| Charge { key, shared, here: here.is_ok() };
        let outcome = match self.draw(&key, Demand { settled: 0, wanted: 1 }).await {
            Some(drawn) if drawn.granted > 0 => Ok(charge(true)),
            Some(drawn) => {
                self.give_back_here(&charge(true));
                Err(drawn.wait)
            }
            None => here.map(|()| charge(false)),
        };
        if outcome.is_err() {
            telemetry::record_limited("sign_in", self.policy);
        }
        outcome
    }

    /// What was not charged is not given back.
    async fn give_back(&self, charge: Charge) {
        self.give_back_here(&charge);
        if charge.shared {
            // Where that fails the attempt stays charged, until the bucket has filled by itself.
            self.draw(&charge.key, Demand { settled: -1, wanted: 0 }).await;
        }
    }

    fn give_back_here(&self, charge: &Charge) {
        if charge.here {
            self.tallies.look(&charge.key, |tally| self.gcra.give_back(&mut tally.0));
        }
    }

    async fn draw(&self, key: &Key, demand: Demand) -> Option<Drawn> {
        let subject = format!("{:032x}", u128::from_be_bytes(*key));
        let drawn = self.shared.draw(self.policy, &subject, self.gcra, demand).await;
        if drawn.is_none() {
            telemetry::record_fallback(self.policy);
        }
        drawn
    }
}

#[cfg(test)]
mod tests;
