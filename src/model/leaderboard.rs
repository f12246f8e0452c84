//! Leaderboards: who is first, by what, in which time.

use serde::{Deserialize, Serialize};

use super::product::names;

names!(
    /// By what is counted. Equal scores are in the order of ids: what has been in the shop for longer comes first.
    Board {
        /// Books by copies sold: those of orders that were paid for and not given back.
        BestSellers = "best_sellers",
        /// Books by what the readers of this shop think, by a Bayesian average that one vote does not move far.
        TopRated = "top_rated",
        /// Books by the number of their reviews.
        MostReviewed = "most_reviewed",
        /// People by the number of their reviews.
        TopReviewers = "top_reviewers",
    }
);

names!(
    /// In which time, by the calendar in UTC.
    Period {
        /// A day, from midnight to midnight.
        Day = "day",
        /// A week, from Monday (ISO 8601).
        Week = "week",
        /// A month.
        Month = "month",
        /// Since the shop opened.
        All = "all",
    }
);
