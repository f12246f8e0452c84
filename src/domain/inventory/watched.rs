//! Who watches which books, and how far each is told: where it is decided that a change is told once, and after the one before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::hub::Encode;
use super::subscription::{Change, Queue};
use crate::model::ids::ProductId;
use crate::model::stock::StockChange;
use crate::store::StockNews;

/// The books that streams of this process watch, and how far each is told.
#[derive(Default)]
pub(super) struct Watched {
    books: HashMap<ProductId, Book>,
    /// Those that may have changed since they were read.
    dirty: HashSet<ProductId>,
}

struct Book {
    /// The version up to which every watcher was told.
    told: i64,
    /// By the numbers of their streams.
    watchers: HashMap<u64, Watcher>,
}

struct Watcher {
    queue: Arc<Queue>,
    /// The version that it was told last. It may be ahead of the others where it came later.
    told: i64,
}

impl Watched {
    /// From now on, every change of these books after the version that goes with each is put into the queue, in order.
    ///
    /// Where others were told more than that already, their last version is taken back: the ledger is read again from there,
    /// and whoever knows a change is not told it twice.
    pub(super) fn watch(&mut self, stream: u64, queue: &Arc<Queue>, known: impl Iterator<Item = (ProductId, i64)>) {
        for (product, version) in known {
            let watcher = Watcher { queue: Arc::clone(queue), told: version };
            let book = self.books.entry(product).or_insert_with(|| {
                // Of what was written since it was read nobody told this process, which did not care for the book.
                self.dirty.insert(product);
                Book { told: version, watchers: HashMap::new() }
            });
            if version < book.told {
                book.told = version;
                self.dirty.insert(product);
            }
            book.watchers.insert(stream, watcher);
        }
    }

    /// A stream has ended.
    pub(super) fn unwatch(&mut self, stream: u64, products: &[ProductId]) {
        for product in products {
            if let Some(book) = self.books.get_mut(product) {
                book.watchers.remove(&stream);
                if book.watchers.is_empty() {
                    self.books.remove(product);
                    self.dirty.remove(product);
                }
            }
        }
    }

    /// All of them, with the versions up to which they were told.
    pub(super) fn all(&self) -> Vec<(ProductId, i64)> {
        self.books.iter().map(|(product, book)| (*product, book.told)).collect()
    }

    /// Hands on one change of each book; gives the queues that fill up.
    pub(super) fn tell(&mut self, wave: Vec<StockChange>, encode: Encode) -> Vec<Arc<Queue>> {
        let Self { books, dirty } = self;
        let mut crowded = Vec::new();
        for change in wave {
            let (product, version) = (change.level.product, change.level.version);
            let Some(book) = books.get_mut(&product) else { continue };
            if version > book.told + 1 {
                // Somebody came meanwhile who knows less than the others did.
                dirty.insert(product);
            }
            if version != book.told + 1 {
                continue;
            }
            book.told = version;
            let change = Arc::new(Change { product, version, data: encode(&change) });
            for watcher in book.watchers.values_mut().filter(|watcher| watcher.told < version) {
                watcher.told = version;
                if watcher.queue.push(Arc::clone(&change)) {
                    crowded.push(Arc::clone(&watcher.queue));
                }
            }
        }
        crowded
    }

    pub(super) fn suspect(&mut self, news: &StockNews) {
        match news {
            StockNews::Levels(levels) => {
                for level in levels {
                    if self.books.get(&level.product).is_some_and(|book| book.told < level.version) {
                        self.dirty.insert(level.product);
                    }
                }
            }
            StockNews::Books(products) => products.iter().for_each(|product| self.suspect_one(*product)),
            StockNews::Anything => self.dirty.extend(self.books.keys()),
        }
    }

    pub(super) fn suspect_one(&mut self, product: ProductId) {
        if self.books.contains_key(&product) {
            self.dirty.insert(product);
        }
    }

    /// Some of those that may have changed, with the versions up to which they were told.
    pub(super) fn take_dirty(&mut self, limit: usize) -> Vec<(ProductId, i64)> {
        let some: Vec<ProductId> = self.dirty.iter().take(limit).copied().collect();
        some.into_iter()
            .filter_map(|product| {
                self.dirty.remove(&product);
                Some((product, self.books.get(&product)?.told))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use time::OffsetDateTime;

    use super::*;
    use crate::model::stock::{StockLevel, StockReason};

    fn change(product: ProductId, version: i64) -> StockChange {
        StockChange {
            level: StockLevel { product, version, on_hand: 1, reserved: 0 },
            on_hand_change: 0,
            reserved_change: 0,
            reason: StockReason::Counted,
            order: None,
            actor: None,
            note: None,
            occurred_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// What a read of the ledger that began at a version tells.
    fn tell(watched: &mut Watched, product: ProductId, versions: std::ops::RangeInclusive<i64>) {
        for version in versions {
            watched.tell(vec![change(product, version)], |_| Bytes::new());
        }
    }

    fn told(queue: &Queue) -> Vec<i64> {
        std::iter::from_fn(|| queue.take()).map(|change| change.version).collect()
    }

    #[test]
    fn whoever_comes_with_less_is_told_the_rest_and_the_others_nothing_twice() {
        let (product, mut watched) = (ProductId::generate(), Watched::default());
        let [first, late, ahead] = [(); 3].map(|()| Arc::new(Queue::new(10)));
        watched.watch(1, &first, [(product, 5)].into_iter());
        assert_eq!(watched.take_dirty(9), [(product, 5)], "it may have changed before it was watched");
        tell(&mut watched, product, 6..=7);
        assert!(watched.take_dirty(9).is_empty());
        // It read version 6 before the seventh was told, and comes after that.
        watched.watch(2, &late, [(product, 6)].into_iter());
        watched.watch(3, &ahead, [(product, 8)].into_iter());
        // A read that began before it came.
        tell(&mut watched, product, 8..=8);
        assert_eq!(watched.take_dirty(9), [(product, 6)]);
        tell(&mut watched, product, 7..=9);
        tell(&mut watched, product, 7..=9);
        assert_eq!((told(&first), told(&late), told(&ahead)), (vec![6, 7, 8, 9], vec![7, 8, 9], vec![9]));
        assert!(watched.take_dirty(9).is_empty());
    }

    #[test]
    fn a_change_waits_for_the_one_before() {
        let (product, mut watched) = (ProductId::generate(), Watched::default());
        let queue = Arc::new(Queue::new(10));
        watched.watch(1, &queue, [(product, 1)].into_iter());
        watched.take_dirty(9);
        tell(&mut watched, product, 3..=3);
        assert_eq!(watched.take_dirty(9), [(product, 1)], "it is read again");
        watched.suspect(&StockNews::Levels(vec![change(product, 1).level]));
        assert!(watched.take_dirty(9).is_empty(), "news of what is told are none");
        watched.suspect(&StockNews::Levels(vec![change(product, 2).level]));
        assert_eq!(watched.take_dirty(9), [(product, 1)]);
        tell(&mut watched, product, 2..=3);
        assert_eq!(told(&queue), [2, 3]);
        watched.unwatch(1, &[product]);
        watched.suspect(&StockNews::Anything);
        assert!(watched.all().is_empty() && watched.take_dirty(9).is_empty());
    }
}
