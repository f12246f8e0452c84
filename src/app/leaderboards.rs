//! The task of leaderboards. Every process runs it; one at a time follows the outbox.

use std::sync::Arc;

use crate::{domain::leaderboards::Leaderboards, lifecycle::Lifecycle};

/// Starts it.
pub(super) fn follow(lifecycle: &Lifecycle, leaderboards: &Arc<Leaderboards>) {
    let leaderboards = Arc::clone(leaderboards);
    lifecycle.spawn_background("leaderboards", |ending| async move {
        leaderboards.run(ending.cancelled()).await;
    });
}
