//! Queries for recommendations.

pub(in crate::store) mod books;
pub(in crate::store) mod neighbours;
pub(in crate::store) mod tastes;
