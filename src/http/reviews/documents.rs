//! Reviews as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::domain::reviews::{ModeratedReview, ReviewDraft};
use crate::model::review::{
    ModerationFilter, ReportReason, Review, ReviewContent, ReviewReport, ReviewSort, ReviewSummary,
};

/// What a reader writes.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[schema(as = ReviewInput)]
pub struct ReviewInput {
    /// Stars.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: i64,
    /// A line above the text; not without one.
    #[serde(default)]
    #[schema(max_length = 150, example = "Read it aloud")]
    title: Option<String>,
    /// Plain text on any number of lines. Markup is no error and stays the text that it is: whoever shows it must escape it.
    #[serde(default)]
    #[schema(max_length = 5000, example = "My children wanted one more chapter every evening.")]
    text: Option<String>,
    /// The language of the text, as a BCP 47 tag.
    #[serde(default)]
    #[schema(max_length = 35, example = "en")]
    language: Option<String>,
}

impl From<ReviewInput> for ReviewDraft {
    fn from(input: ReviewInput) -> Self {
        let ReviewInput { rating, title, text, language } = input;
        Self { rating, title, text, language }
    }
}

impl From<ReviewContent> for ReviewInput {
    fn from(content: ReviewContent) -> Self {
        let ReviewContent { rating, title, text, language } = content;
        Self { rating: rating.into(), title, text, language }
    }
}

/// A JSON merge patch (RFC 7396) of a review.
#[derive(Clone, Debug, Deserialize, Validate)]
#[garde(allow_unvalidated)]
#[serde(transparent)]
pub struct ReviewPatch(Map<String, Value>);

impl ReviewPatch {
    /// What the review becomes, before it is checked.
    pub fn apply_to(&self, content: ReviewContent) -> serde_json::Result<Value> {
        let mut document = serde_json::to_value(ReviewInput::from(content))?;
        json_patch::merge(&mut document, &Value::Object(self.0.clone()));
        Ok(document)
    }
}

impl PartialSchema for ReviewPatch {
    /// The schema of [`ReviewInput`] with nothing required.
    fn schema() -> RefOr<Schema> {
        match ReviewInput::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                object.description =
                    Some("A JSON merge patch (RFC 7396): what is left out stays, `null` clears.".into());
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl ToSchema for ReviewPatch {
    fn name() -> std::borrow::Cow<'static, str> {
        "ReviewPatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ReviewInput::schemas(schemas);
    }
}

macro_rules! mirror {
    ($(#[doc = $doc:literal])+ $name:ident of $model:ident { $($(#[doc = $vdoc:literal])+ $variant:ident),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $model)]
        pub enum $name { $($(#[doc = $vdoc])+ $variant),+ }

        impl From<$model> for $name {
            fn from(value: $model) -> Self {
                match value { $($model::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $model {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

mirror!(
    /// The order of a book's reviews.
    SortDocument of ReviewSort {
        /// The newest first.
        Newest,
        /// First those that most people found helpful.
        Helpful,
        /// Most stars first.
        Highest,
        /// Fewest stars first.
        Lowest,
    }
);
mirror!(
    /// Why an administrator should look at a review.
    ReasonDocument of ReportReason {
        /// It sells something.
        Spam,
        /// It insults somebody.
        Offensive,
        /// It is not about the book.
        OffTopic,
        /// It gives away the end.
        Spoiler,
        /// Something else; the note tells.
        Other,
    }
);
mirror!(
    /// Which reviews an administrator looks through.
    ModerationDocument of ModerationFilter {
        /// Those with reports that nobody has looked at.
        Reported,
        /// Those that are hidden.
        Hidden,
        /// All.
        All,
    }
);

/// How somebody votes.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schema(as = ReviewVoteInput)]
pub struct VoteInput {
    /// Whether the review is helpful.
    pub helpful: bool,
}

/// What somebody has to say against a review.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schema(as = ReviewReportInput)]
pub struct ReportInput {
    /// Why.
    #[schema(inline)]
    pub reason: ReasonDocument,
    /// In one's own words.
    #[serde(default)]
    #[schema(max_length = 500, example = "It only links to another shop.")]
    pub note: Option<String>,
}

/// Why a review is hidden.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schema(as = HideReviewInput)]
pub struct HideInput {
    /// For its writer.
    #[schema(min_length = 1, max_length = 500, example = "It names somebody's address.")]
    pub reason: String,
}

/// Who wrote a review.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReviewAuthor)]
pub struct AuthorDocument {
    /// Who.
    id: Uuid,
    /// What the shop calls them.
    #[schema(example = "Ada Lovelace")]
    name: String,
}

/// Whether a review is shown.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReviewState)]
pub enum StateDocument {
    /// Everybody sees it.
    Published,
    /// An administrator hid it: its writer alone sees it, and it does not count.
    Hidden,
}

/// What a reader says of a book.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewDocument {
    /// The identifier.
    id: Uuid,
    /// Of which book.
    product_id: Uuid,
    /// By whom; `null` after the account was closed.
    author: Option<AuthorDocument>,
    /// Stars.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: u8,
    /// A line above the text.
    #[schema(example = "Read it aloud")]
    title: Option<String>,
    /// Plain text, to be escaped where it is shown.
    #[schema(example = "My children wanted one more chapter every evening.")]
    text: Option<String>,
    /// The language of the text, as a BCP 47 tag.
    #[schema(example = "en")]
    language: Option<String>,
    /// Whether its writer bought the book here and has not given it back.
    verified_purchase: bool,
    /// Whether it is shown.
    #[schema(inline)]
    state: StateDocument,
    /// Why it is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    hidden_reason: Option<String>,
    /// How many found it helpful.
    #[schema(minimum = 0, example = 12)]
    helpful: i32,
    /// How many did not.
    #[schema(minimum = 0, example = 1)]
    unhelpful: i32,
    /// Counts the changes of what it says and of whether it is shown.
    #[schema(example = 1)]
    version: i64,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When its writer last changed it.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Review> for ReviewDocument {
    fn from(review: Review) -> Self {
        let ReviewContent { rating, title, text, language } = review.content;
        Self {
            id: review.id.0,
            product_id: review.product.0,
            author: review.author.map(|author| AuthorDocument { id: author.id.0, name: author.name }),
            rating,
            title,
            text,
            language,
            verified_purchase: review.verified,
            state: if review.hidden { StateDocument::Hidden } else { StateDocument::Published },
            hidden_reason: review.hidden_reason,
            helpful: review.helpful,
            unhelpful: review.unhelpful,
            version: review.version,
            created_at: review.created_at,
            updated_at: review.updated_at,
        }
    }
}

/// The published reviews of a book, counted. Ratings that came with the catalogue are not among them: the book's own page
/// counts those too.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReviewSummary)]
pub struct SummaryDocument {
    /// The mean of their stars; 0 where there is none.
    #[schema(example = 4.25)]
    average: f64,
    /// How many there are.
    #[schema(minimum = 0, example = 4)]
    count: i64,
    /// How many have one, two, three, four and five stars.
    #[schema(min_items = 5, max_items = 5, example = json!([0, 0, 1, 1, 2]))]
    histogram: Vec<i64>,
}

impl From<ReviewSummary> for SummaryDocument {
    fn from(summary: ReviewSummary) -> Self {
        Self { average: summary.average(), count: summary.count(), histogram: summary.histogram.to_vec() }
    }
}

/// A page of the reviews of a book.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BookReviewPage)]
pub struct BookPageDocument {
    /// All of them, whatever the filters.
    pub summary: SummaryDocument,
    /// The reviews.
    pub items: Vec<ReviewDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A page of one's own reviews.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReviewPage)]
pub struct PageDocument {
    /// The newest first.
    pub items: Vec<ReviewDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// What somebody has to say against a review.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReviewReport)]
pub struct ReportDocument {
    /// Against which one.
    review_id: Uuid,
    /// Who.
    user_id: Uuid,
    /// Why.
    #[schema(inline)]
    reason: ReasonDocument,
    /// In their words.
    note: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    reported_at: OffsetDateTime,
}

impl From<ReviewReport> for ReportDocument {
    fn from(report: ReviewReport) -> Self {
        let ReviewReport { review, user, reason, note, reported_at, settled_at: _ } = report;
        Self { review_id: review.0, user_id: user.0, reason: reason.into(), note, reported_at }
    }
}

/// A review as administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ModeratedReview)]
pub struct ModeratedDocument {
    /// The review.
    review: ReviewDocument,
    /// How many reports there are about it.
    #[schema(minimum = 0, example = 3)]
    reports: i64,
    /// How many of them nobody has looked at.
    #[schema(minimum = 0, example = 1)]
    open_reports: i64,
    /// The newest twenty of those.
    open: Vec<ReportDocument>,
}

impl From<ModeratedReview> for ModeratedDocument {
    fn from(moderated: ModeratedReview) -> Self {
        let ModeratedReview { review, reports, open, open_count } = moderated;
        Self {
            review: review.into(),
            reports,
            open_reports: open_count,
            open: open.into_iter().map(ReportDocument::from).collect(),
        }
    }
}

/// A page of what administrators look through.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ModeratedReviewPage)]
pub struct ModeratedPageDocument {
    /// The newest first.
    pub items: Vec<ModeratedDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}
