//! The ranking of the keys of the cache by how much they are read.

/// Reads of one key that are to be added to the ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyReads {
    /// The key's text.
    pub key: String,
    /// About how many.
    pub reads: f64,
}

/// A key of the ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedKey {
    /// Its text, as the release wrote it that counted it.
    pub key: String,
    /// About how often it was read, each read halved with time until now.
    pub reads: f64,
}
