//! What becomes of what people want of the reviews of a book, before anything is written.

use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;

use super::together::Wish;
use super::{ReviewDraft, ReviewError, Reviews};
use crate::domain::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::events::DomainEvent;
use crate::model::idempotency::{KeptAnswer, KeyedRequest};
use crate::model::ids::{AuditId, ProductId, ReviewId, UserId};
use crate::model::precondition::ExpectedVersion;
use crate::model::product::Status;
use crate::model::rating::RatingMove;
use crate::model::review::{Author, Review, ReviewContent, ReviewFacts};
use crate::store::reviews::{Beginning, NewReview, RatedBook};

/// Makes of what a review says what it shall say.
pub(super) type Change = Arc<dyn Fn(ReviewContent) -> Result<ReviewDraft, Vec<Violation>> + Send + Sync>;

/// What somebody wants to happen to a review.
#[derive(Clone)]
pub(super) struct ReviewWish {
    pub(super) who: UserId,
    pub(super) what: What,
}

#[derive(Clone)]
pub(super) enum What {
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
    pub(super) fn review(&self) -> Option<ReviewId> {
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
pub(super) enum News {
    Created(ReviewFacts),
    Changed(ReviewFacts, u8),
    Removed(ReviewFacts),
    Restored(ReviewFacts),
}

impl News {
    pub(super) fn event(self, moved: RatingMove) -> DomainEvent {
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
pub(super) struct Plan<'a> {
    pub(super) new: Vec<NewReview<'a>>,
    pub(super) changed: Vec<Review>,
    pub(super) removed: Vec<ReviewId>,
    pub(super) settled: Vec<ReviewId>,
    pub(super) records: Vec<AuditRecord>,
    pub(super) news: Vec<News>,
}

impl Reviews {
    #[expect(clippy::too_many_arguments, reason = "a review is made of all of these")]
    pub(super) fn plan_new<'a>(
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
    pub(super) fn request(&self) -> Option<(UserId, &KeyedRequest)> {
        match &self.what {
            What::Create { request, .. } => Some((self.who, request)),
            _ => None,
        }
    }
}

impl Written {
    pub(super) fn review(self) -> Result<Review, ReviewError> {
        match self {
            Self::Now(review) => Ok(review),
            Self::Created(_) | Self::Gone => Err(ReviewError::BrokenOff),
        }
    }
}

impl Plan<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.removed.is_empty() && self.settled.is_empty()
    }

    /// What is wished of a review that was there, if it still is.
    pub(super) fn existing(
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

fn expect(expected: &ExpectedVersion, present: &Review) -> Result<(), ReviewError> {
    if expected.accepts(present.version) { Ok(()) } else { Err(ReviewError::Changed { current: present.version }) }
}
