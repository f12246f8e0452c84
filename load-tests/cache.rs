//! The levels of the cache by themselves, as rows of a table on standard output. `load-tests/run cache` runs it with a
//! private Redis in `BENCH_REDIS_URL`. Nothing but the library's own interface is used.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on says so, and prints what it found"
)]

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bookstore::cache::redis::{BreakerOptions, cmd};
use bookstore::cache::{
    Cache, CacheOptions, Family, Found, Key, Level, Loaded, Outage, Outlook, Plan, Redis, RedisOptions,
};
use bookstore::model::ids::ProductId;
use bookstore::model::position::{Epoch, Position, Stamp};
use bookstore::model::representation::{Particulars, Representation};
use bookstore::model::tags::Tag;
use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Tasks that ask at once.
const TASKS: usize = 16;
const ROUNDS: usize = 5;
const PREFIX: &str = "bench";
const MIB: u64 = 1024 * 1024;

/// The load here never fails.
#[derive(Clone, Debug)]
struct Failure(Infallible);

impl Outage for Failure {
    fn is_outage(&self) -> bool {
        match self.0 {}
    }
}

fn redis(url: &str) -> Redis {
    Redis::new(RedisOptions {
        nodes: vec![url.to_owned()],
        cluster: false,
        max_connections: 4,
        soft_deadline: Duration::from_millis(250),
        hard_deadline: Duration::from_secs(1),
        breaker: BreakerOptions::default(),
    })
    .expect("the address of Redis")
}

/// A cache that believes its floors throughout.
fn cache(redis: Redis, capacity: u64) -> Cache {
    let lease = Duration::from_secs(24 * 3_600);
    let options = CacheOptions {
        enabled: true,
        capacity,
        lease,
        lifetime_scale: 1.0,
        prefix: PREFIX.to_owned(),
        cluster: false,
        hot_keys: 1_000,
    };
    let cache = Cache::new(&options, redis);
    cache.floors().set_epoch(Epoch(1));
    cache.floors().heard(Instant::now());
    cache
}

fn key(number: usize) -> Key {
    Key::new(Family::BookDetail, Uuid::from_u128(number as u128))
}

fn tag(number: usize) -> Tag {
    Tag::book(ProductId(Uuid::from_u128(number as u128)))
}

/// A read of a key; what is missing is made of `body` at once, and is newer than every invalidation here.
async fn fetch(cache: &Cache, number: usize, body: &Bytes) -> Found {
    let body = body.clone();
    let load = move |_: Plan| {
        let content =
            Representation::new(body.clone(), Particulars { etag: "1.bench".to_owned(), ..Particulars::default() });
        let stamp = Stamp { epoch: Epoch(1), position: Position(u64::MAX / 2) };
        async move {
            Ok::<_, Failure>(Loaded {
                content: Some(content),
                tags: Vec::new(),
                stamp,
                node: "bench".into(),
                latest: true,
            })
        }
    };
    cache.fetch(&key(number), &[tag(number)], None, load).await.expect("a load that cannot fail")
}

/// Runs `work` for the numbers below `count`, spread over tasks, and tells how many were done in a second.
async fn rate<F, Fut>(count: usize, work: F) -> f64
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let work = work.clone();
        tasks.spawn(async move {
            for number in (task..count).step_by(TASKS) {
                work(number).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a task");
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A hit in the second level against a GET of the same bytes over the same connections.
async fn second_level(url: &str) {
    const KEYS: usize = 1_000;
    const READS: usize = 20_000;
    let redis = redis(url);
    let body = Bytes::from(vec![b'x'; 1_000]);
    let filling = cache(redis.clone(), 64 * MIB);
    for number in 0..KEYS {
        fetch(&filling, number, &body).await;
    }
    // What was filled is written to Redis after the answer.
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Room for nothing: every read gets as far as the second level.
    let reading = cache(redis.clone(), 0);
    let (mut gets, mut hits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let bare = redis.clone();
        let get = rate(READS, move |number| {
            let bare = bare.clone();
            async move {
                let name = format!("{PREFIX}:entry:{{{}}}", key(number % KEYS).text());
                let found: Option<Vec<u8>> = bare.run("bench", cmd("GET").arg(name)).await.expect("Redis");
                assert!(found.is_some(), "the entry is not where it was expected");
            }
        })
        .await;
        let (cache, body) = (reading.clone(), body.clone());
        let hit = rate(READS, move |number| {
            let (cache, body) = (cache.clone(), body.clone());
            async move {
                let found = fetch(&cache, number % KEYS, &body).await;
                assert!(found.level != Level::Origin, "the second level has lost an entry");
            }
        })
        .await;
        if round > 0 {
            gets.push(get);
            hits.push(hit);
            ratios.push(hit / get);
        }
    }
    println!("| | per second | ratio |\n|---|---:|---:|");
    println!("| GET from Redis | {:.0} | 1.00 |", median(gets));
    println!("| hit in the second level, checked and kept | {:.0} | {:.2} |\n", median(hits), median(ratios));
}

/// The cost of an invalidation, with few and many entries.
async fn invalidation() {
    const TIMES: u64 = 10_000;
    println!(
        "| entries | a tag us | a pattern us | everything us | a read after each us |\n|---:|---:|---:|---:|---:|"
    );
    let body = Bytes::from_static(b"{}");
    for entries in [1_000, 1_000_000] {
        // A Redis that is not there: the first level alone is measured.
        let cache = cache(redis("redis://127.0.0.1:1/0"), 4_096 * MIB);
        let (filling, small) = (cache.clone(), body.clone());
        rate(entries, move |number| {
            let (cache, body) = (filling.clone(), small.clone());
            async move {
                fetch(&cache, number, &body).await;
            }
        })
        .await;
        assert!(cache.local_report().entries as usize >= entries * 99 / 100, "they are not all there");
        let floors = cache.floors();
        let time = |tag: &dyn Fn(u64) -> Tag, base: u64| {
            let start = Instant::now();
            for number in 0..TIMES {
                floors.raise(Position(base + number), [tag(number).hash()]);
            }
            start.elapsed().as_secs_f64() * 1e6 / TIMES as f64
        };
        let one = time(&|number| tag(number as usize % entries), 1);
        let pattern = time(&|_| Tag::book_lists(), 1);
        let everything = time(&|_| Tag::all(), 1);
        let start = Instant::now();
        for number in 0..TIMES {
            floors.raise_all(Position(TIMES + number));
            fetch(&cache, number as usize % entries, &body).await;
        }
        let read = start.elapsed().as_secs_f64() * 1e6 / TIMES as f64;
        println!("| {entries} | {one:.2} | {pattern:.2} | {everything:.2} | {read:.2} |");
    }
}

/// Memory that the process has, in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1_024.0
}

/// Ten million reads of a million keys by Zipf's law (s = 1), of which the first level holds a part.
async fn memory() {
    const KEYS: usize = 1_000_000;
    const READS: usize = 10_000_000;
    const BOUND: u64 = 256 * MIB;
    let cache = cache(redis("redis://127.0.0.1:1/0"), BOUND);
    let before = resident();
    let (mut most_bytes, mut most_resident, mut origin) = (0, 0.0_f64, 0_u64);
    let start = Instant::now();
    let mut random = SmallRng::seed_from_u64(1);
    for number in 0..READS {
        // The inverse of the distribution function of 1/x.
        let rank = ((KEYS + 1) as f64).powf(random.random::<f64>()) as usize;
        // Each has bytes of its own, too few to be compressed.
        let found = match cache.local_entry(&key(rank)) {
            Some(_) => fetch(&cache, rank, &Bytes::new()).await,
            None => fetch(&cache, rank, &Bytes::from(vec![b'x'; 900])).await,
        };
        origin += u64::from(found.level == Level::Origin);
        if number % 50_000 == 0 {
            most_bytes = most_bytes.max(cache.local_report().bytes);
            most_resident = most_resident.max(resident());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let report = cache.local_report();
    assert!(most_bytes <= BOUND + BOUND / 50, "{most_bytes} bytes are beyond the bound of {BOUND}");
    println!("| {READS} reads of {KEYS} keys by Zipf's law | |\n|---|---:|");
    println!("| bound of the first level, MiB | {} |", BOUND / MIB);
    println!("| most in it at any look, MiB | {:.0} |", most_bytes as f64 / MIB as f64);
    println!("| most growth of the process, MiB | {:.0} |", most_resident - before);
    println!("| entries at the end | {} |", report.entries);
    println!("| answered by it | {:.2}% |", 100.0 * (1.0 - origin as f64 / READS as f64));
    println!("| reads per second | {:.0} |", READS as f64 / seconds);
    println!("| evictions per second | {:.0} |", report.evictions as f64 / seconds);
    println!("| evictions per 1,000 reads | {:.1} |\n", 1_000.0 * report.evictions as f64 / READS as f64);
}

/// What it costs to find out what is read most, and to look whether it lasts.
async fn counting() {
    const KEYS: usize = 50_000;
    const READS: usize = 4_000_000;
    let cache = cache(redis("redis://127.0.0.1:1/0"), 256 * MIB);
    let body = Bytes::from(vec![b'x'; 200]);
    for number in 0..1_000 {
        fetch(&cache, number, &body).await;
    }
    let keys: Vec<Key> = (0..KEYS).map(key).collect();
    let mut random = SmallRng::seed_from_u64(7);
    // Zipf's law with s = 1, by the inverse of its distribution function.
    let drawn: Vec<usize> =
        (0..1 << 20).map(|_| ((KEYS as f64).powf(random.random::<f64>()) as usize).min(KEYS) - 1).collect();
    let popularity = cache.popularity();
    let (mut reads, mut ask, mut look) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        drawn.iter().cycle().take(READS).for_each(|number| popularity.note(&keys[*number]));
        reads.push(begun.elapsed().as_secs_f64() * 1e9 / READS as f64);
        let begun = Instant::now();
        let hot = popularity.hottest();
        ask.push(begun.elapsed().as_secs_f64() * 1e6);
        let begun = Instant::now();
        let lasting = hot.iter().filter(|heat| cache.outlook(&heat.key, Duration::from_secs(15)) == Outlook::Lasting);
        assert!(lasting.count() > 0, "what is hot is kept");
        look.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    println!(
        "\n| what is read most, of {KEYS} keys by Zipf's law | |\n|---|---:|\n\
         | what a read pays for being counted, ns | {:.0} |\n\
         | asking for the thousand hottest keys, once a second, µs | {:.0} |\n\
         | a look whether their entries last, four times a second, µs | {:.0} |",
        median(reads),
        median(ask),
        median(look),
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // `cargo bench` passes what is of no interest here; without a Redis there is nothing to compare with.
        match std::env::var("BENCH_REDIS_URL") {
            Ok(url) => second_level(&Arc::<str>::from(url)).await,
            Err(_) => println!("BENCH_REDIS_URL is not set: the second level is left out\n"),
        }
        // Before others leave memory to the process that it does not give back.
        memory().await;
        invalidation().await;
        counting().await;
    });
}
