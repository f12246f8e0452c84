//! Cursors: where the next page begins, as opaque text that fits one query alone.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::model::ids::ProductId;
use crate::model::listing::{Sort, SortKey};

/// Longer texts are no cursors: a title is cut to 200 characters.
const MAX_LENGTH: usize = 4_000;

/// What a cursor holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The sort key of the last book of the page before.
    k: String,
    /// Its id.
    i: Uuid,
    /// The seal of the query.
    q: String,
}

/// A query's fingerprint. A cursor carries the one of its query and is refused by every other: it would begin at a
/// meaningless place there. It is no secret and keeps nobody from making cursors; those merely begin elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal([u8; 8]);

impl Seal {
    /// The fingerprint of everything that decides what is listed in which order.
    #[must_use]
    pub fn of(query: &impl Serialize) -> Self {
        // What holds no map with keys other than text can be written as JSON.
        let text = serde_json::to_vec(query).unwrap_or_default();
        let mut seal = [0; 8];
        seal.iter_mut().zip(Sha256::digest(&text)).for_each(|(to, from)| *to = from);
        Self(seal)
    }

    fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The cursor after the book with this key and id.
    #[must_use]
    pub fn write(self, key: &str, id: ProductId) -> String {
        let content = Content { k: key.to_owned(), i: id.0, q: self.text() };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// Key and id of a cursor of this query.
    #[must_use]
    pub fn read(self, cursor: &str) -> Option<(String, ProductId)> {
        if cursor.len() > MAX_LENGTH {
            return None;
        }
        let content: Content = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        (content.q == self.text() && !content.k.contains('\0')).then_some((content.k, ProductId(content.i)))
    }
}

/// Sort keys as texts that read back as the same value, bit by bit.
pub trait CursorKey: Sized {
    /// The text.
    fn to_text(&self) -> String;

    /// The key for this sort.
    fn from_text(sort: Sort, text: &str) -> Option<Self>;
}

/// The text of an absent price or date.
const NONE: &str = "-";

fn some<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == NONE { Some(None) } else { read(text).map(Some) }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

impl CursorKey for SortKey {
    fn to_text(&self) -> String {
        match self {
            // Rust writes the shortest text that reads back as the same number.
            Self::Popularity(number) | Self::Rating(number) => number.to_string(),
            Self::Created(at) => (at.unix_timestamp_nanos() / 1_000).to_string(),
            Self::Published(day) => day.map_or_else(|| NONE.to_owned(), |day| day.to_julian_day().to_string()),
            Self::Price(amount) => amount.map_or_else(|| NONE.to_owned(), |amount| amount.to_string()),
            Self::Title(title) => title.clone(),
        }
    }

    fn from_text(sort: Sort, text: &str) -> Option<Self> {
        Some(match sort {
            Sort::Popularity => Self::Popularity(number(text)?),
            Sort::Rating => Self::Rating(number(text)?),
            Sort::Newest => {
                let nanoseconds = text.parse::<i64>().ok().map(|microseconds| i128::from(microseconds) * 1_000)?;
                Self::Created(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?)
            }
            Sort::Published | Sort::PublishedDescending => Self::Published(some(text, |day| {
                // Postgres knows no day before 4714 BC.
                Date::from_julian_day(day.parse().ok()?).ok().filter(|day| day.year() >= -4_000)
            })?),
            Sort::Price | Sort::PriceDescending => Self::Price(some(text, |amount| amount.parse().ok())?),
            Sort::Title => Self::Title(text.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = (Sort, SortKey)> {
        let finite = any::<f64>().prop_filter("finite", |number| number.is_finite());
        prop_oneof![
            finite.clone().prop_map(|number| (Sort::Popularity, SortKey::Popularity(number))),
            finite.prop_map(|number| (Sort::Rating, SortKey::Rating(number))),
            (0..4_000_000_000_000_000_i64).prop_map(|microseconds| {
                let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000).unwrap();
                (Sort::Newest, SortKey::Created(at))
            }),
            proptest::option::of(-1_000_000..2_900_000_i32).prop_map(|day| {
                let day = day.map(|day| Date::from_julian_day(day).unwrap()).filter(|day| day.year() >= -4_000);
                (Sort::PublishedDescending, SortKey::Published(day))
            }),
            proptest::option::of(any::<i64>()).prop_map(|amount| (Sort::Price, SortKey::Price(amount))),
            "[^\0]{0,200}".prop_map(|title| (Sort::Title, SortKey::Title(title))),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_bit_by_bit((sort, key) in keys(), id in any::<u128>()) {
            let id = ProductId(Uuid::from_u128(id));
            let seal = Seal::of(&("a query", sort));
            let (text, read) = seal.read(&seal.write(&key.to_text(), id)).unwrap();
            prop_assert_eq!((SortKey::from_text(sort, &text), read), (Some(key), id));
        }

        #[test]
        fn no_text_is_more_than_refused(text in ".*", sort in proptest::sample::select(Sort::ALL)) {
            prop_assert_eq!(Seal::of(&1).read(&text), None);
            let _ = SortKey::from_text(sort, &text);
        }

        #[test]
        fn no_content_is_more_than_refused(json in ".*", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Seal::of(&1).read(&URL_SAFE_NO_PAD.encode(json)), None);
            prop_assert_eq!(Seal::of(&1).read(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }

    #[test]
    fn a_cursor_fits_its_own_query_alone() {
        let cursor = Seal::of(&("listing", "price", "fantasy")).write("100", ProductId(Uuid::nil()));
        assert_eq!(Seal::of(&("listing", "price", "horror")).read(&cursor), None);
        assert_eq!(Seal::of(&("listing", "title", "fantasy")).read(&cursor), None);
        assert!(Seal::of(&("listing", "price", "fantasy")).read(&cursor).is_some());
    }

    #[test]
    fn hostile_keys_are_refused() {
        for text in ["NaN", "inf", "-inf", "1e999", "", "1; DROP TABLE"] {
            assert_eq!(SortKey::from_text(Sort::Popularity, text), None, "{text}");
        }
        for text in ["99999999999", "-99999999", "1997-01-01", ""] {
            assert_eq!(SortKey::from_text(Sort::Published, text), None, "{text}");
        }
        for text in ["9223372036854775807", "-9223372036854775808", "x"] {
            assert_eq!(SortKey::from_text(Sort::Newest, text), None, "{text}");
        }
        let nul = Seal::of(&1).write("a\0b", ProductId(Uuid::nil()));
        assert_eq!(Seal::of(&1).read(&nul), None);
    }
}
