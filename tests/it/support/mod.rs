//! What integration tests share: real servers, a database of its own for every test, and whole shops over them.

pub mod database;
pub mod ledger;
pub mod people;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod selling;
pub mod shop;
pub mod stack;

pub use database::database;
pub use ledger::assert_ledger_balances;
pub use process::Process;
pub use proxy::Proxy;
pub use redis::{RedisCluster, RedisServer};
pub use shop::{Answer, Shop};
pub use stack::{own_stack, stack};

/// Waits until the replica has what was written behind the shop's back.
pub async fn settle() {
    let stack = stack().await;
    let mut primary = database::admin(stack, bookstore::dev::Node::Primary).await;
    database::wait_for_replica(stack, &mut primary).await;
}

/// Waits until something holds; complains after half a minute.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{what}: not within 30 s");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
