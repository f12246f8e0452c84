//! Favourites: the books that somebody keeps in mind.

use std::sync::Arc;

use crate::model::clock::Clock;
use crate::model::favourite::{Favourite, FavouriteBook};
use crate::model::ids::{ProductId, UserId};
use crate::store::favourites::Added;
use crate::store::{Store, StoreError};

/// The most favourites of one person.
pub const MOST: i64 = 10_000;

/// Why something about favourites was refused.
#[derive(Debug, thiserror::Error)]
pub enum FavouriteError {
    /// There is no such book, or none that everybody may see.
    #[error("there is no such book")]
    NoBook,
    /// The book is no favourite.
    #[error("the book is no favourite")]
    NotFound,
    /// There are as many as there may be.
    #[error("there are {MOST} favourites already")]
    TooMany,
    /// The account was closed meanwhile.
    #[error("the account is closed")]
    AccountClosed,
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for FavouriteError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("favourites_user_id_fkey") => Self::AccountClosed,
            _ => Self::Store(error),
        }
    }
}

/// A page of favourites.
#[derive(Clone, Debug)]
pub struct FavouritePage {
    /// The newest first.
    pub items: Vec<FavouriteBook>,
    /// After which the next page begins; nothing on the last one.
    pub next: Option<Favourite>,
    /// How many there are in all.
    pub total: i64,
}

/// The service for favourites. Each is its owner's own: nobody else is shown it.
#[derive(Clone)]
pub struct Favourites {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Favourites {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Keeps a book in mind; says whether it was none before. Whoever does so again changes nothing.
    ///
    /// # Errors
    /// [`FavouriteError`].
    pub async fn add(&self, user: UserId, product: ProductId) -> Result<(Favourite, bool), FavouriteError> {
        match self.store.add_favourite(user, product, self.clock.now(), MOST).await? {
            Added::New(added_at) => Ok((Favourite { product, added_at }, true)),
            Added::Before(added_at) => Ok((Favourite { product, added_at }, false)),
            Added::TooMany => Err(FavouriteError::TooMany),
            Added::NoBook => Err(FavouriteError::NoBook),
        }
    }

    /// Keeps a book in mind no longer, if it was.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove(&self, user: UserId, product: ProductId) -> Result<(), FavouriteError> {
        self.store.remove_favourite(user, product).await?;
        Ok(())
    }

    /// Since when somebody keeps a book in mind.
    ///
    /// # Errors
    /// [`FavouriteError::NotFound`] where they do not, or the database's.
    pub async fn get(&self, user: UserId, product: ProductId) -> Result<Favourite, FavouriteError> {
        self.store.favourite(user, product).await?.ok_or(FavouriteError::NotFound)
    }

    /// A page of somebody's favourites, and how many there are. A book that is prepared anew is left out for as long.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &self,
        user: UserId,
        after: Option<Favourite>,
        limit: u16,
    ) -> Result<FavouritePage, FavouriteError> {
        // One more than asked for tells whether there is a next page.
        let mut items = self.store.favourites_of(user, after, i64::from(limit) + 1).await?;
        let more = items.len() > usize::from(limit);
        items.truncate(usize::from(limit));
        let next = items.last().filter(|_| more);
        let next = next.map(|last| Favourite { product: last.book.id, added_at: last.added_at });
        // Whoever sees all of them needs no count.
        let total = match (after, next) {
            (None, None) => items.len() as i64,
            _ => self.store.count_favourites(user).await?,
        };
        Ok(FavouritePage { items, next, total })
    }
}
