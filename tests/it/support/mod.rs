//! What integration tests share: real servers, a database of its own for every test, and whole shops over them.

pub mod database;
pub mod people;
pub mod shop;
pub mod stack;

pub use database::{TestDatabase, database};
pub use shop::{Answer, Shop};
pub use stack::{own_stack, stack};

/// Waits until the replica has what was written to a test's database behind the shop's back.
pub async fn settle(_: &TestDatabase) {
    let stack = stack().await;
    let mut primary = database::admin(stack, bookstore::dev::Node::Primary).await;
    database::wait_for_replica(stack, &mut primary).await;
}
