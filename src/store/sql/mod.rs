//! The only home of queries. Every one is checked against the schema when it is compiled.

pub(super) mod audit;
pub(super) mod carts;
pub(super) mod coupons;
pub(super) mod facets;
pub(super) mod genres;
pub(super) mod hot_keys;
pub(super) mod idempotency;
pub(super) mod import;
pub(super) mod inventory;
pub(super) mod listing;
pub(super) mod orders;
pub(super) mod payments;
pub(super) mod products;
pub(super) mod projections;
pub(super) mod refunds;
pub(super) mod related;
pub(super) mod search;
pub(super) mod seed;
pub(super) mod sessions;
pub(super) mod stock;
pub(super) mod suggestions;
pub(super) mod trending;
pub(super) mod users;
pub(super) mod views;
pub(super) mod webhooks;
