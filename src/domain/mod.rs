//! The shop's rules: one service and one error enum a resource. Services authorize, decide and draw the boundaries of
//! transactions; they know neither HTTP nor SQL.

pub mod access;
pub mod audit;
pub mod auditor;
pub mod cache_admin;
pub mod carts;
pub mod coupons;
pub mod credentials;
pub mod favourites;
pub mod genres;
pub mod health;
pub mod hot_keys;
pub mod import;
pub mod inventory;
pub mod leaderboards;
pub mod limits;
pub mod listing;
pub mod orders;
pub mod passwords;
pub mod payments;
pub mod pricing;
pub mod products;
pub mod reads;
pub mod recommendations;
pub mod related;
pub mod reviews;
pub mod search;
pub mod seed;
pub mod sessions;
pub mod throttle;
pub mod trending;
pub mod user_stats;
pub mod users;
pub mod views;
pub mod violation;
pub mod warm_up;
pub mod webhooks;

pub use crate::store::consistency;
pub use crate::store::{StoreError, UnavailableReason};
