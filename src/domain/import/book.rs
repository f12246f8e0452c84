//! From a row to a book: every cell is repaired where it can be, and the whole is held against the rules of the shop.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::columns::Column;
use super::genres;
use super::isbns::{self, Which};
use super::report::{Repair, RowError, excerpt};
use super::row::{Cell, Row, Rows};
use super::subjects;
use super::text::{clean_line, clean_text, whole_number};
use super::{dates, languages, names, titles};
use crate::domain::products::{MoneyDraft, ProductDraft, Rules, SeriesDraft};
use crate::model::ids::WorkId;
use crate::model::product::{Format, ProductFields, Rating, Status};

/// Where a book comes from, and what it is called there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The catalogue.
    pub source: String,
    /// The name in it.
    pub id: String,
}

/// A book as a file has it. What the file does not say is absent, and will stay as it is in the shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    /// The line on which it stands.
    pub line: u64,
    /// What the file says. The status is that of a new book.
    pub fields: ProductFields,
    /// Whether the file says the status.
    pub has_status: bool,
    /// Whether the date is that of the first publication of the work, which says less than that of an edition.
    pub dates_from_work: bool,
    /// The work, where the file names it.
    pub work: Option<WorkId>,
    /// The ratings.
    pub rating: Option<Rating>,
    /// Where it comes from.
    pub origin: Option<Origin>,
    /// Copies on the shelf.
    pub stock: Option<i32>,
}

/// What became of a row.
#[derive(Debug)]
pub struct Outcome {
    /// The book, or every reason why it is none.
    pub book: Result<Box<Book>, Vec<RowError>>,
    /// What was repaired.
    pub repairs: Vec<Repair>,
}

/// Reads the cells of one row.
struct Reader<'a> {
    row: &'a Row,
    rows: &'a dyn Rows,
    repairs: Vec<Repair>,
    errors: Vec<RowError>,
}

/// Makes a book of a row.
#[must_use]
pub fn read(row: &Row, rows: &dyn Rows, rules: &Rules) -> Outcome {
    let mut reader = Reader { row, rows, repairs: Vec::new(), errors: Vec::new() };
    let book = reader.book(rules);
    let Reader { repairs, errors, .. } = reader;
    match book {
        Some(book) if errors.is_empty() => Outcome { book: Ok(Box::new(book)), repairs },
        _ => Outcome { book: Err(errors), repairs: Vec::new() },
    }
}

impl Reader<'_> {
    fn repaired(&mut self, column: Column, value: &str, done: &'static str) {
        let column = self.rows.header(column).to_owned();
        self.repairs.push(Repair { line: self.row.line, column, value: excerpt(value), done });
    }

    fn wrong(&mut self, column: Column, value: &str, reason: impl Into<String>) {
        let column = Some(self.rows.header(column).to_owned());
        self.errors.push(RowError { line: self.row.line, column, value: Some(excerpt(value)), reason: reason.into() });
    }

    /// A cell of one line, cleaned.
    fn line(&mut self, column: Column) -> Option<String> {
        let text = self.row.text(column)?;
        let (clean, done) = clean_line(text);
        if let Some(done) = done {
            self.repaired(column, text, done);
        }
        (!clean.is_empty()).then_some(clean)
    }

    /// A number that the row cannot do without being right about.
    fn exact<T: std::str::FromStr>(&mut self, column: Column, what: &str) -> Option<T> {
        let text = self.line(column)?;
        let value = text.parse().ok().or_else(|| whole_number(&text)?.to_string().parse().ok());
        if value.is_none() {
            self.wrong(column, &text, format!("is no {what}"));
        }
        value
    }

    fn book(&mut self, rules: &Rules) -> Option<Book> {
        let (title, series) = self.title();
        let authors = self.authors();
        let origin = self.origin();
        let isbns = self.isbns(origin.is_some());
        let (published, dates_from_work) = self.published();
        let (genres, subjects) = self.genres_and_subjects();
        let status = self.status();
        let stock = self.exact::<i32>(Column::Stock, "whole number of copies");
        if let Some(stock) = stock.filter(|stock| *stock < 0) {
            self.wrong(Column::Stock, &stock.to_string(), "is no number of copies: it is negative");
        }
        let draft = ProductDraft {
            title: title.unwrap_or_default(),
            subtitle: self.line(Column::Subtitle),
            series,
            authors,
            isbn10: None,
            isbn13: isbns,
            language: self.language(),
            format: self.format(),
            publisher: self.line(Column::Publisher),
            published,
            pages: self.pages(),
            description: self.description(),
            genres,
            subjects,
            cover_url: self.cover(),
            price: self.price(rules),
            status: status.unwrap_or(Status::Active),
        };
        let rating = self.rating();
        if draft.isbn13.is_none() && origin.is_none() && self.errors.is_empty() {
            let reason = "has neither an ISBN nor a source_id: a second import could not find it again";
            self.errors.push(RowError {
                line: self.row.line,
                column: None,
                value: Some(excerpt(&draft.title)),
                reason: reason.into(),
            });
        }
        let work = self.work(origin.as_ref());
        match draft.clone().check(rules) {
            Ok(fields) => Some(Book {
                line: self.row.line,
                fields,
                has_status: status.is_some(),
                dates_from_work,
                work,
                rating,
                origin,
                stock,
            }),
            Err(violations) => {
                for violation in violations {
                    let (column, value) = self.offender(&violation.pointer, &draft);
                    let missing = match column {
                        Some(Column::Title) => draft.title.is_empty(),
                        Some(Column::Authors) => draft.authors.is_empty(),
                        _ => false,
                    };
                    let reason = if missing { "is missing".to_owned() } else { violation.message };
                    let header = column.map(|column| self.rows.header(column).to_owned());
                    let error = RowError { line: self.row.line, column: header, value: Some(excerpt(&value)), reason };
                    if !self.errors.contains(&error) {
                        self.errors.push(error);
                    }
                }
                None
            }
        }
    }

    /// The column and the value that a broken rule is about.
    fn offender(&self, pointer: &str, draft: &ProductDraft) -> (Option<Column>, String) {
        let index = pointer.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
        let entry = |list: &[String]| index.and_then(|at| list.get(at)).cloned().unwrap_or_default();
        let column = Column::of_pointer(pointer);
        let column = match column {
            Some(Column::Series | Column::SeriesPosition) if self.row.cell(Column::Series).is_none() => {
                Some(Column::Title)
            }
            Some(Column::Genres) if self.row.cell(Column::Genres).is_none() => Some(Column::Subjects),
            other => other,
        };
        let value = match column {
            Some(Column::Authors) => entry(&draft.authors),
            Some(Column::Genres) => entry(&draft.genres),
            Some(Column::Subjects) => entry(&draft.subjects),
            Some(column) => self.row.text(column).unwrap_or_default().to_owned(),
            None => String::new(),
        };
        (column, value)
    }

    fn title(&mut self) -> (Option<String>, Option<SeriesDraft>) {
        use super::columns::Dialect;
        let raw = self.row.text(Column::Title).unwrap_or_default().to_owned();
        let restored = (self.rows.dialect() == Dialect::GoodreadsBooks).then(|| titles::restore_commas(&raw)).flatten();
        let (title, done) = clean_line(restored.as_deref().unwrap_or(&raw));
        let name = self.line(Column::Series);
        let position = self.exact::<f64>(Column::SeriesPosition, "number");
        if let Some(position) = position.filter(|position| !position.is_finite()) {
            self.wrong(Column::SeriesPosition, &position.to_string(), "is no number");
        }
        if let Some(name) = name {
            self.title_repairs(&raw, restored.is_some(), done);
            return (Some(title), Some(SeriesDraft { name, position }));
        }
        if position.is_some() {
            let text = self.row.text(Column::SeriesPosition).unwrap_or_default().to_owned();
            self.repaired(Column::SeriesPosition, &text, "a position without a series was left out");
        }
        if !self.rows.dialect().has_series_in_title() {
            self.title_repairs(&raw, restored.is_some(), done);
            return (Some(title), None);
        }
        match titles::split_series(&title) {
            Some((bare, series)) => {
                // White space within what is taken off is no damage to the title.
                let damaged = restored.is_some() || !raw.trim_start().starts_with(&bare);
                self.title_repairs(&raw, restored.is_some(), done.filter(|_| damaged));
                (Some(bare), Some(SeriesDraft { name: series.name, position: series.position }))
            }
            None => {
                self.title_repairs(&raw, restored.is_some(), done);
                (Some(title), None)
            }
        }
    }

    fn title_repairs(&mut self, raw: &str, restored: bool, done: Option<&'static str>) {
        if restored {
            self.repaired(Column::Title, raw, "commas that had become spaces were restored");
        } else if let Some(done) = done {
            self.repaired(Column::Title, raw, done);
        }
    }

    fn authors(&mut self) -> Vec<String> {
        let raw = match self.row.cell(Column::Authors) {
            None => return Vec::new(),
            Some(Cell::List(list)) => list.clone(),
            Some(Cell::Text(text)) => names::split(text, self.rows.dialect()),
        };
        let mut done = None;
        let mut authors = Vec::with_capacity(raw.len());
        for name in &raw {
            let (clean, changed) = clean_line(name);
            done = done.or(changed);
            if !clean.is_empty() {
                authors.push(clean);
            }
        }
        if let Some(done) = done {
            self.repaired(Column::Authors, &raw.join(", "), done);
        }
        authors
    }

    fn origin(&mut self) -> Option<Origin> {
        let id = self.line(Column::SourceId)?;
        let source = self.line(Column::Source).unwrap_or_else(|| self.rows.dialect().source().to_owned());
        for (column, value) in [(Column::SourceId, &id), (Column::Source, &source)] {
            if value.chars().count() > 200 {
                self.wrong(column, value, "is longer than 200 characters");
            }
        }
        Some(Origin { source, id })
    }

    fn isbns(&mut self, has_origin: bool) -> Option<String> {
        let either = self
            .row
            .text(Column::Isbn)
            .filter(|_| self.row.text(Column::Isbn10).is_none() || self.row.text(Column::Isbn13).is_none());
        // A bare `isbn` is of either length, unless the file has the other one beside it.
        let is_thirteen = either.is_some_and(|text| text.chars().filter(char::is_ascii_digit).count() == 13)
            && self.row.text(Column::Isbn13).is_none();
        let (ten, thirteen) = if is_thirteen {
            (self.row.text(Column::Isbn10), either)
        } else {
            (self.row.text(Column::Isbn10).or(either), self.row.text(Column::Isbn13))
        };
        let (ten, thirteen) = (ten.map(str::to_owned), thirteen.map(str::to_owned));
        let resolved = isbns::resolve(ten.as_deref(), thirteen.as_deref());
        for (which, done) in resolved.repairs {
            let (own, value) = match which {
                Which::Ten => (Column::Isbn10, &ten),
                Which::Thirteen => (Column::Isbn13, &thirteen),
            };
            let column = if self.row.cell(own).is_some() { own } else { Column::Isbn };
            let value = value.clone().unwrap_or_default();
            if resolved.unusable && !has_origin {
                self.wrong(column, &value, "is no ISBN, and the row has no source_id to be found by");
            } else {
                self.repaired(column, &value, done);
            }
        }
        resolved.isbn.map(Into::into)
    }

    fn published(&mut self) -> (Option<String>, bool) {
        if let Some(text) = self.line(Column::Published) {
            match dates::read(&text) {
                Some(reading) => {
                    if let Some(lost) = reading.lost {
                        self.repaired(Column::Published, &text, lost);
                    }
                    return (Some(reading.date.to_string()), false);
                }
                None => self.repaired(Column::Published, &text, "it is no date and was left out"),
            }
        }
        let Some(text) = self.line(Column::OriginalYear) else { return (None, false) };
        let year = dates::read_year(&text);
        if year.is_none() {
            self.repaired(Column::OriginalYear, &text, "it is no year and was left out");
        }
        (year.map(|date| date.to_string()), true)
    }

    fn genres_and_subjects(&mut self) -> (Vec<String>, Vec<String>) {
        let mut all = List::new(30);
        let given = match self.row.cell(Column::Genres) {
            None => Vec::new(),
            Some(Cell::List(list)) => list.clone(),
            Some(Cell::Text(text)) => text.split([';', '|', ',']).map(str::to_owned).collect(),
        };
        for genre in given.iter().map(|text| genres::slug(text)).filter(|slug| !slug.is_empty()) {
            all.push(genre);
        }
        let mut kept = List::new(200);
        let headings = match self.row.cell(Column::Subjects) {
            None => Vec::new(),
            Some(Cell::List(list)) => list.clone(),
            Some(Cell::Text(text)) => match subjects::read(text) {
                Ok(list) => list,
                Err(error) => {
                    let text = text.clone();
                    let done = match error {
                        subjects::ListError::Cut => "the list ends too early and was left out",
                        subjects::ListError::Unexpected => "it is no list of texts and was left out",
                    };
                    self.repaired(Column::Subjects, &text, done);
                    Vec::new()
                }
            },
        };
        let mut cleaned = None;
        for heading in &headings {
            let (clean, done) = clean_line(heading);
            cleaned = cleaned.or(done.map(|done| (heading, done)));
            if clean.is_empty() || subjects::is_noise(&clean) {
                continue;
            }
            let reading = genres::read(&clean);
            if let genres::Reading::Genre(slug) | genres::Reading::Topic(slug) = reading {
                all.push(slug.to_owned());
            }
            if !matches!(reading, genres::Reading::Genre(_)) {
                kept.push(clean);
            }
        }
        if let Some((heading, done)) = cleaned {
            self.repaired(Column::Subjects, heading, done);
        }
        for (list, column, done) in [
            (&all, Column::Genres, "genres beyond the thirtieth were left out"),
            (
                &kept,
                Column::Subjects,
                "subjects beyond the two hundredth, or longer than 200 characters, were left out",
            ),
        ] {
            if let Some(first) = &list.left_out {
                self.repaired(column, &first.clone(), done);
            }
        }
        (all.entries, kept.entries)
    }

    fn status(&mut self) -> Option<Status> {
        let text = self.line(Column::Status)?;
        match text.to_lowercase().parse() {
            Ok(status) => Some(status),
            Err(error) => {
                self.wrong(Column::Status, &text, error.to_string());
                None
            }
        }
    }

    fn language(&mut self) -> Option<String> {
        let text = self.line(Column::Language)?;
        let tag = languages::tag(&text);
        if tag.is_none() {
            self.repaired(Column::Language, &text, "it is no language code and was left out");
        }
        tag
    }

    fn format(&mut self) -> Option<Format> {
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

    fn pages(&mut self) -> Option<i32> {
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

    fn description(&mut self) -> Option<String> {
        let text = self.row.text(Column::Description)?.to_owned();
        let (clean, done) = clean_text(&text);
        if let Some(done) = done {
            self.repaired(Column::Description, &text, done);
        }
        (!clean.is_empty()).then_some(clean)
    }

    fn cover(&mut self) -> Option<String> {
        let text = self.line(Column::CoverUrl)?;
        // What Goodreads and Open Library give where there is no picture.
        let placeholder = text.contains("/nophoto/") || text.contains("covers.openlibrary.org/b/id/-1");
        if placeholder {
            self.repaired(Column::CoverUrl, &text, "a placeholder for a missing picture was left out");
        }
        (!placeholder).then_some(text)
    }

    fn price(&mut self, rules: &Rules) -> Option<MoneyDraft> {
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

    fn work(&mut self, origin: Option<&Origin>) -> Option<WorkId> {
        let id = self.line(Column::WorkId)?;
        let source = origin.map_or_else(|| self.rows.dialect().source(), |origin| origin.source.as_str());
        Some(work_of(source, &id))
    }

    /// A number of ratings; one that cannot be read is left out.
    fn count(&mut self, column: Column) -> Option<i64> {
        let text = self.line(column)?;
        let count = whole_number(&text).filter(|count| *count >= 0);
        if count.is_none() {
            self.repaired(column, &text, "it is no number of ratings and was left out");
        }
        count
    }

    fn rating(&mut self) -> Option<Rating> {
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

/// Entries without repeats, ignoring case, up to a number.
struct List {
    entries: Vec<String>,
    seen: std::collections::HashSet<String>,
    most: usize,
    left_out: Option<String>,
}

impl List {
    fn new(most: usize) -> Self {
        Self { entries: Vec::new(), seen: std::collections::HashSet::new(), most, left_out: None }
    }

    fn push(&mut self, entry: String) {
        if !self.seen.insert(entry.to_lowercase()) {
            return;
        }
        if self.entries.len() < self.most && entry.chars().count() <= 200 {
            self.entries.push(entry);
        } else if self.left_out.is_none() {
            self.left_out = Some(entry);
        }
    }
}
