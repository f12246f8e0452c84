//! The shop's rules: one service and one error enum a resource. Services authorize, decide and draw the boundaries of
//! transactions; they know neither HTTP nor SQL.

pub mod audit;
pub mod genres;
pub mod health;
pub mod listing;
pub mod products;
pub mod related;
pub mod search;
pub mod violation;

pub use crate::store::{StoreError, UnavailableReason};
