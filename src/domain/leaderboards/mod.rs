//! Leaderboards: who is first, by what, in which time.
//!
//! 1. [`follow`]: what happens in the shop moves scores in Postgres, each event once, and then the sorted sets in Redis, from
//!    which the boards are read. Redis may lose them at any time: they are made anew from the scores.
//! 2. Here: pages, places and neighbours, from Redis where it has the scores that the database has, or newer ones, and from
//!    the database where it has not.

mod follow;
mod tally;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use time::{Date, OffsetDateTime};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::config;
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::clock::Clock;
use crate::model::ids::{ProductId, UserId};
use crate::model::leaderboard::{Board, Period, Placing, Ranked, Stand, Stretch, Window};
use crate::model::listing::ProductSummary;
use crate::model::tags::Tag;
use crate::store::leaderboards::shared::{Shared, SharedError};
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError};
use crate::telemetry::leaderboards as telemetry;

/// Why a request about leaderboards was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LeaderboardError {
    /// There is no such book.
    #[error("there is no such book")]
    NotFound,
    /// The cursor belongs to another board or window.
    #[error("the cursor is of another list")]
    ForeignCursor,
    /// Redis cannot tell, and the database has to.
    #[error("Redis does not have the scores that the database has")]
    NotShared,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The answer was lost: a mistake in the code.
    #[error("there is always a board, if only an empty one")]
    Missing,
}

impl Outage for LeaderboardError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// Where scores were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreSource {
    /// The sorted sets in Redis.
    Redis,
    /// The scores in the database.
    Database,
}

impl ScoreSource {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Database => "database",
        }
    }
}

/// Where a page of a board begins: behind somebody in one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoardCursor {
    /// On which board.
    pub board: Board,
    /// In which window.
    pub window: Window,
    /// Behind whom.
    pub after: Stand,
}

/// A request for a page of a board.
#[derive(Clone, Copy, Debug)]
pub struct BoardRequest {
    /// Which one.
    pub board: Board,
    /// In which time.
    pub period: Period,
    /// A day of the window, in UTC; the present one when absent.
    pub day: Option<Date>,
    /// Where the page begins. Without a day it tells the window as well.
    pub cursor: Option<BoardCursor>,
    /// How many.
    pub limit: u16,
}

/// Who stands on a board.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    /// A book.
    Book(Box<ProductSummary>),
    /// A person.
    Person {
        /// Who.
        id: UserId,
        /// What they are called.
        name: String,
    },
}

/// A place and who stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The place.
    pub place: Ranked,
    /// Who stands there.
    pub member: Member,
}

/// A page of a board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardPage {
    /// Which board.
    pub board: Board,
    /// In which time.
    pub window: Window,
    /// Where it was read.
    pub source: ScoreSource,
    /// How many places the board has.
    pub total: i64,
    /// The places. One whose book is being prepared again, or whose person is gone, is left out.
    pub entries: Vec<Entry>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<BoardCursor>,
    /// How many were asked for.
    pub limit: u16,
}

/// Where a book stands on each of its boards.
#[derive(Clone, Debug, PartialEq)]
pub struct BookRanks {
    /// Which book.
    pub book: ProductId,
    /// Where it was read.
    pub source: ScoreSource,
    /// Board by board, and window by window.
    pub placings: Vec<(Board, Window, Placing)>,
}

/// Where somebody stands among those who write reviews.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRank {
    /// In which time.
    pub window: Window,
    /// Where it was read.
    pub source: ScoreSource,
    /// How many places the board has.
    pub total: i64,
    /// Their own place; nothing where they wrote nothing.
    pub own: Option<Ranked>,
    /// That place between its neighbours.
    pub entries: Vec<Entry>,
}

/// How leaderboards become answers.
#[derive(Clone, Copy)]
pub struct Pages {
    /// A page of a board.
    pub board: Render<BoardPage>,
    /// Where a book stands.
    pub ranks: Render<BookRanks>,
}

/// The service for leaderboards.
pub struct Leaderboards {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: config::Leaderboards,
    pages: Pages,
    /// Whether everything is known to have been counted once.
    counted: AtomicBool,
    /// Rings when somebody found that Redis does not have what it should.
    doubted: Arc<Notify>,
}

impl Leaderboards {
    /// The service over this store; `pages` makes its answers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, settings: config::Leaderboards, pages: Pages) -> Self {
        Self { store, clock, settings, pages, counted: AtomicBool::new(false), doubted: Arc::default() }
    }

    /// A page of a board. A window that is over is read from the database; so is every other one as long as Redis does not
    /// have it.
    ///
    /// # Errors
    /// [`LeaderboardError::ForeignCursor`], or the database's.
    pub async fn page(&self, request: BoardRequest) -> Result<Answer, LeaderboardError> {
        let BoardRequest { board, period, limit, cursor, .. } = request;
        let present = Window::at(period, self.clock.now());
        let window = match (request.day, cursor) {
            (Some(day), _) => Window::of(period, day),
            (None, Some(cursor)) => cursor.window,
            (None, None) => present,
        };
        if cursor.is_some_and(|cursor| cursor.board != board || cursor.window != window || window.period != period) {
            return Err(LeaderboardError::ForeignCursor);
        }
        let after = cursor.map(|cursor| cursor.after);
        let from = after.map(|after| format!("{}/{}", after.key, after.member.simple())).unwrap_or_default();
        // The window is a part of the key: when it turns, nobody asks for the one before any more.
        let key = format!("{board}:{period}:{}:limit={limit}&after={from}", window.starts_on);
        let (render, wanted, doubted) = (self.pages.board, i64::from(limit) + 1, Arc::clone(&self.doubted));
        let answer = move |store: Store, source: ScoreSource| {
            let doubted = Arc::clone(&doubted);
            async move {
                let stretch = match source {
                    ScoreSource::Redis => {
                        let found = store.shared_leaderboard(board, window, after, wanted).await;
                        believed(&store, found, &doubted).await?
                    }
                    ScoreSource::Database => store.leaderboard(board, window, after, wanted).await?,
                };
                telemetry::record_read(source.as_str());
                let Stretch { mut places, total } = stretch;
                let more = places.len() > usize::from(limit);
                places.truncate(limit.into());
                let next = places.last().filter(|_| more).map(|last| BoardCursor { board, window, after: last.stand });
                let entries = entries(&store, board, places).await?;
                let tags: Vec<Tag> = entries.iter().map(|entry| tag(&entry.member)).collect();
                let page = BoardPage { board, window, source, total, entries, next, limit };
                Ok(tags.into_iter().fold(Rendered::found(render(page)?), Rendered::depends_on))
            }
        };
        self.answered(key, vec![Tag::leaderboard(board)], window == present, answer)
            .await?
            .ok_or(LeaderboardError::Missing)
    }

    /// Where a book stands on the boards of books, in the present windows.
    ///
    /// # Errors
    /// [`LeaderboardError::NotFound`], or the database's.
    pub async fn ranks_of(&self, book: ProductId) -> Result<Answer, LeaderboardError> {
        let now = self.clock.now();
        let boards: Arc<[(Board, Window)]> = Board::OF_BOOKS
            .into_iter()
            .flat_map(|board| Window::all_at(now).map(move |window| (board, window)))
            .collect();
        let tags = Board::OF_BOOKS.into_iter().map(Tag::leaderboard).chain([Tag::book(book)]).collect();
        // No window turns within a day.
        let key = format!("ranks:{book}:{}", Window::at(Period::Day, now).starts_on);
        let (render, doubted) = (self.pages.ranks, Arc::clone(&self.doubted));
        let answer = move |store: Store, source: ScoreSource| {
            let (boards, doubted) = (Arc::clone(&boards), Arc::clone(&doubted));
            async move {
                let placings = match source {
                    ScoreSource::Redis => {
                        believed(&store, store.shared_placings(book.0, &boards).await, &doubted).await?
                    }
                    ScoreSource::Database => store.placings(book.0, &boards).await?,
                };
                telemetry::record_read(source.as_str());
                if store.leading_books(&[book.0]).await?.is_empty() {
                    return Ok(Rendered::absent());
                }
                let placings = boards.iter().zip(placings).map(|((board, window), placing)| (*board, *window, placing));
                let ranks = BookRanks { book, source, placings: placings.collect() };
                Ok(Rendered::found(render(ranks)?))
            }
        };
        self.answered(key, tags, true, answer).await?.ok_or(LeaderboardError::NotFound)
    }

    /// Where somebody stands among those who write reviews, in the present window, with at most so many neighbours on either
    /// side. It is their own, and not kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn rank_of(&self, user: UserId, period: Period, neighbours: u16) -> Result<OwnRank, LeaderboardError> {
        let (store, board) = (&self.store, Board::TopReviewers);
        let window = Window::at(period, self.clock.now());
        let found = store.shared_around(board, window, user.0, neighbours.into()).await;
        let (stretch, source) = match believed(store, found, &self.doubted).await {
            Ok(stretch) => (stretch, ScoreSource::Redis),
            Err(LeaderboardError::NotShared) => {
                let stretch = store.leaderboard_around(board, window, user.0, neighbours.into()).await?;
                (stretch, ScoreSource::Database)
            }
            Err(error) => return Err(error),
        };
        telemetry::record_read(source.as_str());
        let own = stretch.places.iter().find(|place| place.stand.member == user.0).copied();
        let entries = entries(store, board, stretch.places).await?;
        Ok(OwnRank { window, source, total: stretch.total, own, entries })
    }

    /// The answer of `key`: as Redis has it where the window is `open`, else, and where Redis does not have it, as the database
    /// has it. The two are kept under keys of their own, so that each is asked for as soon as it may be.
    async fn answered<F, Fut>(
        &self,
        key: String,
        tags: Vec<Tag>,
        open: bool,
        answer: F,
    ) -> Result<Option<Answer>, LeaderboardError>
    where
        F: Fn(Store, ScoreSource) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Rendered, LeaderboardError>> + Send + 'static,
    {
        if open {
            let load = {
                let answer = answer.clone();
                move |store| answer(store, ScoreSource::Redis)
            };
            match self.store.cached(&Key::new(Family::Leaderboard, &key), &tags, load).await {
                Err(LeaderboardError::NotShared) => {}
                outcome => return outcome,
            }
        }
        let load = move |store| answer(store, ScoreSource::Database);
        let key = Key::new(Family::Leaderboard, key + ":database");
        self.store.cached(&key, &tags, load).await
    }
}

/// What Redis tells, if it has the scores that the database has, or newer ones.
///
/// An answer of the cache claims to be as new as the oldest read of the database that it was made with. Here that read tells
/// which transaction moved the scores last, and Redis is given the scores of a transaction before that commits: so what Redis
/// says of that transaction, or of a later one, is at least as new, whichever of the two was asked first. It is Redis, since
/// the database need not be asked where that is down.
async fn believed<T>(
    store: &Store,
    found: Result<Shared<T>, SharedError>,
    doubted: &Notify,
) -> Result<T, LeaderboardError> {
    let reason = match found {
        Ok(found) => match store.leaderboards_version().await? {
            Some(version) if found.version >= version => return Ok(found.value),
            _ => SharedError::Moved,
        },
        Err(error) => error,
    };
    tracing::debug!(error = %reason, "a leaderboard is read from the database");
    if !matches!(reason, SharedError::Redis(_)) {
        doubted.notify_one();
    }
    Err(LeaderboardError::NotShared)
}

/// The places with who stands there. Two statements at most.
async fn entries(store: &Store, board: Board, places: Vec<Ranked>) -> Result<Vec<Entry>, StoreError> {
    let ids: Vec<Uuid> = places.iter().map(|place| place.stand.member).collect();
    let mut members: HashMap<Uuid, Member> = match board {
        _ if ids.is_empty() => HashMap::new(),
        Board::TopReviewers => {
            let people = store.leading_people(&ids).await?;
            people.into_iter().map(|(id, name)| (id.0, Member::Person { id, name })).collect()
        }
        Board::BestSellers | Board::TopRated | Board::MostReviewed => {
            let books = store.leading_books(&ids).await?;
            books.into_iter().map(|book| (book.id.0, Member::Book(Box::new(book)))).collect()
        }
    };
    let entry = |place: Ranked| Some(Entry { place, member: members.remove(&place.stand.member)? });
    Ok(places.into_iter().filter_map(entry).collect())
}

fn tag(member: &Member) -> Tag {
    match member {
        Member::Book(book) => Tag::book(book.id),
        Member::Person { id, .. } => Tag::user(*id),
    }
}

/// The boards and windows that can be asked for at a moment.
fn open(now: OffsetDateTime) -> Vec<(Board, Window)> {
    Board::ALL.iter().flat_map(|board| Window::all_at(now).map(move |window| (*board, window))).collect()
}
