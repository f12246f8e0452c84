//! Faults by real means, for tests: killed, frozen and restarted servers.

use std::sync::Arc;

use super::error::StackError;
use super::server::Server;
use super::stack::{Stack, blocking};

/// A server of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// The Postgres primary.
    Primary,
    /// A streaming replica, counted from 0.
    Replica(usize),
    /// Redis.
    Redis,
}

impl Stack {
    /// Kills a server with all its processes (`SIGKILL`), as a crash of its machine would.
    ///
    /// # Errors
    /// When there is no such server or it survives.
    pub async fn kill(&self, node: Node) -> Result<(), StackError> {
        self.with(node, Server::kill).await
    }

    /// Stops a server in an orderly way.
    ///
    /// # Errors
    /// When there is no such server or it cannot be stopped.
    pub async fn halt(&self, node: Node) -> Result<(), StackError> {
        self.with(node, Server::stop).await
    }

    /// Starts a server that was killed or halted, on its old port, and waits until it is ready; one that runs is left alone.
    /// A replica is ready when it answers, which may be before it streams again.
    ///
    /// # Errors
    /// When there is no such server or it does not start.
    pub async fn revive(&self, node: Node) -> Result<(), StackError> {
        self.with(node, Server::start).await
    }

    /// Freezes a server with all its processes (`SIGSTOP`): its connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn pause(&self, node: Node) -> Result<(), StackError> {
        self.with(node, Server::pause).await
    }

    /// Wakes a frozen server (`SIGCONT`).
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn resume(&self, node: Node) -> Result<(), StackError> {
        self.with(node, Server::resume).await
    }

    /// The process id of a server, while it runs.
    pub fn pid(&self, node: Node) -> Option<i32> {
        self.inner.servers.get(node).ok()?.pid()
    }

    async fn with(
        &self,
        node: Node,
        act: impl FnOnce(&Server) -> Result<(), StackError> + Send + 'static,
    ) -> Result<(), StackError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || act(inner.servers.get(node)?)).await
    }
}
