//! Reading a file on a thread of its own, ahead of the one who writes, but never far.

use std::fs::File;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::book::{self, Book};
use super::columns::Column;
use super::report::{FileFormat, Repair, RowError, Unusable};
use super::row::Next;
use super::seen::MOST_ROWS;
use super::source;
use crate::domain::products::Rules;

/// How many rows are handled, and written, at once.
pub const BATCH: usize = 500;

/// A row of the file.
#[derive(Debug)]
pub enum Item {
    /// A book, and what was repaired of it.
    Book(Box<Book>, Vec<Repair>),
    /// A row that is no book.
    Rejected(Vec<RowError>),
    /// The end of what can be read, before that of the file.
    Broken(RowError),
}

/// What a file calls the columns by which a book is found, and its stock.
#[derive(Clone, Debug)]
pub struct KeyHeaders {
    /// The ISBN.
    pub isbn: String,
    /// The source id.
    pub source_id: String,
    /// The stock.
    pub stock: String,
}

/// What the reading thread tells.
#[derive(Debug)]
pub enum Message {
    /// The file is of this form, and these are its names for what is compared with the shop.
    Opened(FileFormat, KeyHeaders),
    /// The next rows, and how many bytes are done.
    Items(Vec<Item>, u64),
    /// Nothing more can be read.
    Failed(Unusable),
    /// The end, and the columns that mean nothing.
    End(Vec<String>),
}

/// Starts to read. Dropping the receiver ends the thread at its next batch.
pub fn start(file: File, declared: Option<FileFormat>, rules: Rules) -> (mpsc::Receiver<Message>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(2);
    let task = tokio::task::spawn_blocking(move || {
        if let Err(error) = scan(file, declared, &rules, &sender) {
            // Nobody is left to tell where the receiver is gone.
            let _ = sender.blocking_send(Message::Failed(error));
        }
    });
    (receiver, task)
}

fn scan(
    file: File,
    declared: Option<FileFormat>,
    rules: &Rules,
    sender: &mpsc::Sender<Message>,
) -> Result<(), Unusable> {
    let (format, mut rows) = source::open(file, declared)?;
    let header = |column| rows.header(column).to_owned();
    let isbn = [Column::Isbn13, Column::Isbn, Column::Isbn10].into_iter().find(|column| rows.has(*column));
    let headers = KeyHeaders {
        isbn: header(isbn.unwrap_or(Column::Isbn13)),
        source_id: header(Column::SourceId),
        stock: header(Column::Stock),
    };
    if sender.blocking_send(Message::Opened(format, headers)).is_err() {
        return Ok(());
    }
    let mut items = Vec::with_capacity(BATCH);
    let mut count = 0;
    loop {
        let next = rows.next_row()?;
        let last = matches!(next, Next::End | Next::Broken(_));
        match next {
            Next::Row(row) if row.is_blank() => {}
            Next::Row(row) if count == MOST_ROWS => {
                let reason =
                    format!("the file has more than {MOST_ROWS} rows; split it: nothing from this line on was read");
                items.push(Item::Broken(RowError { line: row.line, column: None, value: None, reason }));
                let _ = sender.blocking_send(Message::Items(items, rows.position()));
                let _ = sender.blocking_send(Message::End(rows.ignored()));
                return Ok(());
            }
            Next::Row(row) => {
                count += 1;
                let outcome = book::read(&row, rows.as_ref(), rules);
                items.push(match outcome.book {
                    Ok(book) => Item::Book(book, outcome.repairs),
                    Err(errors) => Item::Rejected(errors),
                });
            }
            Next::Bad(error) => {
                count += 1;
                items.push(Item::Rejected(vec![error]));
            }
            Next::Broken(error) => items.push(Item::Broken(error)),
            Next::End => {}
        }
        if items.len() >= BATCH || last && !items.is_empty() {
            let batch = std::mem::replace(&mut items, Vec::with_capacity(BATCH));
            if sender.blocking_send(Message::Items(batch, rows.position())).is_err() {
                return Ok(());
            }
        }
        if last {
            let _ = sender.blocking_send(Message::End(rows.ignored()));
            return Ok(());
        }
    }
}
