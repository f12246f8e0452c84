//! Lists of books.

use super::sql::{facets, listing as sql};
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::listing::{Facet, Filters, Position, ProductSummary, Sort, SortKey};

pub use super::sql::facets::{FacetCount, FacetQuery};

impl Store {
    /// At most `limit` books that pass `filters`, in the order of `sort`, after `after`; each with its sort key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn listing(
        &self,
        filters: &Filters,
        sort: Sort,
        after: Option<&Position>,
        limit: i64,
    ) -> Result<Vec<(ProductSummary, SortKey)>, StoreError> {
        self.read("listing.page", Consistency::Eventual, |mut c| async move {
            sql::page(&mut c, filters, sort, after, limit).await
        })
        .await
    }

    /// How many books have which value of the wanted facets, see [`FacetQuery`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn facets(
        &self,
        filters: &Filters,
        wanted: &[Facet],
        query: &FacetQuery,
    ) -> Result<Vec<FacetCount>, StoreError> {
        self.read("listing.facets", Consistency::Eventual, |mut c| async move {
            facets::facets(&mut c, filters, wanted, query).await
        })
        .await
    }
}
