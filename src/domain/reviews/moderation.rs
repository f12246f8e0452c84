//! Reports of readers, and what administrators look through.

use super::{ModeratedReview, ReviewError, Reviews};
use crate::domain::violation::Violation;
use crate::model::ids::{ReviewId, UserId};
use crate::model::review::{ModerationFilter, ReportReason, ReviewReport};

/// Most characters of a note, and of the reason why a review is hidden.
pub const MAX_NOTE: usize = 500;

/// A report as it was filled in.
#[derive(Clone, Debug)]
pub struct ReportDraft {
    /// Why.
    pub reason: ReportReason,
    /// In the reader's words.
    pub note: Option<String>,
}

impl Reviews {
    /// Asks administrators to look at a review.
    ///
    /// # Errors
    /// [`ReviewError::Reported`] where the asker did before, [`ReviewError::Own`], [`ReviewError::Invalid`],
    /// [`ReviewError::NotFound`], or the database's.
    pub async fn report(
        &self,
        user: UserId,
        review: ReviewId,
        draft: ReportDraft,
    ) -> Result<ReviewReport, ReviewError> {
        let note = draft.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
        if note.as_ref().is_some_and(|note| !is_note(note)) {
            let message = format!("must have at most {MAX_NOTE} characters, and no control characters");
            return Err(ReviewError::Invalid(vec![Violation::new("/note", message)]));
        }
        if self.get(review, None, false).await?.is_by(user) {
            return Err(ReviewError::Own);
        }
        let reported_at = self.clock.now();
        let report = ReviewReport { review, user, reason: draft.reason, note, reported_at, settled_at: None };
        self.retrying(|| async {
            let mut tx = self.store.begin("reviews.report").await?;
            if !tx.report_review(&report).await? {
                tx.rollback().await?;
                return Err(ReviewError::Reported);
            }
            tx.commit_bookkeeping().await?;
            Ok(())
        })
        .await?;
        Ok(report)
    }

    /// What administrators look through, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_moderated(
        &self,
        filter: ModerationFilter,
        before: Option<ReviewId>,
        limit: u16,
    ) -> Result<Vec<ModeratedReview>, ReviewError> {
        Ok(self.store.moderated_reviews(filter, before, i64::from(limit)).await?)
    }

    /// One review with its reports.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], or the database's.
    pub async fn get_moderated(&self, review: ReviewId) -> Result<ModeratedReview, ReviewError> {
        self.store.moderated_review(review).await?.ok_or(ReviewError::NotFound)
    }
}

/// Whether a text will do as a note: several lines are fine.
pub(super) fn is_note(text: &str) -> bool {
    text.chars().count() <= MAX_NOTE && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}
