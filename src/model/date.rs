//! Dates of which sometimes only the year, or the year and month, is known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Date, Month};

/// How much of a date is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// The year alone.
    Year,
    /// Year and month.
    Month,
    /// The whole date.
    Day,
}

impl Precision {
    /// The name that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
        }
    }
}

impl FromStr for Precision {
    type Err = PartialDateError;

    fn from_str(text: &str) -> Result<Self, PartialDateError> {
        [Self::Year, Self::Month, Self::Day].into_iter().find(|p| p.as_str() == text).ok_or(PartialDateError)
    }
}

/// A date known to the year, the month or the day, written `1997`, `1997-06` or `1997-06-26` (ISO 8601 reduced
/// precision). Years before the common era are negative, with 0 for 1 BC: `-0750`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartialDate {
    first_day: Date,
    precision: Precision,
}

/// The text is no year, month or day of the calendar between the years -4000 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialDateError;

impl fmt::Display for PartialDateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no date: use 1997, 1997-06 or 1997-06-26, from the year -4000 to 9999")
    }
}

impl std::error::Error for PartialDateError {}

impl PartialDate {
    /// The first day that fits, for sorting and storing.
    #[must_use]
    pub fn first_day(self) -> Date {
        self.first_day
    }

    /// How much is known.
    #[must_use]
    pub fn precision(self) -> Precision {
        self.precision
    }

    /// The year; 0 is 1 BC.
    #[must_use]
    pub fn year(self) -> i32 {
        self.first_day.year()
    }

    /// A date of which `precision` is known; what lies below it in `date` is dropped.
    #[must_use]
    pub fn new(date: Date, precision: Precision) -> Self {
        let first_day = match precision {
            Precision::Year => Date::from_calendar_date(date.year(), Month::January, 1).unwrap_or(date),
            Precision::Month => date.replace_day(1).unwrap_or(date),
            Precision::Day => date,
        };
        Self { first_day, precision }
    }

    /// The date of these parts.
    ///
    /// # Errors
    /// Where the calendar has no such day, or the year is out of range.
    pub fn from_parts(year: i32, month: Option<u8>, day: Option<u8>) -> Result<Self, PartialDateError> {
        let precision = match (month, day) {
            (None, None) => Precision::Year,
            (Some(_), None) => Precision::Month,
            (Some(_), Some(_)) => Precision::Day,
            (None, Some(_)) => return Err(PartialDateError),
        };
        let month = Month::try_from(month.unwrap_or(1)).map_err(|_| PartialDateError)?;
        if !(-4000..=9999).contains(&year) {
            return Err(PartialDateError);
        }
        let first_day = Date::from_calendar_date(year, month, day.unwrap_or(1)).map_err(|_| PartialDateError)?;
        Ok(Self { first_day, precision })
    }
}

impl FromStr for PartialDate {
    type Err = PartialDateError;

    fn from_str(text: &str) -> Result<Self, PartialDateError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let mut parts = digits.split('-');
        let number = |part: Option<&str>, length: usize| match part {
            None => Ok(None),
            Some(part) if part.len() == length && part.bytes().all(|b| b.is_ascii_digit()) => {
                part.parse::<u16>().map(Some).map_err(|_| PartialDateError)
            }
            Some(_) => Err(PartialDateError),
        };
        let year = number(parts.next(), 4)?.ok_or(PartialDateError)?;
        let month = number(parts.next(), 2)?.map(|m| m as u8);
        let day = number(parts.next(), 2)?.map(|d| d as u8);
        if parts.next().is_some() {
            return Err(PartialDateError);
        }
        Self::from_parts(sign * i32::from(year), month, day)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.first_day;
        let sign = if date.year() < 0 { "-" } else { "" };
        write!(f, "{sign}{:04}", date.year().unsigned_abs())?;
        if self.precision != Precision::Year {
            write!(f, "-{:02}", u8::from(date.month()))?;
        }
        if self.precision == Precision::Day {
            write!(f, "-{:02}", date.day())?;
        }
        Ok(())
    }
}

impl TryFrom<String> for PartialDate {
    type Error = PartialDateError;

    fn try_from(text: String) -> Result<Self, PartialDateError> {
        text.parse()
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> String {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for text in ["1997", "1997-06", "1997-06-26", "-0750", "0000", "2000-02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_no_calendar_has() {
        for text in ["", "97", "1997-6", "1997-13", "1997-02-30", "1997-06-26-01", "+1997", "-5000", "abcd", "1997-0a"]
        {
            assert_eq!(text.parse::<PartialDate>(), Err(PartialDateError), "{text}");
        }
    }
}
