//! Finished answers: everything of a read's answer that does not depend on who asks, ready to be sent and to be kept.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

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
    /// When it has to be made anew although nothing has changed, in microseconds since 1970; absent where only events count.
    pub valid_until: Option<i64>,
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
    pub particulars: Arc<Particulars>,
    /// The rest as it stands in the answer's fields.
    pub fields: Arc<Fields>,
}

/// Values of an answer's fields, written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `ETag`.
    pub etag: Bytes,
    /// `Last-Modified`.
    pub last_modified: Option<Bytes>,
    /// `Link`.
    pub link: Option<Bytes>,
    /// `Content-Location`.
    pub content_location: Option<Bytes>,
}

impl From<&Particulars> for Fields {
    fn from(particulars: &Particulars) -> Self {
        let date = |seconds: i64| {
            let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?);
            Some(Bytes::from(httpdate::fmt_http_date(at)))
        };
        let copied = |text: &Option<String>| text.as_ref().map(|text| Bytes::copy_from_slice(text.as_bytes()));
        Self {
            etag: format!("\"{}\"", particulars.etag).into(),
            last_modified: particulars.last_modified.and_then(date),
            link: copied(&particulars.link),
            content_location: copied(&particulars.content_location),
        }
    }
}

impl Representation {
    /// An answer of these bytes, not yet compressed.
    #[must_use]
    pub fn new(body: Bytes, particulars: Particulars) -> Self {
        let fields = Arc::new(Fields::from(&particulars));
        Self { body, variants: Variants::default(), particulars: particulars.into(), fields }
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
        self.body.len() + compressed + 2 * (p.etag.len() + texts) + 400
    }
}
