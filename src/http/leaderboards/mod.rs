//! Leaderboards.

mod documents;

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use documents::{BoardDocument, BoardPageDocument, BoardParameters, OwnRankDocument, OwnRankParameters, RanksDocument};

use super::API_PREFIX;
use super::auth::Caller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation, finished, respond};
use super::cursor;
use super::extract::{Path, Query};
use super::problem::Problem;
use super::state::AppState;
use crate::domain::leaderboards::{BoardPage, BoardRequest, BookRanks, LeaderboardError, Pages};
use crate::model::answer::RenderError;
use crate::model::ids::ProductId;
use crate::model::leaderboard::Period;
use crate::model::representation::{Particulars, Representation as Finished};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(ranks)).routes(routes!(own))
}

/// Read a leaderboard
///
/// - `best_sellers`: books by copies in orders that were paid for and not given back; an order counts in the time in which it
///   was paid for.
/// - `top_rated`: books by the Bayesian average of the reviews written in that time: fifty imagined ratings of 3.8 stars keep
///   one five-star vote from the top. Ratings that books came with do not count.
/// - `most_reviewed`: books by the number of those reviews.
/// - `top_reviewers`: people by the number of reviews written in that time.
///
/// Reviews that are hidden or taken back count nowhere. Windows are days, weeks from Monday and months of the calendar in UTC;
/// what happens shows within a second. Equal scores stand in the order of ids, so every rank is there once. The cursor tells
/// whom a page begins behind: who moves meanwhile may be on two pages or on none, and nobody else. Books that were withdrawn
/// keep their places.
#[utoipa::path(
    get, path = "/leaderboards/{board}", operation_id = "getLeaderboard", tag = "leaderboards",
    params(("board" = BoardDocument, Path, description = "By what is counted"), BoardParameters),
    responses((status = 200, description = "A page of the board", body = BoardPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
)]
async fn read(
    State(state): State<AppState>,
    Path(board): Path<BoardDocument>,
    Query(parameters): Query<BoardParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let request = BoardRequest {
        board: board.into(),
        period: parameters.period.into(),
        day: parameters.date.as_deref().and_then(documents::day),
        cursor: parameters.cursor.as_deref().and_then(documents::cursor),
        limit: parameters.limit,
    };
    Ok(respond(&state.leaderboards.page(request).await?, CachePolicy::Leaderboard, &conditions))
}

/// Tell where a book stands
///
/// On the boards of books, in the present day, week and month and in all time.
#[utoipa::path(
    get, path = "/products/{id}/ranks", operation_id = "getProductRanks", tag = "leaderboards",
    params(("id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "Its places", body = RanksDocument)),
)]
async fn ranks(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    Ok(respond(&state.leaderboards.ranks_of(ProductId(id)).await?, CachePolicy::Leaderboard, &conditions))
}

/// Tell where one stands among those who write reviews
///
/// One's own place on `top_reviewers`, with its neighbours.
#[utoipa::path(
    get, path = "/users/me/ranks/top_reviewers", operation_id = "getOwnRank", tag = "leaderboards",
    params(OwnRankParameters),
    responses((status = 200, description = "The place", body = OwnRankDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn own(
    State(state): State<AppState>,
    caller: Caller,
    Query(parameters): Query<OwnRankParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let found = state.leaderboards.rank_of(caller.user, parameters.period.into(), parameters.neighbours).await?;
    Ok(Representation::json(&OwnRankDocument::from(found), CachePolicy::Private)?.respond(&conditions))
}

/// How leaderboards become answers.
pub const PAGES: Pages = Pages { board: render_board, ranks: render_ranks };

fn render_board(page: BoardPage) -> Result<Finished, RenderError> {
    let (board, window, limit) = (page.board, page.window, page.limit);
    let document = BoardPageDocument::from(page);
    let link = document.next_cursor.as_ref().map(|cursor| {
        let date = if window.period == Period::All { String::new() } else { format!("&date={}", window.starts_on) };
        let period = window.period;
        let path = format!("{API_PREFIX}/leaderboards/{board}?period={period}{date}&limit={limit}&cursor={cursor}");
        format!("<{path}>; rel=\"next\"")
    });
    finished(&document, None, None, Particulars { link, ..Particulars::default() })
}

fn render_ranks(ranks: BookRanks) -> Result<Finished, RenderError> {
    finished(&RanksDocument::from(ranks), None, None, Particulars::default())
}

impl From<LeaderboardError> for Problem {
    fn from(error: LeaderboardError) -> Self {
        match error {
            LeaderboardError::NotFound => Self::not_found("There is no such book."),
            LeaderboardError::ForeignCursor => cursor::invalid(),
            LeaderboardError::Store(error) => error.into(),
            LeaderboardError::NotShared | LeaderboardError::Render(_) | LeaderboardError::Missing => {
                Self::internal(&error)
            }
        }
    }
}
