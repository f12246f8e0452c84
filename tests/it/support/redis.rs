//! Servers of Redis for one test alone: a single one, or the primaries of a cluster. They are light enough for every test to
//! have its own, to be killed and frozen at will.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{self, Client, FromRedisValue, aio::MultiplexedConnection};
use rustix::process::{Pid, Signal, kill_process};

use super::eventually;

const PASSWORD: &str = "open-sesame";

/// Keeps the server as long as somebody holds the other end of its input, and so outlives no test, however that ends: nor by
/// the terminal's Ctrl-C, which reaches neither of the two.
const KEEPER: &str =
    r#"trap '' HUP INT QUIT TERM; "$@" >redis.log 2>&1 & echo $!; cat >/dev/null; kill -KILL $!; wait"#;

struct Process {
    keeper: Child,
    pid: Pid,
}

impl Process {
    fn start(command: &[String], dir: &Path) -> Self {
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "redis-keeper"]).args(command).current_dir(dir).process_group(0);
        let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        Self { keeper, pid }
    }

    fn is_alive(&self) -> bool {
        // A killed server stays a zombie of its keeper until that ends.
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A server with a port of its own, which it keeps when it is killed and revived. It forgets its data then.
pub struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    dir: tempfile::TempDir,
    process: Option<Process>,
}

impl RedisServer {
    /// A server that answers.
    pub async fn start() -> Self {
        Self::start_with(|_| Vec::new()).await
    }

    /// An address at which nobody listens yet.
    pub fn absent() -> Self {
        Self { port: free_port(), arguments: Vec::new(), dir: tempfile::tempdir().unwrap(), process: None }
    }

    async fn start_with(arguments: impl Fn(u16) -> Vec<String>) -> Self {
        for _ in 0..10 {
            let mut server = Self::absent();
            server.arguments = arguments(server.port);
            if server.try_start().await {
                return server;
            }
        }
        panic!("redis-server does not start")
    }

    /// Starts it again, empty.
    pub async fn revive(&mut self) {
        assert!(self.try_start().await, "redis-server does not start on port {}", self.port);
    }

    /// Kills it; its connections break.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Freezes it: its connections stay open, and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Wakes it.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.process.as_ref().unwrap().pid, signal).unwrap();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    /// A connection past everything that is tested.
    pub async fn admin(&self) -> MultiplexedConnection {
        Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Runs a command given as words, past everything that is tested.
    pub async fn ask<T: FromRedisValue>(&self, words: &str) -> T {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        command.query_async(&mut self.admin().await).await.unwrap()
    }

    async fn try_start(&mut self) -> bool {
        let port = self.port.to_string();
        let usual =
            ["--bind", "127.0.0.1", "--port", &port, "--requirepass", PASSWORD, "--save", "", "--appendonly", "no"];
        let command = [program()].into_iter().chain(usual.map(str::to_owned)).chain(self.arguments.clone());
        let process = Process::start(&command.collect::<Vec<_>>(), self.dir.path());
        let begun = Instant::now();
        while process.is_alive() && begun.elapsed() < Duration::from_secs(30) {
            let client = Client::open(self.url()).unwrap();
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok()
            {
                self.process = Some(process);
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

/// The primaries of a cluster, each with a third of the slots.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// A cluster of three primaries that knows itself.
    pub async fn start() -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..3 {
            let bus = free_port();
            // A part that hangs must not take the others with it.
            let arguments = |_| {
                format!("--cluster-enabled yes --cluster-port {bus} --cluster-require-full-coverage no")
                    .split(' ')
                    .map(str::to_owned)
                    .collect()
            };
            nodes.push(RedisServer::start_with(arguments).await);
            buses.push(bus);
        }
        let share = 16_384 / nodes.len() + 1;
        for (index, node) in nodes.iter().enumerate() {
            let (first, last) = (index * share, ((index + 1) * share - 1).min(16_383));
            node.ask::<()>(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
            node.ask::<()>(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1)).await;
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            nodes[0].ask::<()>(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port())).await;
        }
        eventually("every node knows every slot", async || {
            for node in &nodes {
                let info: String = node.ask("CLUSTER INFO").await;
                if !info.contains("cluster_slots_ok:16384") || !info.contains("cluster_state:ok") {
                    return false;
                }
            }
            true
        })
        .await;
        Self { nodes }
    }

    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The node that owns a key.
    pub async fn owner(&self, key: &str) -> &RedisServer {
        for node in &self.nodes {
            let answer = redis::cmd("TYPE").arg(key).query_async::<String>(&mut node.admin().await).await;
            if answer.is_ok() {
                return node;
            }
        }
        panic!("nobody owns {key}")
    }
}

/// `BOOKSTORE_REDIS_BIN` names another program.
fn program() -> String {
    std::env::var("BOOKSTORE_REDIS_BIN").ok().filter(|set| !set.is_empty()).unwrap_or_else(|| "redis-server".to_owned())
}

/// Below the range from which systems take ports for outgoing connections: whoever knocks at such a port while its server is
/// down may find himself. Clear of the stacks' ports as well.
fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 8_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
