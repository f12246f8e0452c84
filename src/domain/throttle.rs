//! How fast passwords can be tried.
//!
//! | counted per | what | allowed | stops |
//! |---|---|---|---|
//! | address | every attempt, and every other use of a password | `limits.sign_in_per_address` | one machine that tries many accounts |
//! | account and address | failed attempts | `limits.sign_in_per_account` | one machine that tries one account |
//! | account | failed attempts | ten times that | many machines that try one account |
//!
//! A limit per account is also a way to lock its owner out. So the last one, the only one that strangers can use up for
//! somebody else, does not hold for addresses from which the account is signed in: the owner's usual devices get in while
//! an attack goes on. An attempt is charged before it is made and given back when it succeeds: many at once cannot pass
//! by counting late. An address that does not exist is counted like one that does.
//!
//! The count is GCRA (a bucket that refills evenly, one number per key), in this process. The crate `governor`, which
//! counts requests, cannot give back what it has charged.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{self, Quota};

/// How many times more the failed attempts from all addresses together may be than those from one.
const ADDRESSES_PER_ACCOUNT: u32 = 10;

/// Most keys that a counter remembers.
const MOST_KEYS: usize = 100_000;

/// Counts attempts to use passwords.
pub struct Throttle {
    counters: Option<Counters>,
}

struct Counters {
    address: Counter<IpAddr>,
    pair: Counter<(String, IpAddr)>,
    account: Counter<String>,
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

/// An attempt that was charged.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    email: String,
    address: IpAddr,
    account_charged: bool,
}

impl Throttle {
    /// A throttle with these limits; none where limits are switched off.
    #[must_use]
    pub fn new(settings: &config::Limits) -> Self {
        let counters = settings.enabled.then(|| {
            let tight = settings.sign_in_per_account;
            let loose = Quota { requests: tight.requests.saturating_mul(TEN), window: tight.window };
            Counters {
                address: Counter::new(settings.sign_in_per_address),
                pair: Counter::new(tight),
                account: Counter::new(loose),
            }
        });
        Self { counters }
    }

    /// Charges an address for work with a password that is not about an account yet, such as opening one.
    ///
    /// # Errors
    /// The time after which it may be done.
    pub fn charge_address(&self, address: IpAddr) -> Result<(), Duration> {
        let Some(counters) = &self.counters else { return Ok(()) };
        counters.address.charge(&network(address), Instant::now())
    }

    /// Charges an attempt to use the password of the account of `email`, normalized.
    #[must_use]
    pub fn admit(&self, email: &str, address: IpAddr) -> Admission {
        let address = network(address);
        let mut attempt = Attempt { email: email.to_owned(), address, account_charged: false };
        let Some(counters) = &self.counters else { return Admission::Admitted(attempt) };
        let now = Instant::now();
        if let Err(wait) = counters.address.charge(&address, now) {
            return Admission::Refused(wait);
        }
        if let Err(wait) = counters.pair.charge(&(attempt.email.clone(), address), now) {
            return Admission::Refused(wait);
        }
        match counters.account.charge(&attempt.email, now) {
            Ok(()) => {
                attempt.account_charged = true;
                Admission::Admitted(attempt)
            }
            Err(wait) => Admission::OnlyIfKnown(attempt, wait),
        }
    }

    /// Gives back what an attempt cost the account: it succeeded, or could not be made.
    pub fn give_back(&self, attempt: Attempt) {
        let Some(counters) = &self.counters else { return };
        let Attempt { email, address, account_charged } = attempt;
        if account_charged {
            counters.account.give_back(&email);
        }
        counters.pair.give_back(&(email, address));
    }
}

const TEN: std::num::NonZeroU32 = match std::num::NonZeroU32::new(ADDRESSES_PER_ACCOUNT) {
    Some(ten) => ten,
    None => std::num::NonZeroU32::MIN,
};

/// Whom an address stands for: of IPv6 the network of 64 bits, since a customer of a provider has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The generic cell rate algorithm: for every key the time at which its bucket will be full again.
struct Counter<K> {
    /// The time in which one attempt is earned back.
    interval: Duration,
    window: Duration,
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash + Clone> Counter<K> {
    fn new(quota: Quota) -> Self {
        Self {
            interval: quota.window / quota.requests.get(),
            window: quota.window,
            full_at: Mutex::new(HashMap::new()),
        }
    }

    fn charge(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = full_at.get(key).copied().unwrap_or(now).max(now);
        let after = before + self.interval;
        // A division that does not come out even must not cost the last attempt.
        let slack = Duration::from_micros(1);
        if after > now + self.window + slack {
            return Err(after.saturating_duration_since(now + self.window));
        }
        if full_at.len() >= MOST_KEYS && !full_at.contains_key(key) {
            make_room(&mut full_at, now);
        }
        full_at.insert(key.clone(), after);
        Ok(())
    }

    fn give_back(&self, key: &K) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(key)
            && let Some(earlier) = at.checked_sub(self.interval)
        {
            *at = earlier;
        }
    }
}

/// Forgets whoever's bucket is full. Where that is nearly nobody, forgets a tenth of all, whom it may concern: a flood of
/// made-up addresses must neither fill the memory nor cost a look at all keys each time.
fn make_room<K: Eq + Hash + Clone>(full_at: &mut HashMap<K, Instant>, now: Instant) {
    full_at.retain(|_, at| *at > now);
    let wanted = MOST_KEYS / 10 * 9;
    let surplus: Vec<K> = full_at.keys().take(full_at.len().saturating_sub(wanted)).cloned().collect();
    for key in surplus {
        full_at.remove(&key);
    }
}

#[cfg(test)]
mod tests;
