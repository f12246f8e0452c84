//! The shop's rules: one service and one error enum a resource. Services authorize, decide and draw the boundaries of
//! transactions; they know neither HTTP nor SQL.

pub mod audit;
pub mod health;
pub mod import;
pub mod products;
pub mod violation;
