//! Streams as one reader sees them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bookstore::lifecycle::Shutdown;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

use super::reader::{Diary, Reader};
use super::{adjust, book, books, process, receive};
use crate::support::{Shop, assert_ledger_balances, eventually};

fn base(shop: &Shop) -> String {
    shop.url("")
}

#[tokio::test]
async fn a_stream_begins_with_what_there_is_and_tells_every_change() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let books = books(&shop, &admin, 2).await;
    receive(&shop, &admin, &books[0], 10).await;
    let mut reader = Reader::open(&base(&other), &books, None).await;
    let mut snapshots = [reader.expect("snapshot").await, reader.expect("snapshot").await];
    snapshots.sort_by_key(|told| books.iter().position(|book| *book == told.book()));
    let shown = shop.get(&format!("/products/{}/inventory", books[0])).send().await.expect(200).json();
    assert_eq!(snapshots[0].data, shown);
    assert_eq!((snapshots[1].version(), &snapshots[1].data["availability"]), (1, &json!("out_of_stock")));
    assert!(reader.retry.is_some_and(|wait| (1_000..3_000).contains(&wait)));

    let body = json!({"change": -2, "reason": "damaged", "note": "by the cat of Mr. Smith"});
    adjust(&shop, &admin, &books[0], &body).await.expect(200);
    let change = reader.expect("change").await;
    let occurred_at = change.data["occurred_at"].clone();
    assert_eq!(
        change.data,
        json!({
            "product_id": books[0], "version": 3, "on_hand": 8, "reserved": 0, "available": 8, "availability": "in_stock",
            "on_hand_change": -2, "reserved_change": 0, "reason": "damaged", "occurred_at": occurred_at,
        }),
        "and nothing of who did it and in what words",
    );
    receive(&shop, &admin, &books[1], 1).await;
    assert_eq!(reader.expect("change").await.book(), books[1]);
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_at_any_process() {
    let shop = Shop::open().await;
    let other = shop.beside(&[]).await;
    let admin = shop.administrator().await;
    let books = books(&shop, &admin, 3).await;
    let mut diary = Diary::default();
    let mut reader = Reader::open(&base(&shop), &books, None).await;
    // Only the first snapshot is read: the others come with the next stream.
    diary.note(reader.next().await.unwrap());
    drop(reader);
    // More than is read at once.
    for _ in 0..70 {
        receive(&shop, &admin, &books[0], 1).await;
    }
    for base in [base(&other), base(&shop)] {
        receive(&shop, &admin, &books[1], 1).await;
        let mut reader = Reader::open(&base, &books, diary.last_id.as_deref()).await;
        let mut sql = shop.sql().await;
        while !diary.is_complete(&mut sql, &books).await {
            diary.note(reader.next().await.unwrap());
        }
        receive(&shop, &admin, &books[2], 1).await;
        diary.note(reader.next().await.unwrap());
    }
    diary.assert_true(&mut shop.sql().await).await;

    // As a parameter, for those who cannot send the field.
    let last = diary.last_id.clone().unwrap();
    let mut upside_down = books.clone();
    upside_down.reverse();
    let path = format!("/inventory/stream?last_event_id={last}&products={},", upside_down.join(","));
    let mut plain = raw(&shop, &path, None).await;
    receive(&shop, &admin, &books[0], 1).await;
    let text = read_until(&mut plain, "event: change").await;
    assert!(!text.contains("snapshot"), "{text}");

    // What is known of other books, and of what never was, begins anew.
    let mut reader = Reader::open(&base(&shop), &books[..1], Some(&last)).await;
    reader.expect("snapshot").await;
    sqlx::query("ALTER TABLE stock_ledger DISABLE TRIGGER USER").execute(&mut shop.sql().await).await.unwrap();
    for statement in [
        "DELETE FROM stock_ledger WHERE version > 2",
        "ALTER TABLE stock DISABLE TRIGGER USER",
        "UPDATE stock SET version = 2 WHERE version > 2",
    ] {
        sqlx::query(statement).execute(&mut shop.sql().await).await.unwrap();
    }
    let mut reader = Reader::open(&base(&shop), &books, Some(&last)).await;
    assert_eq!(reader.expect("snapshot").await.version(), 2, "after a primary that lost what it had told");
}

#[tokio::test]
async fn a_wrong_request_for_a_stream_is_refused() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let book = book(&shop, &admin).await;
    let nowhere = "0198c0de-7a11-7000-8000-000000000000";
    let many: Vec<String> = (0..51).map(|number| format!("0198c0de-7a11-7000-8000-{number:012}")).collect();
    for (query, complaints) in [
        (String::new(), vec!["products"]),
        ("products=".to_owned(), vec!["products"]),
        (format!("products={nowhere}"), vec!["products"]),
        (format!("products=x,{book},y"), vec!["products", "products"]),
        (format!("products={}", many.join(",")), vec!["products"]),
        (format!("products={book}&last_event_id=garbage"), vec!["last_event_id"]),
        (format!("products={book}&since=1"), vec!["since"]),
    ] {
        let refused = shop.get(&format!("/inventory/stream?{query}")).send().await.expect(422);
        assert_eq!(refused.complaints(), complaints, "{query}");
    }
    let path = format!("/inventory/stream?products={book}");
    let refused = shop.get(&path).header("last-event-id", "garbage").send().await.expect(422);
    assert_eq!(refused.complaints(), ["Last-Event-ID"]);
    let head = shop.request(Method::HEAD, &path).send().await.expect(200);
    assert_eq!(head.header("content-type"), "text/event-stream");
    // Weighed codings take the long way through the frame.
    for coding in ["gzip, br", "gzip;q=1.0, *;q=0.5"] {
        let mut stream = raw(&shop, &path, Some(coding)).await;
        let text = read_until(&mut stream, "event: snapshot").await.to_lowercase();
        assert!(!text.contains("content-encoding") && text.contains("cache-control: no-store"), "{text}");
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_streams_and_none_is_lost() {
    let settings = [("inventory.max_streams", "2"), ("http.max_in_flight", "1"), ("http.request_timeout", "3s")];
    let shop = Shop::open_with(&settings).await;
    let admin = shop.administrator().await;
    let books = [book(&shop, &admin).await];
    let first = Reader::open(&base(&shop), &books, None).await;
    let mut second = Reader::open(&base(&shop), &books, None).await;
    second.expect("snapshot").await;
    let path = format!("/inventory/stream?products={}", books[0]);
    let refused = shop.get(&path).send().await.expect(503);
    assert_eq!(refused.header("retry-after"), "5");
    // Streams take no place among the requests in work, and no time limit ends them.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    receive(&shop, &admin, &books[0], 1).await;
    second.expect("change").await;
    for _ in 0..5 {
        shop.request(Method::HEAD, &path).status().await;
    }
    drop(first);
    eventually("its place is free", async || Reader::try_open(&base(&shop), &books, None).await.is_ok()).await;
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_is_alive_and_ends_with_the_process() {
    let mut shop = Shop::open_with(&[("inventory.heartbeat", "100ms")]).await;
    let admin = shop.administrator().await;
    let books = [book(&shop, &admin).await];
    let mut reader = Reader::open(&base(&shop), &books, None).await;
    reader.expect("snapshot").await;
    let path = format!("/inventory/stream?products={}", books[0]);
    let mut stream = raw(&shop, &path, None).await;
    read_until(&mut stream, "\n:\n\n").await;
    let end = async {
        assert!(reader.next().await.is_none(), "nothing is told any more");
        reader.comments
    };
    let (comments, shutdown) = futures::future::join(end, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        shop.close().await
    })
    .await;
    assert!(comments > 0);
    assert_eq!(shutdown, Shutdown::Clean, "nobody waits for a stream");
}

#[tokio::test]
async fn what_nobody_told_of_is_found() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let books = [book(&shop, &admin).await];
    let mut reader = Reader::open(&base(&shop), &books, None).await;
    reader.expect("snapshot").await;
    change_silently(&mut shop.sql().await, 3).await;
    for version in 2..=4 {
        assert_eq!(reader.expect("change").await.version(), version);
    }
}

/// Changes all stock, and tells nobody.
async fn change_silently(sql: &mut PgConnection, times: usize) {
    for _ in 0..times {
        sqlx::query("UPDATE stock SET on_hand = on_hand + 1, version = version + 1, reason = 'received'")
            .execute(&mut *sql)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_told_and_cut_and_misses_nothing() {
    let shop = Shop::open().await;
    // Room for all that comes at once, so that nobody but the slow one is slow on a busy machine.
    let process = process(&shop, &[("inventory.stream_buffer", "1000")]).await;
    let address = process.url("").strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let admin = shop.administrator().await;
    let books = books(&shop, &admin, 50).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut slow = socket.connect(address.parse().unwrap()).await.unwrap();
    let head = format!(
        "GET /api/v1/inventory/stream?products={} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        books.join(",")
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut text = read_until(&mut slow, "event: snapshot").await;
    // It reads nothing any more, and the others go on.
    let (stop, stopped) = oneshot::channel();
    let read = Arc::new(AtomicUsize::new(0));
    let quick =
        tokio::spawn(quick_reader(process.url(""), books.clone(), shop.sql().await, stopped, Arc::clone(&read)));
    let mut sql = shop.sql().await;
    let mut rounds = 0;
    while process.metric("stock_streams_cut_total", &[]).await == 0.0 {
        change_silently(&mut sql, 20).await;
        // As a seeder tells of many books.
        let event = json!({"kind": "catalogue_seeded", "books": 50});
        let insert = sqlx::query("INSERT INTO outbox (kind, payload) VALUES ('catalogue_seeded', $1)");
        insert.bind(event).execute(&mut sql).await.unwrap();
        rounds += 1;
        assert!(rounds < 1_000, "it is never cut");
        // The quick one keeps up.
        eventually("the round is read", async || read.load(Ordering::Relaxed) >= rounds * 20 * 50).await;
    }
    stop.send(()).unwrap();
    quick.await.unwrap();
    assert_eq!(process.metric("stock_streams_cut_total", &[]).await, 1.0);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut rest)).await.unwrap().unwrap();
    text.push_str(&String::from_utf8_lossy(&rest));
    let last = text.rfind("event: ").unwrap();
    assert!(text[last..].starts_with("event: lagging\ndata: {\"detail\":\"Too many changes"), "{}", &text[last..]);

    let id = text.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let mut diary = Diary { last_id: Some(id.to_owned()), ..Default::default() };
    // What it knows is in what it read, with the lines of chunks in between: the next one of each book has to follow.
    for book in &books {
        diary.versions.insert(book.clone(), last_version(&text, book));
    }
    let mut reader = Reader::open(&process.url(""), &books, diary.last_id.as_deref()).await;
    while !diary.is_complete(&mut sql, &books).await {
        diary.note(reader.next().await.unwrap());
    }
    diary.assert_true(&mut sql).await;
    assert_ledger_balances(&mut sql).await;
    drop(reader);
    eventually("the streams are gone", async || process.metric("stock_streams", &[]).await == 0.0).await;
}

/// Reads until it is told to stop and has read everything.
async fn quick_reader(
    base: String,
    books: Vec<String>,
    mut sql: PgConnection,
    mut stopped: oneshot::Receiver<()>,
    read: Arc<AtomicUsize>,
) {
    let mut reader = Reader::open(&base, &books, None).await;
    let mut diary = Diary::default();
    loop {
        tokio::select! {
            told = reader.next() => {
                diary.note(told.unwrap());
                read.store(diary.changes.len(), Ordering::Relaxed);
            }
            _ = &mut stopped => break,
        }
    }
    while !diary.is_complete(&mut sql, &books).await {
        diary.note(reader.next().await.unwrap());
    }
}

/// The last version of a book in what was read, whatever stands between the pieces.
fn last_version(text: &str, book: &str) -> (i64, i64) {
    let bare: String = text
        .lines()
        .filter(|line| !line.is_empty() && !line.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect::<Vec<_>>()
        .join("\n");
    let versions: Vec<i64> = bare
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter(|data| data["product_id"] == book)
        .map(|data| data["version"].as_i64().unwrap())
        .collect();
    assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{book}: {versions:?}");
    (versions[0], *versions.last().unwrap())
}

/// A request that is sent by hand.
async fn raw(shop: &Shop, path: &str, coding: Option<&str>) -> TcpStream {
    let url = shop.url(path);
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let coding = coding.map(|coding| format!("accept-encoding: {coding}\r\n")).unwrap_or_default();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nhost: a\r\n{coding}\r\n").as_bytes()).await.unwrap();
    stream
}

/// Reads until this comes.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "it ends without {wanted:?}: {text}");
            text.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it does not come");
    text
}
