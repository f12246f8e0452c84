//! The only home of queries. Every one is checked against the schema when it is compiled.

pub(super) mod audit;
pub(super) mod import;
pub(super) mod products;
