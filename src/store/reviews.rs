//! Reviews, their votes and reports.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::sql::reviews as sql;
use super::sql::reviews::{moderation, votes};
use super::{Announced, Store, StoreError, WriteTx, consistency};
use crate::db::Consistency;
use crate::model::idempotency::{KeptAnswer, KeyedRequest};
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::product::Status;
use crate::model::review::{
    ModerationFilter, Review, ReviewFilter, ReviewPosition, ReviewReport, ReviewSort, ReviewSummary, ReviewVote,
};

/// A book as far as reviews of it go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatedBook {
    /// Drafts have no reviews.
    pub status: Status,
    /// The average of all its ratings, imported ones included.
    pub average: f64,
    /// How many those are.
    pub count: i64,
}

/// What there is already for somebody who wants to write a review.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Their review of the book.
    pub review: Option<ReviewId>,
    /// Whether they have bought the book here and kept it.
    pub verified: bool,
    /// What their key was used for, and the answer.
    pub key: Option<UsedKey>,
}

/// A key that a request was sent under.
#[derive(Clone, Debug)]
pub struct UsedKey {
    /// SHA-256 of what was asked.
    pub fingerprint: Vec<u8>,
    /// The answer, once there is one.
    pub answer: Option<KeptAnswer>,
}

/// A review that is to be written, with the answer to the request for it.
pub struct NewReview<'a> {
    /// The review.
    pub review: Review,
    /// The request.
    pub request: &'a KeyedRequest,
    /// The answer that is kept under its key.
    pub answer: Vec<u8>,
}

/// A review as administrators see it.
#[derive(Clone, Debug)]
pub struct ModeratedReview {
    /// The review.
    pub review: Review,
    /// How many reports there are in all.
    pub reports: i64,
    /// Those that nobody has looked at, the newest first and only some of many.
    pub open: Vec<ReviewReport>,
    /// How many those are in all.
    pub open_count: i64,
}

impl Store {
    /// The review with this id. Whoever has just written it asks at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review(&self, id: ReviewId) -> Result<Option<Review>, StoreError> {
        self.read("reviews.by_id", Consistency::PreferLatest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// A book's status, and its published reviews counted; nothing where there is no such book.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_summary(&self, product: ProductId) -> Result<Option<(Status, ReviewSummary)>, StoreError> {
        self.read("reviews.summary", Consistency::Eventual, |mut c| async move { sql::summary(&mut c, product).await })
            .await
    }

    /// The published reviews of a book after a place in this order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reviews_of(
        &self,
        product: ProductId,
        sort: ReviewSort,
        filter: &ReviewFilter,
        after: Option<ReviewPosition>,
        limit: i64,
    ) -> Result<Vec<Review>, StoreError> {
        self.read("reviews.page", Consistency::Eventual, |mut c| async move {
            sql::page(&mut c, product, sort, filter, after, limit).await
        })
        .await
    }

    /// The newest reviews that somebody wrote, those before `before` where it is given, hidden ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reviews_by(
        &self,
        user: UserId,
        before: Option<ReviewId>,
        limit: i64,
    ) -> Result<Vec<Review>, StoreError> {
        self.read("reviews.by_user", Consistency::PreferLatest, |mut c| async move {
            sql::by_user(&mut c, user, before, limit).await
        })
        .await
    }

    /// Reviews as administrators see them, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn moderated_reviews(
        &self,
        filter: ModerationFilter,
        before: Option<ReviewId>,
        limit: i64,
    ) -> Result<Vec<ModeratedReview>, StoreError> {
        self.read("reviews.moderated", Consistency::PreferLatest, |mut c| async move {
            moderation::list(&mut c, filter, before, limit).await
        })
        .await
    }

    /// A review as administrators see it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn moderated_review(&self, id: ReviewId) -> Result<Option<ModeratedReview>, StoreError> {
        self.read("reviews.moderated_one", Consistency::PreferLatest, |mut c| async move {
            moderation::by_id(&mut c, id).await
        })
        .await
    }

    /// How somebody voted on reviews.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_votes_of(&self, user: UserId) -> Result<Vec<ReviewVote>, StoreError> {
        self.read("reviews.votes_of_user", Consistency::PreferLatest, |mut c| async move {
            votes::of_user(&mut c, user).await
        })
        .await
    }

    /// What somebody reported.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_reports_of(&self, user: UserId) -> Result<Vec<ReviewReport>, StoreError> {
        self.read("reviews.reports_of_user", Consistency::PreferLatest, |mut c| async move {
            moderation::reports_of_user(&mut c, user).await
        })
        .await
    }

    /// Binds the rest of this request to a write that another task did for it.
    pub fn note_write(&self, announced: &Announced) {
        consistency::note(&announced.token);
    }
}

impl WriteTx {
    /// Those of these people whose accounts are open, with their names, held until the transaction ends: meanwhile nobody
    /// closes them, and what they have bought stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_writers(&mut self, users: &[UserId]) -> Result<HashMap<UserId, String>, StoreError> {
        Ok(sql::hold_writers(&mut self.transaction, users).await?)
    }

    /// A book's ratings, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rated_book_for_update(&mut self, product: ProductId) -> Result<Option<RatedBook>, StoreError> {
        Ok(sql::rated_book(&mut self.transaction, product, true).await?)
    }

    /// A book's ratings as this transaction has left them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rated_book(&mut self, product: ProductId) -> Result<Option<RatedBook>, StoreError> {
        Ok(sql::rated_book(&mut self.transaction, product, false).await?)
    }

    /// What there is already for each of these people who want to write of a locked book, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_beginnings(
        &mut self,
        product: ProductId,
        requests: &[(UserId, &KeyedRequest)],
        now: OffsetDateTime,
    ) -> Result<Vec<Beginning>, StoreError> {
        Ok(sql::beginnings(&mut self.transaction, product, requests, now).await?)
    }

    /// Writes reviews of a locked book, and keeps the answers.
    ///
    /// # Errors
    /// [`StoreError::Collision`] where somebody has taken a key meanwhile, for another book.
    pub async fn insert_reviews(
        &mut self,
        new: &[NewReview<'_>],
        now: OffsetDateTime,
        keys_expire: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let kept = sql::insert(&mut self.transaction, new, now, keys_expire).await?;
        if kept == new.len() { Ok(()) } else { Err(StoreError::Collision) }
    }

    /// Reviews by their ids, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reviews_for_update(&mut self, ids: &[ReviewId]) -> Result<HashMap<ReviewId, Review>, StoreError> {
        Ok(sql::by_ids_for_update(&mut self.transaction, ids).await?)
    }

    /// Replaces what locked reviews say, and whether they are shown; counts their versions up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_reviews(&mut self, reviews: &[Review]) -> Result<(), StoreError> {
        Ok(sql::update(&mut self.transaction, reviews).await?)
    }

    /// Removes locked reviews, with their votes and reports.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_reviews(&mut self, ids: &[ReviewId]) -> Result<(), StoreError> {
        Ok(sql::delete(&mut self.transaction, ids).await?)
    }

    /// Makes the reviews that somebody wrote of these books say whether their writer has bought the book and kept it, by the
    /// orders as this transaction leaves them. Names the books of those that said something else. Reviews of theirs that are
    /// being written wait for it, or it for them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_reviews(&mut self, user: UserId, products: &[ProductId]) -> Result<Vec<ProductId>, StoreError> {
        Ok(sql::verify(&mut self.transaction, user, products).await?)
    }

    /// Writes how people vote on a locked review: `None` takes a vote back. Says whether anything was different before.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where an account was closed meanwhile.
    pub async fn vote_on_review(
        &mut self,
        review: ReviewId,
        wanted: &[(UserId, Option<bool>)],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(votes::write(&mut self.transaction, review, wanted, now).await?)
    }

    /// Takes back all votes of somebody who leaves, and names the books on whose reviews they had voted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw_review_votes(&mut self, user: UserId) -> Result<Vec<ProductId>, StoreError> {
        Ok(votes::withdraw(&mut self.transaction, user).await?)
    }

    /// Writes a report. Says whether it is the first one of its writer about this review.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where the review or the account is gone.
    pub async fn report_review(&mut self, report: &ReviewReport) -> Result<bool, StoreError> {
        Ok(moderation::report(&mut self.transaction, report).await?)
    }

    /// Notes that an administrator has looked at all reports about these reviews.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_review_reports(&mut self, ids: &[ReviewId], now: OffsetDateTime) -> Result<(), StoreError> {
        Ok(moderation::settle(&mut self.transaction, ids, now).await?)
    }
}
