//! What names a book and what it is about, cell by cell: title, authors, numbers, dates and subjects.

use super::book::{Origin, Reader};
use super::columns::{Column, Dialect};
use super::isbns::{self, Which};
use super::row::Cell;
use super::text::clean_line;
use super::{dates, genres, names, subjects, titles};
use crate::domain::products::SeriesDraft;

impl Reader<'_> {
    pub(super) fn title(&mut self) -> (Option<String>, Option<SeriesDraft>) {
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

    pub(super) fn title_repairs(&mut self, raw: &str, restored: bool, done: Option<&'static str>) {
        if restored {
            self.repaired(Column::Title, raw, "commas that had become spaces were restored");
        } else if let Some(done) = done {
            self.repaired(Column::Title, raw, done);
        }
    }

    pub(super) fn authors(&mut self) -> Vec<String> {
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

    pub(super) fn origin(&mut self) -> Option<Origin> {
        let id = self.line(Column::SourceId)?;
        let source = self.line(Column::Source).unwrap_or_else(|| self.rows.dialect().source().to_owned());
        for (column, value) in [(Column::SourceId, &id), (Column::Source, &source)] {
            if value.chars().count() > 200 {
                self.wrong(column, value, "is longer than 200 characters");
            }
        }
        Some(Origin { source, id })
    }

    pub(super) fn isbns(&mut self, has_origin: bool) -> Option<String> {
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

    pub(super) fn published(&mut self) -> (Option<String>, bool) {
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

    pub(super) fn genres_and_subjects(&mut self) -> (Vec<String>, Vec<String>) {
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
        let is_story = headings.iter().any(|heading| genres::says_story(heading));
        for heading in &headings {
            let (clean, done) = clean_line(heading);
            cleaned = cleaned.or(done.map(|done| (heading, done)));
            if clean.is_empty() || subjects::is_noise(&clean) {
                continue;
            }
            let reading = match genres::read(&clean) {
                genres::Reading::Genre(slug) if is_story && genres::is_no_story(slug) => genres::Reading::Other,
                reading => reading,
            };
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
