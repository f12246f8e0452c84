//! Tastes of readers, neighbours of books, and what recommendations are made of.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::sql::recommendations::{books, neighbours, tastes};
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::ids::{ProductId, UserId};
use crate::model::listing::ProductSummary;
use crate::model::recommendation::{
    Neighbour, NeighbourList, NeighbourQueue, ReaderProfile, Readership, Taste, Touched,
};

pub use super::sql::recommendations::tastes::{TasteRow, TastedBookRow};

impl Store {
    /// What recommendations to somebody begin with: at most `most` of their tastes, the latest first, and the works that they
    /// know. One statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reader_profile(&self, user: UserId, most: i64) -> Result<ReaderProfile, StoreError> {
        self.read("recommendations.profile", Consistency::Eventual, |mut c| async move {
            tastes::profile(&mut c, user, most).await
        })
        .await
    }

    /// The neighbours of these books, the nearest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn neighbours_of(&self, books: &[ProductId]) -> Result<HashMap<ProductId, Vec<Neighbour>>, StoreError> {
        self.read("recommendations.neighbours", Consistency::Eventual, |mut c| async move {
            neighbours::of(&mut c, books).await
        })
        .await
    }

    /// Those of these books that can be recommended, in no order: active ones with a price.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recommendable(&self, ids: &[ProductId]) -> Result<Vec<ProductSummary>, StoreError> {
        self.read("recommendations.books", Consistency::Eventual, |mut c| async move {
            books::recommendable(&mut c, ids).await
        })
        .await
    }

    /// What somebody likes, the latest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tastes_of(&self, user: UserId) -> Result<Vec<Taste>, StoreError> {
        self.read(
            "recommendations.tastes",
            Consistency::PreferLatest,
            |mut c| async move { tastes::of(&mut c, user).await },
        )
        .await
    }

    /// A page of everybody's tastes after that of a person in a book, by person and book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_tastes(
        &self,
        after: Option<(UserId, ProductId)>,
        limit: i64,
    ) -> Result<Vec<TasteRow>, StoreError> {
        self.read("recommendations.all_tastes", Consistency::Eventual, |mut c| async move {
            tastes::all(&mut c, after, limit).await
        })
        .await
    }

    /// A page of the books that somebody likes after one of them, by id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tasted_books(&self, after: Option<ProductId>, limit: i64) -> Result<Vec<TastedBookRow>, StoreError> {
        self.read("recommendations.tasted_books", Consistency::Eventual, |mut c| async move {
            tastes::books(&mut c, after, limit).await
        })
        .await
    }

    /// The books whose neighbours are to be computed by now, at most `limit` and those that have waited longest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_neighbour_lists(&self, now: OffsetDateTime, limit: i64) -> Result<Vec<ProductId>, StoreError> {
        self.read("recommendations.due", Consistency::Eventual, |mut c| async move {
            neighbours::due(&mut c, now, limit).await
        })
        .await
    }

    /// What is counted of a book to find its neighbours; nothing where it never had a reader. The heavy read of this
    /// resource, and so one for replicas: what the node that answers has not seen is not among the marks that it gives, and
    /// the list stays due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn readership(&self, book: ProductId) -> Result<Option<Readership>, StoreError> {
        self.read("recommendations.readership", Consistency::Eventual, |mut c| async move {
            neighbours::readership(&mut c, book).await
        })
        .await
    }

    /// What waits to be computed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn neighbour_queue(&self, now: OffsetDateTime) -> Result<NeighbourQueue, StoreError> {
        self.read("recommendations.queue", Consistency::Eventual, |mut c| async move {
            neighbours::queue(&mut c, now).await
        })
        .await
    }
}

impl WriteTx {
    /// Counts anew what these people think of these books, from what they did. Says whose tastes are other ones now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_tastes(&mut self, touched: &Touched) -> Result<Vec<UserId>, StoreError> {
        Ok(tastes::note(&mut self.transaction, touched).await?)
    }

    /// Counts everybody's tastes anew. Says how many were other ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recount_tastes(&mut self) -> Result<i64, StoreError> {
        Ok(tastes::recount(&mut self.transaction).await?)
    }

    /// Whether nobody else computes neighbours; until the transaction ends nobody will. Takes no transaction number, so
    /// that whoever follows the outbox is not held up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn try_lock_neighbours(&mut self) -> Result<bool, StoreError> {
        Ok(neighbours::try_lock(&mut self.transaction).await?)
    }

    /// Writes lists, unless later ones are there. They are due again at a time, and those whose readers have changed
    /// meanwhile are at once. Says which books have other neighbours now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_neighbours(
        &mut self,
        lists: &[NeighbourList],
        now: OffsetDateTime,
        again_at: OffsetDateTime,
    ) -> Result<Vec<ProductId>, StoreError> {
        Ok(neighbours::write(&mut self.transaction, lists, now, again_at).await?)
    }
}
