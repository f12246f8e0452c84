//! Queries for outgoing webhooks.

pub(in crate::store) mod deliveries;
pub(in crate::store) mod endpoints;
pub(in crate::store) mod queue;
