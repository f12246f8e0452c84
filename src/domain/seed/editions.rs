//! The forms in which one work is sold: their dates, prices, identifiers and shelves.

use time::{Date, Duration, Month, OffsetDateTime};
use uuid::Uuid;

use super::random::Choices;
use crate::model::date::{PartialDate, Precision};
use crate::model::isbn::Isbn13;
use crate::model::product::Format;

/// The day on which the shop of the made-up catalogue opened, and the last day on which a book entered it. Both lie in
/// the past, whatever the clock says, so that the same seed gives the same books on any day.
const OPENED: Date = match Date::from_calendar_date(2015, Month::March, 2) {
    Ok(date) => date,
    Err(_) => Date::MIN,
};
const LAST_ENTRY: Date = match Date::from_calendar_date(2025, Month::June, 30) {
    Ok(date) => date,
    Err(_) => Date::MAX,
};

/// The made-up books are numbered in the block 978-66 to 978-69, which the International ISBN Agency has given to
/// nobody ("Range Message", prefix 978, 6600000-6999999), so none has the number of a real book.
const FIRST_ISBN: u64 = 660_000_000;

/// How many made-up books there can be.
pub(super) const MOST_BOOKS: u64 = 40_000_000;

/// The ISBN-13 of the made-up book with this number. Later books have greater ones.
pub(super) fn isbn(index: u64) -> Isbn13 {
    Isbn13::of_body((FIRST_ISBN + index % MOST_BOOKS) as u32)
}

/// The number of the made-up book with this ISBN; the reverse of [`isbn`].
pub(super) fn index_of(isbn: &Isbn13) -> Option<u64> {
    let body: u64 = isbn.as_str().get(3..12)?.parse().ok()?;
    body.checked_sub(FIRST_ISBN).filter(|index| *index < MOST_BOOKS)
}

/// The formats of a work, the ways in which publishers combine them.
pub(super) fn formats(choices: &mut Choices) -> &'static [Format] {
    use Format::{Audiobook, Ebook, Hardcover, Paperback};
    const SETS: &[(u32, &[Format])] = &[
        (26, &[Paperback]),
        (6, &[Hardcover]),
        (10, &[Ebook]),
        (18, &[Hardcover, Paperback]),
        (18, &[Paperback, Ebook]),
        (12, &[Hardcover, Paperback, Ebook]),
        (10, &[Hardcover, Paperback, Ebook, Audiobook]),
    ];
    choices.weighted(SETS, |(share, _)| *share).1
}

/// The share of a work's readers who hold this format.
pub(super) fn readership(format: Format) -> f64 {
    match format {
        Format::Hardcover => 0.25,
        Format::Paperback => 0.45,
        Format::Ebook => 0.2,
        Format::Audiobook => 0.1,
    }
}

/// The day on which a work first came out: most are recent, some are classics.
pub(super) fn first_published(choices: &mut Choices, years_to_follow: i64) -> Date {
    let age = if choices.percent(5.0) { choices.between(60, 170) } else { (choices.unit().powf(2.2) * 60.0) as i64 };
    let year = (2025 - age - years_to_follow) as i32;
    day_of(choices, year)
}

/// Some day of a year.
pub(super) fn day_of(choices: &mut Choices, year: i32) -> Date {
    Date::from_ordinal_date(year, choices.between(1, 365) as u16).unwrap_or(OPENED)
}

/// When a format of a work came out: hardcovers first, paperbacks a year later, and nothing on a screen before there
/// were screens for it.
pub(super) fn published(choices: &mut Choices, format: Format, first: Date, alone: bool) -> PartialDate {
    let delay = match format {
        Format::Hardcover => 0,
        Format::Paperback if alone => 0,
        Format::Paperback => choices.between(150, 420),
        Format::Ebook => choices.between(0, 30),
        Format::Audiobook => choices.between(0, 180),
    };
    let earliest = if matches!(format, Format::Ebook | Format::Audiobook) { 2008 } else { 1450 };
    let mut date = first.saturating_add(Duration::days(delay));
    if date.year() < earliest {
        let year = choices.between(2008, 2024) as i32;
        date = day_of(choices, year);
    }
    let date = date.min(LAST_ENTRY.saturating_add(Duration::days(90)));
    let precision = match choices.below(100) {
        _ if date.year() < 1970 => Precision::Year,
        0..6 => Precision::Year,
        6..11 => Precision::Month,
        _ => Precision::Day,
    };
    PartialDate::new(date, precision)
}

/// When the shop entered a work: about when it came out, or, if it is older, as the shop filled its shelves.
pub(super) fn entered(choices: &mut Choices, first: Date) -> OffsetDateTime {
    let days = (LAST_ENTRY - OPENED).whole_days();
    let stocked = OPENED.saturating_add(Duration::days(choices.between(0, days)));
    let announced = first.saturating_sub(Duration::days(choices.between(0, 60)));
    let date = stocked.max(announced).min(LAST_ENTRY);
    let millis = choices.between(7 * 3_600_000, 20 * 3_600_000);
    date.midnight().assume_utc() + Duration::milliseconds(millis)
}

/// A UUIDv7 (RFC 9562) of that moment: `order` sorts within it, `index` makes it unique, and `seed` tells catalogues
/// apart.
pub(super) fn uuid(moment: OffsetDateTime, order: u16, seed: u64, index: u64) -> Uuid {
    let millis = (moment.unix_timestamp_nanos() / 1_000_000) as u128;
    let salt = u128::from(seed.wrapping_add(index).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 34);
    let low = (salt << 32) | u128::from(index as u32);
    Uuid::from_u128((millis << 80) | (0x7 << 76) | (u128::from(order & 0xFFF) << 64) | (0b10 << 62) | low)
}

/// The price in minor units: what its kind and format cost, with the endings that shops like.
pub(super) fn price(choices: &mut Choices, format: Format, kind: f64) -> i64 {
    let usual = match format {
        Format::Hardcover => 2499.0,
        Format::Paperback => 1499.0,
        Format::Ebook => 899.0,
        Format::Audiobook => 1999.0,
    };
    let about = usual * kind * (0.75 + 0.55 * choices.unit());
    let whole = ((about / 100.0) as i64).max(1) * 100;
    let ending = match choices.below(10) {
        0..6 => 99,
        6..9 => 95,
        _ => 49,
    };
    whole + ending
}

/// Copies on the shelf. What is downloaded does not run out, but is counted all the same.
pub(super) fn copies(choices: &mut Choices, format: Format, readers: f64) -> i32 {
    let copies = match format {
        Format::Ebook | Format::Audiobook => 100_000,
        Format::Hardcover | Format::Paperback => match choices.below(100) {
            0..6 => 0,
            6..14 => choices.between(1, 5),
            _ => 6 + choices.between(0, 20 + (readers.sqrt() as i64).min(900)),
        },
    };
    copies as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isbns_ascend_and_lead_back() {
        let last = [0, 1, 999_999, MOST_BOOKS - 1].map(isbn);
        assert!(last.is_sorted());
        assert_eq!(last.each_ref().map(index_of), [0, 1, 999_999, MOST_BOOKS - 1].map(Some));
        assert!(last.iter().all(|isbn| isbn.as_str().parse::<Isbn13>().as_ref() == Ok(isbn)));
        assert_eq!(index_of(&"9780804429573".parse().unwrap()), None);
    }

    #[test]
    fn identifiers_are_of_version_seven_and_sort_by_time() {
        let opened = OPENED.midnight().assume_utc();
        let ids = [uuid(opened, 0, 1, 9), uuid(opened, 1, 1, 10), uuid(opened + Duration::MILLISECOND, 0, 1, 3)];
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    }
}
