//! Writing, changing, removing and hiding reviews of a book: all that is wished at once in one transaction, with the book's
//! average, count and histogram.

use std::collections::HashMap;
use std::sync::Arc;

use super::moderation::{MAX_NOTE, is_note};
use super::plan::{Created, Plan, ReviewWish, What, Written};
use super::{ReviewDraft, ReviewError, Reviews};
use crate::domain::violation::Violation;
use crate::model::audit::Actor;
use crate::model::events::Events;
use crate::model::idempotency::KeyedRequest;
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::precondition::ExpectedVersion;
use crate::model::rating::{RatingMove, Standing};
use crate::model::review::{Author, Review, ReviewContent};
use crate::store::Announced;
use crate::store::reviews::RatedBook;

impl Reviews {
    /// Writes a review of a book. A request that was done before is answered as it was then.
    ///
    /// # Errors
    /// [`ReviewError`]; then nothing has happened.
    pub async fn create(
        &self,
        user: UserId,
        product: ProductId,
        draft: ReviewDraft,
        request: KeyedRequest,
    ) -> Result<Created, ReviewError> {
        let content = draft.check().map_err(ReviewError::Invalid)?;
        match self.submit(product, ReviewWish { who: user, what: What::Create { content, request } }).await? {
            Written::Created(created) => Ok(created),
            Written::Now(_) | Written::Gone => Err(ReviewError::BrokenOff),
        }
    }

    /// Changes one's own review into what `change` makes of it. What stays as it was is not written, and its version stays.
    ///
    /// # Errors
    /// [`ReviewError::NotYours`], [`ReviewError::Changed`] where it is at no expected version, [`ReviewError::Invalid`],
    /// [`ReviewError::NotFound`], or the database's.
    pub async fn change(
        &self,
        user: UserId,
        review: ReviewId,
        expected: ExpectedVersion,
        change: impl Fn(ReviewContent) -> Result<ReviewDraft, Vec<Violation>> + Send + Sync + 'static,
    ) -> Result<Review, ReviewError> {
        let product = self.get(review, Some(user), false).await?.product;
        let what = What::Change { review, expected, change: Arc::new(change) };
        self.submit(product, ReviewWish { who: user, what }).await?.review()
    }

    /// Removes one's own review, or as an administrator anybody's.
    ///
    /// # Errors
    /// As [`Reviews::change`].
    pub async fn remove(
        &self,
        user: UserId,
        review: ReviewId,
        expected: ExpectedVersion,
        administrator: Option<Actor>,
    ) -> Result<(), ReviewError> {
        let found = self.get(review, Some(user), administrator.is_some()).await?;
        let actor = administrator.filter(|_| !found.is_by(user));
        let what = What::Remove { review, expected, actor };
        self.submit(found.product, ReviewWish { who: user, what }).await.map(drop)
    }

    /// Hides a review: it is neither shown nor counted, and its writer sees why and writes no other one. The reports about it
    /// are settled.
    ///
    /// # Errors
    /// [`ReviewError::Invalid`], [`ReviewError::NotFound`], or the database's.
    pub async fn hide(
        &self,
        user: UserId,
        actor: Actor,
        review: ReviewId,
        reason: String,
    ) -> Result<Review, ReviewError> {
        let reason = reason.trim().to_owned();
        if reason.is_empty() || !is_note(&reason) {
            let message = format!("must have 1 to {MAX_NOTE} characters, and no control characters");
            return Err(ReviewError::Invalid(vec![Violation::new("/reason", message)]));
        }
        let product = self.get(review, Some(user), true).await?.product;
        self.submit(product, ReviewWish { who: user, what: What::Hide { review, reason, actor } }).await?.review()
    }

    /// Shows a hidden review again, or lets a reported one stand. The reports about it are settled.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], or the database's.
    pub async fn restore(&self, user: UserId, actor: Actor, review: ReviewId) -> Result<Review, ReviewError> {
        let product = self.get(review, Some(user), true).await?.product;
        self.submit(product, ReviewWish { who: user, what: What::Restore { review, actor } }).await?.review()
    }

    async fn submit(&self, product: ProductId, wish: ReviewWish) -> Result<Written, ReviewError> {
        let reviews = self.clone();
        let work = move |wishes: Vec<ReviewWish>| {
            let reviews = reviews.clone();
            async move { reviews.write_all(product, &wishes).await }
        };
        self.conclude(self.books.submit(product, wish, work).await)
    }

    async fn write_all(
        &self,
        product: ProductId,
        wishes: &[ReviewWish],
    ) -> Vec<(Result<Written, ReviewError>, Option<Announced>)> {
        match self.retrying(|| self.write_together(product, wishes)).await {
            Ok((written, announced)) => written.into_iter().map(|one| (one, announced.clone())).collect(),
            // Nobody is to suffer from what somebody else sent.
            Err(error) if wishes.len() > 1 && !is_common(&error) => {
                let mut outcomes = Vec::with_capacity(wishes.len());
                for wish in wishes {
                    let alone = std::slice::from_ref(wish);
                    let outcome = self.retrying(|| self.write_together(product, alone)).await;
                    outcomes.push(match outcome {
                        Ok((mut written, announced)) => {
                            (written.pop().unwrap_or(Err(ReviewError::BrokenOff)), announced)
                        }
                        Err(error) => (Err(error), None),
                    });
                }
                outcomes
            }
            Err(error) => wishes.iter().map(|_| (Err(error.clone()), None)).collect(),
        }
    }

    /// One transaction. Locks in one order: the writers, the book, its reviews. Whoever moves an order locks the writer before
    /// their reviews; whoever votes, a review alone.
    async fn write_together(
        &self,
        product: ProductId,
        wishes: &[ReviewWish],
    ) -> Result<(Vec<Result<Written, ReviewError>>, Option<Announced>), ReviewError> {
        let now = self.clock.now();
        let mut tx = self.store.begin("reviews.write").await?;
        let requests: Vec<(UserId, &KeyedRequest)> = wishes.iter().filter_map(ReviewWish::request).collect();
        let touched: Vec<ReviewId> = wishes.iter().filter_map(ReviewWish::review).collect();
        let mut writers = HashMap::new();
        if !requests.is_empty() {
            let users: Vec<UserId> = requests.iter().map(|(user, _)| *user).collect();
            writers = tx.hold_writers(&users).await?;
        }
        let Some(book) = tx.rated_book_for_update(product).await? else {
            return Ok((wishes.iter().map(|_| Err(ReviewError::NoBook)).collect(), None));
        };
        let mut beginnings = if requests.is_empty() {
            Vec::new().into_iter()
        } else {
            tx.review_beginnings(product, &requests, now).await?.into_iter()
        };
        let reviews = if touched.is_empty() { HashMap::new() } else { tx.reviews_for_update(&touched).await? };
        let mut plan = Plan::default();
        let outcomes: Vec<_> = wishes
            .iter()
            .map(|wish| match &wish.what {
                What::Create { content, request } => {
                    let beginning = beginnings.next().ok_or(ReviewError::BrokenOff)?;
                    let name = writers.get(&wish.who).ok_or(ReviewError::AccountClosed)?;
                    let author = Author { id: wish.who, name: name.clone() };
                    self.plan_new(&mut plan, product, book, beginning, author, content, request, now)
                }
                _ => plan.existing(wish, wish.review().and_then(|id| reviews.get(&id)), now),
            })
            .collect();
        if plan.is_empty() {
            tx.rollback().await?;
            return Ok((outcomes, None));
        }
        let Plan { new, changed, removed, settled, records, news } = plan;
        if !new.is_empty() {
            tx.insert_reviews(&new, now, now + self.keys_live).await?;
        }
        if !changed.is_empty() {
            tx.update_reviews(&changed).await?;
        }
        if !removed.is_empty() {
            tx.delete_reviews(&removed).await?;
        }
        if !settled.is_empty() {
            tx.settle_review_reports(&settled, now).await?;
        }
        for record in &records {
            tx.record_audit(record).await?;
        }
        let after = tx.rated_book(product).await?.ok_or(ReviewError::NoBook)?;
        let moved = RatingMove { before: standing(book), after: standing(after) };
        let mut events = news.into_iter().map(|news| news.event(moved));
        let announced = match events.next() {
            Some(first) => {
                let announced = tx.commit_and_tell(Events::from(first).and_all(events)).await?;
                self.refresh(product);
                announced
            }
            // Of what nobody is shown, nobody is told.
            None => {
                tx.commit_bookkeeping().await?;
                None
            }
        };
        Ok((outcomes, announced))
    }
}

fn standing(book: RatedBook) -> Standing {
    Standing::of(book.average, book.count)
}

/// Whether an error is no fault of one wish among others.
fn is_common(error: &ReviewError) -> bool {
    matches!(error, ReviewError::Store(error) if error.is_collision() || error.constraint().is_none())
}
