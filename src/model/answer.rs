//! A finished answer with where it came from: what travels from the cache up to whoever sends it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::representation::Representation;

/// Something could not be written as JSON, which is a mistake in the code.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the answer cannot be written: {0}")]
pub struct RenderError(pub Arc<serde_json::Error>);

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        Self(Arc::new(error))
    }
}

/// Makes a finished answer of what was read.
pub type Render<T> = fn(T) -> Result<Representation, RenderError>;

/// Makes a finished answer of what was read for this query, in its canonical form.
pub type RenderQuery<T> = fn(T, &str) -> Result<Representation, RenderError>;

/// Where an answer came from (RFC 9211).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A level of the cache.
    Cache {
        /// Its name.
        level: &'static str,
        /// How much longer the entry is fresh, nothing where it is not any more.
        fresh_for: Option<Duration>,
        /// How long ago it was loaded.
        age: Duration,
    },
    /// The database.
    Origin,
}

/// A finished answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is sent.
    pub representation: Representation,
    /// What it depends on, separated by spaces: by these a CDN can be told to forget it.
    pub surrogate_keys: Bytes,
    /// Where it came from.
    pub source: Source,
}
