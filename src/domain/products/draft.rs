//! A book as somebody typed it, and the rules that make it one that the shop can keep. The API and the import share
//! them.

use garde::Validate;
use oxilangtag::LanguageTag;

use crate::domain::violation::{self, Violation};
use crate::model::date::PartialDate;
use crate::model::isbn::{Isbn10, Isbn13};
use crate::model::money::{Currency, Money};
use crate::model::product::{Format, ProductFields, Series, Status};

/// What the rules depend on beside the draft.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The currency of all prices: lists sorted or filtered by price compare like with like.
    pub currency: Currency,
}

/// A book before it was checked.
#[derive(Clone, Debug, PartialEq, Validate)]
#[garde(context(Rules))]
pub struct ProductDraft {
    /// 1 to 500 characters.
    #[garde(length(chars, min = 1, max = 500), custom(line))]
    pub title: String,
    /// 1 to 500 characters.
    #[garde(length(chars, min = 1, max = 500), inner(custom(line)))]
    pub subtitle: Option<String>,
    /// The series.
    #[garde(dive)]
    pub series: Option<SeriesDraft>,
    /// 1 to 100 names of 1 to 200 characters.
    #[garde(length(min = 1, max = 100), inner(length(chars, min = 1, max = 200), custom(line)))]
    pub authors: Vec<String>,
    /// Ten digits, hyphens allowed; computed from the ISBN-13 where it is missing and can be.
    #[garde(inner(custom(notation::<Isbn10>)))]
    pub isbn10: Option<String>,
    /// Thirteen digits, hyphens allowed; computed from the ISBN-10 where it is missing.
    #[garde(inner(custom(notation::<Isbn13>)))]
    pub isbn13: Option<String>,
    /// A BCP 47 tag.
    #[garde(inner(length(max = 35), custom(language_tag)))]
    pub language: Option<String>,
    /// The format.
    #[garde(skip)]
    pub format: Option<Format>,
    /// 1 to 300 characters.
    #[garde(length(chars, min = 1, max = 300), inner(custom(line)))]
    pub publisher: Option<String>,
    /// `1997`, `1997-06` or `1997-06-26`.
    #[garde(inner(custom(notation::<PartialDate>)))]
    pub published: Option<String>,
    /// 1 to 100,000.
    #[garde(range(min = 1, max = 100_000))]
    pub pages: Option<i32>,
    /// At most 20,000 characters of plain text.
    #[garde(length(chars, min = 1, max = 20_000), inner(custom(text)))]
    pub description: Option<String>,
    /// At most 30 slugs such as `science-fiction`.
    #[garde(length(max = 30), inner(length(max = 60), custom(slug)))]
    pub genres: Vec<String>,
    /// At most 200 headings of 1 to 200 characters.
    #[garde(length(max = 200), inner(length(chars, min = 1, max = 200), custom(line)))]
    pub subjects: Vec<String>,
    /// An `http` or `https` address.
    #[garde(inner(length(max = 2000), custom(web_address)))]
    pub cover_url: Option<String>,
    /// The price.
    #[garde(dive)]
    pub price: Option<MoneyDraft>,
    /// Draft, active or retired.
    #[garde(skip)]
    pub status: Status,
}

/// A series before it was checked.
#[derive(Clone, Debug, PartialEq, Validate)]
#[garde(context(Rules))]
pub struct SeriesDraft {
    /// 1 to 300 characters.
    #[garde(length(chars, min = 1, max = 300), custom(line))]
    pub name: String,
    /// 0 to 100,000.
    #[garde(range(min = 0.0, max = 100_000.0))]
    pub position: Option<f64>,
}

/// A price before it was checked.
#[derive(Clone, Debug, PartialEq, Validate)]
#[garde(context(Rules))]
pub struct MoneyDraft {
    /// Minor units.
    #[garde(range(min = 0, max = 1_000_000_000))]
    pub amount: i64,
    /// The currency of the shop.
    #[garde(custom(shop_currency))]
    pub currency: String,
}

fn check(holds: bool, message: impl FnOnce() -> String) -> garde::Result {
    if holds { Ok(()) } else { Err(garde::Error::new(message())) }
}

/// Text on one line: something to see, and nothing that steers a terminal.
fn line(value: &str, _: &Rules) -> garde::Result {
    check(!value.trim().is_empty(), || "is blank".into())?;
    check(value.trim() == value, || "has white space around it".into())?;
    check(!value.chars().any(char::is_control), || "has control characters".into())
}

/// Text on any number of lines.
fn text(value: &str, _: &Rules) -> garde::Result {
    check(!value.trim().is_empty(), || "is blank".into())?;
    check(!value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')), || {
        "has control characters".into()
    })
}

fn notation<T>(value: &str, _: &Rules) -> garde::Result
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    value.parse::<T>().map(drop).map_err(garde::Error::new)
}

fn language_tag(value: &str, _: &Rules) -> garde::Result {
    LanguageTag::parse(value)
        .map(drop)
        .map_err(|error| garde::Error::new(format!("is no BCP 47 language tag: {error}")))
}

fn slug(value: &str, _: &Rules) -> garde::Result {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    check(value.split('-').all(word), || "is no slug: small letters and digits, joined by single hyphens".into())
}

fn web_address(value: &str, _: &Rules) -> garde::Result {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let plain = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\'));
    check(plain, || "is no http or https address".into())
}

fn shop_currency(value: &str, rules: &Rules) -> garde::Result {
    check(value == rules.currency.to_string(), || format!("is not the currency of this shop, {}", rules.currency))
}

fn without_repeats(list: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    list.into_iter().filter(|entry| seen.insert(entry.clone())).collect()
}

impl ProductDraft {
    /// The book, where every rule holds.
    ///
    /// # Errors
    /// All broken rules.
    pub fn check(self, rules: &Rules) -> Result<ProductFields, Vec<Violation>> {
        if let Err(report) = self.validate_with(rules) {
            return Err(violation::from_report(&report));
        }
        let (isbn10, isbn13) = self.isbns()?;
        let price = self.price.map(|price| Money { amount: price.amount, currency: rules.currency });
        let language =
            self.language.and_then(|tag| LanguageTag::parse_and_normalize(&tag).ok()).map(|tag| tag.into_inner());
        Ok(ProductFields {
            title: self.title,
            subtitle: self.subtitle,
            series: self.series.map(|series| Series { name: series.name, position: series.position }),
            authors: without_repeats(self.authors),
            isbn10,
            isbn13,
            language,
            format: self.format,
            publisher: self.publisher,
            published: self.published.and_then(|date| date.parse().ok()),
            pages: self.pages,
            description: self.description,
            genres: without_repeats(self.genres),
            subjects: without_repeats(self.subjects),
            cover_url: self.cover_url,
            price,
            status: self.status,
        })
    }

    /// Both numbers where one is known; where both are, they must name the same book.
    fn isbns(&self) -> Result<(Option<Isbn10>, Option<Isbn13>), Vec<Violation>> {
        let ten = self.isbn10.as_deref().and_then(|text| text.parse::<Isbn10>().ok());
        let thirteen = self.isbn13.as_deref().and_then(|text| text.parse::<Isbn13>().ok());
        match (ten, thirteen) {
            (Some(ten), Some(thirteen)) if ten.to_isbn13() != thirteen => Err(vec![Violation::new(
                "/isbn10",
                format!("names another book than the ISBN-13: {}", ten.to_isbn13()),
            )]),
            (Some(ten), thirteen) => {
                let thirteen = thirteen.unwrap_or_else(|| ten.to_isbn13());
                Ok((Some(ten), Some(thirteen)))
            }
            (None, thirteen) => Ok((thirteen.as_ref().and_then(Isbn13::to_isbn10), thirteen)),
        }
    }
}

/// The name of a genre that is known by its slug alone: `science-fiction` is called "Science Fiction".
#[must_use]
pub fn genre_name(slug: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    slug.split('-').map(capital).collect::<Vec<_>>().join(" ")
}
