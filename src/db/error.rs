//! What can go wrong with the database, sorted by what a caller can do about it.

use std::sync::Arc;
use std::time::Duration;

/// Why no node could answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnavailableReason {
    /// The primary is down; reads go on.
    Primary,
    /// No node is up.
    AllNodes,
    /// All connections are in use.
    Busy,
    /// A statement took longer than it may.
    Timeout,
}

impl std::fmt::Display for UnavailableReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Primary => "the primary database cannot be reached",
            Self::AllNodes => "no database can be reached",
            Self::Busy => "all database connections are in use",
            Self::Timeout => "the database took too long",
        })
    }
}

/// An error of the database.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// Nobody could answer now; later somebody may.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: UnavailableReason,
        /// When to try again.
        retry_after: Duration,
    },
    /// A constraint of the schema forbids it.
    #[error("the constraint {0} does not allow it")]
    Constraint(String),
    /// Two transactions were in each other's way; the same one again may well succeed.
    #[error("the transaction collided with another one")]
    Collision,
    /// A defect: of a statement, of the schema, or of a row that the code cannot read.
    #[error("unexpected database error")]
    Unexpected(#[source] Arc<sqlx::Error>),
}

/// What an error says about the node that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The connection broke or the server is going down or coming up.
    NodeDown,
    /// The node cannot answer this, another one can: a standby that cancelled a query for its replay, or a full one.
    TryAnother,
    /// The node is fine.
    NodeFine,
}

/// SQLSTATE codes, from appendix A of the Postgres manual.
fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|e| e.code()).map(std::borrow::Cow::into_owned)
}

pub(super) fn judge(error: &sqlx::Error) -> Verdict {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            Verdict::NodeDown
        }
        sqlx::Error::Database(_) => match code(error).as_deref() {
            // 57P01 admin shutdown, 57P02 crash shutdown, 57P03 cannot connect now, 08xxx connection exceptions.
            Some("57P01" | "57P02" | "57P03") => Verdict::NodeDown,
            Some(code) if code.starts_with("08") => Verdict::NodeDown,
            // 53300 too many connections; on a standby 40001 and 40P01 say that replay had to go first.
            Some("53300" | "40001" | "40P01") => Verdict::TryAnother,
            _ => Verdict::NodeFine,
        },
        _ => Verdict::NodeFine,
    }
}

impl DbError {
    pub(super) fn unavailable(reason: UnavailableReason) -> Self {
        let retry_after = match reason {
            UnavailableReason::Primary | UnavailableReason::AllNodes => Duration::from_secs(2),
            UnavailableReason::Busy | UnavailableReason::Timeout => Duration::from_secs(1),
        };
        Self::Unavailable { reason, retry_after }
    }

    /// Whether the same transaction may succeed when it is run again at once.
    #[must_use]
    pub fn is_collision(&self) -> bool {
        matches!(self, Self::Collision)
    }

    /// The name of the violated constraint.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(name) => Some(name),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::PoolTimedOut = error {
            return Self::unavailable(UnavailableReason::Busy);
        }
        if let Some(name) = error.as_database_error().and_then(|e| e.constraint()) {
            return Self::Constraint(name.to_owned());
        }
        match code(&error).as_deref() {
            Some("40001" | "40P01") => return Self::Collision,
            // 57014 statement timeout, 55P03 lock timeout, 25P03 idle in transaction too long.
            Some("57014" | "55P03" | "25P03") => return Self::unavailable(UnavailableReason::Timeout),
            Some("53300") => return Self::unavailable(UnavailableReason::Busy),
            _ => {}
        }
        match judge(&error) {
            Verdict::NodeDown => Self::unavailable(UnavailableReason::Primary),
            Verdict::TryAnother | Verdict::NodeFine => Self::Unexpected(error.into()),
        }
    }
}
