//! How often books are looked at.

use time::Date;

use super::ids::{ProductId, ViewBatchId};

/// Looks at one book on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewCount {
    /// Which book.
    pub product: ProductId,
    /// On which day, in UTC.
    pub day: Date,
    /// How many.
    pub views: u64,
}

/// Counts that are written together, and once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewBatch {
    /// By what it is recognised where it comes a second time.
    pub id: ViewBatchId,
    /// The counts: each book and day at most once.
    pub counts: Vec<ViewCount>,
}

impl ViewBatch {
    /// A new batch.
    #[must_use]
    pub fn new(counts: Vec<ViewCount>) -> Self {
        Self { id: ViewBatchId::generate(), counts }
    }

    /// How many looks it holds.
    #[must_use]
    pub fn views(&self) -> u64 {
        self.counts.iter().map(|count| count.views).sum()
    }
}

/// How often one book was looked at, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewTotals {
    /// On the present day, in UTC.
    pub today: i64,
    /// On it and the six days before.
    pub week: i64,
    /// Ever.
    pub total: i64,
}

/// What became of counts that were handed to Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeOutcome {
    /// They are there, or were.
    Added,
    /// There is no room, and they are not there.
    Full,
    /// They may have been there, and Redis has forgotten: to add them now might count them twice.
    Lost,
}

/// What there is to be written of the counts of all processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergedBatch {
    /// Nothing.
    Empty,
    /// Another process is writing.
    Busy,
    /// This batch, to which nothing is added any more.
    Closed(ViewBatch),
}
