//! All integration tests, in one binary: they share the real servers that `support` starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod architecture;
mod nodes;
mod products;
mod stack;
mod support;
