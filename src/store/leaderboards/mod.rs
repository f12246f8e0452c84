//! Leaderboards: scores in Postgres, which are the truth, and sorted sets of them in Redis ([`shared`]).

pub mod shared;

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::sql::leaderboards as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::ids::{OrderId, ProductId, UserId};
use crate::model::leaderboard::{Board, Period, Placing, Score, ScoreChange, Stand, Stretch, Window};
use crate::model::listing::ProductSummary;

impl Store {
    /// Which transaction moved the scores last; nothing before everything was counted for the first time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaderboards_version(&self) -> Result<Option<u64>, StoreError> {
        self.read("leaderboards.version", Consistency::Eventual, |mut c| async move { sql::version(&mut c).await })
            .await
    }

    /// The same by the primary.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn latest_leaderboards_version(&self) -> Result<Option<u64>, StoreError> {
        self.read("leaderboards.version", Consistency::Latest, |mut c| async move { sql::version(&mut c).await }).await
    }

    /// A page of a board by the scores in the database, from behind `after` on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaderboard(
        &self,
        board: Board,
        window: Window,
        after: Option<Stand>,
        limit: i64,
    ) -> Result<Stretch, StoreError> {
        self.read("leaderboards.page", Consistency::Eventual, |mut c| async move {
            sql::page(&mut c, board, window, after, limit).await
        })
        .await
    }

    /// A member's place by the scores in the database, with at most so many on either side; no places where it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaderboard_around(
        &self,
        board: Board,
        window: Window,
        member: Uuid,
        neighbours: i64,
    ) -> Result<Stretch, StoreError> {
        self.read("leaderboards.around", Consistency::Eventual, |mut c| async move {
            sql::around(&mut c, board, window, member, neighbours).await
        })
        .await
    }

    /// Where a member stands on these boards, in their order, by the scores in the database.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn placings(&self, member: Uuid, boards: &[(Board, Window)]) -> Result<Vec<Placing>, StoreError> {
        self.read("leaderboards.placings", Consistency::Eventual, |mut c| async move {
            sql::placings(&mut c, member, boards).await
        })
        .await
    }

    /// These books in no certain order, drafts left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leading_books(&self, ids: &[Uuid]) -> Result<Vec<ProductSummary>, StoreError> {
        self.read("leaderboards.books", Consistency::Eventual, |mut c| async move { sql::books(&mut c, ids).await })
            .await
    }

    /// What these people are called, in no certain order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leading_people(&self, ids: &[Uuid]) -> Result<Vec<(UserId, String)>, StoreError> {
        self.read("leaderboards.people", Consistency::Eventual, |mut c| async move { sql::people(&mut c, ids).await })
            .await
    }
}

impl WriteTx {
    /// Which transaction moved the scores last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaderboards_version(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(sql::version(&mut self.transaction).await?)
    }

    /// Notes this transaction as the one that moved the scores last, and gives its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance_leaderboards(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(sql::advance(&mut self.transaction).await?)
    }

    /// The copies in these orders by book and by the moment at which they were paid for, each times the number beside its
    /// order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn copies_in(
        &mut self,
        orders: &[(OrderId, i64)],
    ) -> Result<Vec<(ProductId, OffsetDateTime, i64)>, StoreError> {
        Ok(sql::copies(&mut self.transaction, orders).await?)
    }

    /// Adds to scores, those of one member on one board in one window at most once, and gives what they are then. People
    /// without an account have none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_to_scores(&mut self, changes: &[ScoreChange]) -> Result<Vec<Score>, StoreError> {
        Ok(sql::add(&mut self.transaction, changes).await?)
    }

    /// Takes people off their boards, and gives what they had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave_leaderboards(&mut self, people: &[UserId]) -> Result<Vec<Score>, StoreError> {
        Ok(sql::leave(&mut self.transaction, people).await?)
    }

    /// Counts everything from orders and reviews, and moves the place in the outbox to what was counted. The place has to be
    /// held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recount_leaderboards(&mut self) -> Result<(), StoreError> {
        Ok(sql::recount(&mut self.transaction).await?)
    }

    /// The boards and windows that end after `day` and have anything in them; those of all time, whether or not they have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_windows(&mut self, day: Date) -> Result<Vec<(Board, Window)>, StoreError> {
        let mut windows = sql::windows(&mut self.transaction, day).await?;
        windows.extend(Board::ALL.iter().map(|board| (*board, Window::of(Period::All, day))));
        Ok(windows)
    }

    /// All who stand on a board, in no certain order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn everybody_on(&mut self, board: Board, window: Window) -> Result<Vec<Stand>, StoreError> {
        Ok(sql::everybody(&mut self.transaction, board, window).await?)
    }
}
