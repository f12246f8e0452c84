//! What there is of books, the ledger that explains it, and the news of it. All of it is read from the primary.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::sql::inventory as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::invalidation::News;
use crate::model::events::DomainEvent;
use crate::model::ids::ProductId;
use crate::model::stock::{LedgerBalance, Stock, StockChange, StockLevel};

/// What may have happened to stock: told at least once, in no certain order, and not at all where a process is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockNews {
    /// There is this much of these books, or there was since.
    Levels(Vec<StockLevel>),
    /// There may be more or less of these books.
    Books(Vec<ProductId>),
    /// There may be more or less of any book.
    Anything,
}

/// News of stock as this process hears it.
pub struct StockListener(Receiver<Arc<News>>);

impl StockListener {
    /// The next news; nothing when there will be none any more.
    pub async fn next(&mut self) -> Option<Vec<StockNews>> {
        loop {
            let news = match self.0.recv().await {
                Ok(news) => news,
                Err(RecvError::Lagged(_)) => return Some(vec![StockNews::Anything]),
                Err(RecvError::Closed) => return None,
            };
            let told: Vec<StockNews> = news.events.iter().filter_map(of_stock).collect();
            if !told.is_empty() {
                return Some(told);
            }
        }
    }
}

fn of_stock(event: &DomainEvent) -> Option<StockNews> {
    match event {
        DomainEvent::StockChanged { levels } => Some(StockNews::Levels(levels.clone())),
        DomainEvent::ProductsImported { changed, .. } => Some(StockNews::Books(changed.clone())),
        DomainEvent::CatalogueSeeded { .. } => Some(StockNews::Anything),
        _ => None,
    }
}

impl Store {
    /// Begins to listen to news of stock.
    #[must_use]
    pub fn stock_news(&self) -> StockListener {
        StockListener(self.invalidation.subscribe())
    }

    /// What there is of these books, in no certain order; unknown ones are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock(&self, products: &[ProductId]) -> Result<Vec<Stock>, StoreError> {
        let ids: Vec<_> = products.iter().map(|product| product.0).collect();
        let ids = ids.as_slice();
        self.read("inventory.of", Consistency::Latest, |mut c| async move { sql::of(&mut c, ids).await }).await
    }

    /// Those of these books whose stock is beyond the version that goes with each.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock_beyond(&self, known: &[(ProductId, i64)]) -> Result<Vec<ProductId>, StoreError> {
        let (ids, versions): (Vec<_>, Vec<_>) = known.iter().map(|(product, version)| (product.0, *version)).unzip();
        let (ids, versions) = (ids.as_slice(), versions.as_slice());
        self.read(
            "inventory.beyond",
            Consistency::Latest,
            |mut c| async move { sql::beyond(&mut c, ids, versions).await },
        )
        .await
    }

    /// What changed of each of these books after the version that goes with it: those of a book in order and without a gap, at
    /// most `limit` of each book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock_changes(
        &self,
        known: &[(ProductId, i64)],
        limit: usize,
    ) -> Result<Vec<StockChange>, StoreError> {
        let (ids, versions): (Vec<_>, Vec<_>) = known.iter().map(|(product, version)| (product.0, *version)).unzip();
        let (ids, versions) = (ids.as_slice(), versions.as_slice());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read("inventory.changes", Consistency::Latest, |mut c| async move {
            sql::changes_after(&mut c, ids, versions, limit).await
        })
        .await
    }

    /// The newest changes of a book's stock, before a version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock_ledger(
        &self,
        product: ProductId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<StockChange>, StoreError> {
        self.read("inventory.ledger", Consistency::Latest, |mut c| async move {
            sql::ledger(&mut c, product, before, limit).await
        })
        .await
    }

    /// What there is of the next books after this one, in the order of their ids, and what the ledger says of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_balances(&self, after: ProductId, limit: i64) -> Result<Vec<LedgerBalance>, StoreError> {
        self.read("inventory.balances", Consistency::Latest, |mut c| async move {
            sql::balances(&mut c, after, limit).await
        })
        .await
    }
}

impl WriteTx {
    /// What there is of a book, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stock_for_update(&mut self, product: ProductId) -> Result<Option<Stock>, StoreError> {
        Ok(sql::for_update(&mut self.transaction, product).await?)
    }
}
