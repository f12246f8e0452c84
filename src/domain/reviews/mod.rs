//! Reviews: what readers say of books, who found that helpful, and what administrators do about it.

mod content;
mod moderation;
mod plan;
mod together;
mod votes;
mod write;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

pub use content::{MAX_TEXT, MAX_TITLE, ReviewDraft, language_tag};
pub use moderation::{MAX_NOTE, ReportDraft};
pub use plan::Created;

use plan::{ReviewWish, Written};
use together::Together;
use votes::VoteWish;

use super::products::Products;
use super::violation::Violation;
use crate::model::answer::{Answer, Render, RenderError};
use crate::model::clock::Clock;
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::product::Status;
use crate::model::review::{Review, ReviewFilter, ReviewPosition, ReviewSort, ReviewSummary};
use crate::model::tags::Tag;
use crate::store::{Announced, Family, Key, Outage, Rendered, Store, StoreError};

pub use crate::store::reviews::ModeratedReview;

/// Why something about a review was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReviewError {
    /// There is none of this id that the asker may see.
    #[error("there is no such review")]
    NotFound,
    /// There is no such book, or none yet.
    #[error("there is no such book")]
    NoBook,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// One person writes one review of a book.
    #[error("there is review {0} already")]
    Exists(ReviewId),
    /// Somebody else wrote it.
    #[error("somebody else wrote it")]
    NotYours,
    /// One does not judge what one wrote oneself.
    #[error("it is one's own")]
    Own,
    /// The asker has reported it before.
    #[error("it was reported before")]
    Reported,
    /// It has changed since the asker read it.
    #[error("the review is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The idempotency key belongs to another request.
    #[error("the key belongs to another request")]
    KeyReused,
    /// The request with this key is being worked on.
    #[error("the request is being worked on")]
    KeyRunning,
    /// The account was closed meanwhile.
    #[error("the account is closed")]
    AccountClosed,
    /// What was to write it broke off, which is a defect.
    #[error("writing broke off")]
    BrokenOff,
    /// The answer cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("reviews_user_id_fkey" | "review_votes_user_id_fkey" | "review_reports_user_id_fkey") => {
                Self::AccountClosed
            }
            Some("review_votes_review_id_fkey" | "review_reports_review_id_fkey") => Self::NotFound,
            // Somebody who did not wait for the book's lock was faster: the next try sees it.
            Some("reviews_one_each") => Self::Store(StoreError::Collision),
            _ => Self::Store(error),
        }
    }
}

impl Outage for ReviewError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outage())
    }
}

/// The reviews on a page when the request does not say.
pub const DEFAULT_LIMIT: u16 = 20;

/// Which reviews of a book are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewQuery {
    /// The order.
    pub sort: ReviewSort,
    /// Which ones.
    pub filter: ReviewFilter,
    /// How many.
    pub limit: u16,
    /// After which place.
    pub after: Option<ReviewPosition>,
}

impl ReviewQuery {
    /// The page that most readers come to, and no other.
    fn first_page() -> Self {
        Self { sort: ReviewSort::Newest, filter: ReviewFilter::default(), limit: DEFAULT_LIMIT, after: None }
    }

    /// It as text, the same for all requests for the same page.
    fn canonical(&self) -> String {
        let Self { sort, filter, limit, after } = self;
        let rating = filter.rating.map(|rating| rating.to_string()).unwrap_or_default();
        let verified = filter.verified.map(|verified| verified.to_string()).unwrap_or_default();
        let language = filter.language.as_deref().unwrap_or_default();
        let after = after.map(|after| format!("{}.{}", after.key, after.id)).unwrap_or_default();
        format!("{sort}:{rating}:{verified}:{language}:{limit}:{after}")
    }

    /// The book and the query that a key of the cache was made of.
    #[must_use]
    pub fn of_key(rest: &str) -> Option<(ProductId, Self)> {
        let parts: Vec<&str> = rest.splitn(7, ':').collect();
        let [product, sort, rating, verified, language, limit, after] = parts.try_into().ok()?;
        let after = match after.split_once('.') {
            Some((key, id)) => Some(ReviewPosition { key: key.parse().ok()?, id: id.parse().ok()? }),
            None => None,
        };
        let language = Some(language.to_owned()).filter(|language| !language.is_empty());
        let filter = ReviewFilter { rating: optional(rating)?, verified: optional(verified)?, language };
        Some((product.parse().ok()?, Self { sort: sort.parse().ok()?, filter, limit: limit.parse().ok()?, after }))
    }
}

/// What a part of a key says, if anything; nothing where it cannot be read.
fn optional<T: FromStr>(text: &str) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// A page of the reviews of a book.
pub struct ReviewPage {
    /// Of which book.
    pub product: ProductId,
    /// All of its published reviews, counted.
    pub summary: ReviewSummary,
    /// The reviews.
    pub reviews: Vec<Review>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<ReviewPosition>,
    /// What was asked for.
    pub query: ReviewQuery,
}

/// How reviews become answers.
#[derive(Clone, Copy)]
pub struct Pages {
    /// One review.
    pub review: Render<Review>,
    /// A page of those of a book.
    pub page: Render<ReviewPage>,
}

/// The service for reviews.
#[derive(Clone)]
pub struct Reviews {
    store: Store,
    clock: Arc<dyn Clock>,
    /// For how long the answer to a request is kept under its key.
    keys_live: Duration,
    pages: Pages,
    products: Products,
    books: Together<ProductId, ReviewWish, (Result<Written, ReviewError>, Option<Announced>)>,
    votes: Together<ReviewId, VoteWish, (Result<Review, ReviewError>, Option<Announced>)>,
}

impl Reviews {
    /// The service over this store; `pages` makes its answers.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, keys_live: Duration, pages: Pages, products: Products) -> Self {
        let (books, votes) = (Together::default(), Together::default());
        Self { store, clock, keys_live, pages, products, books, votes }
    }

    /// A page of the published reviews of a book, from the cache.
    ///
    /// # Errors
    /// [`ReviewError::NoBook`], also for drafts, or the database's.
    pub async fn page(&self, product: ProductId, query: ReviewQuery) -> Result<Answer, ReviewError> {
        let key = page_key(product, &query);
        self.store
            .cached(&key, &[Tag::reviews_of(product)], self.load(product, query))
            .await?
            .ok_or(ReviewError::NoBook)
    }

    fn load(
        &self,
        product: ProductId,
        query: ReviewQuery,
    ) -> impl Fn(Store) -> BoxFuture<'static, Result<Rendered, ReviewError>> + Clone + use<> {
        let render = self.pages.page;
        move |store: Store| {
            let query = query.clone();
            Box::pin(async move { load(&store, product, query, render).await })
        }
    }

    /// Write-through of what this process keeps: the pages that a review changes and that somebody reads are there for the next
    /// reader.
    fn refresh(&self, product: ProductId) {
        self.products.refresh_if_kept(product);
        let first = ReviewQuery::first_page();
        let key = page_key(product, &first);
        if self.store.cache().local_entry(&key).is_some() {
            self.store.write_through(key, vec![Tag::reviews_of(product)], self.load(product, first));
        }
    }

    /// A review. One that is hidden is shown to its writer and to administrators.
    ///
    /// # Errors
    /// [`ReviewError::NotFound`], or the database's.
    pub async fn get(&self, id: ReviewId, asker: Option<UserId>, sees_hidden: bool) -> Result<Review, ReviewError> {
        let review = self.store.review(id).await?.ok_or(ReviewError::NotFound)?;
        let is_shown = !review.hidden || sees_hidden || asker.is_some_and(|asker| review.is_by(asker));
        if is_shown { Ok(review) } else { Err(ReviewError::NotFound) }
    }

    /// What somebody wrote, the newest first, hidden reviews too. One more than `limit` tells whether there is a next page.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_own(
        &self,
        user: UserId,
        before: Option<ReviewId>,
        limit: u16,
    ) -> Result<Vec<Review>, ReviewError> {
        Ok(self.store.reviews_by(user, before, i64::from(limit)).await?)
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, ReviewError>
    where
        Fut: Future<Output = Result<T, ReviewError>>,
    {
        self.store.retrying(|error| matches!(error, ReviewError::Store(error) if error.is_collision()), work).await
    }

    /// What became of a wish that a batch was done for.
    fn conclude<T>(&self, outcome: Option<(Result<T, ReviewError>, Option<Announced>)>) -> Result<T, ReviewError> {
        let (result, announced) = outcome.ok_or(ReviewError::BrokenOff)?;
        if let Some(announced) = announced {
            self.store.note_write(&announced);
        }
        result
    }
}

fn page_key(product: ProductId, query: &ReviewQuery) -> Key {
    Key::new(Family::BookReviews, format_args!("{product}:{}", query.canonical()))
}

async fn load(
    store: &Store,
    product: ProductId,
    query: ReviewQuery,
    render: Render<ReviewPage>,
) -> Result<Rendered, ReviewError> {
    let summary = match store.review_summary(product).await? {
        None | Some((Status::Draft, _)) => return Ok(Rendered::absent()),
        Some((Status::Active | Status::Retired, summary)) => summary,
    };
    let ReviewQuery { sort, filter, limit, after } = &query;
    let mut reviews = store.reviews_of(product, *sort, filter, *after, i64::from(*limit) + 1).await?;
    let more = reviews.len() > usize::from(*limit);
    reviews.truncate(usize::from(*limit));
    let next = reviews.last().filter(|_| more).map(|last| ReviewPosition {
        key: match sort {
            ReviewSort::Newest => 0,
            ReviewSort::Helpful => last.helpful,
            ReviewSort::Highest | ReviewSort::Lowest => last.content.rating.into(),
        },
        id: last.id,
    });
    // Each name is shown as it is now.
    let mut authors: Vec<UserId> = reviews.iter().filter_map(|review| Some(review.author.as_ref()?.id)).collect();
    authors.sort_unstable();
    authors.dedup();
    let rendered = Rendered::found(render(ReviewPage { product, summary, reviews, next, query })?);
    Ok(authors.into_iter().fold(rendered, |rendered, author| rendered.depends_on(Tag::user(author))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_back_to_its_query() {
        let product = ProductId::generate();
        let after = Some(ReviewPosition { key: -3, id: ReviewId::generate() });
        let language = Some("en-US".to_owned());
        let all = ReviewFilter { rating: Some(4), verified: Some(false), language };
        let none = ReviewFilter { rating: None, verified: None, language: None };
        for (sort, filter, after) in [(ReviewSort::Helpful, all, after), (ReviewSort::Newest, none, None)] {
            let query = ReviewQuery { sort, filter, limit: 7, after };
            assert_eq!(ReviewQuery::of_key(&format!("{product}:{}", query.canonical())), Some((product, query)));
        }
        for foreign in ["", "x", "::::::", &format!("{product}:newest:x:::7:")] {
            assert_eq!(ReviewQuery::of_key(foreign), None, "{foreign}");
        }
    }
}
