//! Outgoing webhooks: what happens in the shop arrives at those who asked, signed, at least once.

mod administration;
mod dispatch;
mod failures;
mod ground;
mod processes;
