//! How near two books are by the readers that they share.
//!
//! Item to item, as Linden, Smith and York describe it for Amazon ("Amazon.com Recommendations: Item-to-Item Collaborative
//! Filtering", IEEE Internet Computing 7(1), 2003): the work grows with the readers of one book, not with all people times
//! all books, and can be done ahead, book by book.
//!
//! Of the measures that `bookstore evaluate-recommendations` compares, the damped cosine and the log-likelihood ratio are
//! right about equally often, and the plain cosine less often. The shop goes by the first: it looks at the readers of two
//! books alone, where the ratio moves with the number of all readers, and its scores mean the same for every book, so that
//! those of several books can be added up.

use crate::model::ids::ProductId;
use crate::model::recommendation::{NEIGHBOURS, Neighbour, Overlap};

/// So many shared readers are believed half: one who happens to have two rare books says little of these, though their cosine
/// is 1. Found by trying; from 5 to 20 it makes little difference.
const DAMPING: f64 = 10.0;

/// A measure of how near two books are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Similarity {
    /// The cosine of the angle between the books as vectors of readers (Linden, Smith and York).
    Cosine,
    /// The same, believed less the fewer readers are shared.
    DampedCosine,
    /// By how much likelier the readers that two books share are if the one has to do with the other than if not: Dunning's
    /// log-likelihood ratio ("Accurate Methods for the Statistics of Surprise and Coincidence", Computational Linguistics
    /// 19(1), 1993).
    LogLikelihood {
        /// How many readers there are in all.
        everybody: u64,
    },
}

impl Similarity {
    /// The measure that the shop goes by: `bookstore evaluate-recommendations` compares them.
    pub const OF_SHOP: Self = Self::DampedCosine;

    /// How near two books are: 0 for not at all.
    #[must_use]
    pub fn score(self, overlap: &Overlap) -> f64 {
        let Overlap { sampled, together, readers, others } = *overlap;
        if together == 0 || sampled == 0 {
            return 0.0;
        }
        let (readers, others) = (readers.max(sampled) as f64, others.max(together) as f64);
        // As many of all readers share the other book as of those that were looked at.
        let shared = (together as f64 * readers / sampled as f64).min(others);
        match self {
            Self::Cosine => shared / (readers * others).sqrt(),
            Self::DampedCosine => {
                let together = together as f64;
                shared / (readers * others).sqrt() * (together / (together + DAMPING))
            }
            Self::LogLikelihood { everybody } => {
                let everybody = (everybody as f64).max(readers + others - shared);
                let expected = readers * others / everybody;
                // Books that readers avoid together have a high ratio too, and are no neighbours.
                if shared <= expected {
                    return 0.0;
                }
                log_likelihood_ratio(shared, readers - shared, others - shared, everybody - readers - others + shared)
            }
        }
    }
}

/// Of a table of how often two things happen together, one without the other, and neither.
fn log_likelihood_ratio(both: f64, first: f64, second: f64, neither: f64) -> f64 {
    let term = |n: f64| if n > 0.0 { n * n.ln() } else { 0.0 };
    let all = both + first + second + neither;
    let rows = term(both + first) + term(second + neither);
    let columns = term(both + second) + term(first + neither);
    let cells = term(both) + term(first) + term(second) + term(neither);
    (2.0 * (cells + term(all) - rows - columns)).max(0.0)
}

/// The neighbours of a book among those that share readers with it, the nearest first; ties by id.
#[must_use]
pub fn nearest(similarity: Similarity, shared: &[(ProductId, Overlap)]) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = shared
        .iter()
        .map(|(book, overlap)| Neighbour {
            book: *book,
            score: similarity.score(overlap) as f32,
            together: u32::try_from(overlap.together).unwrap_or(u32::MAX),
        })
        .filter(|neighbour| neighbour.score > 0.0)
        .collect();
    all.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.book.cmp(&b.book)));
    all.truncate(NEIGHBOURS);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LLR: Similarity = Similarity::LogLikelihood { everybody: 31_777 };

    fn overlap(together: u64, readers: u64, others: u64) -> Overlap {
        Overlap { sampled: readers, together, readers, others }
    }

    #[test]
    fn scores_are_those_of_the_papers() {
        assert!((Similarity::Cosine.score(&overlap(8, 16, 16)) - 0.5).abs() < 1e-12);
        assert!((Similarity::DampedCosine.score(&overlap(10, 20, 20)) - 0.25).abs() < 1e-12, "believed half");
        // Dunning's table for "the swiss": 110 together, 2,442 and 111 apart, 29,114 neither.
        assert!((LLR.score(&overlap(110, 2_552, 221)) - 270.72).abs() < 0.01);
    }

    #[test]
    fn a_sample_of_the_readers_says_what_all_of_them_do() {
        let all = overlap(400, 4_000, 1_000);
        let half = Overlap { sampled: 2_000, together: 200, ..all };
        let (all, half) = (Similarity::DampedCosine.score(&all), Similarity::DampedCosine.score(&half));
        assert!((all - half).abs() < 0.03 * all);
    }

    #[test]
    fn one_reader_of_two_rare_books_makes_no_near_neighbours() {
        let chance = Similarity::DampedCosine.score(&overlap(1, 1, 1));
        assert!(Similarity::DampedCosine.score(&overlap(20, 40, 40)) > chance);
    }

    #[test]
    fn what_is_shared_as_often_as_chance_has_it_is_no_surprise() {
        let independent = Similarity::LogLikelihood { everybody: 1_000 };
        assert_eq!(independent.score(&overlap(10, 100, 100)), 0.0);
        assert_eq!(independent.score(&overlap(1, 100, 100)), 0.0, "avoided");
    }

    #[test]
    fn the_nearest_fifty_come_in_order() {
        let shared: Vec<_> = (1..=60).map(|n| (ProductId::generate(), overlap(n % 7, 100, 100))).collect();
        let found = nearest(Similarity::OF_SHOP, &shared);
        assert_eq!(found.len(), NEIGHBOURS);
        assert!(found.is_sorted_by(|a, b| a.score > b.score || a.score == b.score && a.book < b.book));
    }

    proptest! {
        #[test]
        fn scores_are_finite_and_grow_with_what_is_shared(readers in 1..5_000_u64, others in 1..5_000_u64, share in 0.0..1.0_f64) {
            let most = readers.min(others);
            let together = (most as f64 * share) as u64;
            for similarity in [Similarity::Cosine, Similarity::DampedCosine, Similarity::LogLikelihood { everybody: 12_000 }] {
                let (less, more) = (similarity.score(&overlap(together, readers, others)), similarity.score(&overlap(most, readers, others)));
                prop_assert!(less.is_finite() && less >= 0.0 && less <= more + 1e-9);
            }
        }
    }
}
