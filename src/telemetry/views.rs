//! What is measured of the counting of views.

use super::names;

/// Looks at books that were written.
pub fn record_counted(views: u64) {
    metrics::counter!(names::VIEWS_COUNTED_TOTAL).increment(views);
}

/// Looks at books that were not counted for want of room, because Redis lost them, or for want of a primary at the end of the
/// process.
pub fn record_dropped(views: u64) {
    metrics::counter!(names::VIEWS_DROPPED_TOTAL).increment(views);
}
