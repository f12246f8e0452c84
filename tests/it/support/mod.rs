//! What integration tests share: real servers, and a database of its own for every test.

pub mod database;
pub mod stack;

pub use database::database;
pub use stack::{own_stack, stack};
