//! What events mean for scores.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::events::DomainEvent;
use crate::model::ids::{OrderId, ProductId, UserId};
use crate::model::leaderboard::{Board, ScoreChange, Window};
use crate::model::order::OrderState;
use crate::model::review::ReviewFacts;

/// What some events change, summed up. Sums do not depend on the order of events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sums: BTreeMap<(Board, Window, Uuid), (i64, i64)>,
    orders: BTreeMap<OrderId, i64>,
    /// Who has closed their account.
    pub gone: Vec<UserId>,
    /// Whether what happened can only be counted from scratch.
    pub from_scratch: bool,
}

/// Whether the copies of such an order are sold.
fn is_sold(state: OrderState) -> bool {
    matches!(state, OrderState::Paid | OrderState::Shipped | OrderState::Delivered)
}

impl Tally {
    /// Takes an event in.
    pub fn take(&mut self, event: &DomainEvent) {
        match event {
            DomainEvent::OrderMoved { order, from, to, .. } => match (is_sold(*from), is_sold(*to)) {
                (false, true) => *self.orders.entry(*order).or_default() += 1,
                (true, false) => *self.orders.entry(*order).or_default() -= 1,
                (true, true) | (false, false) => {}
            },
            DomainEvent::ReviewCreated { review, .. } | DomainEvent::ReviewRestored { review, .. } => {
                self.take_review(review, 1);
            }
            DomainEvent::ReviewRemoved { review, .. } => self.take_review(review, -1),
            DomainEvent::ReviewChanged { review, was, .. } => {
                let stars = i64::from(review.rating) - i64::from(*was);
                self.add(Board::TopRated, review.created_at, review.product.0, 0, stars);
            }
            DomainEvent::UserDeleted { user } => self.gone.push(*user),
            DomainEvent::ReadersSeeded { .. } => self.from_scratch = true,
            _ => {}
        }
    }

    fn take_review(&mut self, review: &ReviewFacts, times: i64) {
        let (at, book) = (review.created_at, review.product.0);
        self.add(Board::TopRated, at, book, times, times * i64::from(review.rating));
        self.add(Board::MostReviewed, at, book, times, 0);
        if let Some(user) = review.user {
            self.add(Board::TopReviewers, at, user.0, times, 0);
        }
    }

    /// The orders that were sold, and those that were given back with a negative number.
    pub fn orders(&self) -> Vec<(OrderId, i64)> {
        self.orders.iter().map(|(order, times)| (*order, *times)).filter(|(_, times)| *times != 0).collect()
    }

    /// Takes copies of a book in that were paid for at a moment, or out again.
    pub fn take_copies(&mut self, book: ProductId, paid_at: OffsetDateTime, copies: i64) {
        self.add(Board::BestSellers, paid_at, book.0, copies, 0);
    }

    fn add(&mut self, board: Board, at: OffsetDateTime, member: Uuid, count: i64, stars: i64) {
        for window in Window::all_at(at) {
            let sum = self.sums.entry((board, window, member)).or_default();
            *sum = (sum.0 + count, sum.1 + stars);
        }
    }

    /// What becomes of scores.
    pub fn changes(&self) -> Vec<ScoreChange> {
        let change = |(key, sum): (&(Board, Window, Uuid), &(i64, i64))| {
            let ((board, window, member), (count, stars)) = (*key, *sum);
            ScoreChange { board, window, member, count, stars }
        };
        self.sums.iter().map(change).filter(|change| (change.count, change.stars) != (0, 0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::model::ids::ReviewId;
    use crate::model::leaderboard::Period;
    use crate::model::rating::{RatingMove, Standing};

    fn facts(rating: u8, user: Option<UserId>) -> ReviewFacts {
        let created_at = datetime!(2026-11-30 23:59:59.999_999 UTC);
        ReviewFacts { review: ReviewId::generate(), product: ProductId::generate(), user, rating, created_at }
    }

    fn tally(events: &[DomainEvent]) -> Tally {
        let mut tally = Tally::default();
        events.iter().for_each(|event| tally.take(event));
        tally
    }

    #[test]
    fn a_review_counts_in_the_windows_in_which_it_was_written() {
        let moved = RatingMove { before: Standing::of(0.0, 0), after: Standing::of(5.0, 1) };
        let review = facts(4, Some(UserId::generate()));
        let created = DomainEvent::ReviewCreated { review, moved };
        let changes = tally(&[created.clone()]).changes();
        assert_eq!(changes.len(), 3 * Period::ALL.len());
        for change in &changes {
            assert_eq!(change.window, Window::at(change.window.period, review.created_at));
            assert_eq!((change.count, change.stars), (1, if change.board == Board::TopRated { 4 } else { 0 }));
        }
        let better = ReviewFacts { rating: 5, ..review };
        let changed = DomainEvent::ReviewChanged { review: better, was: 4, moved };
        let of_stars = tally(&[changed.clone()]).changes();
        assert!(of_stars.len() == 4 && of_stars.iter().all(|change| (change.count, change.stars) == (0, 1)));
        let removed = DomainEvent::ReviewRemoved { review: better, moved };
        // In whatever order they are read.
        assert!(tally(&[removed.clone(), created.clone(), changed.clone()]).changes().is_empty());
        let restored = DomainEvent::ReviewRestored { review: better, moved };
        assert_eq!(tally(&[created, changed, removed, restored]).changes().len(), 12);
        let anonymous = tally(&[DomainEvent::ReviewRemoved { review: facts(1, None), moved }]).changes();
        assert!(anonymous.len() == 8 && anonymous.iter().all(|change| change.board != Board::TopReviewers));
    }

    #[test]
    fn an_order_is_sold_from_its_payment_until_it_is_given_back() {
        use OrderState as S;
        let order = OrderId::generate();
        let moved = |from, to| DomainEvent::OrderMoved { order, user: None, from, to };
        for (from, to, times) in [
            (S::Pending, S::Paid, 1),
            (S::Pending, S::Cancelled, 0),
            (S::Pending, S::Expired, 0),
            (S::Paid, S::Shipped, 0),
            (S::Shipped, S::Delivered, 0),
            (S::Paid, S::Cancelled, -1),
            (S::Paid, S::Refunded, -1),
            (S::Shipped, S::Refunded, -1),
            (S::Delivered, S::Refunded, -1),
        ] {
            let expected = if times == 0 { Vec::new() } else { vec![(order, times)] };
            assert_eq!(tally(&[moved(from, to)]).orders(), expected, "{from} {to}");
        }
        let there_and_back = [moved(S::Paid, S::Cancelled), moved(S::Pending, S::Paid)];
        assert!(tally(&there_and_back).orders().is_empty());
    }
}
