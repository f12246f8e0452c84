//! What is said about a book beside its name, cell by cell: language, format, price, ratings and the like.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::book::{Origin, Reader};
use super::columns::Column;
use super::languages;
use super::text::{clean_text, whole_number};
use crate::domain::products::{MoneyDraft, Rules};
use crate::model::ids::WorkId;
use crate::model::product::{Format, Rating, Status};

impl Reader<'_> {
    pub(super) fn status(&mut self) -> Option<Status> {
        let text = self.line(Column::Status)?;
        match text.to_lowercase().parse() {
            Ok(status) => Some(status),
            Err(error) => {
                self.wrong(Column::Status, &text, error.to_string());
                None
            }
        }
    }

    pub(super) fn language(&mut self) -> Option<String> {
        let text = self.line(Column::Language)?;
        let tag = languages::tag(&text);
        if tag.is_none() {
            self.repaired(Column::Language, &text, "it is no language code and was left out");
        }
        tag
    }

    pub(super) fn format(&mut self) -> Option<Format> {
        let text = self.line(Column::Format)?;
        let lower = text.to_lowercase();
        let known: &[(Format, &[&str])] = &[
            (Format::Audiobook, &["audio"]),
            (Format::Ebook, &["ebook", "e-book", "kindle", "epub", "nook"]),
            (Format::Hardcover, &["hardcover", "hardback", "hardbound", "library binding", "gebunden"]),
            (Format::Paperback, &["paperback", "softcover", "mass market", "taschenbuch", "trade paper"]),
        ];
        let format =
            known.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word))).map(|(format, _)| *format);
        if format.is_none() {
            self.repaired(Column::Format, &text, "it is no format that the shop sells and was left out");
        }
        format
    }

    pub(super) fn pages(&mut self) -> Option<i32> {
        let text = self.line(Column::Pages)?;
        let pages = whole_number(&text).and_then(|pages| i32::try_from(pages).ok()).filter(|pages| *pages > 0);
        if pages.is_none() {
            let done = if whole_number(&text) == Some(0) {
                "no book has 0 pages; it was left out"
            } else {
                "it is no number of pages and was left out"
            };
            self.repaired(Column::Pages, &text, done);
        }
        pages
    }

    pub(super) fn description(&mut self) -> Option<String> {
        let text = self.row.text(Column::Description)?.to_owned();
        let (clean, done) = clean_text(&text);
        if let Some(done) = done {
            self.repaired(Column::Description, &text, done);
        }
        (!clean.is_empty()).then_some(clean)
    }

    pub(super) fn cover(&mut self) -> Option<String> {
        let text = self.line(Column::CoverUrl)?;
        // What Goodreads and Open Library give where there is no picture.
        let placeholder = text.contains("/nophoto/") || text.contains("covers.openlibrary.org/b/id/-1");
        if placeholder {
            self.repaired(Column::CoverUrl, &text, "a placeholder for a missing picture was left out");
        }
        (!placeholder).then_some(text)
    }

    pub(super) fn price(&mut self, rules: &Rules) -> Option<MoneyDraft> {
        let currency = self.line(Column::PriceCurrency);
        let amount = self.exact::<i64>(Column::PriceAmount, "whole number of minor units, such as 1499 for 14.99");
        let amount = match (amount, &currency) {
            (None, Some(currency)) if self.row.cell(Column::PriceAmount).is_none() => {
                let currency = currency.clone();
                self.repaired(Column::PriceCurrency, &currency, "a currency without an amount was left out");
                return None;
            }
            (amount, _) => amount?,
        };
        Some(MoneyDraft { amount, currency: currency.unwrap_or_else(|| rules.currency.to_string()) })
    }

    pub(super) fn work(&mut self, origin: Option<&Origin>) -> Option<WorkId> {
        let id = self.line(Column::WorkId)?;
        let source = origin.map_or_else(|| self.rows.dialect().source(), |origin| origin.source.as_str());
        Some(work_of(source, &id))
    }

    /// A number of ratings; one that cannot be read is left out.
    pub(super) fn count(&mut self, column: Column) -> Option<i64> {
        let text = self.line(column)?;
        let count = whole_number(&text).filter(|count| *count >= 0);
        if count.is_none() {
            self.repaired(column, &text, "it is no number of ratings and was left out");
        }
        count
    }

    pub(super) fn rating(&mut self) -> Option<Rating> {
        let counts = Column::HISTOGRAM.map(|column| self.count(column));
        let histogram =
            counts.iter().copied().collect::<Option<Vec<i64>>>().and_then(|counts| <[i64; 5]>::try_from(counts).ok());
        let (edition, work) = (self.count(Column::RatingCount), self.count(Column::WorkRatingCount));
        let sum = histogram.and_then(|counts| counts.iter().try_fold(0_i64, |sum, count| sum.checked_add(*count)));
        let told = edition.or(work);
        // The histogram may be that of all editions of the work: it belongs to the count that is its sum.
        let fits = sum.is_some() && (told.is_none() || sum == edition || sum == work);
        if histogram.is_some() && !fits {
            let text = told.map_or_else(String::new, |count| count.to_string());
            self.repaired(Column::RatingCount, &text, "the numbers of stars do not add up to it and were left out");
        }
        let histogram = histogram.filter(|_| fits);
        let count = if fits { sum } else { told };
        let text = self.line(Column::RatingAverage);
        let average =
            text.as_deref().and_then(|text| text.parse::<f64>().ok()).filter(|average| (0.0..=5.0).contains(average));
        if let (Some(text), None) = (&text, average) {
            self.repaired(Column::RatingAverage, text, "it is no average of one to five stars and was left out");
        }
        let count = count?;
        if count == 0 {
            if let (Some(text), Some(_)) = (&text, average.filter(|average| *average > 0.0)) {
                self.repaired(Column::RatingAverage, text, "an average of no ratings was left out");
            }
            return Some(Rating { average: 0.0, count: 0, histogram });
        }
        let mean = histogram.map(|counts| {
            let stars: f64 = counts.iter().zip(1..).map(|(count, stars)| *count as f64 * f64::from(stars)).sum();
            stars / count as f64
        });
        let average = match (average, mean) {
            // Catalogues round to two places.
            (Some(average), Some(mean)) if (average - mean).abs() > 0.0151 => {
                self.repaired(
                    Column::RatingAverage,
                    &average.to_string(),
                    "it is not the mean of the stars, which was taken",
                );
                mean
            }
            (Some(average), _) => average,
            (None, mean) => mean?,
        };
        if average < 1.0 {
            let text = average.to_string();
            self.repaired(Column::RatingAverage, &text, "it is no average of one to five stars and was left out");
            return None;
        }
        Some(Rating { average, count, histogram })
    }
}

/// The identifier of a work that another catalogue names: always the same for the same name. Version 8 of RFC 9562, of a
/// hash; works without such a name get identifiers of version 7.
fn work_of(source: &str, id: &str) -> WorkId {
    let hash = Sha256::new().chain_update("work\0").chain_update(source).chain_update("\0").chain_update(id).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    let id: Uuid = Builder::from_custom_bytes(bytes).into_uuid();
    WorkId(id)
}
