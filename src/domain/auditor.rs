//! The auditor: compares what the cache would answer with what the primary says, entry after entry, as long as the process
//! lives. It finds what should never be; it repairs nothing.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::reads::Reads;
use crate::store::{Entry, Store, Truth};
use crate::telemetry::cache as telemetry;

/// How many entries that cannot be compared are passed over before others get their turn.
const STRIDE: usize = 1_000;

/// For how many leases an entry that differs has time to become invalid. What a writer commits is heard within one lease,
/// also where the writer dies before it can tell; the second one is for the one who tells.
const PATIENCE_LEASES: u32 = 2;

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The entry is true.
    Consistent,
    /// The entry would not be served any more, or the book changed again meanwhile.
    Overtaken,
    /// The primary could not be asked.
    Unknown,
    /// The entry is served and is not true.
    Inconsistent,
}

impl Finding {
    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Overtaken => "overtaken",
            Self::Unknown => "unknown",
            Self::Inconsistent => "inconsistent",
        }
    }
}

/// The auditor. It compares what [`Reads::truth`] can be asked for: books, by id and by ISBN, the genres, pages of lists.
pub struct Auditor {
    store: Store,
    reads: Reads,
}

impl Auditor {
    /// An auditor of the cache of this store.
    #[must_use]
    pub fn new(store: Store, reads: Reads) -> Self {
        Self { store, reads }
    }

    /// Audits one entry after the other, with this pause between two, and begins anew at the end. The order is a chance of
    /// the process, so this is a sample without repetition.
    pub async fn run(&self, pause: Duration) -> Infallible {
        let cache = self.store.cache().clone();
        loop {
            for (number, entry) in cache.walk().enumerate() {
                if Reads::tells_truth(entry.key.family()) && cache.claims(&entry) {
                    self.audit(&entry).await;
                    tokio::time::sleep(pause).await;
                } else if number % STRIDE == STRIDE - 1 {
                    tokio::time::sleep(pause).await;
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Compares one entry with the primary. One that differs is given time to be overtaken: its change may have been
    /// committed and not yet be told.
    pub async fn audit(&self, entry: &Entry) -> Finding {
        let finding = match self.reads.truth(&entry.key).await {
            None => Finding::Unknown,
            Some(truth) if is_true(entry, &truth) => Finding::Consistent,
            Some(truth) => self.look_again(entry, &truth).await,
        };
        telemetry::record_audit(entry.key.family().name(), finding.name());
        finding
    }

    async fn look_again(&self, entry: &Entry, first: &Truth) -> Finding {
        let cache = self.store.cache();
        tokio::time::sleep(cache.floors().lease() * PATIENCE_LEASES).await;
        if !cache.claims(entry) {
            return Finding::Overtaken;
        }
        // A replica may show a commit a moment before the primary does, so what differed may be the newer one.
        let Some(second) = self.reads.truth(&entry.key).await else { return Finding::Unknown };
        if second != *first || !cache.claims(entry) {
            return Finding::Overtaken;
        }
        self.report(entry, &second);
        Finding::Inconsistent
    }

    /// Tells of an entry that is served and is not true, with where it came from.
    fn report(&self, entry: &Entry, truth: &Truth) {
        let age = entry.age(Instant::now());
        let tag = |content: Option<&crate::model::representation::Representation>| {
            content.map_or_else(|| "none".to_owned(), |content| content.particulars.etag.clone())
        };
        let known = match truth {
            Truth::Known(content) => content.as_ref(),
            Truth::Unknown => None,
        };
        telemetry::record_inconsistency(entry.key.family().name(), age);
        tracing::warn!(
            key = %entry.key.text(),
            node = %entry.node,
            epoch = %entry.stamp.epoch,
            as_of = %entry.stamp.position,
            floor = %self.store.cache().floors().required(&entry.watch),
            age_seconds = age.as_secs_f64(),
            tags = ?entry.tags,
            cached = %tag(entry.content.as_ref()),
            primary = %tag(known),
            "the cache answers what is not true"
        );
    }
}

/// Whether an entry says what is true. How its bytes are compressed does not matter.
fn is_true(entry: &Entry, truth: &Truth) -> bool {
    match (&entry.content, truth) {
        (None, Truth::Known(None)) => true,
        (Some(cached), Truth::Known(Some(known))) => {
            cached.body == known.body && cached.particulars == known.particulars
        }
        _ => false,
    }
}
