//! A source of choices that depends on nothing but its seed: not on the time, the platform or a library's version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Choices. ChaCha keeps its stream across versions, and the arithmetic on top of it is ours.
pub(super) struct Choices(ChaCha8Rng);

impl Choices {
    /// The choices of one thing (`stream`) of one seed; those of other things do not depend on how many this one takes.
    pub(super) fn of(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is not 0. (Lemire, "Fast Random Integer Generation in an Interval", without the
    /// rejection: the bias is below 2^-32 for what is chosen here.)
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// A number from 0 (included) to 1 (excluded).
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `percent` of 100 cases.
    pub(super) fn percent(&mut self, percent: f64) -> bool {
        self.unit() * 100.0 < percent
    }

    /// One of a list that is not empty.
    pub(super) fn one<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }

    /// One of a list that is not empty, by weights.
    pub(super) fn weighted<'a, T>(&mut self, list: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: u64 = list.iter().map(|entry| u64::from(weight(entry))).sum();
        let mut point = self.below(total.max(1));
        for entry in list {
            let weight = u64::from(weight(entry));
            if point < weight {
                return entry;
            }
            point -= weight;
        }
        &list[0]
    }

    /// Roughly normal around 0 with deviation 1: the sum of twelve units (Irwin-Hall).
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
