//! Counts in memory: what a look at a book costs its reader.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::Date;

use crate::model::ids::ProductId;
use crate::model::views::ViewCount;

/// Readers of different books seldom wait for each other.
const SHARDS: usize = 64;

/// Most books and days that wait in one shard, so that an outage does not fill the memory: 262,144 in all, some 15 MB.
const MOST_IN_SHARD: usize = 4_096;

/// What became of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Counted.
    Counted,
    /// Counted, and it is time to write.
    Crowded,
    /// There is no room for another book.
    Full,
}

/// Looks that have not been written yet.
pub(super) struct Counts {
    shards: Vec<Mutex<HashMap<(ProductId, Date), u64>>>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { shards: std::iter::repeat_with(Mutex::default).take(SHARDS).collect() }
    }
}

impl Counts {
    /// Adds one look.
    pub(super) fn add(&self, book: ProductId, day: Date) -> Added {
        // The last byte of an identifier is random.
        let number = usize::from(book.0.as_bytes()[15]) % SHARDS;
        let Some(shard) = self.shards.get(number) else { return Added::Full };
        let mut counts = lock(shard);
        if let Some(count) = counts.get_mut(&(book, day)) {
            *count += 1;
            return Added::Counted;
        }
        if counts.len() >= MOST_IN_SHARD {
            return Added::Full;
        }
        counts.insert((book, day), 1);
        if counts.len() == MOST_IN_SHARD / 2 { Added::Crowded } else { Added::Counted }
    }

    /// Takes out about `about` counts, at most a shard more; nothing where there are none.
    pub(super) fn take(&self, about: usize) -> Vec<ViewCount> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            if taken.len() >= about {
                break;
            }
            let mut counts = lock(shard);
            taken.extend(counts.drain().map(|((product, day), views)| ViewCount { product, day, views }));
        }
        taken
    }

    /// How many looks there are.
    pub(super) fn views(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard).values().sum::<u64>()).sum()
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use uuid::Uuid;

    use super::*;

    const DAY: Date = date!(2026 - 03 - 01);

    fn book(number: u128) -> ProductId {
        ProductId(Uuid::from_u128(number))
    }

    #[test]
    fn what_is_added_is_taken_once() {
        let counts = Counts::default();
        for number in 0..1_000 {
            for _ in 0..=number % 3 {
                counts.add(book(number), DAY);
            }
        }
        counts.add(book(7), date!(2026 - 03 - 02));
        assert_eq!(counts.views(), 2_000);
        let some = counts.take(100);
        assert!(some.len() >= 100 && some.len() < 200, "{}", some.len());
        let rest = counts.take(10_000);
        assert_eq!(some.len() + rest.len(), 1_001);
        let all: u64 = some.iter().chain(&rest).map(|count| count.views).sum();
        assert_eq!((all, counts.views(), counts.take(1).len()), (2_000, 0, 0));
        let seventh = |day| some.iter().chain(&rest).find(|count| count.product == book(7) && count.day == day);
        assert_eq!((seventh(DAY).unwrap().views, seventh(date!(2026 - 03 - 02)).unwrap().views), (2, 1));
    }

    #[test]
    fn a_full_shard_still_counts_the_books_that_it_knows() {
        let counts = Counts::default();
        // All in one shard.
        let added: Vec<Added> = (0..=MOST_IN_SHARD as u128).map(|number| counts.add(book(number << 8), DAY)).collect();
        assert_eq!(added.iter().filter(|added| **added == Added::Crowded).count(), 1);
        assert_eq!(added.iter().filter(|added| **added == Added::Full).count(), 1);
        assert_eq!(counts.add(book(0), DAY), Added::Counted);
        assert_eq!(counts.add(book(1), DAY), Added::Counted, "another shard");
        assert_eq!(counts.views(), MOST_IN_SHARD as u64 + 2);
    }
}
