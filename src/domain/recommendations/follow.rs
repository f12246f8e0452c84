//! From what happens to tastes. What people like of a book is counted anew from its sources whenever they did something with
//! it: that an event is read twice, or late, changes nothing.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use super::{RecommendationError, Recommendations};
use crate::model::events::{DomainEvent, Events};
use crate::model::ids::{OrderId, ProductId, UserId};
use crate::model::recommendation::Touched;
use crate::store::StoreError;
use crate::store::projections::{OutboxEvent, Reader};
use crate::telemetry::recommendations as telemetry;

/// Pause after something has happened, so that what happens with it goes in one go.
const GATHER: Duration = Duration::from_millis(100);

/// First pause before a look for what transactions hold back that still run; then twice as long each time.
const BEHIND: Duration = Duration::from_millis(20);

/// How a look at the outbox went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Followed {
    /// Whether more can be read at once.
    more: bool,
    /// Whether more can be read soon.
    more_behind: bool,
}

/// What events mean for tastes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Effects {
    pairs: BTreeSet<(UserId, ProductId)>,
    orders: BTreeSet<OrderId>,
    /// Who has reviewed something: that book is no news to them, whether they liked it or not.
    reviewers: BTreeSet<UserId>,
    /// Whether everything is to be counted.
    everything: bool,
}

impl Effects {
    fn of<'a>(events: impl IntoIterator<Item = &'a DomainEvent>) -> Self {
        use DomainEvent as E;
        let mut effects = Self::default();
        for event in events {
            match event {
                // Guests have no tastes that could be told to anybody.
                E::OrderMoved { order, user: Some(_), .. } => {
                    effects.orders.insert(*order);
                }
                E::FavouriteAdded { user, product } | E::FavouriteRemoved { user, product } => {
                    effects.pairs.insert((*user, *product));
                }
                E::ReviewCreated { review, .. }
                | E::ReviewChanged { review, .. }
                | E::ReviewRemoved { review, .. }
                | E::ReviewRestored { review, .. } => {
                    if let Some(user) = review.user {
                        effects.pairs.insert((user, review.product));
                        effects.reviewers.insert(user);
                    }
                }
                E::ReadersSeeded { .. } => effects.everything = true,
                _ => {}
            }
        }
        effects
    }
}

impl Recommendations {
    /// Keeps tastes as they should be, until dropped.
    pub async fn run_follower(&self) -> Infallible {
        let mut bell = self.store.bell();
        let mut last = Followed::default();
        let mut behind = BEHIND;
        loop {
            if last.more {
                tokio::task::yield_now().await;
            } else if last.more_behind {
                tokio::time::sleep(behind.min(self.settings.interval)).await;
                behind = behind.saturating_mul(2);
            } else {
                behind = BEHIND;
                tokio::select! {
                    () = tokio::time::sleep(self.settings.interval) => {}
                    () = bell.rung() => tokio::time::sleep(GATHER).await,
                }
            }
            last = self.follow().await.unwrap_or_else(|error| {
                tracing::info!(%error, "what readers did waits to be counted");
                Followed::default()
            });
        }
    }

    /// Follows until there is nothing left to follow.
    ///
    /// # Errors
    /// The database's.
    pub async fn catch_up(&self) -> Result<(), RecommendationError> {
        while self.follow().await?.more {}
        Ok(())
    }

    async fn follow(&self) -> Result<Followed, StoreError> {
        // A look costs no transaction number; locking the place does.
        if !self.store.has_events_for(Reader::Tastes).await? {
            return Ok(Followed::default());
        }
        let mut tx = self.store.begin("recommendations.follow").await?;
        let Some(page) = tx.next_events(Reader::Tastes).await? else {
            // Another process is at it, and goes on until there is nothing left.
            tx.rollback().await?;
            return Ok(Followed::default());
        };
        let (events, next) = page.readable();
        let effects = Effects::of(events.iter().filter_map(|row| row.event.as_ref()));
        let news = if effects.everything {
            let changed = tx.recount_tastes().await?;
            tracing::info!(changed, "counted what all readers like");
            Some(Events::from(DomainEvent::TastesRecounted))
        } else {
            let Effects { pairs, orders, mut reviewers, .. } = effects;
            let touched = Touched { pairs: pairs.into_iter().collect(), orders: orders.into_iter().collect() };
            if !touched.is_empty() {
                reviewers.extend(tx.note_tastes(&touched).await?);
            }
            let users: Vec<UserId> = reviewers.into_iter().collect();
            (!users.is_empty()).then(|| Events::from(DomainEvent::TastesChanged { users }))
        };
        tx.move_place(Reader::Tastes, next).await?;
        match news {
            Some(news) => {
                tx.commit(news).await?;
                telemetry::record_followed(oldest(events));
                self.marked.notify_one();
            }
            None => tx.commit_bookkeeping().await?,
        }
        let stuck = next != page.next;
        Ok(Followed { more: page.more && !stuck, more_behind: page.more_behind || stuck })
    }
}

fn oldest(events: &[OutboxEvent]) -> Duration {
    events.first().map(|row| row.age).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::ids::ReviewId;
    use crate::model::order::OrderState;
    use crate::model::rating::{RatingMove, Standing};
    use crate::model::review::ReviewFacts;

    #[test]
    fn only_what_tells_of_tastes_is_counted() {
        let (user, product, order) = (UserId::generate(), ProductId::generate(), OrderId::generate());
        let by = |user| ReviewFacts {
            review: ReviewId::generate(),
            product,
            user,
            rating: 5,
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        let still = RatingMove { before: Standing::of(4.0, 2), after: Standing::of(4.0, 2) };
        let moved = |user| DomainEvent::OrderMoved { order, user, from: OrderState::Pending, to: OrderState::Paid };
        let effects = Effects::of(&[
            DomainEvent::ReviewCreated { review: by(Some(user)), moved: still },
            DomainEvent::FavouriteAdded { user, product },
            moved(Some(user)),
        ]);
        assert_eq!((effects.pairs.len(), effects.orders.len(), effects.reviewers.len()), (1, 1, 1));
        assert!(!effects.everything);
        let nothing = [
            moved(None),
            DomainEvent::ReviewRemoved { review: by(None), moved: still },
            DomainEvent::OrderPlaced { order, user: Some(user) },
            DomainEvent::UserDeleted { user },
        ];
        assert_eq!(Effects::of(&nothing), Effects::default());
        let seeded = DomainEvent::ReadersSeeded { people: 1, orders: 1, reviews: 1 };
        assert!(Effects::of(&[seeded]).everything);
    }
}
