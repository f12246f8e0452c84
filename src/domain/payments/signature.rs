//! Signatures of events: HMAC-SHA-256 (RFC 2104) over the time, a dot, and the body, as Stripe signs its own.
//!
//! The header is `t=1700000000,v1=5257a869…`: the time in seconds since 1970, and the MAC in hexadecimal. While a secret is
//! being changed there may be several `v1`, of which one has to be right; what else stands there is not looked at. By hand:
//!
//! ```sh
//! t=$(date +%s)
//! v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/.* //')
//! curl -X POST "$shop/api/v1/payments/webhooks/test" -H "Webhook-Signature: t=$t,v1=$v1" -d "$body"
//! ```

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use time::OffsetDateTime;

use super::provider::EventError;

/// Most signatures that are looked at.
const MAX_SIGNATURES: usize = 5;

/// The secret by which events are signed, and how old they may be.
#[derive(Clone)]
pub struct EventKey {
    secret: SecretString,
    tolerance: Duration,
}

impl EventKey {
    /// A key for events that were signed not more than `tolerance` from now.
    #[must_use]
    pub fn new(secret: SecretString, tolerance: Duration) -> Self {
        Self { secret, tolerance }
    }

    /// The value of the header for a body that is signed at `now`.
    #[must_use]
    pub fn sign(&self, body: &[u8], now: OffsetDateTime) -> String {
        let time = now.unix_timestamp();
        let mac = self.mac(&time.to_string(), body).map(|mac| hex::encode(mac.finalize().into_bytes()));
        format!("t={time},v1={}", mac.unwrap_or_default())
    }

    /// Checks the value of the header. The comparison takes the same time wherever the difference is.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn verify(&self, header: &str, body: &[u8], now: OffsetDateTime) -> Result<(), EventError> {
        let mut time = None;
        let mut given = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=').ok_or(EventError::Malformed)? {
                ("t", _) if time.is_some() => return Err(EventError::Malformed),
                ("t", text) => time = Some(text),
                ("v1", text) if given.len() < MAX_SIGNATURES => given.push(text),
                _ => {}
            }
        }
        let text = time.ok_or(EventError::Malformed)?;
        let time: i64 = text.parse().map_err(|_| EventError::Malformed)?;
        let mac = self.mac(text, body)?;
        let is_right = |text: &&str| hex::decode(text).is_ok_and(|given| mac.clone().verify_slice(&given).is_ok());
        if !given.iter().any(is_right) {
            return Err(EventError::Signature);
        }
        if now.unix_timestamp().abs_diff(time) > self.tolerance.as_secs() { Err(EventError::Time) } else { Ok(()) }
    }

    fn mac(&self, time: &str, body: &[u8]) -> Result<Hmac<Sha256>, EventError> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes()).map_err(|_| EventError::NoSecret)?;
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        Ok(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn key(secret: &str) -> EventKey {
        EventKey::new(secret.to_owned().into(), Duration::from_secs(300))
    }

    #[test]
    fn it_is_what_openssl_makes() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            key("whsec_test").sign(BODY, at(1_700_000_000)),
            "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925",
        );
    }

    #[test]
    fn only_the_right_secret_body_and_time_do() {
        let key = key("whsec_test");
        let now = at(1_700_000_000);
        let good = key.sign(BODY, now);
        assert_eq!(key.verify(&good, BODY, now), Ok(()));
        for seconds in [-300, 300] {
            assert_eq!(key.verify(&good, BODY, at(1_700_000_000 + seconds)), Ok(()));
        }
        for seconds in [-301, 301] {
            assert_eq!(key.verify(&good, BODY, at(1_700_000_000 + seconds)), Err(EventError::Time));
        }
        assert_eq!(key.verify(&good, br#"{"id":"evt_2"}"#, now), Err(EventError::Signature));
        let other = EventKey::new("whsec_other".to_owned().into(), Duration::from_secs(300)).sign(BODY, now);
        assert_eq!(key.verify(&other, BODY, now), Err(EventError::Signature));
        // Another time than the one that was signed.
        let moved = good.replace("t=1700000000", "t=1700000001");
        assert_eq!(key.verify(&moved, BODY, now), Err(EventError::Signature));
    }

    #[test]
    fn one_of_several_signatures_has_to_be_right() {
        let key = key("whsec_test");
        let now = at(1_700_000_000);
        let good = key.sign(BODY, now);
        let mac = good.rsplit('=').next().unwrap();
        let wrong = "0".repeat(64);
        let several = format!("t=1700000000, v1={wrong}, v1={mac}, v0=whatever");
        assert_eq!(key.verify(&several, BODY, now), Ok(()));
        let late = format!("t=1700000000{},v1={mac}", format!(",v1={wrong}").repeat(MAX_SIGNATURES));
        assert_eq!(key.verify(&late, BODY, now), Err(EventError::Signature), "nobody has to look at thousands");
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let key = key("whsec_test");
        let now = at(1_700_000_000);
        for malformed in ["", "t", "v1=00", "t=now,v1=00", "t=1,t=2,v1=00", "t=99999999999999999999,v1=00"] {
            assert_eq!(key.verify(malformed, BODY, now), Err(EventError::Malformed), "{malformed:?}");
        }
        for wrong in ["t=1700000000", "t=1700000000,v1=", "t=1700000000,v1=zz", "t=1700000000,v1=00"] {
            assert_eq!(key.verify(wrong, BODY, now), Err(EventError::Signature), "{wrong:?}");
        }
    }
}
