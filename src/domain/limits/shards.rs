//! A map for many tasks at once, of bounded size: parts of it, each with a lock that is held for the blink of an eye.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// More parts than a machine has cores, so that two requests seldom meet.
const PARTS: usize = 64;

/// What can be forgotten where it says nothing any more.
pub(in crate::domain) trait Forgettable {
    /// Whether it is as good as nothing.
    fn is_idle(&self, now: Instant) -> bool;
}

pub(in crate::domain) struct Shards<K, V> {
    parts: Vec<Mutex<HashMap<K, V>>>,
    hasher: RandomState,
    /// Most entries of a part.
    room: usize,
}

impl<K: Hash + Eq + Clone, V: Forgettable> Shards<K, V> {
    /// A map of at most so many entries.
    pub(in crate::domain) fn new(most: usize) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            room: (most / PARTS).max(1),
        }
    }

    fn part(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        let at = self.hasher.hash_one(key) as usize % PARTS;
        self.parts[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with an entry, if there is one.
    pub(in crate::domain) fn look<T>(&self, key: &K, act: impl FnOnce(&mut V) -> T) -> Option<T> {
        self.part(key).get_mut(key).map(act)
    }

    /// Does something with an entry, which is made where there is none.
    pub(in crate::domain) fn with<T>(
        &self,
        key: &K,
        now: Instant,
        new: impl FnOnce() -> V,
        act: impl FnOnce(&mut V) -> T,
    ) -> T {
        let mut part = self.part(key);
        if let Some(value) = part.get_mut(key) {
            return act(value);
        }
        if part.len() >= self.room {
            make_room(&mut part, self.room, now);
        }
        act(part.entry(key.clone()).or_insert_with(new))
    }

    /// Forgets what is idle.
    pub(in crate::domain) fn tidy(&self) {
        for part in &self.parts {
            let (mut part, now) = (part.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
            part.retain(|_, value| !value.is_idle(now));
            part.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(in crate::domain) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap().len()).sum()
    }
}

/// Forgets what is idle. Where that is nearly nothing, forgets a tenth, whatever it is: a flood of made-up addresses must
/// neither fill the memory nor cost a look at all entries each time.
fn make_room<K: Hash + Eq + Clone, V: Forgettable>(part: &mut HashMap<K, V>, room: usize, now: Instant) {
    part.retain(|_, value| !value.is_idle(now));
    let surplus = (part.len() + room / 10 + 1).saturating_sub(room);
    let surplus: Vec<K> = part.keys().take(surplus).cloned().collect();
    for key in surplus {
        part.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Until(Instant);

    impl Forgettable for Until {
        fn is_idle(&self, now: Instant) -> bool {
            self.0 <= now
        }
    }

    #[tokio::test(start_paused = true)]
    async fn its_size_is_bounded_and_what_is_idle_goes_first() {
        let (map, now) = (Shards::new(6_400), Instant::now());
        let later = now + std::time::Duration::from_secs(1);
        for key in 0..20_000 {
            map.with(&key, now, || Until(later), |_| ());
        }
        assert!(map.len() <= 6_400 && map.len() > 5_000, "{}", map.len());
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        map.with(&20_000, Instant::now(), || Until(later), |_| ());
        map.tidy();
        assert_eq!(map.len(), 0);
    }
}
