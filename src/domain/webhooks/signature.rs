//! How a delivery proves where it comes from, after the Standard Webhooks convention (standardwebhooks.com).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::{TryRng as _, rngs::SysError, rngs::SysRng};
use sha2::Sha256;

use crate::model::webhook::Secret;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// Characters of a secret that its hint shows.
const HINT: usize = 4;

/// A new secret: 256 of the operating system's random bits.
///
/// # Errors
/// Where it has none.
pub fn generate() -> Result<Secret, SysError> {
    let mut secret = vec![0_u8; 32];
    SysRng.try_fill_bytes(&mut secret)?;
    Ok(Secret(secret))
}

/// The text to hand to whoever checks signatures, once.
#[must_use]
pub fn reveal(secret: &Secret) -> String {
    format!("{PREFIX}{}", STANDARD.encode(&secret.0))
}

/// By what people tell secrets apart: the last characters, before the padding.
#[must_use]
pub fn hint(secret: &Secret) -> String {
    let text = STANDARD.encode(&secret.0);
    let text = text.trim_end_matches('=');
    format!("{PREFIX}…{}", text.get(text.len().saturating_sub(HINT)..).unwrap_or_default())
}

/// The `webhook-signature` of a message sent at a time (seconds since 1970): one by each secret, so that receivers can change
/// to a new one in their own time.
#[must_use]
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> String {
    let signatures = secrets.iter().filter_map(|secret| {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signatures_are_those_of_the_convention() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let sign = |secrets: &[Secret]| {
            sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#)
        };
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(std::slice::from_ref(&secret)), known);
        let other = generate().unwrap();
        let both = sign(&[other.clone(), secret]);
        assert_eq!(both, format!("{} {known}", sign(&[other])));
    }

    #[test]
    fn a_hint_shows_little() {
        let secret = Secret(vec![7; 32]);
        assert_eq!(reveal(&secret), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(hint(&secret), "whsec_…HBwc");
        assert_ne!(generate().unwrap(), generate().unwrap());
    }
}
