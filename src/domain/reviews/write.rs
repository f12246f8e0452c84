//! Writing, changing, removing and hiding reviews of a book: all that is wished at once in one transaction, with the book's
//! average, count and histogram.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;

use super::moderation::{MAX_NOTE, is_note};
use super::together::Wish;
use super::{ReviewDraft, ReviewError, Reviews};
use crate::domain::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::events::{DomainEvent, Events};
use crate::model::idempotency::{KeptAnswer, KeyedRequest};
use crate::model::ids::{AuditId, ProductId, ReviewId, UserId};
use crate::model::precondition::ExpectedVersion;
use crate::model::product::Status;
use crate::model::rating::{RatingMove, Standing};
use crate::model::review::{Author, Review, ReviewContent, ReviewFacts};
use crate::store::Announced;
use crate::store::reviews::{Beginning, NewReview, RatedBook};

/// Makes of what a review says what it shall say.
type Change = Arc<dyn Fn(ReviewContent) -> Result<ReviewDraft, Vec<Violation>> + Send + Sync>;

/// What somebody wants to happen to a review.
#[derive(Clone)]
pub(super) struct ReviewWish {
    who: UserId,
    what: What,
}

#[derive(Clone)]
enum What {
    Create {
        content: ReviewContent,
        request: KeyedRequest,
    },
    Change {
        review: ReviewId,
        expected: ExpectedVersion,
        change: Change,
    },
    /// `actor` where it is an administrator.
    Remove {
        review: ReviewId,
        expected: ExpectedVersion,
        actor: Option<Actor>,
    },
    Hide {
        review: ReviewId,
        reason: String,
        actor: Actor,
    },
    Restore {
        review: ReviewId,
        actor: Actor,
    },
}

impl ReviewWish {
    fn review(&self) -> Option<ReviewId> {
        match &self.what {
            What::Create { .. } => None,
            What::Change { review, .. }
            | What::Remove { review, .. }
            | What::Hide { review, .. }
            | What::Restore { review, .. } => Some(*review),
        }
    }
}

impl Wish for ReviewWish {
    /// One transaction sees each person's review, and each key, once.
    fn waits_for(&self, earlier: &Self) -> bool {
        self.who == earlier.who || self.review().is_some() && self.review() == earlier.review()
    }
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Created(Created),
    Now(Review),
    Gone,
}

/// A review that was written.
#[derive(Clone, Debug)]
pub struct Created {
    /// The review.
    pub review: ReviewId,
    /// The answer, the same for each repetition of the request.
    pub answer: KeptAnswer,
    /// Whether this was such a repetition.
    pub replayed: bool,
}

/// What an event will tell, once it is known how the book's standing moved.
enum News {
    Created(ReviewFacts),
    Changed(ReviewFacts, u8),
    Removed(ReviewFacts),
    Restored(ReviewFacts),
}

impl News {
    fn event(self, moved: RatingMove) -> DomainEvent {
        match self {
            Self::Created(review) => DomainEvent::ReviewCreated { review, moved },
            Self::Changed(review, was) => DomainEvent::ReviewChanged { review, was, moved },
            Self::Removed(review) => DomainEvent::ReviewRemoved { review, moved },
            Self::Restored(review) => DomainEvent::ReviewRestored { review, moved },
        }
    }
}

/// What one transaction is to write.
#[derive(Default)]
struct Plan<'a> {
    new: Vec<NewReview<'a>>,
    changed: Vec<Review>,
    removed: Vec<ReviewId>,
    settled: Vec<ReviewId>,
    records: Vec<AuditRecord>,
    news: Vec<News>,
}

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
            Some(first) => tx.commit_and_tell(Events::from(first).and_all(events)).await?,
            // Of what nobody is shown, nobody is told.
            None => {
                tx.commit_bookkeeping().await?;
                None
            }
        };
        Ok((outcomes, announced))
    }

    #[expect(clippy::too_many_arguments, reason = "a review is made of all of these")]
    fn plan_new<'a>(
        &self,
        plan: &mut Plan<'a>,
        product: ProductId,
        book: RatedBook,
        beginning: Beginning,
        author: Author,
        content: &ReviewContent,
        request: &'a KeyedRequest,
        now: OffsetDateTime,
    ) -> Result<Written, ReviewError> {
        if let Some(key) = beginning.key {
            if key.fingerprint != request.fingerprint {
                return Err(ReviewError::KeyReused);
            }
            let answer = key.answer.ok_or(ReviewError::KeyRunning)?;
            let review = ReviewId(answer.resource);
            return Ok(Written::Created(Created { review, answer, replayed: true }));
        }
        if book.status == Status::Draft {
            return Err(ReviewError::NoBook);
        }
        if let Some(review) = beginning.review {
            return Err(ReviewError::Exists(review));
        }
        let review = Review {
            id: ReviewId::generate(),
            product,
            author: Some(author),
            content: content.clone(),
            verified: beginning.verified,
            hidden: false,
            hidden_reason: None,
            helpful: 0,
            unhelpful: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let body = (self.pages.review)(review.clone())?.body.to_vec();
        let id = review.id;
        plan.news.push(News::Created(review.facts()));
        plan.new.push(NewReview { review, request, answer: body.clone() });
        let answer = KeptAnswer { resource: id.0, status: 201, body };
        Ok(Written::Created(Created { review: id, answer, replayed: false }))
    }
}

impl ReviewWish {
    fn request(&self) -> Option<(UserId, &KeyedRequest)> {
        match &self.what {
            What::Create { request, .. } => Some((self.who, request)),
            _ => None,
        }
    }
}

impl Written {
    fn review(self) -> Result<Review, ReviewError> {
        match self {
            Self::Now(review) => Ok(review),
            Self::Created(_) | Self::Gone => Err(ReviewError::BrokenOff),
        }
    }
}

impl Plan<'_> {
    fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.removed.is_empty() && self.settled.is_empty()
    }

    /// What is wished of a review that was there, if it still is.
    fn existing(
        &mut self,
        wish: &ReviewWish,
        found: Option<&Review>,
        now: OffsetDateTime,
    ) -> Result<Written, ReviewError> {
        let before = found.ok_or(ReviewError::NotFound)?;
        match &wish.what {
            What::Create { .. } => Err(ReviewError::BrokenOff),
            What::Change { expected, change, .. } => {
                if !before.is_by(wish.who) {
                    return Err(ReviewError::NotYours);
                }
                expect(expected, before)?;
                let draft = change(before.content.clone()).map_err(ReviewError::Invalid)?;
                let content = draft.check().map_err(ReviewError::Invalid)?;
                if content == before.content {
                    return Ok(Written::Now(before.clone()));
                }
                let after = Review { content, updated_at: now, ..before.clone() };
                if !after.hidden {
                    self.news.push(News::Changed(after.facts(), before.content.rating));
                }
                Ok(self.write(after))
            }
            What::Remove { expected, actor, .. } => {
                if actor.is_none() && !before.is_by(wish.who) {
                    return Err(ReviewError::NotYours);
                }
                expect(expected, before)?;
                if let Some(actor) = actor {
                    self.record(actor, "review.delete", before, None, now);
                }
                if !before.hidden {
                    self.news.push(News::Removed(before.facts()));
                }
                self.removed.push(before.id);
                Ok(Written::Gone)
            }
            What::Hide { reason, actor, .. } => {
                self.settled.push(before.id);
                if before.hidden && before.hidden_reason.as_ref() == Some(reason) {
                    return Ok(Written::Now(before.clone()));
                }
                self.record(actor, "review.hide", before, Some(reason), now);
                if !before.hidden {
                    self.news.push(News::Removed(before.facts()));
                }
                Ok(self.write(Review { hidden: true, hidden_reason: Some(reason.clone()), ..before.clone() }))
            }
            What::Restore { actor, .. } => {
                self.settled.push(before.id);
                self.record(actor, "review.restore", before, None, now);
                if !before.hidden {
                    return Ok(Written::Now(before.clone()));
                }
                self.news.push(News::Restored(before.facts()));
                Ok(self.write(Review { hidden: false, hidden_reason: None, ..before.clone() }))
            }
        }
    }

    fn write(&mut self, after: Review) -> Written {
        let now = Review { version: after.version + 1, ..after.clone() };
        self.changed.push(after);
        Written::Now(now)
    }

    /// What an administrator does to a review. Not what it said: the audit log outlives what people take back.
    fn record(&mut self, actor: &Actor, action: &str, before: &Review, reason: Option<&String>, now: OffsetDateTime) {
        self.records.push(AuditRecord {
            id: AuditId::generate(),
            occurred_at: now,
            actor: actor.clone(),
            action: action.to_owned(),
            resource: "review".to_owned(),
            resource_id: Some(before.id.to_string()),
            details: json!({
                "product": before.product,
                "author": before.author.as_ref().map(|author| author.id),
                "rating": before.content.rating,
                "hidden_before": before.hidden,
                "reason": reason,
            }),
        });
    }
}

fn standing(book: RatedBook) -> Standing {
    Standing::of(book.average, book.count)
}

fn expect(expected: &ExpectedVersion, present: &Review) -> Result<(), ReviewError> {
    if expected.accepts(present.version) { Ok(()) } else { Err(ReviewError::Changed { current: present.version }) }
}

/// Whether an error is no fault of one wish among others.
fn is_common(error: &ReviewError) -> bool {
    matches!(error, ReviewError::Store(error) if error.is_collision() || error.constraint().is_none())
}
