//! Writing what was read: which book each row is, and what becomes of it.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::book::{Book, Origin};
use super::report::{FileFormat, Report, RowError, Sink, excerpt};
use super::scan::KeyHeaders;
use super::seen::{Repeated, Seen};
use super::{Import, ImportError, Item, Mode, Options};
use crate::domain::products::genre_name;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::events::DomainEvent;
use crate::model::genres::name_of;
use crate::model::ids::{AuditId, ProductId, WorkId};
use crate::store::import::{ImportRow, ImportTarget};
use crate::store::{StoreError, WriteTx};

/// An import under way.
pub(super) struct Run<'a> {
    import: &'a Import,
    actor: &'a Actor,
    options: &'a Options,
    headers: KeyHeaders,
    report: Report,
    seen: Seen,
    /// Whether the audit log knows of it.
    audited: bool,
    /// What one transaction for all has done so far.
    at_once: Applied,
}

/// What a batch came to.
#[derive(Debug, Default)]
pub(super) struct Applied {
    created: Vec<ProductId>,
    changed: Vec<ProductId>,
    unchanged: u64,
    rejected: Vec<RowError>,
}

impl Applied {
    fn is_empty(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty()
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        import: &'a Import,
        actor: &'a Actor,
        options: &'a Options,
        format: FileFormat,
        headers: KeyHeaders,
    ) -> Self {
        Self {
            import,
            actor,
            options,
            headers,
            report: Report::new(format, options.strict, options.dry_run),
            seen: Seen::default(),
            audited: false,
            at_once: Applied::default(),
        }
    }

    /// Handles rows as they come.
    pub(super) async fn take(
        &mut self,
        items: Vec<Item>,
        mode: Mode,
        transaction: Option<&mut WriteTx>,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportError> {
        let mut books = Vec::with_capacity(items.len());
        for item in items {
            self.report.received += 1;
            match item {
                Item::Rejected(errors) => self.report.reject(errors, sink),
                Item::Broken(error) => {
                    self.report.complete = false;
                    self.report.reject(vec![error], sink);
                }
                Item::Book(book, repairs) => {
                    match self.seen.note(book.line, book.fields.isbn13.as_ref(), book.origin.as_ref()) {
                        Ok(()) => {
                            self.report.repair(&repairs, sink);
                            books.push(*book);
                        }
                        Err(repeated) => self.report.reject(vec![repeated_error(&book, repeated, &self.headers)], sink),
                    }
                }
            }
        }
        if books.is_empty() || mode == Mode::Check {
            return Ok(());
        }
        let applied = match transaction {
            Some(transaction) => self.apply(transaction, &books).await?,
            None => self.in_own_transaction(&books).await?,
        };
        self.report.created += applied.created.len() as u64;
        self.report.updated += applied.changed.len() as u64;
        self.report.unchanged += applied.unchanged;
        for error in applied.rejected {
            self.report.reject(vec![error], sink);
        }
        if mode == Mode::AtOnce {
            self.at_once.created.extend(applied.created);
            self.at_once.changed.extend(applied.changed);
        }
        Ok(())
    }

    /// Ends the import: what was written in one transaction is committed or, where anything was wrong, taken back.
    pub(super) async fn end(
        mut self,
        ignored: Vec<String>,
        transaction: Option<WriteTx>,
    ) -> Result<Report, ImportError> {
        self.report.ignored_columns = ignored;
        self.report.finish();
        if let Some(mut transaction) = transaction {
            let written = std::mem::take(&mut self.at_once);
            if self.report.is_clean() && !written.is_empty() && !self.options.dry_run {
                self.audit(&mut transaction).await?;
                transaction
                    .commit(DomainEvent::ProductsImported { created: written.created, changed: written.changed })
                    .await?;
            } else {
                transaction.rollback().await?;
            }
            if !self.report.is_clean() {
                (self.report.created, self.report.updated, self.report.unchanged) = (0, 0, 0);
            }
        }
        Ok(self.report)
    }

    /// Writes a batch in a transaction of its own, once more where it collided with somebody else's.
    async fn in_own_transaction(&mut self, books: &[Book]) -> Result<Applied, ImportError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(books).await {
                Err(ImportError::Store(error)) if error.is_collision() && attempts < 5 => {}
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&mut self, books: &[Book]) -> Result<Applied, ImportError> {
        let mut transaction = self.import.store.begin("products.import").await?;
        let applied = self.apply(&mut transaction, books).await?;
        if applied.is_empty() || self.options.dry_run {
            transaction.rollback().await?;
            return Ok(applied);
        }
        if !self.audited {
            self.audit(&mut transaction).await?;
        }
        let event =
            DomainEvent::ProductsImported { created: applied.created.clone(), changed: applied.changed.clone() };
        transaction.commit(event).await?;
        self.audited = true;
        Ok(applied)
    }

    /// One record an import, in the transaction of its first change: an import that is cut short has left its mark.
    async fn audit(&self, transaction: &mut WriteTx) -> Result<(), StoreError> {
        let details = json!({
            "file": self.options.name,
            "format": self.report.format,
            "strict": self.options.strict,
        });
        transaction
            .record_audit(&AuditRecord {
                id: AuditId::generate(),
                occurred_at: self.import.clock.now(),
                actor: self.actor.clone(),
                action: "product.import".to_owned(),
                resource: "product".to_owned(),
                resource_id: None,
                details,
            })
            .await
    }

    /// Writes books inside a transaction.
    async fn apply(&mut self, transaction: &mut WriteTx, books: &[Book]) -> Result<Applied, ImportError> {
        let genres: BTreeSet<&String> = books.iter().flat_map(|book| &book.fields.genres).collect();
        let named: Vec<(String, String)> = genres
            .into_iter()
            .map(|slug| (slug.clone(), name_of(slug).map_or_else(|| genre_name(slug), str::to_owned)))
            .collect();
        transaction.ensure_genres(&named).await?;
        let isbns: Vec<String> = books.iter().filter_map(|book| book.fields.isbn13.clone()).map(Into::into).collect();
        let origins: Vec<(String, String)> =
            books.iter().filter_map(|book| book.origin.clone()).map(|origin| (origin.source, origin.id)).collect();
        let targets = Targets::new(transaction.import_targets(&isbns, &origins).await?);

        let mut applied = Applied::default();
        let (mut inserts, mut updates) = (Vec::new(), Vec::new());
        for book in books {
            match self.place(book, &targets) {
                Ok(Some(id)) => updates.push(row_of(book, id)),
                Ok(None) => inserts.push(row_of(book, ProductId::generate())),
                Err(error) => applied.rejected.push(error),
            }
        }
        let now = self.import.clock.now();
        applied.created = transaction.import_new(&inserts, now).await?;
        applied.changed = transaction.import_known(&updates, now).await?;
        applied.unchanged = (updates.len() - applied.changed.len()) as u64;
        Ok(applied)
    }

    /// Which book of the shop a row is; none where it is new.
    fn place(&mut self, book: &Book, targets: &Targets) -> Result<Option<ProductId>, RowError> {
        let by_isbn = book.fields.isbn13.as_ref().and_then(|isbn| targets.by_isbn.get(isbn.as_str()));
        let by_origin = book.origin.as_ref().and_then(|origin| targets.by_origin.get(origin));
        let Some(target) = by_isbn.or(by_origin).map(|at| &targets.all[*at]) else { return Ok(None) };
        let reject = |column: Option<&String>, value: String, reason: String| {
            Err(RowError { line: book.line, column: column.cloned(), value: Some(excerpt(&value)), reason })
        };
        let name = |origin: &Option<Origin>| {
            origin.as_ref().map_or_else(String::new, |origin| format!("{} {}", origin.source, origin.id))
        };
        let isbn = book.fields.isbn13.as_ref().map_or_else(String::new, |isbn| isbn.as_str().to_owned());
        match (by_isbn, by_origin) {
            (Some(isbn_at), Some(origin_at)) if isbn_at != origin_at => {
                let reason = format!(
                    "its ISBN is that of one book of the shop and its source id, {}, that of another",
                    name(&book.origin)
                );
                return reject(Some(&self.headers.isbn), isbn, reason);
            }
            // An ISBN is filled in, but never replaced: another number is another edition.
            (None, Some(_)) if target.isbn13.is_some() && !isbn.is_empty() => {
                let known = target.isbn13.clone().unwrap_or_default();
                let reason =
                    format!("its source id, {}, is that of the book with the ISBN {known}", name(&book.origin));
                return reject(Some(&self.headers.isbn), isbn, reason);
            }
            _ => {}
        }
        // The book of the shop may have a name more than the row, by which another row of the file could mean it.
        let known_isbn = target.isbn13.as_deref().and_then(|isbn| isbn.parse().ok());
        let known_origin = origin_of(target);
        if let Err(Repeated::Isbn(line) | Repeated::Origin(line)) =
            self.seen.note(book.line, known_isbn.as_ref(), known_origin.as_ref())
        {
            return reject(None, book.fields.title.clone(), format!("is the same book of the shop as line {line}"));
        }
        match book.stock {
            Some(stock) if stock < target.reserved => Err(RowError {
                line: book.line,
                column: Some(self.headers.stock.clone()),
                value: Some(stock.to_string()),
                reason: format!("is less than the {} copies that are reserved for orders", target.reserved),
            }),
            _ => Ok(Some(target.id)),
        }
    }
}

fn repeated_error(book: &Book, repeated: Repeated, headers: &KeyHeaders) -> RowError {
    let (column, value, reason) = match repeated {
        Repeated::Isbn(line) => {
            let isbn = book.fields.isbn13.as_ref().map_or("", |isbn| isbn.as_str());
            (&headers.isbn, isbn.to_owned(), format!("the same ISBN stands on line {line}"))
        }
        Repeated::Origin(line) => {
            let id = book.origin.as_ref().map_or_else(String::new, |origin| origin.id.clone());
            (&headers.source_id, id, format!("the same source id stands on line {line}"))
        }
    };
    RowError { line: book.line, column: Some(column.clone()), value: Some(excerpt(&value)), reason }
}

/// The books of the shop that a batch is about.
struct Targets {
    all: Vec<ImportTarget>,
    by_isbn: HashMap<String, usize>,
    by_origin: HashMap<Origin, usize>,
}

impl Targets {
    fn new(all: Vec<ImportTarget>) -> Self {
        let by_isbn = all.iter().enumerate().filter_map(|(at, target)| Some((target.isbn13.clone()?, at))).collect();
        let by_origin = all.iter().enumerate().filter_map(|(at, target)| Some((origin_of(target)?, at))).collect();
        Self { all, by_isbn, by_origin }
    }
}

fn origin_of(target: &ImportTarget) -> Option<Origin> {
    Some(Origin { source: target.source.clone()?, id: target.source_id.clone()? })
}

fn row_of(book: &Book, id: ProductId) -> ImportRow {
    ImportRow {
        id,
        work: book.work.unwrap_or_else(WorkId::generate),
        fields: book.fields.clone(),
        has_status: book.has_status,
        dates_from_work: book.dates_from_work,
        rating: book.rating.clone(),
        origin: book.origin.clone().map(|origin| (origin.source, origin.id)),
        stock: book.stock,
    }
}
