//! The tasks of outgoing webhooks. Every process runs them; they share the work through the database.

use std::sync::Arc;

use crate::{domain::webhooks::Webhooks, lifecycle::Lifecycle};

/// Starts them.
pub(super) fn run(lifecycle: &Lifecycle, webhooks: &Arc<Webhooks>) {
    let dispatcher = Arc::clone(webhooks);
    lifecycle.spawn_background("webhook dispatcher", |ending| async move {
        ending.run_until_cancelled(dispatcher.run_dispatcher()).await;
    });
    let sender = Arc::clone(webhooks);
    lifecycle.spawn_background("webhook sender", |ending| async move {
        sender.run_sender(ending.cancelled()).await;
    });
    let upkeep = Arc::clone(webhooks);
    lifecycle.spawn_background("webhook upkeep", |ending| async move {
        ending.run_until_cancelled(upkeep.run_upkeep()).await;
    });
}
