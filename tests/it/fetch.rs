//! The way of a read through the levels, with a loader that the test holds in its hand and a real Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bookstore::cache::redis::BreakerOptions;
use bookstore::cache::{
    Cache, CacheOptions, CacheResult, Family, Found, Key, Level, Loaded, Outage, Plan, Redis, RedisOptions,
};
use bookstore::model::consistency::ConsistencyToken;
use bookstore::model::position::{Epoch, Position, Stamp};
use bookstore::model::representation::{Particulars, Representation};
use bookstore::model::tags::Tag;
use tokio::sync::Semaphore;

use crate::support::{RedisServer, eventually};

const EPOCH: Epoch = Epoch(7);

#[derive(Clone, Debug, PartialEq)]
struct Failure;

impl Outage for Failure {
    fn is_outage(&self) -> bool {
        true
    }
}

/// A database of one number, whose replica is where the test says.
#[derive(Clone)]
struct Origin {
    value: Arc<AtomicU64>,
    position: Arc<AtomicU64>,
    loads: Arc<AtomicUsize>,
    /// Loads pass one permit each.
    gate: Arc<Semaphore>,
    fails: Arc<AtomicUsize>,
    /// Whether every load goes to the primary.
    primary: bool,
}

impl Origin {
    fn new(position: u64) -> Self {
        Self {
            value: Arc::default(),
            position: Arc::new(position.into()),
            loads: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            fails: Arc::default(),
            primary: false,
        }
    }

    /// Reads what there is now, and answers when the gate opens.
    async fn load(self, plan: Plan) -> Result<Loaded, Failure> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let (value, position) = (self.value.load(Ordering::SeqCst), self.position.load(Ordering::SeqCst));
        self.gate.acquire().await.unwrap().forget();
        if self.fails.load(Ordering::SeqCst) > 0 {
            return Err(Failure);
        }
        // A replica that has not what is needed is not asked: the primary is.
        let elsewhere = position < plan.need.0;
        let value = if elsewhere && !self.primary { self.value.load(Ordering::SeqCst) } else { value };
        Ok(Loaded {
            content: Some(Representation::new(value.to_string().into(), Particulars::default())),
            tags: Vec::new(),
            stamp: Stamp { epoch: EPOCH, position: Position(position) },
            node: "test".into(),
            latest: elsewhere || self.primary,
        })
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

struct Process {
    cache: Cache,
    key: Key,
}

fn process(redis: &RedisServer, scale: f64) -> Process {
    let redis = Redis::new(RedisOptions {
        nodes: vec![redis.url()],
        cluster: false,
        max_connections: 2,
        soft_deadline: Duration::from_secs(2),
        hard_deadline: Duration::from_secs(5),
        breaker: BreakerOptions::default(),
    });
    let options = CacheOptions {
        enabled: true,
        capacity: 1 << 24,
        lease: Duration::from_secs(600),
        lifetime_scale: scale,
        prefix: "fetch".into(),
        cluster: false,
        hot_keys: 0,
    };
    let cache = Cache::new(&options, redis.unwrap());
    cache.floors().set_epoch(EPOCH);
    cache.floors().heard(Instant::now());
    Process { cache, key: Key::new(Family::BookDetail, "1") }
}

impl Process {
    async fn ask(&self, origin: &Origin) -> Result<Found, Failure> {
        self.ask_with(origin, None).await
    }

    async fn ask_with(&self, origin: &Origin, token: Option<&ConsistencyToken>) -> Result<Found, Failure> {
        let origin = origin.clone();
        self.cache.fetch(&self.key, &[Tag::genres()], token, move |plan| origin.clone().load(plan)).await
    }

    fn invalidate(&self, position: u64) {
        self.cache.floors().raise(Position(position), [Tag::genres().hash()]);
    }

    fn count(&self, level: Level, result: CacheResult) -> u64 {
        let counts = self.cache.stats().counts();
        counts.iter().find(|count| count.level == level && count.result == result).map_or(0, |count| count.count)
    }
}

fn value(found: &Found) -> &str {
    std::str::from_utf8(&found.entry.content.as_ref().unwrap().body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_times_a_thousand_one_loads() {
    let redis = RedisServer::start().await;
    let processes = [process(&redis, 1.0), process(&redis, 1.0), process(&redis, 1.0)];
    let origin = Origin::new(10);
    let all = processes.iter().flat_map(|process| (0..1_000).map(|_| process.ask(&origin)));
    for found in Box::pin(futures::future::join_all(all)).await {
        assert_eq!(value(&found.unwrap()), "0");
    }
    assert_eq!(origin.loads(), 1);
}

#[tokio::test]
async fn who_has_heard_of_a_write_does_not_take_an_older_load() {
    let redis = RedisServer::start().await;
    let process = process(&redis, 1.0);
    let origin = Origin { gate: Arc::new(Semaphore::new(0)), primary: true, ..Origin::new(10) };
    let (before, after) = tokio::join!(process.ask(&origin), async {
        eventually("the load is on its way", async || origin.loads() == 1).await;
        // A write while the old value is on its way.
        origin.value.store(1, Ordering::SeqCst);
        process.invalidate(20);
        tokio::join!(process.ask(&origin), async {
            eventually("the second one has joined", async || process.cache.stats().joins(Family::BookDetail) == 1)
                .await;
            origin.gate.add_permits(1_000);
        })
        .0
    });
    assert_eq!(value(&before.unwrap()), "0", "asked before the write");
    assert_eq!(value(&after.unwrap()), "1", "asked after it");
    // Nor was the old value kept in either level.
    assert_eq!(value(&process.ask(&origin).await.unwrap()), "1");
    origin.position.store(30, Ordering::SeqCst);
    assert_eq!(value(&process.ask(&origin).await.unwrap()), "1");
    assert_eq!(process.ask(&origin).await.unwrap().level, Level::Local);
}

#[tokio::test]
async fn what_cannot_be_proved_new_is_not_kept() {
    let redis = RedisServer::start().await;
    let (one, other) = (process(&redis, 1.0), process(&redis, 1.0));
    let origin = Origin::new(10);
    one.invalidate(20);
    for loads in 1..=3 {
        assert_eq!(one.ask(&origin).await.unwrap().level, Level::Origin);
        assert_eq!(origin.loads(), loads, "below the floor, so nobody may have it again");
    }
    origin.position.store(20, Ordering::SeqCst);
    one.ask(&origin).await.unwrap();
    assert_eq!(one.ask(&origin).await.unwrap().level, Level::Local);
    eventually("it is shared", async || other.ask(&origin).await.unwrap().level != Level::Origin).await;
    // The other process hears later: what both levels have is below the floor then.
    other.invalidate(25);
    assert_eq!(other.ask(&origin).await.unwrap().level, Level::Origin);
    assert!(other.count(Level::Remote, CacheResult::Invalid) > 0);
}

#[tokio::test]
async fn a_token_is_believed_before_the_feed() {
    let redis = RedisServer::start().await;
    let process = process(&redis, 1.0);
    let origin = Origin::new(10);
    process.ask(&origin).await.unwrap();
    origin.value.store(1, Ordering::SeqCst);
    let token = ConsistencyToken::new(Stamp { epoch: EPOCH, position: Position(20) }, &[Tag::genres()]);
    assert_eq!(value(&process.ask_with(&origin, Some(&token)).await.unwrap()), "1");
    let foreign = ConsistencyToken::new(Stamp { epoch: EPOCH, position: Position(20) }, &[Tag::isbns()]);
    assert_eq!(process.ask_with(&origin, Some(&foreign)).await.unwrap().level, Level::Local, "of something else");
}

#[tokio::test]
async fn without_trust_only_a_load_will_do() {
    let redis = RedisServer::start().await;
    let process = process(&redis, 1.0);
    let origin = Origin::new(10);
    process.ask(&origin).await.unwrap();
    process.cache.floors().miss_one();
    assert_eq!(process.ask(&origin).await.unwrap().level, Level::Origin);
    process.cache.floors().make_good(process.cache.floors().missed());
    assert_eq!(process.ask(&origin).await.unwrap().level, Level::Local);
}

/// A detail of a book is fresh for 0.9 s here, stale for 60 ms more, and good for want of a better one for 0.9 s more.
#[tokio::test]
async fn stale_answers_are_served_and_told_but_never_invalid_ones() {
    let redis = RedisServer::start().await;
    let process = process(&redis, 0.001);
    let origin = Origin::new(10);
    process.ask(&origin).await.unwrap();
    origin.fails.store(1, Ordering::SeqCst);
    // Past its fresh time it is renewed behind the back of those who get it, or, a little later, given in place of an error.
    eventually("it is stale", async || process.ask(&origin).await.unwrap().stale).await;
    let found = process.ask(&origin).await.unwrap();
    assert!(found.stale && value(&found) == "0");
    process.invalidate(20);
    assert_eq!(process.ask(&origin).await.err(), Some(Failure), "what was invalidated is never served");
    origin.fails.store(0, Ordering::SeqCst);
    origin.position.store(20, Ordering::SeqCst);
    assert!(!process.ask(&origin).await.unwrap().stale);
}

#[tokio::test]
async fn a_stale_answer_is_renewed_behind_its_readers() {
    let redis = RedisServer::start().await;
    let process = process(&redis, 0.01);
    let origin = Origin::new(10);
    process.ask(&origin).await.unwrap();
    origin.value.store(1, Ordering::SeqCst);
    // Fresh for 9 s at most, stale for 600 ms, which is enough to be seen in.
    eventually("it is stale, and served", async || {
        let found = process.ask(&origin).await.unwrap();
        assert!(value(&found) == "0" || origin.loads() > 1);
        found.stale || origin.loads() > 1
    })
    .await;
    eventually("it was renewed", async || value(&process.ask(&origin).await.unwrap()) == "1").await;
}
