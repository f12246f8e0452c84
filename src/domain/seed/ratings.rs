//! How well known a made-up book is, and what its readers think.

use super::random::Choices;
use crate::model::product::Rating;

/// How many readers rated a work. Over all works it follows Zipf's law: the n-th most popular one has about 1/n of the
/// readers of the first (a Pareto distribution of exponent near 1, told by rank).
pub(super) fn readers(choices: &mut Choices, fame: f64) -> f64 {
    if choices.percent(10.0) {
        return 0.0;
    }
    let rank = choices.unit().max(1e-9);
    (9.0 * fame / rank.powf(0.95)).min(8_000_000.0)
}

/// The mean that a work's readers tend to.
pub(super) fn quality(choices: &mut Choices) -> f64 {
    (3.85 + 0.33 * choices.normal()).clamp(2.0, 4.85)
}

/// `count` ratings around the mean `quality`.
pub(super) fn rating(choices: &mut Choices, quality: f64, count: i64) -> Rating {
    let histogram = if count <= 40 { drawn(choices, quality, count) } else { expected(quality, count) };
    let sum: i64 = histogram.iter().zip(1..).map(|(votes, stars)| votes * stars).sum();
    let average = if count == 0 { 0.0 } else { sum as f64 / count as f64 };
    Rating { average, count, histogram: Some(histogram) }
}

/// How likely one to five stars are: most readers near the mean (binomial), and an eighth who either love or hate it.
fn chances(quality: f64) -> [f64; 5] {
    const EXTREME: f64 = 0.12;
    let q = (quality - 1.0) / 4.0;
    let p = 1.0 - q;
    let mild = [p.powi(4), 4.0 * q * p.powi(3), 6.0 * q * q * p * p, 4.0 * q.powi(3) * p, q.powi(4)];
    let mut chances = mild.map(|chance| chance * (1.0 - EXTREME));
    chances[0] += EXTREME * p;
    chances[4] += EXTREME * q;
    chances
}

/// Votes in the proportions of the chances; rounding the running total keeps their sum.
fn expected(quality: f64, count: i64) -> [i64; 5] {
    let (mut share, mut told) = (0.0, 0);
    let mut votes = chances(quality).map(|chance| {
        share += chance;
        let until = (share * count as f64).round() as i64;
        let votes = until - told;
        told = until;
        votes
    });
    votes[4] += count - told;
    votes
}

/// Votes drawn one by one: few readers are no average.
fn drawn(choices: &mut Choices, quality: f64, count: i64) -> [i64; 5] {
    let chances = chances(quality);
    let mut votes = [0; 5];
    for _ in 0..count {
        let mut point = choices.unit();
        let stars = chances.iter().position(|chance| {
            point -= chance;
            point < 0.0
        });
        votes[stars.unwrap_or(4)] += 1;
    }
    votes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histogram_adds_up_to_count_and_average() {
        let mut choices = Choices::of(7, 0);
        for count in [0, 1, 7, 40, 41, 999, 1_234_567] {
            for quality in [2.0, 3.33, 3.85, 4.85] {
                let rating = rating(&mut choices, quality, count);
                let votes = rating.histogram.unwrap();
                assert_eq!(votes.iter().sum::<i64>(), count);
                assert!(votes.iter().all(|votes| *votes >= 0));
                if count > 900 {
                    assert!((rating.average - quality).abs() < 0.01, "{rating:?} should be near {quality}");
                }
            }
        }
    }
}
