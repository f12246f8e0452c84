//! What the shop talks about: identifiers, books, money, events and the clock. A leaf: it imports nothing above it.

pub mod answer;
pub mod audit;
pub mod clock;
pub mod consistency;
pub mod date;
pub mod events;
pub mod genres;
pub mod identity;
pub mod ids;
pub mod isbn;
pub mod listing;
pub mod money;
pub mod order;
pub mod position;
pub mod precondition;
pub mod product;
pub mod related;
pub mod representation;
pub mod search;
pub mod seed;
pub mod stock;
pub mod tags;
pub mod views;
pub mod webhook;
