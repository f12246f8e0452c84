//! Leaderboards as JSON.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::leaderboards::{BoardCursor, BoardPage, BookRanks, Entry, Member, OwnRank};
use crate::http::listing::SummaryDocument;
use crate::model::leaderboard::{Board, Period, Stand, Window};

/// By what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Leaderboard)]
pub(super) enum BoardDocument {
    BestSellers,
    TopRated,
    MostReviewed,
    TopReviewers,
}

impl From<BoardDocument> for Board {
    fn from(board: BoardDocument) -> Self {
        match board {
            BoardDocument::BestSellers => Self::BestSellers,
            BoardDocument::TopRated => Self::TopRated,
            BoardDocument::MostReviewed => Self::MostReviewed,
            BoardDocument::TopReviewers => Self::TopReviewers,
        }
    }
}

impl From<Board> for BoardDocument {
    fn from(board: Board) -> Self {
        match board {
            Board::BestSellers => Self::BestSellers,
            Board::TopRated => Self::TopRated,
            Board::MostReviewed => Self::MostReviewed,
            Board::TopReviewers => Self::TopReviewers,
        }
    }
}

/// In which time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LeaderboardPeriod)]
pub(super) enum PeriodDocument {
    Day,
    #[default]
    Week,
    Month,
    All,
}

impl From<PeriodDocument> for Period {
    fn from(period: PeriodDocument) -> Self {
        match period {
            PeriodDocument::Day => Self::Day,
            PeriodDocument::Week => Self::Week,
            PeriodDocument::Month => Self::Month,
            PeriodDocument::All => Self::All,
        }
    }
}

impl From<Period> for PeriodDocument {
    fn from(period: Period) -> Self {
        match period {
            Period::Day => Self::Day,
            Period::Week => Self::Week,
            Period::Month => Self::Month,
            Period::All => Self::All,
        }
    }
}

fn default_limit() -> u16 {
    20
}

fn default_neighbours() -> u16 {
    2
}

/// Which part of a board.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BoardParameters {
    /// A day, a week (from Monday) or a month by the calendar in UTC, or all time.
    #[serde(default)]
    #[garde(skip)]
    #[param(required = false, default = "week")]
    pub period: PeriodDocument,
    /// A day of the window, in UTC. Without it, the window is the present one, or the one of the cursor.
    #[serde(default)]
    #[garde(inner(custom(is_day)))]
    #[param(format = "date", example = "2026-11-21")]
    pub date: Option<String>,
    /// How many places at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before. It fits the same board, period and window alone.
    #[serde(default)]
    #[garde(inner(custom(is_cursor)))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

/// Where one's own place is looked for.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OwnRankParameters {
    /// The present day, week or month by the calendar in UTC, or all time.
    #[serde(default)]
    #[garde(skip)]
    #[param(required = false, default = "week")]
    pub period: PeriodDocument,
    /// How many neighbours at most on either side.
    #[serde(default = "default_neighbours")]
    #[garde(range(max = 25))]
    #[param(required = false, minimum = 0, maximum = 25, default = 2)]
    pub neighbours: u16,
}

/// Reads `2026-11-21`.
pub(super) fn day(text: &str) -> Option<Date> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok()
}

fn is_day(text: &str, _: &()) -> garde::Result {
    day(text).map(drop).ok_or_else(|| garde::Error::new("is no day such as 2026-11-21"))
}

fn is_cursor(text: &str, _: &()) -> garde::Result {
    cursor(text).map(drop).ok_or_else(|| garde::Error::new("is no cursor of a leaderboard"))
}

/// Which value of a list of names it is.
fn index<T: PartialEq>(all: &[T], value: T) -> u8 {
    all.iter().position(|one| *one == value).and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

/// A cursor as text: board, period, first day of the window, key and id, in base64url.
pub(super) fn cursor_text(cursor: &BoardCursor) -> String {
    let BoardCursor { board, window, after } = cursor;
    let mut bytes = vec![index(Board::ALL, *board), index(Period::ALL, window.period)];
    bytes.extend(window.starts_on.to_julian_day().to_be_bytes());
    bytes.extend(after.key.to_be_bytes());
    bytes.extend(after.member.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor that a text is, if it is one.
pub(super) fn cursor(text: &str) -> Option<BoardCursor> {
    let bytes: [u8; 30] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let ([board, period], rest) = bytes.split_first_chunk()?;
    let (day, rest) = rest.split_first_chunk()?;
    let (key, member) = rest.split_first_chunk()?;
    let board = *Board::ALL.get(usize::from(*board))?;
    let period = *Period::ALL.get(usize::from(*period))?;
    let day = Date::from_julian_day(i32::from_be_bytes(*day)).ok().filter(|day| (0..=9999).contains(&day.year()))?;
    let window = Window::of(period, day);
    let key = Some(f64::from_be_bytes(*key)).filter(|key| key.is_finite())?;
    let after = Stand { key, member: Uuid::from_slice(member).ok()? };
    (window.starts_on == day).then_some(BoardCursor { board, window, after })
}

/// A time by the calendar, in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeaderboardWindow)]
pub(super) struct WindowDocument {
    /// Its first moment; `null` for all time.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(example = "2026-11-16T00:00:00Z")]
    from: Option<OffsetDateTime>,
    /// The first moment after it; `null` for all time.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(example = "2026-11-23T00:00:00Z")]
    until: Option<OffsetDateTime>,
}

impl From<Window> for WindowDocument {
    fn from(window: Window) -> Self {
        Self { from: window.from(), until: window.until() }
    }
}

/// Somebody who writes reviews.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reviewer)]
pub(super) struct ReviewerDocument {
    /// Who.
    id: Uuid,
    /// What they are called.
    #[schema(example = "Ada")]
    name: String,
}

/// A place on a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeaderboardEntry)]
pub(super) struct EntryDocument {
    /// From 1, each once: who has the same score stands in the order of ids.
    #[schema(minimum = 1, example = 1)]
    rank: i64,
    /// Copies sold, the number of reviews, or the Bayesian average of stars.
    #[schema(example = 42.0)]
    score: f64,
    /// The book, on a board of books.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<SummaryDocument>,
    /// The person, on a board of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewer: Option<ReviewerDocument>,
}

impl From<Entry> for EntryDocument {
    fn from(entry: Entry) -> Self {
        let (rank, score) = (entry.place.rank, entry.place.score());
        match entry.member {
            Member::Book(book) => Self { rank, score, product: Some((*book).into()), reviewer: None },
            Member::Person { id, name } => {
                Self { rank, score, product: None, reviewer: Some(ReviewerDocument { id: id.0, name }) }
            }
        }
    }
}

/// A page of a board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeaderboardPage)]
pub(super) struct BoardPageDocument {
    /// Which board.
    board: BoardDocument,
    /// How long the window is.
    period: PeriodDocument,
    /// In which time.
    window: WindowDocument,
    /// Where the scores were read: `redis`, or `database` where Redis does not have them, as for times that are over.
    #[schema(example = "redis")]
    source: &'static str,
    /// How many places the board has.
    #[schema(minimum = 0, example = 812)]
    total: i64,
    /// The best first. A place whose book is being prepared again, or whose person is gone, is left out for as long.
    items: Vec<EntryDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl From<BoardPage> for BoardPageDocument {
    fn from(page: BoardPage) -> Self {
        Self {
            board: page.board.into(),
            period: page.window.period.into(),
            window: page.window.into(),
            source: page.source.as_str(),
            total: page.total,
            items: page.entries.into_iter().map(EntryDocument::from).collect(),
            next_cursor: page.next.as_ref().map(cursor_text),
        }
    }
}

/// Where a book stands on one board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductRank)]
pub(super) struct RankDocument {
    /// Which board.
    board: BoardDocument,
    /// How long the window is.
    period: PeriodDocument,
    /// In which time.
    window: WindowDocument,
    /// The place; `null` where the book is not on the board.
    #[schema(minimum = 1, example = 3)]
    rank: Option<i64>,
    /// Copies sold, the number of reviews, or the Bayesian average of stars.
    #[schema(example = 17.0)]
    score: Option<f64>,
    /// How many places the board has.
    #[schema(minimum = 0, example = 812)]
    total: i64,
}

/// Where a book stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductRanks)]
pub(super) struct RanksDocument {
    /// The book.
    product_id: Uuid,
    /// Where the scores were read: `redis`, or `database` where Redis does not have them.
    #[schema(example = "redis")]
    source: &'static str,
    /// Board by board; the present day, week and month, and all time.
    items: Vec<RankDocument>,
}

impl From<BookRanks> for RanksDocument {
    fn from(ranks: BookRanks) -> Self {
        let rank = |(board, window, placing): (Board, Window, crate::model::leaderboard::Placing)| RankDocument {
            board: board.into(),
            period: window.period.into(),
            window: window.into(),
            rank: placing.place.map(|place| place.rank),
            score: placing.place.map(|place| place.score()),
            total: placing.total,
        };
        Self {
            product_id: ranks.book.0,
            source: ranks.source.as_str(),
            items: ranks.placings.into_iter().map(rank).collect(),
        }
    }
}

/// Where one stands among those who write reviews.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnRank)]
pub(super) struct OwnRankDocument {
    /// Which board.
    board: BoardDocument,
    /// How long the window is.
    period: PeriodDocument,
    /// In which time.
    window: WindowDocument,
    /// Where the scores were read: `redis`, or `database` where Redis does not have them.
    #[schema(example = "redis")]
    source: &'static str,
    /// One's own place; `null` for whoever has written nothing in that time.
    #[schema(minimum = 1, example = 17)]
    rank: Option<i64>,
    /// How many reviews one has written.
    #[schema(example = 4.0)]
    score: Option<f64>,
    /// How many places the board has.
    #[schema(minimum = 0, example = 812)]
    total: i64,
    /// One's own place between its neighbours, the best first.
    items: Vec<EntryDocument>,
}

impl From<OwnRank> for OwnRankDocument {
    fn from(found: OwnRank) -> Self {
        Self {
            board: BoardDocument::TopReviewers,
            period: found.window.period.into(),
            window: found.window.into(),
            source: found.source.as_str(),
            rank: found.own.map(|own| own.rank),
            score: found.own.map(|own| own.score()),
            total: found.total,
            items: found.entries.into_iter().map(EntryDocument::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        for (board, period, key) in
            [(Board::TopRated, Period::Week, -4.127_659_574_468_085), (Board::BestSellers, Period::All, -12.0)]
        {
            let window = Window::of(period, date!(2026 - 11 - 21));
            let written = BoardCursor { board, window, after: Stand { key, member: Uuid::from_u128(7) } };
            let text = cursor_text(&written);
            assert_eq!(cursor(&text), Some(written));
            assert_eq!(cursor(&text[1..]), None);
        }
        let monday = Window { period: Period::Week, starts_on: date!(2026 - 11 - 17) };
        let wrong =
            BoardCursor { board: Board::TopRated, window: monday, after: Stand { key: -1.0, member: Uuid::nil() } };
        assert_eq!(cursor(&cursor_text(&wrong)), None, "no week begins on a Tuesday");
        assert_eq!([cursor(""), cursor("%"), cursor("AAAA")], [None, None, None]);
    }
}
