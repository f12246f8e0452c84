//! Bulk import: files of books, repaired where they can be and upserted.
//!
//! A book is found again by its ISBN, else by the name that its source gives it. An empty cell says nothing: what the
//! file does not say stays as it is in the shop, so that a second import neither wipes what an administrator added nor
//! writes anything at all where nothing changed.

mod apply;
mod book;
mod cells;
mod columns;
mod csv;
mod dates;
mod facts;
mod genres;
mod isbns;
mod languages;
mod names;
mod ndjson;
mod report;
mod row;
mod scan;
mod seen;
mod source;
mod subjects;
mod text;
mod titles;

use std::fs::File;
use std::sync::Arc;

pub use report::{FileFormat, KEPT_ERRORS, Repair, RepairCount, Report, RowError, Sink, Unusable};
pub use row::LONGEST_ROW;
pub use scan::BATCH;
pub use seen::MOST_ROWS;

use super::products::Rules;
use crate::model::audit::Actor;
use crate::model::clock::Clock;
use crate::store::{Store, StoreError};
use apply::Run;
use scan::{Item, Message};

/// Why an import did not come to a report.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing of the file can be read.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading thread ended without a word.
    #[error("reading the file stopped unexpectedly")]
    Stopped,
}

/// How a file is to be imported.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The form that the file is said to have.
    pub format: Option<FileFormat>,
    /// All rows or none.
    pub strict: bool,
    /// Report what would happen, and write nothing.
    pub dry_run: bool,
    /// What the file is called, for the audit log.
    pub name: Option<String>,
}

/// The service for imports.
#[derive(Clone)]
pub struct Import {
    store: Store,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl Import {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, rules: Rules) -> Self {
        Self { store, clock, rules }
    }

    /// Imports a file. Strictly, all of it is checked before anything is written, and then it is written in one
    /// transaction; else in batches of [`BATCH`] rows, of which the good ones land.
    ///
    /// # Errors
    /// [`ImportError`]; where the database fails in the middle of an import that is not strict, what was written before
    /// stays, and importing the file again completes it.
    pub async fn run(
        &self,
        actor: &Actor,
        file: File,
        options: &Options,
        sink: &mut dyn Sink,
    ) -> Result<Report, ImportError> {
        if options.strict {
            let check = file.try_clone().map_err(Unusable::Unreadable)?;
            let report = self.pass(actor, check, options, sink, Mode::Check).await?;
            if !report.is_clean() {
                return Ok(report);
            }
            return self.pass(actor, file, options, &mut Quiet(sink), Mode::AtOnce).await;
        }
        self.pass(actor, file, options, sink, Mode::Batches).await
    }

    /// Goes through the file once.
    async fn pass(
        &self,
        actor: &Actor,
        file: File,
        options: &Options,
        sink: &mut dyn Sink,
        mode: Mode,
    ) -> Result<Report, ImportError> {
        let (mut messages, task) = scan::start(file, options.format, self.rules.clone());
        let mut run = None;
        let mut transaction = None;
        let report = loop {
            match messages.recv().await {
                Some(Message::Opened(format, headers)) => {
                    run = Some(Run::new(self, actor, options, format, headers));
                    if mode == Mode::AtOnce {
                        transaction = Some(self.store.begin("products.import").await?);
                    }
                }
                Some(Message::Items(items, bytes)) => {
                    let run = run.as_mut().ok_or(ImportError::Stopped)?;
                    run.take(items, mode, transaction.as_mut(), sink).await?;
                    sink.progress(bytes);
                }
                Some(Message::Failed(error)) => return Err(error.into()),
                Some(Message::End(ignored)) => {
                    let run = run.ok_or(ImportError::Stopped)?;
                    break run.end(ignored, transaction).await?;
                }
                None => return Err(ImportError::Stopped),
            }
        };
        task.await.map_err(|_| ImportError::Stopped)?;
        Ok(report)
    }
}

/// What a pass through the file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// To find what is wrong.
    Check,
    /// To write batch by batch.
    Batches,
    /// To write in one transaction.
    AtOnce,
}

/// Passes on what the first pass could not find.
struct Quiet<'a>(&'a mut dyn Sink);

impl Sink for Quiet<'_> {
    fn rejected(&mut self, error: &RowError) {
        self.0.rejected(error);
    }

    fn progress(&mut self, bytes: u64) {
        self.0.progress(bytes);
    }
}
