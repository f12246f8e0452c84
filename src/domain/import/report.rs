//! What an import says about a file: as a whole, and about each row that somebody has to look at.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::columns::Column;

/// How many errors a report keeps. The rest is counted, and told to the [`Sink`].
pub const KEPT_ERRORS: usize = 1_000;
/// How many characters of a cell are shown.
const EXCERPT: usize = 80;

/// The beginning of a value, safe to show.
#[must_use]
pub fn excerpt(value: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = value.chars().take(EXCERPT).map(clean).collect();
    if value.chars().nth(EXCERPT).is_some() {
        shown.push('…');
    }
    shown
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Comma-separated values (RFC 4180), with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "CSV",
            Self::Ndjson => "NDJSON",
        })
    }
}

/// Why nothing of a file can be imported.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It has no bytes, or blank lines alone.
    #[error("the file is empty")]
    Empty,
    /// It is something else.
    #[error("the file is neither CSV nor NDJSON: {0}")]
    NotText(&'static str),
    /// It says one thing and is another.
    #[error("the file was said to be {declared}, but it looks like {found}; say which it is, or send the other file")]
    Contradiction {
        /// What it was said to be.
        declared: FileFormat,
        /// What its first bytes look like.
        found: FileFormat,
    },
    /// It is one JSON array.
    #[error("the file is a JSON array; NDJSON has one object on each line, without brackets and commas around them")]
    JsonArray,
    /// Its header is not UTF-8.
    #[error("the header is not UTF-8; convert the file first, for instance with `iconv -f WINDOWS-1252 -t UTF-8`")]
    HeaderEncoding,
    /// A quote of the header is never closed, or the header is far too long.
    #[error("the header never ends: a quote is left open, or this is no CSV")]
    EndlessHeader,
    /// Two headers mean the same.
    #[error("the columns {first:?} and {second:?} mean the same; rename or remove one of them")]
    RepeatedHeader {
        /// The first of them.
        first: String,
        /// The second of them.
        second: String,
    },
    /// No column for what every book needs.
    #[error("no column for {}: the header has {}; expected are {}", names(missing), shown(found), names(Column::ALL))]
    MissingColumns {
        /// What is missing.
        missing: Vec<Column>,
        /// The headers of the file.
        found: Vec<String>,
    },
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(std::io::Error),
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
}

fn shown(headers: &[String]) -> String {
    let mut list = headers.iter().take(30).map(|header| excerpt(header.trim())).collect::<Vec<_>>().join(", ");
    if headers.len() > 30 {
        list.push_str(", …");
    }
    list
}

/// Why a row was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The column, as the file names it; absent where it is about the row as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The beginning of the offending value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// What was changed in a row so that it could be imported, or left out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The column, as the file names it.
    pub column: String,
    /// The beginning of the value as it was.
    pub value: String,
    /// What was done.
    pub done: &'static str,
}

/// How many rows were repaired in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepairCount {
    /// The column, as the file names it.
    pub column: String,
    /// What was done.
    pub done: &'static str,
    /// How many rows.
    pub rows: u64,
}

/// Hears of every row that was rejected or repaired, while it happens.
pub trait Sink: Send {
    /// A row, or the rest of the file, was rejected.
    fn rejected(&mut self, _error: &RowError) {}
    /// A cell was repaired.
    fn repaired(&mut self, _repair: &Repair) {}
    /// This many bytes of the file are done.
    fn progress(&mut self, _bytes: u64) {}
}

/// Nobody listens.
impl Sink for () {}

/// What became of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The form of the file.
    pub format: FileFormat,
    /// Whether all or nothing was asked for.
    pub strict: bool,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Whether the file was read to its end.
    pub complete: bool,
    /// Rows of the file, without the header and blank lines.
    pub received: u64,
    /// Books that are new.
    pub created: u64,
    /// Books that changed.
    pub updated: u64,
    /// Books that were already as the file has them.
    pub unchanged: u64,
    /// Rows that were not imported.
    pub rejected: u64,
    /// Rows of which something was repaired or left out.
    pub repaired: u64,
    /// Columns that mean nothing here.
    pub ignored_columns: Vec<String>,
    /// What was repaired, and how often.
    pub repairs: Vec<RepairCount>,
    /// The first errors.
    pub errors: Vec<RowError>,
    /// Whether there are more errors than are listed.
    pub errors_truncated: bool,
    #[serde(skip)]
    counts: BTreeMap<(String, &'static str), u64>,
}

impl Report {
    /// A report of nothing yet.
    #[must_use]
    pub fn new(format: FileFormat, strict: bool, dry_run: bool) -> Self {
        Self {
            format,
            strict,
            dry_run,
            complete: true,
            received: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            rejected: 0,
            repaired: 0,
            ignored_columns: Vec::new(),
            repairs: Vec::new(),
            errors: Vec::new(),
            errors_truncated: false,
            counts: BTreeMap::new(),
        }
    }

    /// Whether every row was imported.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rejected == 0 && self.complete
    }

    /// A row is rejected, for all these reasons.
    pub fn reject(&mut self, errors: Vec<RowError>, sink: &mut dyn Sink) {
        self.rejected += 1;
        for error in errors {
            sink.rejected(&error);
            if self.errors.len() < KEPT_ERRORS {
                self.errors.push(error);
            } else {
                self.errors_truncated = true;
            }
        }
    }

    /// A row was repaired in these ways.
    pub fn repair(&mut self, repairs: &[Repair], sink: &mut dyn Sink) {
        self.repaired += u64::from(!repairs.is_empty());
        for repair in repairs {
            sink.repaired(repair);
            *self.counts.entry((repair.column.clone(), repair.done)).or_default() += 1;
        }
    }

    /// Puts the most frequent repairs first.
    pub fn finish(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.repairs = counts.into_iter().map(|((column, done), rows)| RepairCount { column, done, rows }).collect();
        self.repairs.sort_by_key(|count| std::cmp::Reverse(count.rows));
    }
}
