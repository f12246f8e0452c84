//! International Standard Book Numbers (ISO 2108), with their check digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no ISBN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsbnError {
    /// Not the number of digits that this kind of ISBN has.
    Length,
    /// Something that is neither a digit nor, as the last character of an ISBN-10, an `X`.
    Character,
    /// An ISBN-13 that starts with neither 978 nor 979.
    Prefix,
    /// The check digit does not fit the others.
    CheckDigit,
}

impl fmt::Display for IsbnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "has the wrong number of digits",
            Self::Character => "has a character that is no digit",
            Self::Prefix => "starts with neither 978 nor 979",
            Self::CheckDigit => "has a wrong check digit",
        })
    }
}

impl std::error::Error for IsbnError {}

/// Digits of an ISBN as people write it: hyphens and spaces are dropped, `x` is raised.
fn significant(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '-' | ' ' | '\u{2010}' | '\u{2013}')).map(|c| c.to_ascii_uppercase()).collect()
}

fn digit(byte: u8) -> Result<u32, IsbnError> {
    if byte.is_ascii_digit() { Ok(u32::from(byte - b'0')) } else { Err(IsbnError::Character) }
}

/// A ten-digit ISBN with a right check digit, without hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Isbn10(String);

/// A thirteen-digit ISBN with a right check digit, without hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Isbn13(String);

impl Isbn10 {
    /// The number as ten characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same book's ISBN-13: prefix 978 and a new check digit.
    #[must_use]
    pub fn to_isbn13(&self) -> Isbn13 {
        Isbn13::with_check_digit(&format!("978{}", &self.0[..9]))
    }
}

impl FromStr for Isbn10 {
    type Err = IsbnError;

    fn from_str(text: &str) -> Result<Self, IsbnError> {
        let number = significant(text);
        let bytes = number.as_bytes();
        if number.chars().count() != 10 {
            return Err(IsbnError::Length);
        }
        let mut sum = 0;
        for (position, byte) in bytes.iter().enumerate() {
            let value = if *byte == b'X' && position == 9 { 10 } else { digit(*byte)? };
            sum += value * (10 - position as u32);
        }
        if sum % 11 == 0 { Ok(Self(number)) } else { Err(IsbnError::CheckDigit) }
    }
}

impl Isbn13 {
    /// The number as thirteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same book's ISBN-10, which only numbers under 978 have.
    #[must_use]
    pub fn to_isbn10(&self) -> Option<Isbn10> {
        let body = self.0.strip_prefix("978")?.get(..9)?;
        let sum: u32 = body.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * (10 - i as u32)).sum();
        let check = match (11 - sum % 11) % 11 {
            10 => 'X',
            value => char::from_digit(value, 10)?,
        };
        Some(Isbn10(format!("{body}{check}")))
    }

    /// The ISBN-13 of prefix 978 with these nine digits before its check digit; further digits are dropped.
    #[must_use]
    pub fn of_body(nine_digits: u32) -> Self {
        Self::with_check_digit(&format!("978{:09}", nine_digits % 1_000_000_000))
    }

    /// The ISBN-13 that begins with these twelve digits.
    fn with_check_digit(twelve: &str) -> Self {
        let sum: u32 =
            twelve.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
        Self(format!("{twelve}{}", (10 - sum % 10) % 10))
    }
}

impl FromStr for Isbn13 {
    type Err = IsbnError;

    fn from_str(text: &str) -> Result<Self, IsbnError> {
        let number = significant(text);
        if number.chars().count() != 13 {
            return Err(IsbnError::Length);
        }
        for byte in number.bytes() {
            digit(byte)?;
        }
        if !number.starts_with("978") && !number.starts_with("979") {
            return Err(IsbnError::Prefix);
        }
        let expected = Self::with_check_digit(&number[..12]);
        if expected.0 == number { Ok(expected) } else { Err(IsbnError::CheckDigit) }
    }
}

macro_rules! text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IsbnError;

            fn try_from(text: String) -> Result<Self, IsbnError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(isbn: $name) -> String {
                isbn.0
            }
        }
    };
}
text!(Isbn10);
text!(Isbn13);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hyphens_and_computes_the_other_form() {
        let ten: Isbn10 = "0-8044-2957-x".parse().unwrap();
        assert_eq!(ten.as_str(), "080442957X");
        assert_eq!(ten.to_isbn13().as_str(), "9780804429573");
        assert_eq!(ten.to_isbn13().to_isbn10(), Some(ten));
        assert_eq!("979-10-90636-07-1".parse::<Isbn13>().unwrap().to_isbn10(), None);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!("080442957".parse::<Isbn10>(), Err(IsbnError::Length));
        assert_eq!("08044X9573".parse::<Isbn10>(), Err(IsbnError::Character));
        assert_eq!("0804429570".parse::<Isbn10>(), Err(IsbnError::CheckDigit));
        assert_eq!("9780804429574".parse::<Isbn13>(), Err(IsbnError::CheckDigit));
        assert_eq!("9770804429573".parse::<Isbn13>(), Err(IsbnError::Prefix));
        assert_eq!("978080442957é".parse::<Isbn13>(), Err(IsbnError::Character));
    }

    proptest::proptest! {
        #[test]
        fn every_changed_digit_is_noticed(body in 0_u64..1_000_000_000, at in 0_usize..13, by in 1_u32..10) {
            let right = Isbn13::with_check_digit(&format!("978{body:09}"));
            let mut digits: Vec<u32> = right.as_str().chars().filter_map(|c| c.to_digit(10)).collect();
            digits[at] = (digits[at] + by) % 10;
            let wrong: String = digits.iter().filter_map(|d| char::from_digit(*d, 10)).collect();
            proptest::prop_assert!(wrong.parse::<Isbn13>().is_err());
            proptest::prop_assert!(right.as_str().parse::<Isbn13>().is_ok());
        }
    }
}
