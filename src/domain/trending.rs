//! Books that are looked at most in these days.

use std::sync::Arc;

use super::listing::dependencies::shown;
use super::listing::{ListingError, check_limit, is_slug};
use super::violation::Violation;
use crate::model::answer::{Answer, Render};
use crate::model::clock::Clock;
use crate::model::tags::Tag;
use crate::model::trending::Trending;
use crate::store::{Family, Key, Rendered, Store};

/// The most books, and how many there are when the request does not say.
pub const MAX_TRENDING: u32 = 100;
const DEFAULT_TRENDING: u32 = 20;

/// A request for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrendingRequest {
    /// The slug of the genre that a book must have.
    pub genre: Option<String>,
    /// How many, 1 to [`MAX_TRENDING`].
    pub limit: Option<u32>,
}

impl TrendingRequest {
    /// The request that a key of the cache was made of.
    #[must_use]
    pub fn of_key(rest: &str) -> Option<Self> {
        let (limit, genre) = rest.split_once(':')?;
        let genre = Some(genre.to_owned()).filter(|genre| !genre.is_empty());
        Some(Self { genre, limit: Some(limit.parse().ok()?) })
    }

    /// The same request, however it was written, has the same key.
    fn key(&self) -> Key {
        let limit = self.limit.unwrap_or(DEFAULT_TRENDING);
        Key::new(Family::BookTrending, format_args!("{limit}:{}", self.genre.as_deref().unwrap_or_default()))
    }

    fn check(&self) -> Result<u32, ListingError> {
        let mut violations = Vec::new();
        if self.genre.as_deref().is_some_and(|genre| !is_slug(genre)) {
            violations.push(Violation::new("/genre", "must be the slug of a genre, such as science-fiction"));
        }
        match check_limit(self.limit, DEFAULT_TRENDING, MAX_TRENDING) {
            Ok(limit) if violations.is_empty() => Ok(limit),
            checked => {
                violations.extend(checked.err());
                Err(ListingError::Invalid(violations))
            }
        }
    }
}

/// The service for them. It refuses what lists refuse.
#[derive(Clone)]
pub struct TrendingBooks {
    store: Store,
    clock: Arc<dyn Clock>,
    render: Render<Vec<Trending>>,
}

impl TrendingBooks {
    /// The service over this store; `render` makes its answers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, render: Render<Vec<Trending>>) -> Self {
        Self { store, clock, render }
    }

    /// Active books by their looks in the last seven days, each halved for every day that has passed since. One statement,
    /// over all looks of these days: an answer is kept for a minute, and an old one serves while the next is counted.
    ///
    /// # Errors
    /// [`ListingError::Invalid`] with every broken rule, or the database's.
    pub async fn page(&self, request: TrendingRequest) -> Result<Answer, ListingError> {
        let limit = request.check()?;
        let (key, genre): (_, Option<Arc<str>>) = (request.key(), request.genre.map(Into::into));
        let (clock, render) = (Arc::clone(&self.clock), self.render);
        let load = move |store: Store| {
            let (today, genre) = (clock.now().date(), genre.clone());
            async move {
                let found = store.trending(today, genre.as_deref(), limit).await?;
                let books: Vec<Tag> = shown(found.iter().map(|trending| &trending.book)).collect();
                Ok::<_, ListingError>(Rendered::found(render(found)?).depends_on_all(books))
            }
        };
        self.store.cached(&key, &[Tag::book_lists()], load).await?.ok_or(ListingError::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_back_to_its_request() {
        for (genre, limit) in [(None, None), (Some("science-fiction"), Some(7))] {
            let request = TrendingRequest { genre: genre.map(str::to_owned), limit };
            let key = request.key();
            let again = TrendingRequest::of_key(key.rest()).unwrap();
            assert_eq!((again.key(), again.genre), (key, request.genre));
        }
        for foreign in ["", "x:", "genre=fantasy"] {
            assert_eq!(TrendingRequest::of_key(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn every_broken_rule_is_named_at_once() {
        let request = TrendingRequest { genre: Some("No Slug".into()), limit: Some(0) };
        let Err(ListingError::Invalid(violations)) = request.check() else { panic!("it passed") };
        let pointers: Vec<_> = violations.into_iter().map(|violation| violation.pointer).collect();
        assert_eq!(pointers, ["/genre", "/limit"]);
    }
}
