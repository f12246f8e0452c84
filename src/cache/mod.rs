//! The levels of the cache.

pub mod redis;

pub use redis::{Redis, RedisError, RedisOptions};
