//! Group commit: what many people want of the same thing at once is done in one transaction (DeWitt et al., "Implementation
//! techniques for main memory database systems", 1984).
//!
//! Each thing has a line of wishes. Whoever comes to an empty line starts a task that takes them all, does them, and comes back
//! for those that have come meanwhile. So a process has one connection at work on a thing, however many ask, and the lock on
//! its row is taken once a batch instead of once a wish. The task belongs to nobody: whoever hangs up takes no wish of others
//! with them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Most wishes of one batch: what a book's row is locked for stays short, and the statements stay small.
const MOST: usize = 100;

/// A wish, and whom to tell what became of it.
struct Waiting<W, R> {
    wish: W,
    tell: oneshot::Sender<R>,
}

/// The lines of a process, by what they are for. A thing has a line while somebody is at it.
pub struct Together<K, W, R> {
    lines: Arc<Mutex<Lines<K, W, R>>>,
}

type Lines<K, W, R> = HashMap<K, Vec<Waiting<W, R>>>;

impl<K, W, R> Default for Together<K, W, R> {
    fn default() -> Self {
        Self { lines: Arc::default() }
    }
}

impl<K, W, R> Clone for Together<K, W, R> {
    fn clone(&self) -> Self {
        Self { lines: Arc::clone(&self.lines) }
    }
}

/// Two wishes that must not share a batch.
pub trait Wish {
    /// Whether the later of two has to wait for what becomes of the earlier one.
    fn waits_for(&self, earlier: &Self) -> bool;
}

impl<K, W, R> Together<K, W, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    W: Wish + Send + 'static,
    R: Send + 'static,
{
    /// Does `wish` of `thing` with whatever others wish of it, by `work`, which is given a batch and gives an outcome for each
    /// wish in their order. Gives nothing where `work` broke off, which is a defect.
    #[expect(clippy::disallowed_methods, reason = "a batch belongs to all who wait for it; each of them may hang up")]
    pub async fn submit<F, Fut>(&self, thing: K, wish: W, work: F) -> Option<R>
    where
        F: Fn(Vec<W>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<R>> + Send,
    {
        let (tell, told) = oneshot::channel();
        let is_first = {
            let mut lines = lock(&self.lines);
            let line = lines.get_mut(&thing);
            let is_first = line.is_none();
            let waiting = Waiting { wish, tell };
            match line {
                Some(line) => line.push(waiting),
                None => drop(lines.insert(thing, vec![waiting])),
            }
            is_first
        };
        if is_first {
            let lines = Arc::clone(&self.lines);
            tokio::spawn(async move {
                let line = Line { lines, thing };
                while let Some(batch) = line.next() {
                    let (wishes, tell): (Vec<W>, Vec<_>) = batch.into_iter().map(|one| (one.wish, one.tell)).unzip();
                    for (tell, outcome) in tell.into_iter().zip(work(wishes).await) {
                        // Whoever hung up does not want to know.
                        let _ = tell.send(outcome);
                    }
                }
            });
        }
        told.await.ok()
    }
}

/// The task's hold on a line. However it ends, the next one who comes starts another.
struct Line<K: Eq + Hash, W, R> {
    lines: Arc<Mutex<Lines<K, W, R>>>,
    thing: K,
}

impl<K: Eq + Hash, W: Wish, R> Line<K, W, R> {
    /// The next batch, in the order in which they came; nothing once the line is empty, which ends it.
    fn next(&self) -> Option<Vec<Waiting<W, R>>> {
        let mut lines = lock(&self.lines);
        let line = lines.get_mut(&self.thing)?;
        let mut batch: Vec<Waiting<W, R>> = Vec::new();
        let mut later: Vec<Waiting<W, R>> = Vec::new();
        for waiting in line.drain(..) {
            let mut earlier = batch.iter().chain(&later);
            if batch.len() < MOST && !earlier.any(|earlier| waiting.wish.waits_for(&earlier.wish)) {
                batch.push(waiting);
            } else {
                later.push(waiting);
            }
        }
        *line = later;
        if batch.is_empty() {
            lines.remove(&self.thing);
            return None;
        }
        Some(batch)
    }
}

impl<K: Eq + Hash, W, R> Drop for Line<K, W, R> {
    fn drop(&mut self) {
        // Where the work broke off, those who wait are told by their senders' end.
        if std::thread::panicking() {
            lock(&self.lines).remove(&self.thing);
        }
    }
}

fn lock<K, W, R>(lines: &Mutex<Lines<K, W, R>>) -> MutexGuard<'_, Lines<K, W, R>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Number {
        of: u32,
        number: u32,
    }

    impl Wish for Number {
        fn waits_for(&self, earlier: &Self) -> bool {
            self.of == earlier.of
        }
    }

    type Numbers = Together<u8, Number, (u32, usize)>;

    #[tokio::test]
    async fn many_are_done_at_once_and_each_learns_its_own() {
        let together = Numbers::default();
        let batches = Arc::new(AtomicUsize::new(0));
        let submit = |number| {
            let batches = Arc::clone(&batches);
            together.submit(1, Number { of: number, number }, move |wishes: Vec<Number>| {
                batches.fetch_add(1, Ordering::SeqCst);
                async move {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    let size = wishes.len();
                    wishes.into_iter().map(|wish| (wish.number * 2, size)).collect()
                }
            })
        };
        let outcomes = futures::future::join_all((0..250).map(submit)).await;
        let doubled: Vec<u32> = outcomes.iter().map(|outcome| outcome.unwrap().0).collect();
        assert_eq!(doubled, (0..250).map(|number| number * 2).collect::<Vec<_>>());
        assert!(outcomes.iter().all(|outcome| outcome.unwrap().1 <= MOST));
        assert!(batches.load(Ordering::SeqCst) <= 4, "{batches:?}");
        assert!(lock(&together.lines).is_empty());
    }

    #[tokio::test]
    async fn wishes_that_wait_for_each_other_keep_their_order() {
        let together = Numbers::default();
        let log = Arc::new(Mutex::new(Vec::new()));
        let submit = |number| {
            let log = Arc::clone(&log);
            together.submit(1, Number { of: number % 2, number }, move |wishes: Vec<Number>| {
                log.lock().unwrap().push(wishes.iter().map(|wish| wish.number).collect::<Vec<_>>());
                async move {
                    tokio::task::yield_now().await;
                    wishes.into_iter().map(|wish| (wish.number, 0)).collect()
                }
            })
        };
        futures::future::join_all((0..6).map(submit)).await;
        let log = log.lock().unwrap();
        assert_eq!(log.concat().iter().filter(|number| *number % 2 == 0).collect::<Vec<_>>(), [&0, &2, &4]);
        assert!(log.iter().all(|batch| batch.len() <= 2), "{log:?}");
    }

    #[tokio::test]
    async fn who_hangs_up_stops_nobody_and_who_breaks_off_is_noticed() {
        let together = Numbers::default();
        let work = |wishes: Vec<Number>| async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            assert!(wishes.iter().all(|wish| wish.number != 13), "unlucky");
            wishes.into_iter().map(|wish| (wish.number, 0)).collect()
        };
        let leader = together.submit(1, Number { of: 1, number: 1 }, work);
        let follower = together.submit(1, Number { of: 2, number: 2 }, work);
        let (hung_up, followed) =
            tokio::join!(tokio::time::timeout(std::time::Duration::from_millis(1), leader), follower);
        assert!(hung_up.is_err());
        assert_eq!(followed, Some((2, 0)));
        assert_eq!(together.submit(1, Number { of: 13, number: 13 }, work).await, None);
        assert_eq!(together.submit(1, Number { of: 3, number: 3 }, work).await, Some((3, 0)), "the line goes on");
    }
}
