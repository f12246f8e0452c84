//! Which passwords are accepted: length counts, composition does not, and what everybody uses is refused.

use std::collections::HashSet;
use std::sync::LazyLock;

use argon2::password_hash;
use rand::{TryRng as _, rngs::SysRng};
use secrecy::SecretString;

/// Fewest characters (Unicode code points, as typed).
pub const MIN_LENGTH: usize = 8;

/// Most characters. NIST asks for at least 64; the limit keeps megabytes from being hashed.
pub const MAX_LENGTH: usize = 128;

/// Passwords at the top of every published list of leaked ones, and the shop's name.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// 32 characters that cannot be mistaken for each other, so that five bits make one.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub(super) fn check(password: &str, email: &str) -> Result<(), &'static str> {
    let folded = password.to_lowercase();
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|character| Some(character) == first) {
        return Err("must not be one character repeated");
    }
    if COMMON.contains(folded.as_str()) {
        return Err("is one of the most common passwords");
    }
    let local_part = email.split('@').next().unwrap_or_default();
    if folded == email || folded == local_part {
        return Err("must not be the e-mail address");
    }
    Ok(())
}

/// A password of 100 random bits, in groups that can be read out.
///
/// # Errors
/// Where the operating system has no random numbers.
pub fn generate() -> Result<SecretString, password_hash::Error> {
    let mut random = [0_u8; 20];
    SysRng.try_fill_bytes(&mut random).map_err(|_| password_hash::Error::RngFailure)?;
    let mut password = String::with_capacity(23);
    for (place, byte) in random.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn common_passwords_are_kept_as_they_are_compared() {
        assert!(COMMON.len() > 450);
        for password in COMMON.iter() {
            assert_eq!(*password, password.to_lowercase());
            assert!(password.chars().count() >= MIN_LENGTH, "{password} is refused for its length already");
        }
    }

    #[test]
    fn what_everybody_uses_is_refused() {
        for bad in ["password1", "PassWord123", "QWERTYUIOP", "zzzzzzzzzz", "ada@shop.example", "ada.lovelace"] {
            let email = if bad == "ada.lovelace" { "ada.lovelace@shop.example" } else { "ada@shop.example" };
            assert!(check(bad, email).is_err(), "{bad} is accepted");
        }
        for good in ["correct horse battery", "tr0ub4dor&3", "пароль из слов", "        a"] {
            assert!(check(good, "ada@shop.example").is_ok(), "{good} is refused");
        }
    }

    #[test]
    fn generated_passwords_are_acceptable_and_differ() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 23);
        assert!(check(one.expose_secret(), "admin@shop.example").is_ok());
    }
}
