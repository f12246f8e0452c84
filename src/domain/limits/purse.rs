//! How a process spends the cells of a shared bucket without asking for each.
//!
//! A [`Purse`] holds the cells of one subject under one limit. For reads it is filled with a *grant* of several cells at
//! once; when half of it is spent, or the first request comes, the next one is asked for in the background. Meanwhile
//! requests go on *on credit*, of one grant at most, which the next answer settles; beyond that they wait for the answer. So
//! at any time a process is at most one grant ahead of what it has used, and at most one behind.
//!
//! Beside that it counts every request in this process, for the time when the shared bucket cannot be asked: then this
//! process alone decides, and knows already what it has let through.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

use super::gcra::Gcra;
use super::shards::Forgettable;
use crate::store::limits::{Demand, Drawn};

/// For how long the shared bucket is not asked again after it gave no answer.
const PAUSE: Duration = Duration::from_millis(200);

/// How the purses of a limit are filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) gcra: Gcra,
    /// Cells that are drawn at once, and most that are spent on credit.
    pub(super) grant: i32,
}

pub(super) struct Purse {
    /// When this process alone would have the bucket full again.
    full_at: Instant,
    /// Drawn and not spent; negative: spent and not settled.
    cells: i32,
    /// Set while an answer is awaited.
    asking: Option<Arc<Notify>>,
    /// Until when there is nothing to draw. It stays for the time after that, until a cell was drawn: whoever has used all
    /// gets no credit.
    dry_until: Option<Instant>,
    /// Set where the last question got no answer: this process decides alone, and asks again then.
    alone_until: Option<Instant>,
    /// What was left in the shared bucket, and when.
    left: u32,
    left_at: Instant,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Decision {
    /// It may go on, and after it so many more.
    Admitted { left: u32 },
    /// It may come again after this time.
    Refused { wait: Duration },
    /// That is known when the answer is there.
    Later(OwnedNotified),
}

/// A question to the shared bucket.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) demand: Demand,
    /// Who waits for the answer.
    pub(super) waiting: Arc<Notify>,
}

/// A decision, and what it takes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) decision: Decision,
    /// Whether this process decided alone.
    pub(super) alone: bool,
    /// What is to be asked, without waiting for it.
    pub(super) question: Option<Question>,
}

impl Purse {
    pub(super) fn new(terms: &Terms, now: Instant) -> Self {
        Self {
            full_at: now,
            cells: 0,
            asking: None,
            dry_until: None,
            alone_until: None,
            left: terms.gcra.burst,
            left_at: now,
        }
    }

    /// Counts a request by the grants.
    pub(super) fn count(&mut self, terms: &Terms, now: Instant) -> Step {
        if self.cells > 0 {
            self.cells -= 1;
            return self.admit(terms, now, self.cells <= terms.grant / 2);
        }
        if let Some(wait) = self.dry_for(now) {
            return Step { decision: Decision::Refused { wait }, alone: false, question: None };
        }
        if self.alone_until.is_some() {
            let question = self.ask(terms, now);
            let decision = match self.count_alone(terms, now) {
                Ok(left) => Decision::Admitted { left },
                Err(wait) => Decision::Refused { wait },
            };
            return Step { decision, alone: true, question };
        }
        if self.dry_until.is_none() && self.cells > -terms.grant {
            self.cells -= 1;
            return self.admit(terms, now, true);
        }
        let question = self.ask(terms, now);
        let asked = Arc::clone(self.asking.get_or_insert_default());
        // It waits from now on, before anybody else can look at this purse: the answer cannot slip by.
        Step { decision: Decision::Later(asked.notified_owned()), alone: false, question }
    }

    fn admit(&mut self, terms: &Terms, now: Instant, low: bool) -> Step {
        // What the shared bucket allows may be more than this process alone would, where Redis was emptied.
        let _ = terms.gcra.charge(&mut self.full_at, now);
        let question = if low { self.ask(terms, now) } else { None };
        Step { decision: Decision::Admitted { left: self.left(terms, now) }, alone: false, question }
    }

    /// Counts a request in this process alone: how many more are left, or how long to wait for one.
    pub(super) fn count_alone(&mut self, terms: &Terms, now: Instant) -> Result<u32, Duration> {
        terms.gcra.charge(&mut self.full_at, now)?;
        Ok(terms.gcra.left(self.full_at, now))
    }

    /// Takes that back.
    pub(super) fn uncount_alone(&mut self, terms: &Terms) {
        terms.gcra.give_back(&mut self.full_at);
    }

    /// How long the shared bucket is known to have nothing.
    pub(super) fn dry_for(&self, now: Instant) -> Option<Duration> {
        self.dry_until.and_then(|until| until.checked_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// Notes how long that is.
    pub(super) fn set_dry(&mut self, wait: Duration, now: Instant) {
        self.dry_until = Some(now + wait);
    }

    /// Asks, unless that is under way or of no use yet.
    fn ask(&mut self, terms: &Terms, now: Instant) -> Option<Question> {
        let pausing = self.alone_until.is_some_and(|until| now < until);
        if self.asking.is_some() || pausing || self.dry_for(now).is_some() {
            return None;
        }
        let waiting = Arc::clone(self.asking.insert(Arc::default()));
        let wanted = u32::try_from(terms.grant - self.cells.max(0)).unwrap_or(0);
        Some(Question { demand: Demand { settled: (-self.cells).max(0), wanted }, waiting })
    }

    /// Takes the answer to a question.
    pub(super) fn answered(&mut self, demand: Demand, answer: Option<Drawn>, now: Instant) {
        self.asking = None;
        let Some(drawn) = answer else {
            self.alone_until = Some(now + PAUSE);
            return;
        };
        self.alone_until = None;
        self.cells += demand.settled + i32::try_from(drawn.granted).unwrap_or(i32::MAX);
        (self.left, self.left_at) = (drawn.left, now);
        self.dry_until = (drawn.granted == 0).then(|| now + drawn.wait);
    }

    /// What is left for this process: what there was, what came back since, and what it has drawn.
    fn left(&self, terms: &Terms, now: Instant) -> u32 {
        let shared = self.left.saturating_add(terms.gcra.cells_in(now.saturating_duration_since(self.left_at)));
        shared.saturating_add_signed(self.cells).min(terms.gcra.burst)
    }
}

impl Forgettable for Purse {
    fn is_idle(&self, now: Instant) -> bool {
        self.full_at <= now && self.asking.is_none() && self.dry_for(now).is_none()
    }
}

#[cfg(test)]
mod tests;
