//! Reviews: what readers say of books.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ids::{ProductId, ReviewId, UserId};
use super::product::names;

/// What an event tells of a review: enough to count it, and to take it out again when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFacts {
    /// Which one.
    pub review: ReviewId,
    /// Of which book.
    pub product: ProductId,
    /// By whom; absent after the account was closed.
    pub user: Option<UserId>,
    /// One to five stars.
    pub rating: u8,
    /// When it was first written.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

names!(
    /// The order of a book's reviews. Equal ones follow by their ids: by when they were written.
    ReviewSort {
        /// The newest first.
        Newest = "newest",
        /// First those that most people found helpful.
        Helpful = "helpful",
        /// Most stars first.
        Highest = "highest",
        /// Fewest stars first.
        Lowest = "lowest",
    }
);

names!(
    /// Why somebody wants an administrator to look at a review.
    ReportReason {
        /// It sells something.
        Spam = "spam",
        /// It insults somebody.
        Offensive = "offensive",
        /// It is not about the book.
        OffTopic = "off_topic",
        /// It gives away the end.
        Spoiler = "spoiler",
        /// Something else; the note tells.
        Other = "other",
    }
);

names!(
    /// Which reviews an administrator looks through.
    ModerationFilter {
        /// Those with reports that nobody has looked at.
        Reported = "reported",
        /// Those that are hidden.
        Hidden = "hidden",
        /// All.
        All = "all",
    }
);

/// What its writer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewContent {
    /// One to five stars.
    pub rating: u8,
    /// A line above the text; never without one.
    pub title: Option<String>,
    /// Plain text.
    pub text: Option<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
}

/// Who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub id: UserId,
    /// What the shop calls them.
    pub name: String,
}

/// What somebody says of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The identifier; later ones are greater.
    pub id: ReviewId,
    /// Of which book.
    pub product: ProductId,
    /// By whom; absent after the account was closed.
    pub author: Option<Author>,
    /// What it says.
    pub content: ReviewContent,
    /// Whether its writer has bought the book here and kept it.
    pub verified: bool,
    /// Hidden by an administrator: neither shown nor counted.
    pub hidden: bool,
    /// Why, for its writer.
    pub hidden_reason: Option<String>,
    /// How many found it helpful.
    pub helpful: i32,
    /// How many did not.
    pub unhelpful: i32,
    /// Counts the changes of what is written, and of whether it is shown.
    pub version: i64,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When its writer last changed it.
    pub updated_at: OffsetDateTime,
}

impl Review {
    /// What events tell of it.
    #[must_use]
    pub fn facts(&self) -> ReviewFacts {
        ReviewFacts {
            review: self.id,
            product: self.product,
            user: self.author.as_ref().map(|author| author.id),
            rating: self.content.rating,
            created_at: self.created_at,
        }
    }

    /// Whether this person wrote it.
    #[must_use]
    pub fn is_by(&self, user: UserId) -> bool {
        self.author.as_ref().is_some_and(|author| author.id == user)
    }
}

/// The shop's own published reviews of a book, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewSummary {
    /// Those of one to five stars.
    pub histogram: [i64; 5],
}

impl ReviewSummary {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.histogram.iter().sum()
    }

    /// Their average; 0 without any.
    #[must_use]
    pub fn average(&self) -> f64 {
        let stars: i64 = (1..).zip(self.histogram).map(|(stars, count)| stars * count).sum();
        if self.count() == 0 { 0.0 } else { stars as f64 / self.count() as f64 }
    }
}

/// Which of a book's reviews are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// With so many stars.
    pub rating: Option<u8>,
    /// By whoever bought the book, or by whoever did not.
    pub verified: Option<bool>,
    /// In this language; `en` finds `en-US` too.
    pub language: Option<String>,
}

/// A place in a list of reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewPosition {
    /// What the list is sorted by: votes or stars, 0 where it goes by ids alone.
    pub key: i32,
    /// The last review before the place.
    pub id: ReviewId,
}

/// Somebody found a review helpful, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewVote {
    /// Which review.
    pub review: ReviewId,
    /// Whether it is helpful.
    pub helpful: bool,
    /// When.
    pub voted_at: OffsetDateTime,
}

/// Somebody wants an administrator to look at a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewReport {
    /// Which review.
    pub review: ReviewId,
    /// Who wants it.
    pub user: UserId,
    /// Why.
    pub reason: ReportReason,
    /// In their words.
    pub note: Option<String>,
    /// When.
    pub reported_at: OffsetDateTime,
    /// When an administrator had looked.
    pub settled_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_count_stars() {
        assert_eq!(ReviewSummary::default().average(), 0.0);
        let summary = ReviewSummary { histogram: [1, 0, 0, 0, 3] };
        assert_eq!((summary.count(), summary.average()), (4, 4.0));
    }
}
