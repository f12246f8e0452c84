//! E-mail addresses.

use garde::rules::email::Email as _;
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::violation::Violation;

/// Most characters of an address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const MAX_EMAIL_LENGTH: usize = 254;

/// The one spelling by which an address is looked up: trimmed, NFC, lower case. The standard lets the part before the @
/// depend on case; no provider does, and two accounts that differ by case would be a trap.
#[must_use]
pub fn normalize(email: &str) -> String {
    email.trim().nfc().collect::<String>().to_lowercase()
}

/// The normalized spelling of an address that could be one.
pub fn check(email: &str) -> Result<String, Violation> {
    let email = normalize(email);
    let violation = |message| Violation::new("/email", message);
    if email.chars().count() > MAX_EMAIL_LENGTH {
        return Err(violation("must have at most 254 characters"));
    }
    email.validate_email().map_err(|_| violation("must be an e-mail address"))?;
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for spelling in ["Ada@Shop.Example", "  ada@shop.example\n", "ADA@SHOP.EXAMPLE"] {
            assert_eq!(check(spelling).unwrap(), "ada@shop.example");
        }
        assert_eq!(normalize("A\u{0301}@x.example"), "\u{00e1}@x.example");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", "ada", "ada@", "@shop.example", "a b@shop.example", "ada@shop..example"] {
            assert!(check(bad).is_err(), "{bad:?} is accepted");
        }
        assert!(check(&format!("ada@{}.example", ["x"; 130].join("."))).is_err());
    }
}
