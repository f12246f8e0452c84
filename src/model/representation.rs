//! Finished answers: everything of a read's answer that does not depend on who asks, ready to be sent and to be kept.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What is told about an answer besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Particulars {
    /// The strong entity tag, without quotes.
    pub etag: String,
    /// When it last changed, in whole seconds since 1970.
    pub last_modified: Option<i64>,
    /// `Link` (RFC 8288).
    pub link: Option<String>,
    /// `Content-Location`.
    pub content_location: Option<String>,
    /// Whether administrators alone may see it.
    pub restricted: bool,
}

/// The same bytes in the content codings that are offered; absent where a coding is not worth it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variants {
    /// Brotli.
    pub br: Option<Bytes>,
    /// Zstandard.
    pub zstd: Option<Bytes>,
    /// Gzip.
    pub gzip: Option<Bytes>,
}

/// A finished JSON answer. Cloning it copies references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// The bytes as they are.
    pub body: Bytes,
    /// The bytes compressed.
    pub variants: Variants,
    /// The rest.
    pub particulars: std::sync::Arc<Particulars>,
}

impl Representation {
    /// An answer of these bytes, not yet compressed.
    #[must_use]
    pub fn new(body: Bytes, particulars: Particulars) -> Self {
        Self { body, variants: Variants::default(), particulars: particulars.into() }
    }

    /// When it last changed.
    #[must_use]
    pub fn last_modified(&self) -> Option<OffsetDateTime> {
        self.particulars.last_modified.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let Variants { br, zstd, gzip } = &self.variants;
        let compressed: usize = [br, zstd, gzip].into_iter().flatten().map(Bytes::len).sum();
        let p = &self.particulars;
        let texts = [&p.link, &p.content_location].into_iter().flatten().map(String::len).sum::<usize>();
        self.body.len() + compressed + p.etag.len() + texts + 256
    }
}
