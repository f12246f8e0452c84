//! What can go wrong with the local stack, worded for the person at the terminal.

use std::io;
use std::path::PathBuf;

/// Why the local stack could not be started, stopped or disturbed.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A live process owns the folder.
    #[error("the local stack in {} is already running (pid {pid})", dir.display())]
    AlreadyRunning {
        /// The owner.
        pid: i32,
        /// The folder.
        dir: PathBuf,
    },
    /// A needed program is missing or too old.
    #[error("{program} {wanted} or newer is needed, {found}: run scripts/install-deps, or set {variable}")]
    Missing {
        /// What is needed.
        program: &'static str,
        /// The oldest major version that will do.
        wanted: u32,
        /// What was found instead.
        found: String,
        /// The environment variable that names its place.
        variable: &'static str,
    },
    /// The data was made by a major version of Postgres which is not installed.
    #[error(
        "the data in {} was made by PostgreSQL {made_by}, which is not installed (found: {found}): \
         install it, or start anew with `make clean-stack`", dir.display()
    )]
    OtherVersion {
        /// The data directory.
        dir: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions that were found.
        found: String,
    },
    /// The folder cannot be used by the account that has to run the servers.
    #[error("{}: {why}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A program failed, or a server ended or did not become ready.
    #[error("{what}{}", if log.is_empty() { String::new() } else { format!("; it said:\n{log}") })]
    Failed {
        /// What was tried and how it ended.
        what: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// Somebody else listens on a port that was free a moment ago.
    #[error("port {0} on 127.0.0.1 is taken by another program")]
    PortTaken(u16),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
}

impl StackError {
    /// A program or server that failed, with the end of what it wrote.
    pub(super) fn failed(what: impl Into<String>, log: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), log: log.into() }
    }
}

/// Adds what was tried to an [`io::Error`].
pub(super) trait Context<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, StackError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, StackError> {
        self.map_err(|source| StackError::Io { what: what(), source })
    }
}
