//! Books: reading them, and the writes of administrators.

mod batch;
mod draft;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

pub use batch::MAX_BATCH;
pub use draft::{MoneyDraft, ProductDraft, Rules, SeriesDraft, genre_name};

use super::violation::Violation;
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::ids::{AuditId, ProductId, WorkId};
use crate::model::isbn::{Isbn10, Isbn13};
use crate::model::precondition::ExpectedVersion;
use crate::model::product::{Product, ProductFields, Status};
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError, Truth, WriteTx};

/// Why a request about books was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProductError {
    /// There is no such book, or none that the asker may see.
    #[error("there is no such book")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// Another book has this ISBN.
    #[error("another book has this ISBN")]
    IsbnTaken {
        /// A JSON pointer to the number that is taken.
        pointer: &'static str,
    },
    /// The book has changed since the asker read it.
    #[error("the book is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// The answer could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Outage for ProductError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

impl From<StoreError> for ProductError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("products_isbn13_key") => Self::IsbnTaken { pointer: "/isbn13" },
            Some("products_isbn10_key") => Self::IsbnTaken { pointer: "/isbn10" },
            _ => Self::Store(error),
        }
    }
}

/// The service for books.
#[derive(Clone)]
pub struct Products {
    store: Store,
    clock: Arc<dyn Clock>,
    rules: Rules,
    pages: Pages,
}

/// How books become answers.
#[derive(Clone, Copy)]
pub struct Pages {
    /// A book by its id.
    pub detail: Render<Product>,
    /// A book that was asked for by its ISBN.
    pub by_isbn: Render<Product>,
}

impl Products {
    /// The service over this store; `pages` makes its answers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, rules: Rules, pages: Pages) -> Self {
        Self { store, clock, rules, pages }
    }

    /// The book with this id. Drafts are shown to administrators alone.
    ///
    /// # Errors
    /// [`ProductError::NotFound`], or the database's.
    pub async fn get(&self, id: ProductId, sees_drafts: bool) -> Result<Answer, ProductError> {
        let load = self.detail(id);
        visible(self.store.cached(&detail_key(id), &[Tag::book(id)], load).await?, sees_drafts)
    }

    /// What the primary says of the book with this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn truth(&self, id: ProductId) -> Result<Truth, ProductError> {
        self.store.truth(self.detail(id)).await
    }

    /// What the primary says of the book with this ISBN.
    ///
    /// # Errors
    /// The database's.
    pub async fn truth_by_isbn(&self, isbn: Isbn13) -> Result<Truth, ProductError> {
        self.store.truth(self.by_isbn(isbn)).await
    }

    fn detail(
        &self,
        id: ProductId,
    ) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, ProductError>> + Clone + Send + Sync + 'static {
        let render = self.pages.detail;
        move |store: Store| {
            Box::pin(async move {
                Ok(match store.product(id).await? {
                    Some(product) => Rendered::found(render(product)?),
                    None => Rendered::absent(),
                })
            })
        }
    }

    /// Write-through: the page of a book that has just changed is there for the next reader, everywhere.
    fn refresh(&self, id: ProductId) {
        self.store.write_through(detail_key(id), vec![Tag::book(id)], self.detail(id));
    }

    /// The same where this process keeps the page, for what changes a book's page from outside: somebody reads it.
    pub(super) fn refresh_if_kept(&self, id: ProductId) {
        if self.store.cache().local_entry(&detail_key(id)).is_some() {
            self.refresh(id);
        }
    }

    /// The book with this ISBN, of ten or thirteen digits.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] where the text is no ISBN; else as [`Products::get`].
    pub async fn get_by_isbn(&self, isbn: &str, sees_drafts: bool) -> Result<Answer, ProductError> {
        let number = match isbn.parse::<Isbn13>() {
            Ok(number) => number,
            Err(error) => match isbn.parse::<Isbn10>() {
                Ok(ten) => ten.to_isbn13(),
                Err(_) => {
                    return Err(ProductError::Invalid(vec![Violation::new(
                        "/isbn",
                        format!("is no ISBN: it {error}"),
                    )]));
                }
            },
        };
        let key = Key::new(Family::BookByIsbn, number.as_str());
        visible(self.store.cached(&key, &[], self.by_isbn(number)).await?, sees_drafts)
    }

    fn by_isbn(
        &self,
        number: Isbn13,
    ) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, ProductError>> + Clone + Send + Sync + 'static {
        let render = self.pages.by_isbn;
        move |store: Store| {
            let number = number.clone();
            Box::pin(async move {
                Ok(match store.product_by_isbn(&number).await? {
                    Some(product) => {
                        let tag = Tag::book(product.id);
                        Rendered::found(render(product)?).depends_on(tag)
                    }
                    // Until some book gets this number.
                    None => Rendered::absent().depends_on(Tag::isbns()),
                })
            })
        }
    }

    /// Adds a book. Without `work` it is the first edition of a work of its own.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] with every broken rule, [`ProductError::IsbnTaken`], or the database's.
    pub async fn create(
        &self,
        actor: &Actor,
        draft: ProductDraft,
        work: Option<WorkId>,
    ) -> Result<Product, ProductError> {
        let fields = draft.check(&self.rules).map_err(ProductError::Invalid)?;
        let id = ProductId::generate();
        let work = work.unwrap_or_else(WorkId::generate);
        self.retrying(|| async {
            let mut tx = self.store.begin("products.create").await?;
            tx.ensure_genres(&named(&fields.genres)).await?;
            tx.insert_product(id, work, &fields, self.clock.now()).await?;
            self.record(&mut tx, actor, "product.create", id, json!({ "after": fields })).await?;
            let product = tx.product_for_update(id).await?.ok_or(ProductError::NotFound)?;
            tx.commit(DomainEvent::ProductCreated { product: id }).await?;
            self.refresh(id);
            Ok(product)
        })
        .await
    }

    /// Changes a book into what `change` makes of it. What stays as it was is not written, and its version stays.
    ///
    /// # Errors
    /// [`ProductError::Changed`] where it is at no expected version; else as [`Products::create`].
    pub async fn change(
        &self,
        actor: &Actor,
        action: &'static str,
        id: ProductId,
        expected: &ExpectedVersion,
        change: impl Fn(&Product) -> Result<ProductDraft, Vec<Violation>>,
    ) -> Result<Product, ProductError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("products.change").await?;
            let before = tx.product_for_update(id).await?.ok_or(ProductError::NotFound)?;
            expect(expected, before.version)?;
            let fields = change(&before).and_then(|draft| draft.check(&self.rules)).map_err(ProductError::Invalid)?;
            if fields == before.fields {
                tx.rollback().await?;
                return Ok(before);
            }
            let retired = fields.status == Status::Retired && before.fields.status != Status::Retired;
            let event = if retired {
                DomainEvent::ProductRetired { product: id }
            } else {
                DomainEvent::ProductChanged { product: id }
            };
            self.write(tx, actor, action, &before, &fields, event).await
        })
        .await
    }

    /// Withdraws a book: it leaves every list and can no longer be bought, but old orders still show it.
    ///
    /// # Errors
    /// [`ProductError::Changed`] where it is at no expected version, [`ProductError::NotFound`], or the database's.
    pub async fn retire(
        &self,
        actor: &Actor,
        id: ProductId,
        expected: &ExpectedVersion,
    ) -> Result<Product, ProductError> {
        self.retrying(|| async {
            let mut tx = self.store.begin("products.retire").await?;
            let before = tx.product_for_update(id).await?.ok_or(ProductError::NotFound)?;
            expect(expected, before.version)?;
            if before.fields.status == Status::Retired {
                tx.rollback().await?;
                return Ok(before);
            }
            let fields = ProductFields { status: Status::Retired, ..before.fields.clone() };
            self.write(tx, actor, "product.retire", &before, &fields, DomainEvent::ProductRetired { product: id }).await
        })
        .await
    }

    async fn write(
        &self,
        mut tx: WriteTx,
        actor: &Actor,
        action: &'static str,
        before: &Product,
        fields: &ProductFields,
        event: DomainEvent,
    ) -> Result<Product, ProductError> {
        tx.ensure_genres(&named(&fields.genres)).await?;
        tx.update_product(before.id, fields, self.clock.now()).await?;
        self.record(&mut tx, actor, action, before.id, changes(&before.fields, fields)).await?;
        let after = tx.product_for_update(before.id).await?.ok_or(ProductError::NotFound)?;
        tx.commit(event).await?;
        self.refresh(after.id);
        Ok(after)
    }

    async fn record(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        action: &str,
        id: ProductId,
        details: Value,
    ) -> Result<(), StoreError> {
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: self.clock.now(),
            actor: actor.clone(),
            action: action.to_owned(),
            resource: "product".to_owned(),
            resource_id: Some(id.to_string()),
            details,
        })
        .await
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, ProductError>
    where
        Fut: Future<Output = Result<T, ProductError>>,
    {
        self.store.retrying(|error| matches!(error, ProductError::Store(error) if error.is_collision()), work).await
    }
}

fn expect(expected: &ExpectedVersion, current: i64) -> Result<(), ProductError> {
    if expected.accepts(current) { Ok(()) } else { Err(ProductError::Changed { current }) }
}

fn detail_key(id: ProductId) -> Key {
    Key::new(Family::BookDetail, id)
}

fn visible(answer: Option<Answer>, sees_drafts: bool) -> Result<Answer, ProductError> {
    let shown = |answer: &Answer| sees_drafts || !answer.representation.particulars.restricted;
    answer.filter(shown).ok_or(ProductError::NotFound)
}

fn named(slugs: &[String]) -> Vec<(String, String)> {
    slugs.iter().map(|slug| (slug.clone(), genre_name(slug))).collect()
}

/// The fields that differ, before and after.
fn changes(before: &ProductFields, after: &ProductFields) -> Value {
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return Value::Null;
    };
    let differing = |side: &serde_json::Map<String, Value>, other: &serde_json::Map<String, Value>| {
        side.iter()
            .filter(|(name, value)| other.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    json!({
        "before": Value::Object(differing(&before, &after)),
        "after": Value::Object(differing(&after, &before)),
    })
}
