//! The worst Saturday of the year: far more buyers than copies, through three processes, while parts of the shop die.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bookstore::dev::Node;
use futures::future::join_all;
use reqwest::Method;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::coherence::ground::Ground;
use crate::support::process::send;
use crate::support::selling::{Guest, assert_books_balance, checkout, fill_cart, shelve, stock};
use crate::support::{Answer, Process};

const BUYERS: usize = 1_000;
const COPIES: i32 = 100;

/// The processes of a shop; one that was killed is replaced.
struct Front {
    processes: [RwLock<Process>; 3],
}

impl Front {
    async fn open(ground: &Ground) -> Self {
        Self { processes: ground.three(&[]).await.map(RwLock::new) }
    }

    /// Orders as a client does that wants an answer: one that is cut off or turned away for the moment asks the next process
    /// the same thing once more.
    async fn order(&self, guest: &Guest, first: usize) -> Answer {
        let begun = Instant::now();
        for at in first.. {
            assert!(begun.elapsed() < Duration::from_secs(120), "no answer within two minutes");
            let request = {
                let process = self.processes[at % 3].read().await;
                let request = process.request(Method::POST, "/orders").header("cart-token", &guest.token);
                request.header("idempotency-key", "the-only-one").json(&checkout())
            };
            match send(request).await {
                Ok(answer) if answer.status == 503 || is_running(&answer) => {}
                Ok(answer) => return answer,
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        unreachable!("the loop ends by returning")
    }
}

fn is_running(answer: &Answer) -> bool {
    answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("being worked on"))
}

/// Guests who all have one copy of the same book in their carts.
async fn crowd(ground: &Ground, book: Uuid) -> Vec<Guest> {
    let mut sql = ground.sql().await;
    let guests: Vec<Guest> = (0..BUYERS).map(|_| Guest::new()).collect();
    for guest in &guests {
        fill_cart(&mut sql, &guest.buyer, &[(book, 1)]).await;
    }
    guests
}

/// Requires that each answer is an order or a clear refusal, and gives the orders.
fn sold(answers: &[Answer]) -> BTreeMap<Uuid, &Answer> {
    let mut orders = BTreeMap::new();
    for answer in answers {
        match answer.status.as_u16() {
            201 => {
                let id = answer.json()["id"].as_str().unwrap().parse().unwrap();
                assert!(orders.insert(id, answer).is_none(), "two buyers are told of one order");
            }
            409 => {
                assert_eq!(answer.json()["type"], "/problems/out-of-stock", "{answer:?}");
                assert_eq!(answer.json()["lines"][0]["available"], 0);
            }
            _ => panic!("neither an order nor a refusal: {answer:?}"),
        }
    }
    orders
}

/// Requires that what was acknowledged is there, once, with its stock.
async fn all_is_there(ground: &Ground, book: Uuid, orders: &BTreeMap<Uuid, &Answer>) {
    let mut sql = ground.sql().await;
    let kept: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT o.id, count(l.*) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id ORDER BY o.id",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    let acknowledged: Vec<(Uuid, i64)> = orders.keys().map(|id| (*id, 1)).collect();
    assert_eq!(kept, acknowledged, "orders in the database, and orders that were acknowledged");
    assert_eq!(orders.len(), COPIES as usize);
    assert_eq!(stock(&mut sql, book).await, (COPIES, COPIES));
    assert_books_balance(&mut sql).await;
    let reserved: i64 = sqlx::query_scalar("SELECT count(*) FROM stock_ledger WHERE reason = 'reserved'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(reserved, i64::from(COPIES), "each order has one line in the ledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_of_a_hundred_copies() {
    let ground = Ground::take().await;
    let book = shelve(&mut ground.sql().await, 1, COPIES).await[0];
    let guests = crowd(&ground, book).await;
    let front = Front::open(&ground).await;
    let answers = join_all(guests.iter().enumerate().map(|(at, guest)| front.order(guest, at))).await;
    let orders = sold(&answers);
    all_is_there(&ground, book, &orders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_while_a_process_is_killed_and_the_primary_restarts() {
    let ground = Ground::take().await;
    let book = shelve(&mut ground.sql().await, 1, COPIES).await[0];
    let guests = crowd(&ground, book).await;
    let front = Front::open(&ground).await;
    let done = |n: i64| {
        let ground = &ground;
        async move {
            let begun = Instant::now();
            loop {
                // While the primary is away nobody can be asked.
                if let Ok(mut sql) = PgConnection::connect(&ground.url(Node::Primary)).await {
                    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM orders").fetch_one(&mut sql).await;
                    if count.is_ok_and(|count| count >= n) {
                        return;
                    }
                }
                assert!(begun.elapsed() < Duration::from_secs(60), "{n} orders are not reached");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let faults = async {
        done(15).await;
        front.processes[1].read().await.kill();
        done(30).await;
        ground.stack.kill(Node::Primary).await.unwrap();
        ground.stack.revive(Node::Primary).await.unwrap();
        done(50).await;
        let fresh = ground.process(&[]).await;
        *front.processes[1].write().await = fresh;
        front.processes[2].read().await.kill();
    };
    let buying = join_all(guests.iter().enumerate().map(|(at, guest)| front.order(guest, at)));
    let (answers, ()) = tokio::join!(buying, faults);
    let orders = sold(&answers);
    all_is_there(&ground, book, &orders).await;
    // Each buyer is answered once more as before, by whoever is left.
    for (guest, before) in guests.iter().zip(&answers).filter(|(_, answer)| answer.status == 201).take(10) {
        let again = front.order(guest, 0).await.expect(201);
        assert_eq!(again.body, before.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_fifty_times_at_three_processes() {
    let ground = Ground::take().await;
    let mut sql = ground.sql().await;
    let book = shelve(&mut sql, 1, COPIES).await[0];
    let guest = Guest::new();
    fill_cart(&mut sql, &guest.buyer, &[(book, 3)]).await;
    let front = Front::open(&ground).await;
    let answers = join_all((0..50).map(|at| front.order(&guest, at))).await;
    let bodies: Vec<Value> = answers.iter().map(Answer::json).collect();
    for (answer, body) in answers.iter().zip(&bodies) {
        assert_eq!((answer.status.as_u16(), &answer.body), (201, &answers[0].body), "{body}");
    }
    assert_eq!(stock(&mut sql, book).await, (COPIES, 3));
    assert_books_balance(&mut sql).await;
}
