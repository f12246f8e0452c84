//! Why Redis did not answer, and which answers say that it is unwell.

use std::time::Duration;

use deadpool_redis::redis::{self, ErrorKind, ServerErrorKind};

/// Why a call got no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The addresses cannot be used.
    #[error("{0}")]
    Address(String),
    /// The circuit breaker is open: nothing was sent.
    #[error("Redis is not asked for now: it failed too often")]
    Open,
    /// No answer at the soft deadline. The call goes on without its caller.
    #[error("no answer from Redis within {0:?}, and its caller waits no longer")]
    Slow(Duration),
    /// No answer at the hard deadline. Whether a command took effect is unknown.
    #[error("no answer from Redis within {0:?}")]
    Timeout(Duration),
    /// No connection could be had: nothing was sent.
    #[error("no connection to Redis: {0}")]
    Connection(String),
    /// The answer is none that its caller understands.
    #[error("an unexpected answer from Redis: {0}")]
    Answer(String),
    /// The connection broke, or the server answered with an error.
    #[error("{0}")]
    Command(#[from] redis::RedisError),
}

impl RedisError {
    /// Whether the server (or the way to it) is at fault rather than the command. The breaker counts these.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Address(_) | Self::Open | Self::Answer(_) => false,
            Self::Slow(_) | Self::Timeout(_) | Self::Connection(_) => true,
            Self::Command(error) => match error.kind() {
                ErrorKind::Io | ErrorKind::ClusterConnectionNotFound | ErrorKind::AuthenticationFailed => true,
                // It loads its data, has lost its primary or its cluster, or became a replica: nothing works there.
                ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::ReadOnly,
                ) => true,
                // What is no answer of the protocol leaves the connection out of step.
                ErrorKind::Parse => true,
                _ => false,
            },
        }
    }

    /// Whether a script is to be sent with its code.
    pub(super) fn is_unknown_script(&self) -> bool {
        self.is_server_error(ServerErrorKind::NoScript)
    }

    fn is_server_error(&self, kind: ServerErrorKind) -> bool {
        matches!(self, Self::Command(error) if error.kind() == ErrorKind::Server(kind))
    }

    /// Whether the same command may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.is_failure() || self.is_server_error(ServerErrorKind::TryAgain)
    }

    /// For metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Open => "open",
            Self::Slow(_) => "slow",
            Self::Timeout(_) => "timeout",
            Self::Connection(_) => "connection",
            Self::Answer(_) => "answer",
            Self::Command(_) if self.is_failure() => "connection",
            Self::Command(_) => "reply",
        }
    }
}
