//! Favourites. One is added or removed by one statement, whose row of the outbox comes along.

use time::OffsetDateTime;

use super::sql::favourites as sql;
use super::{Store, StoreError};
use crate::db::Consistency;
use crate::model::events::DomainEvent;
use crate::model::favourite::{Favourite, FavouriteBook};
use crate::model::ids::{ProductId, UserId};

/// What came of keeping a book in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is kept in mind from now on.
    New(OffsetDateTime),
    /// It has been since then.
    Before(OffsetDateTime),
    /// There are as many already as there may be.
    TooMany,
    /// There is no such book that everybody may see.
    NoBook,
}

impl Store {
    /// Keeps a book in mind for somebody who has fewer than `most` favourites. Those who add some at the same moment may pass
    /// that by a few.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where the account is gone.
    pub async fn add_favourite(
        &self,
        user: UserId,
        product: ProductId,
        now: OffsetDateTime,
        most: i64,
    ) -> Result<Added, StoreError> {
        let event = DomainEvent::FavouriteAdded { user, product };
        self.write_once("favourites.add", event, |mut c, told| async move {
            sql::add(&mut c, user, product, now, most, &told).await
        })
        .await
    }

    /// Keeps a book in mind no longer. Says whether it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_favourite(&self, user: UserId, product: ProductId) -> Result<bool, StoreError> {
        let event = DomainEvent::FavouriteRemoved { user, product };
        self.write_once("favourites.remove", event, |mut c, told| async move {
            let told = sql::remove(&mut c, user, product, &told).await?;
            Ok((!told.is_empty(), told))
        })
        .await
    }

    /// Since when somebody keeps a book in mind, if they do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn favourite(&self, user: UserId, product: ProductId) -> Result<Option<Favourite>, StoreError> {
        self.read(
            "favourites.one",
            Consistency::PreferLatest,
            |mut c| async move { sql::one(&mut c, user, product).await },
        )
        .await
    }

    /// At most `limit` of somebody's favourites, the newest first, after `after`; those that everybody may see.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn favourites_of(
        &self,
        user: UserId,
        after: Option<Favourite>,
        limit: i64,
    ) -> Result<Vec<FavouriteBook>, StoreError> {
        self.read("favourites.list", Consistency::PreferLatest, |mut c| async move {
            sql::list(&mut c, user, after, limit).await
        })
        .await
    }

    /// All that somebody keeps in mind, whoever may see it; the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_favourites_of(&self, user: UserId) -> Result<Vec<Favourite>, StoreError> {
        self.read("favourites.all", Consistency::PreferLatest, |mut c| async move { sql::all(&mut c, user).await })
            .await
    }

    /// How many favourites somebody has, of books that everybody may see.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_favourites(&self, user: UserId) -> Result<i64, StoreError> {
        self.read("favourites.count", Consistency::PreferLatest, |mut c| async move { sql::count(&mut c, user).await })
            .await
    }
}
