//! Many streams at one process.

use std::fs;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{books, process, receive};
use crate::support::{Process, Shop, eventually};

/// How many streams; more where this variable says so.
fn streams() -> usize {
    std::env::var("TEST_STREAMS").map_or(1_000, |text| text.parse().unwrap())
}

/// Reads until there are so many of these in what was read.
async fn read_until(stream: &mut TcpStream, text: &mut String, wanted: &str, count: usize) {
    let mut piece = [0; 4096];
    while text.matches(wanted).count() < count {
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ends: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
}

/// Memory in MiB and processor time in seconds, as Linux tells them.
fn usage(process: &Process) -> Option<(u64, f64)> {
    let pid = process.pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some((kib / 1024, ticks / 100.0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_watch_at_one_process() {
    let shop = Shop::open().await;
    let process = process(&shop, &[]).await;
    let admin = shop.administrator().await;
    let books = books(&shop, &admin, 5).await;
    let address = process.url("").strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let before = usage(&process);
    let begun = Instant::now();
    let mut all = Vec::new();
    for _ in 0..streams().div_ceil(100) {
        let hundred = (0..100).map(async |_| {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let query = books.join(",");
            let head = format!("GET /api/v1/inventory/stream?products={query} HTTP/1.1\r\nhost: a\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut text = String::new();
            read_until(&mut stream, &mut text, "event: snapshot", 5).await;
            (stream, text)
        });
        all.extend(join_all(hundred).await);
    }
    println!("{} streams after {:?}", all.len(), begun.elapsed());
    let open = usage(&process);
    assert_eq!(process.metric("stock_streams", &[]).await, all.len() as f64);
    let begun = Instant::now();
    const CHANGES: usize = 20;
    let writing = async {
        for number in 0..CHANGES {
            receive(&shop, &admin, &books[number % books.len()], 1).await;
        }
    };
    let reading = join_all(all.iter_mut().map(|(stream, text)| read_until(stream, text, "event: change", CHANGES)));
    let arriving = futures::future::join(writing, reading);
    tokio::time::timeout(Duration::from_secs(120), arriving).await.expect("not all arrive");
    println!("{CHANGES} changes at all of them after {:?}", begun.elapsed());
    // The process has time for others.
    assert_eq!(process.get(&format!("/products/{}", books[0])).await.status, 200);
    println!("before, open, after: {before:?} {open:?} {:?} (MiB, s)", usage(&process));
    assert_eq!(process.metric("stock_streams_cut_total", &[]).await, 0.0);
    drop(all);
    eventually("all are gone", async || process.metric("stock_streams", &[]).await == 0.0).await;
}
