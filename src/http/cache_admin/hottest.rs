//! The most read keys as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::cache_admin::Heat;

/// How many are shown.
const SHOWN: usize = 20;

/// A key that is read so much that it is kept warm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheHotKey)]
pub struct HotKeyDocument {
    /// The key.
    #[schema(example = "books:list:genre=fantasy")]
    key: String,
    /// Its family.
    #[schema(example = "book_list")]
    family: &'static str,
    /// About how often this process was asked for it lately: every read is halved once in ten minutes, and one in sixteen is
    /// counted.
    #[schema(minimum = 0, example = 4711.5)]
    reads: f64,
}

/// The first of them.
pub(super) fn shown(hottest: &[Heat]) -> Vec<HotKeyDocument> {
    let document = |heat: &Heat| HotKeyDocument {
        key: heat.key.text().as_ref().to_owned(),
        family: heat.key.family().name(),
        reads: heat.reads,
    };
    hottest.iter().take(SHOWN).map(document).collect()
}
