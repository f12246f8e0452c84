//! Which version of a thing a change is based on.

/// What `If-Match` asks of the present version. Compare it inside the transaction that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Any version, as long as the thing exists (`If-Match: *`).
    Any,
    /// One of these; none of them when empty.
    OneOf(Vec<i64>),
}

impl ExpectedVersion {
    /// Whether a change may go ahead on this version.
    #[must_use]
    pub fn accepts(&self, present: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&present),
        }
    }
}
