//! What these tests share: the stack and the turn on it, processes over one database, and books to be watched.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bookstore::dev::{Node, Stack};
use deadpool_redis::redis::{self, Client, FromRedisValue, aio::MultiplexedConnection};
use futures::future::{join_all, join3};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::support::database::{admin, migrate, run, wait_for_replica};
use crate::support::process::send;
use crate::support::{Answer, Process, eventually, own_stack, shop};

/// How long a process believes its floors without news, unless a test says otherwise.
pub const LEASE: Duration = Duration::from_millis(500);

/// Longer than any test, for those in which nothing but the feed may help.
pub const LONG_LEASE: (&str, &str) = ("cache.lease", "20s");

/// For what is only asked to come about, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// One test's turn on the stack, with a database of its own.
pub struct Ground {
    pub stack: &'static Stack,
    /// The database's name, which names in Redis begin with too.
    pub name: String,
    /// The token of an administrator.
    pub admin: String,
    _turn: MutexGuard<'static, ()>,
}

/// A book and its pages.
pub struct Book {
    pub id: String,
    /// By id, by ISBN, and a list that it is in.
    pub pages: Vec<String>,
}

impl Book {
    pub fn detail(&self) -> &str {
        &self.pages[0]
    }
}

impl Ground {
    /// Waits for the turn, and makes the database.
    pub async fn take() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        static STACK: OnceCell<Stack> = OnceCell::const_new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let turn = TURN.lock().await;
        let stack = STACK.get_or_init(|| own_stack("coherence")).await;
        restore(stack).await;
        let name = format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut primary = admin(stack, Node::Primary).await;
        run(&mut primary, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut primary, &format!("CREATE DATABASE {name} OWNER bookstore")).await;
        let url = stack.url(Node::Primary, &name).unwrap();
        migrate(&url).await;
        let admin = shop::person(&mut PgConnection::connect(&url).await.unwrap(), "admin").await;
        wait_for_replica(stack, &mut primary).await;
        Self { stack, name, admin, _turn: turn }
    }

    /// The address of the database on a server.
    pub fn url(&self, node: Node) -> String {
        self.stack.url(node, &self.name).unwrap()
    }

    /// A process with these settings on top, once it is ready.
    pub async fn process(&self, settings: &[(&str, &str)]) -> Process {
        self.process_in(settings, &[]).await
    }

    /// The same with these environment variables.
    pub async fn process_in(&self, settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Process {
        let (primary, replica) = (self.url(Node::Primary), self.url(Node::Replica(0)));
        let usual = [
            ("database.url", primary.as_str()),
            ("database.replicas", &replica),
            ("database.acquire_timeout", "10s"),
            ("redis.url", self.stack.redis_url()),
            ("redis.prefix", &self.name),
            ("http.bind", "127.0.0.1:0"),
            ("metrics.bind", "127.0.0.1:0"),
            ("limits.enabled", "false"),
            ("telemetry.log_filter", "info,bookstore::access=off"),
        ];
        let mut all: Vec<(String, String)> = Vec::new();
        for (key, value) in usual.iter().chain(settings) {
            all.retain(|(known, _)| known != key);
            all.push(((*key).to_owned(), (*value).to_owned()));
        }
        let process = Process::start(&all, variables).await;
        eventually("it is ready", async || process.get("//readyz").await.status == 200).await;
        process
    }

    /// Three processes with these settings on top.
    pub async fn three(&self, settings: &[(&str, &str)]) -> [Process; 3] {
        let (a, b, c) = join3(self.process(settings), self.process(settings), self.process(settings)).await;
        [a, b, c]
    }

    /// A connection to the primary.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.url(Node::Primary)).await.unwrap()
    }

    /// Runs a command of Redis.
    pub async fn redis<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut redis_connection(self.stack).await).await.unwrap()
    }

    /// The name of the stream of invalidations.
    pub fn stream(&self) -> String {
        format!("{{{}:feed}}:stream", self.name)
    }

    /// Waits until all events are noted as published.
    pub async fn all_is_published(&self) {
        let mut sql = self.sql().await;
        eventually("all events are published", async || {
            let open = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox WHERE published_at IS NULL");
            open.fetch_one(&mut sql).await.unwrap() == 0
        })
        .await;
    }

    /// Stops or resumes the replay of the log on the replica.
    pub async fn replay(&self, goes_on: bool) {
        let mut replica = admin(self.stack, Node::Replica(0)).await;
        run(&mut replica, if goes_on { "SELECT pg_wal_replay_resume()" } else { "SELECT pg_wal_replay_pause()" }).await;
        if !goes_on {
            eventually("replay stands still", async || {
                let state: String =
                    sqlx::query_scalar("SELECT pg_get_wal_replay_pause_state()").fetch_one(&mut replica).await.unwrap();
                state == "paused"
            })
            .await;
        }
    }

    /// Adds a book.
    pub async fn book(&self, process: &Process, title: &str) -> Book {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let isbn = isbn13(NEXT.fetch_add(1, Ordering::Relaxed));
        let body = json!({"title": title, "authors": ["A. Witness"], "isbn13": isbn});
        let request = process.request(Method::POST, "/products").bearer_auth(&self.admin).json(&body);
        let answer = send(request).await.unwrap().expect(201);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let pages = vec![format!("/products/{id}"), format!("/products/isbn/{isbn}"), "/products?limit=100".to_owned()];
        Book { id, pages }
    }

    /// Gives a book another title, and expects that to succeed.
    pub async fn retitle(&self, process: &Process, book: &Book, title: &str) -> Answer {
        self.try_retitle(process, book, title).await.unwrap().expect(200)
    }

    /// The same where the process may die.
    pub async fn try_retitle(&self, process: &Process, book: &Book, title: &str) -> reqwest::Result<Answer> {
        let request = process.request(Method::PATCH, book.detail()).bearer_auth(&self.admin).header("if-match", "*");
        send(request.json(&json!({ "title": title }))).await
    }
}

/// Undoes what an earlier test did to the servers, also one that failed.
async fn restore(stack: &Stack) {
    for node in [Node::Primary, Node::Replica(0), Node::Redis] {
        stack.resume(node).await.unwrap();
        stack.revive(node).await.unwrap();
    }
    let mut primary = admin(stack, Node::Primary).await;
    run(&mut primary, "ALTER SYSTEM RESET synchronous_standby_names").await;
    run(&mut primary, "SELECT pg_reload_conf()").await;
    run(&mut admin(stack, Node::Replica(0)).await, "SELECT pg_wal_replay_resume()").await;
    let _ = std::fs::remove_file(stack.dir().join("dump.rdb"));
}

/// A connection to the stack's Redis.
pub async fn redis_connection(stack: &Stack) -> MultiplexedConnection {
    Client::open(stack.redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

fn isbn13(number: usize) -> String {
    let digits = format!("978{number:09}");
    let sum: u32 = digits.bytes().zip([1, 3].into_iter().cycle()).map(|(digit, by)| u32::from(digit - b'0') * by).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Whether a page shows this title.
pub fn shows(answer: &Answer, title: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(&json!(title).to_string())
}

/// Whether a page came out of the cache, fresh.
pub fn is_hit(answer: &Answer) -> bool {
    answer.headers.get("cache-status").is_some_and(|status| status.to_str().unwrap().starts_with("bookstore; hit"))
}

/// Waits until all these pages come out of the cache of each process, and show this title.
pub async fn warm(processes: &[&Process], pages: &[String], title: &str) {
    let looks = processes.iter().flat_map(|process| {
        pages.iter().map(move |page| async move {
            eventually("the page is cached", async || {
                let answer = process.get(page).await;
                is_hit(&answer) && answer.header("cache-status").contains("l1") && shows(&answer, title)
            })
            .await;
        })
    });
    join_all(looks).await;
}

/// How long after a moment an older answer was still given to somebody who asked then, of each page that was watched; nothing
/// where the first look showed the new one.
#[derive(Debug, Default)]
pub struct Lags(pub Vec<Option<Duration>>);

impl Lags {
    pub fn add(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub fn longest(&self) -> Duration {
        self.0.iter().flatten().max().copied().unwrap_or_default()
    }

    /// One line about all of them.
    pub fn tell(&self, what: &str) {
        let mut lags: Vec<Duration> = self.0.iter().flatten().copied().collect();
        lags.sort();
        let late = lags.iter().filter(|lag| **lag >= Duration::from_millis(10)).count();
        println!(
            "{what}: {} pages, {} of them older at the first look, {late} after 10 ms, the last after {:?}",
            self.0.len(),
            lags.len(),
            self.longest()
        );
    }
}

/// Reads all these pages through each process until they show this title. Every answer is a 200, and none that was asked for
/// `limit` after `since`, or later, is an older one.
pub async fn follow(processes: &[&Process], pages: &[String], title: &str, since: Instant, limit: Duration) -> Lags {
    let looks = processes.iter().enumerate().flat_map(|(number, process)| {
        pages.iter().map(move |page| async move {
            let mut last = None;
            loop {
                let late = since.elapsed();
                let answer = process.get(page).await;
                let told = String::from_utf8_lossy(&answer.body);
                assert_eq!(answer.status, 200, "{page} through process {number}: {told}");
                if shows(&answer, title) {
                    return last;
                }
                let status = answer.headers.get("cache-status");
                assert!(late < limit, "{page} through process {number} after {late:?}, {status:?}: {told}");
                last = Some(late);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    });
    Lags(join_all(looks).await)
}

/// Reads all these pages again and again for a while: none falls back behind this title.
pub async fn stays(processes: &[&Process], pages: &[String], title: &str, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        follow(processes, pages, title, begun, Duration::ZERO).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A message of the stream, to be told again with changes.
pub async fn last_message(ground: &Ground) -> (u64, u64, Value) {
    type Entries = Vec<(String, Vec<(String, String)>)>;
    let found: Entries = ground.redis(&["XREVRANGE", &ground.stream(), "+", "-", "COUNT", "1"]).await;
    let (id, fields) = &found[0];
    let (life, number) = id.split_once('-').unwrap();
    (life.parse().unwrap(), number.parse().unwrap(), serde_json::from_str(&fields[0].1).unwrap())
}
