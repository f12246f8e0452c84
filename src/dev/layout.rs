//! The names of the files in the stack's folder.

use std::path::{Path, PathBuf};

/// The folder that `bookstore dev` uses: `BOOKSTORE_DEV_DIR`, else `.bookstore` beside the nearest `Cargo.toml` at or above
/// the working directory, else `.bookstore` in the working directory.
pub fn default_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("BOOKSTORE_DEV_DIR").filter(|dir| !dir.is_empty()) {
        return dir.into();
    }
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let checkout = here.ancestors().find(|dir| dir.join("Cargo.toml").is_file()).unwrap_or(&here);
    checkout.join(".bookstore")
}

/// The stack's folder (canonical: leftovers are recognised by this very path in their command lines).
#[derive(Debug, Clone)]
pub(super) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A cluster's data directory, Redis' directory.
    pub(super) fn data(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where a replica's copy grows until it is complete.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.part"))
    }

    /// Written last when a cluster is made. It stands outside the data directory, which `pg_basebackup` copies whole.
    pub(super) fn ready(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.ready"))
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.log"))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// libpq's password file, so that no password stands in a command line.
    pub(super) fn passfile(&self) -> PathBuf {
        self.dir.join("pgpass")
    }

    pub(super) fn redis_conf(&self) -> PathBuf {
        self.dir.join("redis.conf")
    }

    pub(super) fn redis_pid(&self) -> PathBuf {
        self.dir.join("redis.pid")
    }
}

/// The name of a replica (counted from 0): its folder, log, slot suffix and application name.
pub(super) fn replica_name(index: usize) -> String {
    format!("replica-{}", index + 1)
}

/// The replication slot of a replica; slots allow no hyphen.
pub(super) fn slot_name(replica: &str) -> String {
    format!("bookstore_{}", replica.replace('-', "_"))
}
