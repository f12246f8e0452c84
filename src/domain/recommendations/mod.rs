//! What readers may like: from what they did to tastes, from tastes to the neighbours of books, and from these to
//! recommendations. Only the last step is done in a request; it reads what the others have left.

mod compute;
pub mod evaluation;
mod follow;
pub mod ranking;
pub mod similarity;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::listing::check_limit;
use super::listing::dependencies::shown;
use super::violation::Violation;
use crate::config;
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::clock::Clock;
use crate::model::ids::{ProductId, UserId};
use crate::model::listing::{Filters, ProductSummary, Sort};
use crate::model::recommendation::{ReaderProfile, Reason, Recommendation};
use crate::model::tags::Tag;
use crate::store::{Family, Key, Outage, Rendered, Store, StoreError};
use ranking::{EACH, Kind, SEEDS, Suggestion, Variety, genres, rank};

/// The most books that are recommended at once.
pub const MAX_RECOMMENDED: u32 = 50;

const DEFAULT_RECOMMENDED: u32 = 20;

/// In how many of the genres that somebody reads popular books are looked for.
pub const GENRES: usize = 3;

/// So many of the first suggestions are read, since not all of them are shown: works that are known, other editions, more of
/// the same author.
const LOOKED_AT: usize = 200;

/// So many popular books are read to find some that are not known.
const POPULAR: i64 = 100;

/// Why something about recommendations was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecommendationError {
    /// A rule is broken. The pointer names the parameter.
    #[error("the limit is not right")]
    Invalid(Violation),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The answer was lost: a mistake in the code.
    #[error("there is always a list, if only an empty one")]
    Missing,
}

impl Outage for RecommendationError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// The service for recommendations.
pub struct Recommendations {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: config::Recommendations,
    render: Render<Vec<Recommendation>>,
    /// Rung when neighbours may have to be computed.
    marked: Notify,
}

impl Recommendations {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        settings: config::Recommendations,
        render: Render<Vec<Recommendation>>,
    ) -> Self {
        Self { store, clock, settings, render, marked: Notify::new() }
    }

    /// The books that somebody may like, the likeliest first, each with its reason. None is an edition of a work that they
    /// ordered, keep in mind or have reviewed.
    ///
    /// Kept until they order, favour or review something, a book of the list changes, or the neighbours of their books do.
    ///
    /// # Errors
    /// [`RecommendationError::Invalid`], or the database's.
    pub async fn to(&self, user: UserId, limit: Option<u32>) -> Result<Answer, RecommendationError> {
        let limit = check_limit(limit, DEFAULT_RECOMMENDED, MAX_RECOMMENDED).map_err(RecommendationError::Invalid)?;
        let key = Key::new(Family::UserRecommendations, format_args!("{user}:{limit}"));
        let render = self.render;
        let load = move |store: Store| async move {
            let (found, depends_on) = collect(&store, user, limit as usize).await?;
            Ok::<_, RecommendationError>(Rendered::found(render(found)?).depends_on_all(depends_on))
        };
        let answer = self.store.cached(&key, &[Tag::recommendations_to(user)], load).await?;
        answer.ok_or(RecommendationError::Missing)
    }
}

/// The list, and what it depends on beside its reader.
async fn collect(store: &Store, user: UserId, limit: usize) -> Result<(Vec<Recommendation>, Vec<Tag>), StoreError> {
    let profile = store.reader_profile(user, SEEDS as i64).await?;
    let mut variety = Variety::without(profile.known.iter().copied());
    let mut found = personal(store, &profile, &mut variety, limit).await?;
    if found.len() < limit {
        fill_up(store, &profile, &mut variety, limit, &mut found).await?;
    }
    let neighbours = profile.tastes.iter().map(|taste| Tag::neighbours_of(taste.id));
    let reasons = found.iter().filter_map(|one| match &one.reason {
        Reason::Because { book, .. } => Some(Tag::book(*book)),
        Reason::PopularInGenre(_) | Reason::Popular => None,
    });
    let mut depends_on: Vec<Tag> = shown(found.iter().map(|one| &one.book)).chain(reasons).chain(neighbours).collect();
    depends_on.sort_unstable();
    depends_on.dedup();
    Ok((found, depends_on))
}

/// What the neighbours of somebody's books say.
async fn personal(
    store: &Store,
    profile: &ReaderProfile,
    variety: &mut Variety,
    limit: usize,
) -> Result<Vec<Recommendation>, StoreError> {
    if profile.tastes.is_empty() {
        return Ok(Vec::new());
    }
    let liked: Vec<_> = profile.tastes.iter().map(|taste| (taste.id, taste.sign)).collect();
    let own: Vec<ProductId> = liked.iter().map(|(book, _)| *book).collect();
    let mut ranked = rank(&liked, &store.neighbours_of(&own).await?);
    ranked.truncate(LOOKED_AT);
    if ranked.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ProductId> = ranked.iter().map(|one| one.book).collect();
    let books = store.recommendable(&ids).await?;
    let mut books: HashMap<ProductId, ProductSummary> = books.into_iter().map(|book| (book.id, book)).collect();
    let shown = |suggestion: Suggestion| {
        let book = books.remove(&suggestion.book).filter(|book| variety.admits(kind(book)))?;
        let because = profile.tastes.iter().find(|taste| taste.id == suggestion.because)?;
        let reason = Reason::Because { sign: because.sign, book: because.id, title: because.title.clone() };
        Some(Recommendation { reason, book })
    };
    Ok(ranked.into_iter().filter_map(shown).take(limit.min(EACH * liked.len())).collect())
}

/// Adds what is popular: in the genres that somebody reads by turns, then anywhere.
async fn fill_up(
    store: &Store,
    profile: &ReaderProfile,
    variety: &mut Variety,
    limit: usize,
    found: &mut Vec<Recommendation>,
) -> Result<(), StoreError> {
    let read = genres(profile.tastes.iter().map(|taste| taste.genres.as_slice()));
    let mut lists = Vec::new();
    for genre in read.into_iter().take(GENRES) {
        let books = popular(store, Some(genre)).await?;
        lists.push(books.into_iter().map(|book| (Reason::PopularInGenre(genre.to_owned()), book)));
    }
    while found.len() < limit && !lists.is_empty() {
        lists.retain_mut(|list| match list.find(|(_, book)| variety.admits(kind(book))) {
            Some((reason, book)) => {
                found.push(Recommendation { reason, book });
                true
            }
            None => false,
        });
    }
    if found.len() < limit {
        let anywhere = popular(store, None).await?.into_iter().filter(|book| variety.admits(kind(book)));
        found.extend(anywhere.map(|book| Recommendation { reason: Reason::Popular, book }));
    }
    found.truncate(limit);
    Ok(())
}

async fn popular(store: &Store, genre: Option<&str>) -> Result<Vec<ProductSummary>, StoreError> {
    let filters = Filters { genres: genre.map(str::to_owned).into_iter().collect(), ..Filters::default() };
    let listed = store.listing(&filters, Sort::Popularity, None, POPULAR).await?;
    Ok(listed.into_iter().map(|(book, _)| book).filter(|book| book.price.is_some()).collect())
}

fn kind(book: &ProductSummary) -> Kind<'_> {
    let series = book.series.as_ref().map(|series| series.name.as_str());
    Kind { work: book.work_id, series, authors: &book.authors }
}
