//! All integration tests, in one binary: they share the real servers that `support` starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod architecture;
mod authorization;
mod nodes;
mod products;
mod sessions;
mod stack;
mod support;
mod throttling;
mod users;
