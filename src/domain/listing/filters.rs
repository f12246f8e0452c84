//! The filters of lists and searches, and the rules for them.

use oxilangtag::LanguageTag;
use time::{Date, Month};

use crate::domain::violation::Violation;
use crate::model::ids::WorkId;
use crate::model::listing::Filters;
use crate::model::product::{Format, Status};

/// The most genres that a list can be narrowed to.
pub const MAX_GENRES: usize = 10;

const MAX_PRICE: i64 = 1_000_000_000;
const YEARS: std::ops::RangeInclusive<i32> = -4000..=9999;

/// Filters as somebody asked for them. Absent ones and empty lists let every book pass.
#[derive(Clone, Debug, Default)]
pub struct FilterDraft {
    /// Slugs of genres, all of which a book must have.
    pub genres: Vec<String>,
    /// The name of an author.
    pub author: Option<String>,
    /// The name of a series.
    pub series: Option<String>,
    /// The name of a publisher.
    pub publisher: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// Formats, one of which a book must have.
    pub formats: Vec<Format>,
    /// Minor units.
    pub min_price: Option<i64>,
    /// Minor units.
    pub max_price: Option<i64>,
    /// 0 to 5.
    pub min_rating: Option<f64>,
    /// The first year of publication; 0 is 1 BC.
    pub published_from: Option<i32>,
    /// The last year of publication.
    pub published_to: Option<i32>,
    /// Whether a copy can be had.
    pub in_stock: Option<bool>,
    /// A work.
    pub work: Option<WorkId>,
    /// A status other than active is for administrators.
    pub status: Option<Status>,
}

impl FilterDraft {
    /// The same filters for books of this status.
    #[must_use]
    pub fn with_status(self, status: Option<Status>) -> Self {
        Self { status, ..self }
    }

    /// The filters, in one notation: two drafts that ask for the same give the same.
    ///
    /// # Errors
    /// Every broken rule, with the parameter's name as a pointer.
    pub fn check(self) -> Result<Filters, Vec<Violation>> {
        let mut rules = Rules::default();
        let mut genres = self.genres;
        genres.sort_unstable();
        genres.dedup();
        rules.require(genres.len() <= MAX_GENRES, "genre", || format!("must name at most {MAX_GENRES} genres"));
        rules.require(genres.iter().all(|genre| is_slug(genre)), "genre", || {
            "must be slugs of genres, such as science-fiction".to_owned()
        });
        let mut formats = self.formats;
        formats.sort_unstable();
        formats.dedup();
        for (name, amount) in [("min_price", self.min_price), ("max_price", self.max_price)] {
            let fits = amount.is_none_or(|amount| (0..=MAX_PRICE).contains(&amount));
            rules.require(fits, name, || format!("must be between 0 and {MAX_PRICE} minor units"));
        }
        rules.require(in_order(self.min_price, self.max_price), "min_price", || {
            "must not be above max_price".to_owned()
        });
        let rating = self.min_rating.is_none_or(|rating| (0.0..=5.0).contains(&rating));
        rules.require(rating, "min_rating", || "must be between 0 and 5".to_owned());
        for (name, year) in [("published_from", self.published_from), ("published_to", self.published_to)] {
            rules.require(year.is_none_or(|year| YEARS.contains(&year)), name, || {
                format!("must be a year between {} and {}", YEARS.start(), YEARS.end())
            });
        }
        rules.require(in_order(self.published_from, self.published_to), "published_from", || {
            "must not be after published_to".to_owned()
        });
        let filters = Filters {
            status: self.status.unwrap_or(Status::Active),
            genres,
            author: rules.name("author", self.author, 200),
            series: rules.name("series", self.series, 300),
            publisher: rules.name("publisher", self.publisher, 300),
            language: rules.language(self.language),
            formats,
            min_price: self.min_price,
            max_price: self.max_price,
            // Minus zero is zero.
            min_rating: self.min_rating.map(|rating| rating + 0.0),
            published_from: self.published_from.and_then(|year| day(year, Month::January, 1)),
            published_to: self.published_to.and_then(|year| day(year, Month::December, 31)),
            in_stock: self.in_stock,
            work: self.work,
        };
        if rules.broken.is_empty() { Ok(filters) } else { Err(rules.broken) }
    }
}

#[derive(Default)]
struct Rules {
    broken: Vec<Violation>,
}

impl Rules {
    fn require(&mut self, holds: bool, parameter: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(Violation::new(format!("/{parameter}"), message()));
        }
    }

    fn name(&mut self, parameter: &str, name: Option<String>, most: usize) -> Option<String> {
        let name = name?.trim().to_owned();
        let fits = (1..=most).contains(&name.chars().count());
        self.require(fits, parameter, || format!("must have 1 to {most} characters"));
        Some(name)
    }

    /// The tag as it is stored: `EN-us` is `en-US`.
    fn language(&mut self, tag: Option<String>) -> Option<String> {
        let tag = tag?;
        let read = LanguageTag::parse_and_normalize(&tag).ok().filter(|read| read.as_str().len() <= 35);
        self.require(read.is_some(), "language", || "must be a BCP 47 tag, such as en or pt-BR".to_owned());
        read.map(LanguageTag::into_inner)
    }
}

fn in_order<T: PartialOrd>(from: Option<T>, to: Option<T>) -> bool {
    from.zip(to).is_none_or(|(from, to)| from <= to)
}

/// Whether a text can be the slug of a genre.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    text.len() <= 60
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn day(year: i32, month: Month, day: u8) -> Option<Date> {
    Date::from_calendar_date(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(draft: FilterDraft) -> Vec<String> {
        draft.check().map_or_else(|found| found.into_iter().map(|violation| violation.pointer).collect(), |_| vec![])
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        let draft = FilterDraft {
            genres: vec!["Not A Slug".into()],
            author: Some("  ".into()),
            language: Some("no language".into()),
            min_price: Some(2),
            max_price: Some(1),
            min_rating: Some(f64::NAN),
            published_from: Some(2000),
            published_to: Some(1999),
            ..FilterDraft::default()
        };
        assert_eq!(broken(draft), ["/genre", "/min_price", "/min_rating", "/published_from", "/author", "/language"]);
        assert_eq!(broken(FilterDraft { max_price: Some(-1), ..FilterDraft::default() }), ["/max_price"]);
        assert_eq!(broken(FilterDraft { published_to: Some(10_000), ..FilterDraft::default() }), ["/published_to"]);
    }

    #[test]
    fn the_same_question_gives_the_same_filters() {
        let one = FilterDraft {
            genres: vec!["b".into(), "a".into(), "b".into()],
            formats: vec![Format::Ebook, Format::Hardcover],
            language: Some("EN-us".into()),
            min_rating: Some(-0.0),
            ..FilterDraft::default()
        };
        let other = FilterDraft {
            genres: vec!["a".into(), "b".into()],
            formats: vec![Format::Hardcover, Format::Ebook, Format::Ebook],
            language: Some("en-US".into()),
            min_rating: Some(0.0),
            ..FilterDraft::default()
        };
        let (one, other) = (one.check().unwrap(), other.check().unwrap());
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
    }
}
