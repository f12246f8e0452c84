//! Genres and how many books each has.

use crate::model::product::Genre;
use crate::store::{Store, StoreError};

/// Why a request about genres was refused.
#[derive(Debug, thiserror::Error)]
pub enum GenreError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service for genres.
#[derive(Clone)]
pub struct Genres {
    store: Store,
}

impl Genres {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Every genre with the number of its active books, by slug.
    ///
    /// # Errors
    /// The database's.
    pub async fn all(&self) -> Result<Vec<Genre>, GenreError> {
        Ok(self.store.genres().await?)
    }
}
