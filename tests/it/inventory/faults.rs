//! Many writers, readers that come and go, and Redis that dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bookstore::dev::Node;
use futures::future::{join_all, join3};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::reader::{Diary, Reader};
use super::{adjust, books};
use crate::support::{Shop, assert_ledger_balances, eventually, own_stack};

const BOOKS: usize = 4;
const READERS: usize = 6;

/// How many changes there have to be at least, however slow the machine.
const CHANGES: usize = 100;

/// Writes through all these processes until told to stop.
async fn write(shops: &[&Shop], admin: &str, books: &[String], stop: &AtomicBool, written: &AtomicUsize) {
    let writers = (0..3).flat_map(|number| shops.iter().map(move |shop| (number, shop))).map(async |(number, shop)| {
        while !stop.load(Ordering::Relaxed) {
            let book = &books[rand::random_range(0..books.len())];
            let body = match rand::random_range(0..4) {
                0 => json!({"change": -1, "reason": "lost"}),
                1 => json!({"counted": 5 + number, "reason": "counted"}),
                _ => json!({"change": 1, "reason": "received"}),
            };
            // Too few copies are refused, and with Redis gone a write may be slow; never anything else.
            let answer = adjust(shop, admin, book, &body).await;
            assert!([200, 409].contains(&answer.status.as_u16()), "{answer:?}");
            written.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    join_all(writers).await;
}

/// Reads streams of these books, which break at any moment, until all that was written by the end is read.
async fn follow(bases: &[String], books: &[String], stop: &AtomicBool, url: &str) -> (Diary, usize) {
    let mut sql = PgConnection::connect(url).await.unwrap();
    let (mut diary, mut streams) = (Diary::default(), 0);
    loop {
        let base = &bases[streams % bases.len()];
        let mut reader = Reader::open(base, books, diary.last_id.as_deref()).await;
        streams += 1;
        let events = rand::random_range(1..60);
        for _ in 0..events {
            let stopped = stop.load(Ordering::Relaxed);
            if stopped && diary.is_complete(&mut sql, books).await {
                return (diary, streams);
            }
            // Nothing comes where all is told and the writers are between two writes.
            match tokio::time::timeout(Duration::from_millis(500), reader.next()).await {
                Ok(Some(told)) if told.name == "lagging" => break,
                Ok(Some(told)) => diary.note(told),
                Ok(None) => break,
                Err(_) => {}
            }
        }
    }
}

/// Readers at one process follow what is written at others, while `disturb` does what it likes.
async fn storm(shops: [&Shop; 3], admin: &str, url: &str, disturb: impl Future<Output = ()>) {
    let [first, second, third] = shops;
    let books = books(first, admin, BOOKS).await;
    let stop = AtomicBool::new(false);
    let bases = [third.url(""), first.url("")];
    let readers = (0..READERS).map(|number| {
        // Half of them stay with the process that writes nothing.
        let bases = if number % 2 == 0 { &bases[..1] } else { &bases[..] };
        follow(bases, &books, &stop, url)
    });
    let written = AtomicUsize::new(0);
    let disturb = async {
        disturb.await;
        eventually("enough is written", async || written.load(Ordering::Relaxed) >= CHANGES).await;
        stop.store(true, Ordering::Relaxed);
    };
    let ((), read, ()) =
        join3(write(&[first, second], admin, &books, &stop, &written), join_all(readers), disturb).await;
    let mut sql = PgConnection::connect(url).await.unwrap();
    let mut streams = 0;
    for (diary, opened) in read {
        streams += opened;
        assert_eq!(diary.versions.len(), BOOKS);
        diary.assert_true(&mut sql).await;
    }
    println!("{written:?} changes, {READERS} readers with {streams} streams");
    assert_ledger_balances(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_arrives_once_and_in_order_across_reconnects() {
    let first = Shop::open().await;
    let (second, third) = Box::pin(futures::future::join(first.beside(&[]), first.beside(&[]))).await;
    let admin = first.administrator().await;
    let url = first.database().primary_url.clone();
    storm([&first, &second, &third], &admin, &url, tokio::time::sleep(Duration::from_secs(5))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_redis_loses_no_change() {
    let stack = Arc::new(own_stack("inventory").await);
    stack.revive(Node::Redis).await.unwrap();
    let first = Shop::on(&stack, &[]).await;
    let (second, third) = Box::pin(futures::future::join(first.beside(&[]), first.beside(&[]))).await;
    let url = stack.url(Node::Primary, "shop").unwrap();
    let admin = first.administrator().await;
    let disturb = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stack.kill(Node::Redis).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        stack.revive(Node::Redis).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    storm([&first, &second, &third], &admin, &url, disturb).await;
}
