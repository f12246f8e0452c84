//! The private local stack: a Postgres primary, streaming replicas and Redis on loopback.
//!
//! `bookstore dev` and the integration tests run against these real servers, which live in one folder, listen on ports of
//! their own and need no container engine. The folder is made for exactly one owner at a time:
//!
//! - `lock` is held (flock) by the owner, and by its [guardian](guardian) until everything has stopped.
//! - `state.json` keeps the ports and the generated passwords; it is written before anything that depends on it.
//! - `<name>.ready` is written last when a cluster is made. A cluster without it is half made and is made again.
//! - Servers that a killed owner left behind are found by their command lines, which name the folder, and are stopped.
//!
//! This module knows nothing about the shop: migrations come in from outside (see [`exec`]).

mod account;
mod binaries;
mod bring_up;
mod cluster;
mod error;
mod exec;
mod faults;
mod files;
mod guardian;
mod layout;
mod leftovers;
mod lock;
mod ports;
mod process;
mod redis;
mod server;
mod stack;
mod state;

pub use error::StackError;
pub use exec::exec;
pub use faults::Node;
pub use layout::default_dir;
pub use stack::{Stack, StackOptions};
