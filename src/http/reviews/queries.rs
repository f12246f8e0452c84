//! The parameters of lists of reviews.

use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::documents::{ModerationDocument, SortDocument};
use crate::domain::reviews::DEFAULT_LIMIT;

/// Which reviews of a book.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewsQuery {
    /// The order.
    #[serde(default = "newest")]
    #[garde(skip)]
    #[param(inline, required = false, default = "newest")]
    pub sort: SortDocument,
    /// Only those with so many stars.
    #[serde(default)]
    #[garde(range(min = 1, max = 5))]
    #[param(minimum = 1, maximum = 5)]
    pub rating: Option<u8>,
    /// `true`: only by those who bought the book here; `false`: only by others.
    #[serde(default)]
    #[garde(skip)]
    pub verified: Option<bool>,
    /// Only those in this language, a BCP 47 tag; `en` finds `en-US` too.
    #[serde(default)]
    #[garde(length(max = 35))]
    #[param(max_length = 35, example = "en")]
    pub language: Option<String>,
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before, in the same order.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

/// A part of a list by ids.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnReviewsQuery {
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

/// Which reviews to look through.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ModerationQuery {
    /// Which ones.
    #[serde(default = "reported")]
    #[garde(skip)]
    #[param(inline, required = false, default = "reported")]
    pub state: ModerationDocument,
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

fn newest() -> SortDocument {
    SortDocument::Newest
}

fn reported() -> ModerationDocument {
    ModerationDocument::Reported
}

fn default_limit() -> u16 {
    DEFAULT_LIMIT
}
