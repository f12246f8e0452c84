//! An online book shop's back end: one service, one database with replicas, and a cache that is never wrong.
//!
//! # The layers, in the order in which a request flows through them
//!
//! | module | what it is | may import |
//! |---|---|---|
//! | [`http`] | protocol: routers, extractors, documents, status codes, OpenAPI | `domain`, `model` |
//! | [`domain`] | rules, authorization, transaction boundaries: a service and an error enum a resource | `store`, `model` |
//! | [`store`] | repositories; `store/sql/` is the only home of queries | `invalidation`, `cache`, `db`, `model` |
//! | [`invalidation`] | events to tags, outbox, relay, the feed of invalidations | `cache`, `db`, `model` |
//! | [`cache`] | L1 and L2, floors, single flight, early and stale answers | `model` |
//! | [`db`] | pools, health and lag of primary and replicas, the one kind of write transaction | |
//! | [`model`] | a leaf: ids, money, books, events, the clock | |
//!
//! A resource has the same file name in every layer: `http/users.rs` -> `domain/users.rs` -> `store/users.rs` ->
//! `store/sql/users.rs`. [`app`] is the composition root and the only place that knows everybody; [`config`] and
//! [`telemetry`] are leaves that the layers above `model` may use; [`lifecycle`] alone spawns long-lived tasks; [`dev`]
//! is the private local stack. A test reads the `use` lines and holds this table.
//!
//! # Invariants
//!
//! * Every write emits an event through its transaction: connections for reads are read-only, and a transaction or single
//!   statement that may write ends only together with its events ([`db::WriteTransaction::commit`],
//!   [`db::Db::write_once`]); book-keeping that no answer shows is the one exception.
//! * Stock, checkout and idempotency keys are read from the primary alone, and copies change only with a row in the ledger.
//! * What is derived from events (deliveries, leaderboards, tastes) is written by the transaction that moves its reader's place in
//!   the outbox: once in effect, however often a process dies ([`store::projections`]).
//! * A book's ratings and a review's votes are counted by triggers, from whole numbers: no statement can forget them.
//! * No connection to the database is held while a payment provider or another system is waited for.
//! * A hit of the first level takes no database connection and no round trip, serializes nothing and compresses nothing.
//! * An entry is served only if it is at least as new as the newest invalidation of each of its tags, and only while what
//!   is known of invalidations is younger than a lease ([`cache`], [`invalidation`]).
//! * A process reads what it wrote: after a commit, a replica answers only once it has replayed it ([`db::Db::read`]).
//! * With a node left, a read is answered; with the primary gone, a write gets 503 and nothing is half done.
//! * Redis down means slower, never wrong and never a 5xx.
//! * Every error is a problem document (RFC 9457), and what comes from outside never makes a 500.
//! * Secrets never reach a log, a trace or an error.

pub mod app;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod config;
pub mod db;
pub mod dev;
pub mod domain;
pub mod http;
pub mod invalidation;
pub mod lifecycle;
pub mod model;
pub mod server;
pub mod store;
pub mod telemetry;
