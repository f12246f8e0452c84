//! Where a book stands among others by what readers think of it, and what a change of that means for lists.

use serde::{Deserialize, Serialize};

/// A tenth of a star: the grain in which lists depend on ratings.
const STEP: f64 = 0.1;

/// Half a star, in steps. A first vote passes all of them: few enough to be named.
const HALF: usize = 5;

/// How far a number may lie off by the ways in which two machines add it up.
const SLACK: f64 = 1e-9;

/// By what lists that show the best rated first or those above an average tell books apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The average of its ratings; 0 without any.
    pub average: f64,
    /// The Bayesian average by which lists are sorted.
    pub score: f64,
}

impl Standing {
    /// That of so many ratings with this average: fifty imagined ratings of 3.8 stars keep one five-star vote from the top, as
    /// `products.rating_score` has it.
    #[must_use]
    pub fn of(average: f64, count: i64) -> Self {
        let count = count as f64;
        Self { average, score: (average * count + 3.8 * 50.0) / (count + 50.0) }
    }
}

/// How a book's standing changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatingMove {
    /// Where it stood.
    pub before: Standing,
    /// Where it stands.
    pub after: Standing,
}

impl RatingMove {
    /// Whether nothing moved.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.before == self.after
    }

    /// The steps of the score that it left and came to: a list in this order is the same as before where it shows none of them.
    pub fn score_steps(&self) -> impl Iterator<Item = u8> {
        let mut steps: Vec<u8> = [self.before.score, self.after.score]
            .into_iter()
            .flat_map(|score| [score - SLACK, score + SLACK])
            .map(step)
            .collect();
        steps.dedup();
        steps.into_iter().filter(|_| !self.is_none())
    }

    /// The half stars that its average passed, in tenths of a star: a list of all books from such an average on has another
    /// member or one less. One that begins elsewhere cannot be told.
    pub fn thresholds(&self) -> impl Iterator<Item = u8> {
        let (low, high) = (self.before.average.min(self.after.average), self.before.average.max(self.after.average));
        let moved = !self.is_none();
        (0..=50_u8).step_by(HALF).filter(move |tenths| {
            let threshold = f64::from(*tenths) * STEP;
            moved && low < threshold + SLACK && threshold - SLACK <= high
        })
    }
}

/// The step of a score, from 0 to 50.
#[must_use]
pub fn step(score: f64) -> u8 {
    // Saturates at both ends.
    ((score / STEP).floor() as u8).min(50)
}

/// The tenths of a star of an average that is whole or half stars, as most people choose it.
#[must_use]
pub fn half_stars(average: f64) -> Option<u8> {
    (0..=50_u8).step_by(HALF).find(|tenths| (f64::from(*tenths) * STEP - average).abs() < SLACK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moved(before: (f64, i64), after: (f64, i64)) -> RatingMove {
        RatingMove { before: Standing::of(before.0, before.1), after: Standing::of(after.0, after.1) }
    }

    #[test]
    fn one_vote_among_many_stays_within_its_step() {
        let one_more = moved((4.25, 1_000), (4.2507, 1_001));
        assert_eq!(one_more.score_steps().collect::<Vec<_>>(), [42]);
        assert_eq!(one_more.thresholds().count(), 0);
    }

    #[test]
    fn a_first_vote_passes_every_threshold_up_to_it() {
        let first = moved((0.0, 0), (5.0, 1));
        assert_eq!(first.thresholds().collect::<Vec<_>>(), (0..=50).step_by(5).collect::<Vec<_>>());
        assert_eq!(first.score_steps().collect::<Vec<_>>(), [37, 38], "3.8 of nothing is on the edge; 3.82");
    }

    #[test]
    fn what_stays_as_it_was_moves_nothing() {
        let none = moved((4.0, 3), (4.0, 3));
        assert!(none.is_none() && none.score_steps().count() == 0 && none.thresholds().count() == 0);
    }

    #[test]
    fn thresholds_of_half_stars_are_told_apart() {
        assert_eq!([half_stars(4.0), half_stars(3.5), half_stars(4.25)], [Some(40), Some(35), None]);
        assert_eq!([step(5.0), step(0.0), step(-1.0), step(3.85)], [50, 0, 0, 38]);
    }

    proptest! {
        #[test]
        fn whoever_enters_or_leaves_a_list_is_heard(
            before in (1.0..5.0_f64, 1..200_i64), after in (1.0..5.0_f64, 1..200_i64), halves in 0..=10_u8
        ) {
            let moved = moved(before, after);
            let (threshold, tenths) = (f64::from(halves) / 2.0, halves * 5);
            let (was, is) = (before.0 >= threshold, after.0 >= threshold);
            if was != is {
                prop_assert!(moved.thresholds().any(|passed| passed == tenths));
            }
            for score in [moved.before.score, moved.after.score] {
                prop_assert!(moved.score_steps().any(|told| told == step(score)));
            }
        }
    }
}
