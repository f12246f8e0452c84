//! Leaderboards: who is first, by what, in which time.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};
use uuid::Uuid;

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

impl Board {
    /// The boards of books.
    pub const OF_BOOKS: [Self; 3] = [Self::BestSellers, Self::TopRated, Self::MostReviewed];
}

/// One day, week or month, or all time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    /// How long it is.
    pub period: Period,
    /// Its first day, in UTC; the first of January 1970 for all time.
    pub starts_on: Date,
}

impl Window {
    /// The window in which a moment lies.
    #[must_use]
    pub fn at(period: Period, moment: OffsetDateTime) -> Self {
        Self::of(period, moment.to_offset(UtcOffset::UTC).date())
    }

    /// The window in which a day in UTC lies.
    #[must_use]
    pub fn of(period: Period, day: Date) -> Self {
        let starts_on = match period {
            Period::Day => day,
            Period::Week => day.saturating_sub(Duration::days(day.weekday().number_days_from_monday().into())),
            Period::Month => first_of_month(day),
            Period::All => OffsetDateTime::UNIX_EPOCH.date(),
        };
        Self { period, starts_on }
    }

    /// The windows of every length in which a moment lies.
    pub fn all_at(moment: OffsetDateTime) -> impl Iterator<Item = Self> {
        Period::ALL.iter().map(move |period| Self::at(*period, moment))
    }

    /// The first day after it; nothing after all time.
    #[must_use]
    pub fn ends_before(self) -> Option<Date> {
        let start = self.starts_on;
        match self.period {
            Period::Day => Some(start.saturating_add(Duration::DAY)),
            Period::Week => Some(start.saturating_add(Duration::WEEK)),
            // No month has more days.
            Period::Month => Some(first_of_month(start.saturating_add(Duration::days(31)))),
            Period::All => None,
        }
    }

    /// Its first moment; nothing for all time.
    #[must_use]
    pub fn from(self) -> Option<OffsetDateTime> {
        (self.period != Period::All).then(|| midnight(self.starts_on))
    }

    /// The first moment after it; nothing for all time.
    #[must_use]
    pub fn until(self) -> Option<OffsetDateTime> {
        self.ends_before().map(midnight)
    }
}

fn first_of_month(day: Date) -> Date {
    day.replace_day(1).unwrap_or(day)
}

fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_utc()
}

/// Where a member of a board stands: those with smaller keys come first, and of equal keys the smaller ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stand {
    /// The negated score.
    pub key: f64,
    /// The book's or person's id.
    pub member: Uuid,
}

/// A place on a board.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// From 1, each once.
    pub rank: i64,
    /// Who stands there, and why.
    pub stand: Stand,
}

impl Ranked {
    /// Copies, reviews, or the Bayesian average of stars.
    #[must_use]
    pub fn score(&self) -> f64 {
        -self.stand.key
    }
}

/// Places of a board that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// The places, the best first.
    pub places: Vec<Ranked>,
    /// How many there are on the whole board.
    pub total: i64,
}

/// Where one member stands on one board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placing {
    /// The place; nothing where it is not on the board.
    pub place: Option<Ranked>,
    /// How many places the board has.
    pub total: i64,
}

/// What the score of a member in a window becomes more, or less, by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreChange {
    /// On which board.
    pub board: Board,
    /// In which time.
    pub window: Window,
    /// Whose.
    pub member: Uuid,
    /// Copies, ratings or reviews.
    pub count: i64,
    /// Stars.
    pub stars: i64,
}

/// The score that a member has now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// On which board.
    pub board: Board,
    /// In which time.
    pub window: Window,
    /// Whose.
    pub member: Uuid,
    /// The negated score; nothing where there is nothing to count.
    pub key: Option<f64>,
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn windows_turn_at_midnight_in_utc_and_not_before() {
        for (last, first, turned) in [
            (datetime!(2026-11-20 23:59:59.999_999 UTC), datetime!(2026-11-21 00:00 UTC), "day"),
            (datetime!(2026-11-22 23:59:59.999_999 UTC), datetime!(2026-11-23 00:00 UTC), "day week"),
            (datetime!(2026-11-30 23:59:59.999_999 UTC), datetime!(2026-12-01 00:00 UTC), "day month"),
            (datetime!(2027-02-28 23:59:59.999_999 UTC), datetime!(2027-03-01 00:00 UTC), "day week month"),
            (datetime!(2026-12-31 23:59:59.999_999 UTC), datetime!(2027-01-01 00:00 UTC), "day month"),
        ] {
            let windows = Window::all_at(last).zip(Window::all_at(first));
            let changed: Vec<_> = windows.filter(|(before, after)| before != after).collect();
            let names: Vec<_> = changed.iter().map(|(before, _)| before.period.as_str()).collect();
            assert_eq!(names.join(" "), turned, "{first}");
            for (before, after) in changed {
                assert_eq!((before.until(), after.from()), (Some(first), Some(first)));
            }
        }
    }

    #[test]
    fn windows_have_the_lengths_of_the_calendar() {
        let at = |period, day| Window::of(period, day);
        let (week, month) = (at(Period::Week, date!(2027 - 01 - 01)), at(Period::Month, date!(2028 - 02 - 29)));
        assert_eq!((week.starts_on, week.ends_before()), (date!(2026 - 12 - 28), Some(date!(2027 - 01 - 04))));
        assert_eq!((month.starts_on, month.ends_before()), (date!(2028 - 02 - 01), Some(date!(2028 - 03 - 01))));
        let all = at(Period::All, date!(2027 - 01 - 01));
        assert_eq!((all.from(), all.until()), (None, None));
        let elsewhere = datetime!(2026-11-21 01:30 +2);
        assert_eq!(Window::at(Period::Day, elsewhere).starts_on, date!(2026 - 11 - 20));
    }
}
