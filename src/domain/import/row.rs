//! A row of a file, whatever its form: cells by column.

use super::columns::{Column, Dialect};
use super::report::{RowError, Unusable, excerpt};

/// The longest row. A quote left open would otherwise swallow the rest of the file.
pub const LONGEST_ROW: u64 = 1024 * 1024;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One text.
    Text(String),
    /// Several, where the form of the file knows lists.
    List(Vec<String>),
}

/// One row, in which every cell that is there has something to say.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    cells: Vec<Option<Cell>>,
}

impl Row {
    /// A row without cells.
    #[must_use]
    pub fn new(line: u64) -> Self {
        Self { line, cells: vec![None; Column::ALL.len()] }
    }

    /// Fills a cell. Blank text says nothing.
    pub fn set(&mut self, column: Column, cell: Cell) {
        let says_something = match &cell {
            Cell::Text(text) => !text.trim().is_empty(),
            Cell::List(list) => !list.is_empty(),
        };
        self.cells[column as usize] = says_something.then_some(cell);
    }

    /// A cell.
    #[must_use]
    pub fn cell(&self, column: Column) -> Option<&Cell> {
        self.cells[column as usize].as_ref()
    }

    /// The text of a cell that holds one.
    #[must_use]
    pub fn text(&self, column: Column) -> Option<&str> {
        match self.cell(column)? {
            Cell::Text(text) => Some(text),
            Cell::List(_) => None,
        }
    }

    /// Whether no cell says anything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Option::is_none)
    }
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Next {
    /// A row.
    Row(Row),
    /// A row that cannot be read.
    Bad(RowError),
    /// Something after which nothing can be read.
    Broken(RowError),
    /// The end.
    End,
}

/// Reads a file row by row, in memory bounded by the longest row.
pub trait Rows {
    /// The next row.
    ///
    /// # Errors
    /// Where the file itself cannot be read.
    fn next_row(&mut self) -> Result<Next, Unusable>;

    /// Whose habits the file has.
    fn dialect(&self) -> Dialect;

    /// Whether the file may say something about a column.
    fn has(&self, column: Column) -> bool;

    /// What the file calls a column.
    fn header(&self, column: Column) -> &str;

    /// Columns seen so far that mean nothing here.
    fn ignored(&self) -> Vec<String>;

    /// How many bytes are done.
    fn position(&self) -> u64;
}

/// Where bytes stop being UTF-8.
#[must_use]
pub fn encoding_error(line: u64, column: Option<&str>, bytes: &[u8], at: usize) -> RowError {
    let byte = bytes.get(at).copied().unwrap_or_default();
    RowError {
        line,
        column: column.map(str::to_owned),
        value: Some(excerpt(&String::from_utf8_lossy(bytes.get(at.saturating_sub(20)..).unwrap_or_default()))),
        reason: format!(
            "is not UTF-8 (byte 0x{byte:02X}, {} of the text); if the file is Latin-1, convert it first: iconv -f WINDOWS-1252 -t \
             UTF-8",
            at + 1
        ),
    }
}
