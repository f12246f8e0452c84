//! All integration tests, in one binary: they share the real servers that `support` starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop, and starts what it needs"
)]

mod architecture;
mod http_frame;
mod import;
mod nodes;
mod outage;
mod products;
mod stack;
mod support;
