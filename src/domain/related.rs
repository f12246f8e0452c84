//! Books that belong to another one.

use std::collections::HashSet;

use super::listing::{ListingError, check_limit};
use crate::model::ids::ProductId;
use crate::model::product::Status;
use crate::model::related::{Related, Relation};
use crate::store::{Store, StoreError};

/// The most related books.
pub const MAX_RELATED: u32 = 50;

const DEFAULT_RELATED: u32 = 20;

/// Why a request for related books was refused.
#[derive(Debug, thiserror::Error)]
pub enum RelatedError {
    /// There is no such book, or none that everybody may see.
    #[error("there is no such book")]
    NotFound,
    /// What a list would refuse as well.
    #[error(transparent)]
    Listing(#[from] ListingError),
}

impl From<StoreError> for RelatedError {
    fn from(error: StoreError) -> Self {
        Self::Listing(error.into())
    }
}

/// The service for related books.
#[derive(Clone)]
pub struct RelatedBooks {
    store: Store,
}

impl RelatedBooks {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Other editions of the work, the series (next volumes first), other books of its authors, popular books that share
    /// genres; each book once, under the first reason, and of other works one edition alone. Two statements.
    ///
    /// # Errors
    /// [`RelatedError::NotFound`] for a book that does not exist or is a draft, or the database's.
    pub async fn of(&self, id: ProductId, limit: Option<u32>) -> Result<Vec<Related>, RelatedError> {
        let limit = check_limit(limit, DEFAULT_RELATED, MAX_RELATED)
            .map_err(|violation| ListingError::Invalid(vec![violation]))?;
        let kinship = self.store.kinship(id).await?;
        let kinship = kinship.filter(|kinship| kinship.status != Status::Draft).ok_or(RelatedError::NotFound)?;
        let found = self.store.related(id, &kinship, i64::from(MAX_RELATED)).await?;
        Ok(once_each(found, limit as usize))
    }
}

fn once_each(found: Vec<Related>, limit: usize) -> Vec<Related> {
    let mut works = HashSet::new();
    found
        .into_iter()
        .filter(|related| related.relation == Relation::Edition || works.insert(related.book.work_id))
        .take(limit)
        .collect()
}
