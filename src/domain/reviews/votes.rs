//! Who finds a review helpful.

use super::together::Wish;
use super::{ReviewError, Reviews};
use crate::model::events::DomainEvent;
use crate::model::ids::{ReviewId, UserId};
use crate::model::review::Review;
use crate::store::Announced;

/// How somebody votes.
#[derive(Clone, Copy, Debug)]
pub(super) struct VoteWish {
    user: UserId,
    /// Nothing takes a vote back.
    helpful: Option<bool>,
}

impl Wish for VoteWish {
    fn waits_for(&self, earlier: &Self) -> bool {
        self.user == earlier.user
    }
}

impl Reviews {
    /// Votes on a review of somebody else, or thinks otherwise by now; `None` takes the vote back. All that is voted on a review
    /// at once is one transaction.
    ///
    /// # Errors
    /// [`ReviewError::Own`], [`ReviewError::NotFound`], or the database's.
    pub async fn vote(&self, user: UserId, review: ReviewId, helpful: Option<bool>) -> Result<Review, ReviewError> {
        let reviews = self.clone();
        let work = move |wishes: Vec<VoteWish>| {
            let reviews = reviews.clone();
            async move { reviews.vote_all(review, &wishes).await }
        };
        self.conclude(self.votes.submit(review, VoteWish { user, helpful }, work).await)
    }

    async fn vote_all(
        &self,
        review: ReviewId,
        wishes: &[VoteWish],
    ) -> Vec<(Result<Review, ReviewError>, Option<Announced>)> {
        match self.retrying(|| self.vote_together(review, wishes)).await {
            Ok((outcomes, announced)) => outcomes.into_iter().map(|one| (one, announced.clone())).collect(),
            // One of them has no account any more: the others have.
            Err(ReviewError::AccountClosed) if wishes.len() > 1 => {
                let mut outcomes = Vec::with_capacity(wishes.len());
                for wish in wishes {
                    let alone = std::slice::from_ref(wish);
                    outcomes.push(match self.retrying(|| self.vote_together(review, alone)).await {
                        Ok((mut voted, announced)) => (voted.pop().unwrap_or(Err(ReviewError::BrokenOff)), announced),
                        Err(error) => (Err(error), None),
                    });
                }
                outcomes
            }
            Err(error) => wishes.iter().map(|_| (Err(error.clone()), None)).collect(),
        }
    }

    async fn vote_together(
        &self,
        id: ReviewId,
        wishes: &[VoteWish],
    ) -> Result<(Vec<Result<Review, ReviewError>>, Option<Announced>), ReviewError> {
        let mut tx = self.store.begin("reviews.vote").await?;
        let review = tx.reviews_for_update(&[id]).await?.remove(&id).filter(|review| !review.hidden);
        let review = review.ok_or(ReviewError::NotFound)?;
        let is_own = |wish: &&VoteWish| review.is_by(wish.user);
        let votes: Vec<_> = wishes.iter().filter(|wish| !is_own(wish)).map(|wish| (wish.user, wish.helpful)).collect();
        let changed = !votes.is_empty() && tx.vote_on_review(id, &votes, self.clock.now()).await?;
        let (after, announced) = if changed {
            let after = tx.reviews_for_update(&[id]).await?.remove(&id).ok_or(ReviewError::NotFound)?;
            let voted = DomainEvent::ReviewVoted { review: id, product: review.product };
            (after, tx.commit_and_tell(voted).await?)
        } else {
            tx.rollback().await?;
            (review.clone(), None)
        };
        let outcome = |wish| if is_own(&wish) { Err(ReviewError::Own) } else { Ok(after.clone()) };
        Ok((wishes.iter().map(outcome).collect(), announced))
    }
}
