//! What the users of a shop notice when its servers are killed: as little as possible.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bookstore::dev::Node;
use serde_json::json;

use crate::support::{Answer, Shop, eventually, own_stack};

/// Reads without pause from eight connections, and keeps what went wrong.
struct Readers {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Readers {
    fn start(url: &str) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..8).map(|_| {
            let (url, stop, done) = (url.to_owned(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                let mut wrong = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match client.get(&url).send().await {
                        Ok(answer) if answer.status() == 200 => drop(answer.bytes().await.unwrap()),
                        Ok(answer) => wrong.push(format!("{}: {}", answer.status(), answer.text().await.unwrap())),
                        Err(error) => wrong.push(error.to_string()),
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                wrong
            })
        });
        let tasks = tasks.collect();
        Self { stop, done, tasks }
    }

    async fn go_on(&self) {
        let target = self.done.load(Ordering::Relaxed) + 1_000;
        eventually("the readers go on", async || self.done.load(Ordering::Relaxed) >= target).await;
    }

    async fn what_went_wrong(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        futures::future::join_all(self.tasks).await.into_iter().flat_map(Result::unwrap).collect()
    }
}

fn part(answer: &Answer, name: &str) -> String {
    let report = answer.json();
    let parts = report["checks"].as_array().unwrap().clone();
    let part = parts.iter().find(|part| part["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"));
    part["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_notices_nothing_of_a_killed_server() {
    let stack = own_stack("outage").await;
    let shop = Shop::on(&stack, &[("database.probe_interval", "20ms"), ("database.probe_timeout", "3s")]).await;
    let admin = shop.administrator().await;
    let book = json!({"title": "Resilience", "authors": ["A. Survivor"]});
    let created = shop.post("/products").token(&admin).json(&book).send().await.expect(201);
    let path = created.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let ready = async || shop.get("//readyz").send().await;
    let readers = Readers::start(&shop.url(&path));
    readers.go_on().await;

    stack.kill(Node::Redis).await.unwrap();
    readers.go_on().await;
    assert_eq!(part(&ready().await.expect(200), "redis"), "degraded");

    stack.kill(Node::Replica(0)).await.unwrap();
    readers.go_on().await;
    eventually("the loss is told", async || part(&ready().await.expect(200), "database.replica-1") == "degraded").await;
    stack.revive(Node::Replica(0)).await.unwrap();
    eventually("the replica is back", async || part(&ready().await.expect(200), "database.replica-1") == "ok").await;

    // What was acknowledged is replayed before the primary dies, so that its loss takes nothing with it.
    readers.go_on().await;
    stack.kill(Node::Primary).await.unwrap();
    readers.go_on().await;
    eventually("the loss is told", async || part(&ready().await.expect(200), "database.primary") == "degraded").await;
    let refused = shop.post("/products").token(&admin).json(&book).send().await.expect(503);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Whoever is signed in stays so, although it cannot be written down that they were seen.
    shop.clock.advance(time::Duration::minutes(6));
    shop.get("/users/me").token(&admin).send().await.expect(200);
    shop.sign_in("ada@example.org", "correct horse battery").await.expect(503);

    stack.revive(Node::Primary).await.unwrap();
    stack.revive(Node::Redis).await.unwrap();
    eventually("writes are taken again", async || {
        shop.post("/products").token(&admin).json(&book).send().await.status == 201
    })
    .await;
    eventually("all is well again", async || ready().await.json()["status"] == "ok").await;
    readers.go_on().await;
    let wrong = readers.what_went_wrong().await;
    assert!(wrong.is_empty(), "{} reads failed, the first: {}", wrong.len(), wrong[0]);

    stack.kill(Node::Primary).await.unwrap();
    stack.kill(Node::Replica(0)).await.unwrap();
    eventually("nothing is left", async || ready().await.status == 503).await;
    // Redis still tells that nothing has changed, so what is kept is still true; what is not kept cannot be had.
    shop.get(&path).send().await.expect(200);
    let refused = shop.get("/products?sort=title").send().await.expect(503);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    shop.get("//livez").send().await.expect(200);
    stack.stop().await.unwrap();
}
