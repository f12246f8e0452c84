//! Whether this process can serve, and which part is missing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, join_all};

/// How a part is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It works.
    Ok,
    /// It is missing, but requests are answered without it: a replica, Redis, the primary while a replica can be read.
    Degraded,
    /// It is missing, and nothing can be answered without it.
    Failed,
}

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which part, such as `database.primary`.
    pub name: String,
    /// How it is.
    pub condition: Condition,
    /// What is the matter, in words; it holds nothing secret. Empty when all is well.
    pub detail: String,
}

/// Something that can say how its parts are. Called for every look at `/readyz`, so it should answer from what it knows.
pub trait Probe: Send + Sync + 'static {
    /// Its name, used when it does not answer in time.
    fn name(&self) -> &'static str;

    /// How its parts are.
    fn check(&self) -> BoxFuture<'_, Vec<Check>>;
}

/// How the whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The worst condition of all parts.
    pub condition: Condition,
    /// Whether the process is shutting down, and wants no new work.
    pub draining: bool,
    /// Every part.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether requests should be sent here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining && self.condition < Condition::Failed
    }
}

/// A probe that takes longer counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks every probe.
#[derive(Default)]
pub struct Health {
    probes: Vec<Arc<dyn Probe>>,
    draining: AtomicBool,
}

impl Health {
    /// A service that asks these.
    #[must_use]
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self { probes, draining: AtomicBool::new(false) }
    }

    /// From now on the process is not ready: it is shutting down.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// How everything is.
    pub async fn report(&self) -> Report {
        let asked = self.probes.iter().map(|probe| async {
            tokio::time::timeout(PROBE_TIMEOUT, probe.check()).await.unwrap_or_else(|_| {
                let detail = format!("no answer within {} s", PROBE_TIMEOUT.as_secs());
                vec![Check { name: probe.name().to_owned(), condition: Condition::Failed, detail }]
            })
        });
        let checks: Vec<Check> = join_all(asked).await.into_iter().flatten().collect();
        let condition = checks.iter().map(|check| check.condition).max().unwrap_or(Condition::Ok);
        Report { condition, draining: self.draining.load(Ordering::Relaxed), checks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static str, Condition);

    impl Probe for Fixed {
        fn name(&self) -> &'static str {
            self.0
        }

        fn check(&self) -> BoxFuture<'_, Vec<Check>> {
            let check = Check { name: self.0.to_owned(), condition: self.1, detail: String::new() };
            Box::pin(async { vec![check] })
        }
    }

    struct Hung;

    impl Probe for Hung {
        fn name(&self) -> &'static str {
            "hung"
        }

        fn check(&self) -> BoxFuture<'_, Vec<Check>> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn the_worst_part_decides() {
        let health = Health::new(vec![Arc::new(Fixed("a", Condition::Ok)), Arc::new(Fixed("b", Condition::Degraded))]);
        let report = health.report().await;
        assert_eq!((report.condition, report.is_ready()), (Condition::Degraded, true));
        health.start_draining();
        assert!(!health.report().await.is_ready());
        let health = Health::new(vec![Arc::new(Fixed("a", Condition::Ok)), Arc::new(Fixed("b", Condition::Failed))]);
        assert!(!health.report().await.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_counts_as_failed() {
        let report = Health::new(vec![Arc::new(Hung), Arc::new(Fixed("a", Condition::Ok))]).report().await;
        assert!(!report.is_ready());
        assert_eq!(report.checks.len(), 2);
    }
}
