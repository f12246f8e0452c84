//! The tasks of recommendations. Every process that has them enabled runs them; they share the work through the database.

use std::sync::Arc;

use crate::{config, domain::recommendations::Recommendations, lifecycle::Lifecycle};

/// Starts them.
pub(super) fn run(lifecycle: &Lifecycle, settings: &config::Recommendations, recommendations: &Arc<Recommendations>) {
    if !settings.enabled {
        return;
    }
    let follower = Arc::clone(recommendations);
    lifecycle.spawn_background("tastes of readers", |ending| async move {
        ending.run_until_cancelled(follower.run_follower()).await;
    });
    let computer = Arc::clone(recommendations);
    lifecycle.spawn_background("neighbours of books", |ending| async move {
        ending.run_until_cancelled(computer.run_computer()).await;
    });
}
