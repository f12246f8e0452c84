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
mod auditor;
mod authorization;
mod cache;
mod cache_admin;
mod cart;
mod coherence;
mod favourites;
mod fetch;
mod hot_keys;
mod http_frame;
mod import;
mod inventory;
mod leaderboards;
mod limits;
mod listing;
mod model;
mod nodes;
mod orders;
mod outage;
mod payments;
mod plans;
mod products;
mod program;
mod readers;
mod readme;
mod recommendations;
mod redis;
mod related;
mod reviews;
mod rules;
mod search;
mod seed;
mod sessions;
mod stack;
mod storm;
mod support;
mod throttling;
mod trending;
mod user_stats;
mod users;
mod views;
mod webhooks;
