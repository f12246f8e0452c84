//! From a row to a book: every cell is repaired where it can be, and the whole is held against the rules of the shop.

use super::columns::Column;
use super::report::{Repair, RowError, excerpt};
use super::row::{Row, Rows};
use super::text::{clean_line, whole_number};
use crate::domain::products::{ProductDraft, Rules};
use crate::model::ids::WorkId;
use crate::model::product::{ProductFields, Rating, Status};

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
pub(super) struct Reader<'a> {
    pub(super) row: &'a Row,
    pub(super) rows: &'a dyn Rows,
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
    pub(super) fn repaired(&mut self, column: Column, value: &str, done: &'static str) {
        let column = self.rows.header(column).to_owned();
        self.repairs.push(Repair { line: self.row.line, column, value: excerpt(value), done });
    }

    pub(super) fn wrong(&mut self, column: Column, value: &str, reason: impl Into<String>) {
        let column = Some(self.rows.header(column).to_owned());
        self.errors.push(RowError { line: self.row.line, column, value: Some(excerpt(value)), reason: reason.into() });
    }

    /// A cell of one line, cleaned.
    pub(super) fn line(&mut self, column: Column) -> Option<String> {
        let text = self.row.text(column)?;
        let (clean, done) = clean_line(text);
        if let Some(done) = done {
            self.repaired(column, text, done);
        }
        (!clean.is_empty()).then_some(clean)
    }

    /// A number that the row cannot do without being right about.
    pub(super) fn exact<T: std::str::FromStr>(&mut self, column: Column, what: &str) -> Option<T> {
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
}
