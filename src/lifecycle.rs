//! Birth and death of the process: signals, shutdown in two stages, and every task that lives long.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// For how long background tasks may take to end.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(5);

/// The stages of the process's life, and its tasks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lifecycle {
    connections: TaskTracker,
    background: TaskTracker,
    stopping: CancellationToken,
    ending: CancellationToken,
    hurrying: CancellationToken,
}

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Every request was answered, and every task ended.
    Clean,
    /// Some were cut off.
    CutOff,
}

impl Lifecycle {
    /// A life that has just begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that works on requests; the end waits for it.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    pub fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(task);
    }

    /// Starts a task that lives as long as the process. It is given a token, and ends soon after that is cancelled.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    pub fn spawn_background<F>(&self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (ending, task) = (self.ending.clone(), task(self.ending.clone()));
        self.background.spawn(async move {
            task.await;
            if !ending.is_cancelled() {
                tracing::error!(task = name, "a background task ended before the process");
            }
        });
    }

    /// Cancelled when no new work is to be accepted.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Begins the end as a signal does.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits for SIGTERM or SIGINT (or [`Lifecycle::stop`]). From then on, a second signal hurries the end.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub async fn wait_for_signal(&self) -> std::io::Result<()> {
        let mut signals = Signals::listen()?;
        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "shutting down"),
            () = self.stopping.cancelled() => return Ok(()),
        }
        let hurrying = self.hurrying.clone();
        self.spawn_background("signals", |ending| async move {
            tokio::select! {
                name = signals.next() => {
                    tracing::warn!(signal = name, "a second signal: open requests are cut off");
                    hurrying.cancel();
                    ending.cancelled().await;
                }
                () = ending.cancelled() => {}
            }
        });
        Ok(())
    }

    /// Waits, for load balancers to notice that the process is not ready any more; not when in a hurry.
    pub async fn pause(&self, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.hurrying.cancelled() => {}
        }
    }

    /// Ends in two stages: no new connections, and time for the open requests; then the background tasks, which may still
    /// have been of use to those.
    pub async fn shut_down(&self, drain_timeout: Duration) -> Shutdown {
        self.stopping.cancel();
        self.connections.close();
        let drained = tokio::select! {
            () = self.connections.wait() => true,
            () = tokio::time::sleep(drain_timeout) => false,
            () = self.hurrying.cancelled() => false,
        };
        if !drained {
            tracing::warn!(connections = self.connections.len(), "cutting off open requests");
        }
        self.ending.cancel();
        self.background.close();
        let ended = tokio::time::timeout(BACKGROUND_TIMEOUT, self.background.wait()).await.is_ok();
        if !ended {
            tracing::warn!(tasks = self.background.len(), "cutting off background tasks");
        }
        if drained && ended { Shutdown::Clean } else { Shutdown::CutOff }
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn background_tasks_outlive_open_requests() {
        let lifecycle = Lifecycle::new();
        let ended = Arc::new(Mutex::new(Vec::new()));
        let (request, task) = (Arc::clone(&ended), Arc::clone(&ended));
        lifecycle.spawn_connection(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            request.lock().unwrap().push("request");
        });
        lifecycle.spawn_background("task", |ending| async move {
            ending.cancelled().await;
            task.lock().unwrap().push("task");
        });
        assert_eq!(lifecycle.shut_down(Duration::from_secs(10)).await, Shutdown::Clean);
        assert_eq!(*ended.lock().unwrap(), ["request", "task"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_comes_at_the_deadline() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_connection(std::future::pending());
        let start = tokio::time::Instant::now();
        assert_eq!(lifecycle.shut_down(Duration::from_secs(10)).await, Shutdown::CutOff);
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hurry_does_not_wait() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_connection(std::future::pending());
        lifecycle.hurrying.cancel();
        let start = tokio::time::Instant::now();
        lifecycle.pause(Duration::from_secs(60)).await;
        assert_eq!(lifecycle.shut_down(Duration::from_secs(60)).await, Shutdown::CutOff);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
