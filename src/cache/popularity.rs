//! Which keys are read most, found out by counting a sample of the reads in bounded memory.
//!
//! Space-Saving (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, ICDT
//! 2005) keeps a fixed number of counters. A key without one takes over the smallest, and with it the count of the one
//! before as its possible error: so no key is counted too low, none too high by more than the whole divided by the number of
//! counters, and whatever is read more often than that has one. Counts halve with time: by forward decay (Cormode,
//! Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009) a read weighs the more the later it comes, which keeps the order of
//! the counters, and with it the guarantees, without ever touching those that are not read.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::key::Key;

/// One read in so many is counted, drawn at random: a hit is to cost no more than it did.
pub const SAMPLE: u32 = 16;

/// In this time a count that nothing is added to halves.
pub const HALF_LIFE: Duration = Duration::from_secs(600);

/// How often a key must at least have been sampled, lately, to be hot. With the half-life above and steady readers that is
/// a read in about 14 seconds, and so some twenty in the life of a list.
const HOT_SAMPLES: f64 = 4.0;

/// For each key that is wanted there are so many counters, so that what is read seldom does not displace it.
const COUNTERS_PER_KEY: usize = 4;

/// After so many half-lives the weights begin at 1 again, long before a number is too large.
const MOST_HALVINGS: f64 = 32.0;

/// The longest key that is counted, in bytes: what is longer is a place deep inside a list.
pub const MAX_KEY: usize = 1_024;

/// A key and how much it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Which key.
    pub key: Key,
    /// About how often it was read, each read halved once a [`HALF_LIFE`]. Never too low but by the chance of the sample.
    pub reads: f64,
    /// The same, without what may belong to other keys.
    pub at_least: f64,
}

/// The counters of one process.
pub struct Popularity {
    sketch: Mutex<Sketch>,
    wanted: usize,
    missed: AtomicU64,
}

impl Popularity {
    /// Counters that find the `wanted` most read keys; with none, nothing is counted.
    #[must_use]
    pub fn new(wanted: usize) -> Self {
        let sketch = Sketch::new(wanted.saturating_mul(COUNTERS_PER_KEY), HALF_LIFE, Instant::now());
        Self { sketch: Mutex::new(sketch), wanted, missed: AtomicU64::new(0) }
    }

    /// How many keys are wanted.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Somebody read this key. Counts one read in [`SAMPLE`], of keys that are the same for everybody alone, and waits for
    /// nobody: where another thread is counting, this read is not.
    pub fn note(&self, key: &Key) {
        if self.wanted == 0 || !key.family().is_shared() || !rand::random_ratio(1, SAMPLE) {
            return;
        }
        self.note_sampled(key);
    }

    fn note_sampled(&self, key: &Key) {
        if key.text().len() > MAX_KEY {
            return;
        }
        match self.sketch.try_lock() {
            Ok(mut sketch) => sketch.add(key, 1.0, Instant::now()),
            Err(_) => drop(self.missed.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Takes over what an earlier process found out: so many reads of a key, until now.
    pub fn assume(&self, key: &Key, reads: f64) {
        if self.wanted > 0 && key.family().is_shared() && key.text().len() <= MAX_KEY && reads.is_finite() {
            let mut sketch = self.lock();
            sketch.add(key, reads.max(0.0) / f64::from(SAMPLE), Instant::now());
            sketch.forget_news(key);
        }
    }

    /// The hot keys, the hottest first, and no more than are wanted.
    #[must_use]
    pub fn hottest(&self) -> Vec<Heat> {
        self.hottest_at(Instant::now())
    }

    fn hottest_at(&self, now: Instant) -> Vec<Heat> {
        let mut hot = self.lock().hot(now, HOT_SAMPLES);
        hot.sort_by(|a, b| b.reads.total_cmp(&a.reads).then_with(|| a.key.text().cmp(b.key.text())));
        hot.truncate(self.wanted);
        hot
    }

    /// How often each hot key was read since this was asked last. What is asked is forgotten: the sums of all answers, of all
    /// processes, are the reads of the shop.
    #[must_use]
    pub fn take_news(&self) -> Vec<(Key, f64)> {
        let hot = self.hottest();
        let mut sketch = self.lock();
        let news = hot.into_iter().map(|heat| {
            let reads = sketch.take_news(&heat.key);
            (heat.key, reads * f64::from(SAMPLE))
        });
        news.filter(|(_, reads)| *reads > 0.0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sketch> {
        self.sketch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One counter.
struct Counter {
    key: Key,
    /// In weights of the landmark.
    count: f64,
    /// How much of that may be another key's.
    error: f64,
    /// Samples since the news were taken, without weights.
    news: f64,
}

/// Space-Saving with forward decay.
struct Sketch {
    capacity: usize,
    half_life: Duration,
    /// When a sample weighed 1.
    landmark: Instant,
    counters: HashMap<Arc<str>, Counter>,
    /// The same counters by their counts. Positive numbers are in the order of their bits.
    order: BTreeSet<(u64, Arc<str>)>,
}

impl Sketch {
    fn new(capacity: usize, half_life: Duration, now: Instant) -> Self {
        Self { capacity, half_life, landmark: now, counters: HashMap::new(), order: BTreeSet::new() }
    }

    /// What a sample weighs now.
    fn weight(&mut self, now: Instant) -> f64 {
        let halvings = now.saturating_duration_since(self.landmark).as_secs_f64() / self.half_life.as_secs_f64();
        if halvings <= MOST_HALVINGS {
            return halvings.exp2();
        }
        let shrink = (-halvings).exp2();
        self.landmark = now;
        self.order.clear();
        for (text, counter) in &mut self.counters {
            counter.count *= shrink;
            counter.error *= shrink;
            self.order.insert((counter.count.to_bits(), Arc::clone(text)));
        }
        1.0
    }

    fn add(&mut self, key: &Key, samples: f64, now: Instant) {
        if self.capacity == 0 {
            return;
        }
        let weighed = samples * self.weight(now);
        if let Some(counter) = self.counters.get_mut(key.text()) {
            self.order.remove(&(counter.count.to_bits(), Arc::clone(key.text())));
            counter.count += weighed;
            counter.news += samples;
            self.order.insert((counter.count.to_bits(), Arc::clone(key.text())));
            return;
        }
        let mut inherited = 0.0;
        if self.counters.len() >= self.capacity
            && let Some((_, smallest)) = self.order.pop_first()
        {
            inherited = self.counters.remove(&smallest).map_or(0.0, |counter| counter.count);
        }
        let count = inherited + weighed;
        self.order.insert((count.to_bits(), Arc::clone(key.text())));
        let counter = Counter { key: key.clone(), count, error: inherited, news: samples };
        self.counters.insert(Arc::clone(key.text()), counter);
    }

    fn hot(&mut self, now: Instant, samples: f64) -> Vec<Heat> {
        let unit = self.weight(now);
        let heats = self.counters.values().map(|counter| Heat {
            key: counter.key.clone(),
            reads: counter.count / unit * f64::from(SAMPLE),
            at_least: (counter.count - counter.error) / unit * f64::from(SAMPLE),
        });
        // What was sampled just so often some moments ago is as good as that.
        let bound = samples * f64::from(SAMPLE) * 0.95;
        heats.filter(|heat| heat.at_least >= bound).collect()
    }

    fn take_news(&mut self, key: &Key) -> f64 {
        self.counters.get_mut(key.text()).map_or(0.0, |counter| std::mem::take(&mut counter.news))
    }

    fn forget_news(&mut self, key: &Key) {
        let _ = self.take_news(key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::Family;
    use super::*;

    fn key(number: usize) -> Key {
        Key::new(Family::BookList, format_args!("page={number}"))
    }

    /// What the counters say of each key, in samples: the count and the error.
    fn counts(sketch: &mut Sketch, now: Instant) -> HashMap<Key, (f64, f64)> {
        let samples = |reads: f64| reads / f64::from(SAMPLE);
        let all = sketch.hot(now, f64::NEG_INFINITY);
        all.into_iter().map(|heat| (heat.key, (samples(heat.reads), samples(heat.reads - heat.at_least)))).collect()
    }

    proptest! {
        /// The guarantees of the paper, with decay: every count is between the truth and the truth plus its error; no error
        /// exceeds the whole by the number of counters; and what is above that is counted.
        #[test]
        fn counts_are_bounded_from_both_sides(
            stream in prop::collection::vec((0..40_usize, 0..900_u64), 1..600), capacity in 1..30_usize,
        ) {
            let begun = Instant::now();
            let mut sketch = Sketch::new(capacity, Duration::from_secs(600), begun);
            let mut moments = Vec::new();
            let mut now = begun;
            for (number, pause) in stream {
                now += Duration::from_millis(pause * 100);
                sketch.add(&key(number), 1.0, now);
                moments.push((number, now));
                prop_assert!(sketch.counters.len() <= capacity && sketch.order.len() == sketch.counters.len());
            }
            let decayed = |moment: Instant| (-(now - moment).as_secs_f64() / 600.0).exp2();
            let whole: f64 = moments.iter().map(|(_, moment)| decayed(*moment)).sum();
            let counts = counts(&mut sketch, now);
            let bound = whole / capacity as f64 + 1e-6;
            for number in 0..40 {
                let truth: f64 =
                    moments.iter().filter(|(other, _)| *other == number).map(|(_, moment)| decayed(*moment)).sum();
                match counts.get(&key(number)) {
                    Some((count, error)) => {
                        prop_assert!(*count >= truth - 1e-6 && count - error <= truth + 1e-6, "{count} {error} {truth}");
                        prop_assert!(*error <= bound, "{error} {bound}");
                    }
                    None => prop_assert!(truth <= bound, "{truth} {bound}"),
                }
            }
        }
    }

    #[test]
    fn what_is_read_most_is_found_among_many() {
        let begun = Instant::now();
        let mut sketch = Sketch::new(100, HALF_LIFE, begun);
        for round in 0..5_000 {
            sketch.add(&key(round % 10), 1.0, begun);
            sketch.add(&key(1_000 + round), 1.0, begun);
        }
        let mut hot = sketch.hot(begun, HOT_SAMPLES);
        hot.sort_by(|a, b| b.reads.total_cmp(&a.reads));
        let found: Vec<_> = hot.iter().take(10).map(|heat| heat.key.clone()).collect();
        assert!((0..10).all(|number| found.contains(&key(number))), "{found:?}");
        assert!(hot.iter().all(|heat| heat.at_least <= 500.0 * 16.0 + 1.0), "once each is never hot for certain");
    }

    #[test]
    fn fashions_fade_and_idle_ages_break_nothing() {
        let begun = Instant::now();
        let mut sketch = Sketch::new(10, HALF_LIFE, begun);
        (0..64).for_each(|_| sketch.add(&key(1), 1.0, begun));
        let later = |halvings: u32| begun + HALF_LIFE * halvings;
        assert_eq!(counts(&mut sketch, later(1))[&key(1)].0.round(), 32.0);
        assert_eq!(sketch.hot(later(4), HOT_SAMPLES).len(), 1);
        assert_eq!(sketch.hot(later(5), HOT_SAMPLES).len(), 0);
        // Yesterday's most read is today's no more.
        (0..8).for_each(|_| sketch.add(&key(2), 1.0, later(100)));
        let hot = sketch.hot(later(100), HOT_SAMPLES);
        assert_eq!(hot.iter().map(|heat| &heat.key).collect::<Vec<_>>(), [&key(2)]);
        sketch.add(&key(3), 1.0, later(100_000));
        assert_eq!(counts(&mut sketch, later(100_000))[&key(3)], (1.0, 0.0));
    }

    #[test]
    fn news_are_told_once() {
        let popularity = Popularity::new(5);
        (0..8).for_each(|_| popularity.note_sampled(&key(1)));
        (0..2).for_each(|_| popularity.note_sampled(&key(2)));
        assert_eq!(popularity.take_news(), [(key(1), 8.0 * 16.0)]);
        assert_eq!(popularity.take_news(), []);
        popularity.assume(&key(3), 900.0);
        assert_eq!(popularity.take_news(), [], "what earlier processes counted is known");
        assert_eq!(popularity.hottest().len(), 2);
        popularity.note_sampled(&key(3));
        assert_eq!(popularity.take_news(), [(key(3), 16.0)]);
    }

    #[test]
    fn what_is_somebodys_own_is_never_counted() {
        let popularity = Popularity::new(5);
        for family in Family::ALL {
            (0..1_000).for_each(|_| popularity.note(&Key::new(*family, "x")));
            popularity.assume(&Key::new(*family, "y"), 1_000.0);
            let counted = popularity.lock().counters.values().any(|counter| counter.key.family() == *family);
            assert_eq!(counted, family.is_shared(), "{family:?}");
        }
        let long = Key::new(Family::BookList, "x".repeat(MAX_KEY));
        popularity.note_sampled(&long);
        assert!(!popularity.lock().counters.contains_key(long.text()));
        let none = Popularity::new(0);
        (0..1_000).for_each(|_| none.note(&key(1)));
        assert!(none.lock().counters.is_empty());
    }
}
