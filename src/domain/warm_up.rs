//! Reading ahead of the readers: what most of them want is in the cache before they come, and stays there.
//!
//! It goes through the services that requests go through, and so by the same keys and the same rules.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::genres::Genres;
use super::listing::{FilterDraft, Listing, ListingRequest};
use super::products::{MAX_BATCH, Products};
use crate::model::answer::{Answer, Source};
use crate::model::ids::ProductId;
use crate::model::listing::{Filters, Sort};
use crate::store::{Store, StoreError};

/// The most best sellers that are read ahead.
pub const MAX_BOOKS: u32 = 1_000;

/// How many genres have their first page read ahead: those with the most books.
const TOP_GENRES: usize = 20;

/// The pause between two looks for whether it can begin, or between two attempts.
const PAUSE: Duration = Duration::from_millis(20);
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How often everything is read at most until all of it is kept, and the first pause in between, which doubles.
const PASSES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Entries that came from the database.
    pub loaded: u32,
    /// Entries that came from Redis.
    pub shared: u32,
    /// Entries that this process had already.
    pub present: u32,
    /// Entries that could not be loaded.
    pub failed: u32,
    /// How long it took.
    pub took: Duration,
}

impl Warmed {
    fn add<E: std::fmt::Display>(&mut self, what: &str, outcome: Result<&Answer, E>) {
        match outcome.map(|answer| answer.source) {
            Ok(Source::Origin) => self.loaded += 1,
            Ok(Source::Cache { level: "l1", .. }) => self.present += 1,
            Ok(Source::Cache { .. }) => self.shared += 1,
            Err(error) => {
                tracing::debug!(what, %error, "could not be read ahead");
                self.failed += 1;
            }
        }
    }
}

/// How far the warm-up of a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmth {
    /// It is not known yet what was invalidated, so that nothing can be kept.
    Waiting,
    /// The cache is being filled.
    Warming,
    /// It is filled, and kept so.
    Warm,
    /// It took too long, and goes on while requests are answered.
    Late,
    /// There is nothing to be done.
    Off,
}

/// The service that reads ahead.
pub struct WarmUp {
    store: Store,
    genres: Genres,
    listing: Listing,
    products: Products,
    warmth: Mutex<Warmth>,
}

impl WarmUp {
    /// The service over these, whose store should be [`Store::renewing`].
    #[must_use]
    pub fn new(store: Store, genres: Genres, listing: Listing, products: Products) -> Self {
        Self { store, genres, listing, products, warmth: Mutex::new(Warmth::Waiting) }
    }

    /// How far it is.
    #[must_use]
    pub fn warmth(&self) -> Warmth {
        *self.warmth.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn become_warm(&self, warmth: Warmth) {
        *self.warmth.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = warmth;
    }

    /// Says that the process keeps no answers: nothing has to be waited for.
    pub fn switch_off(&self) {
        self.become_warm(Warmth::Off);
    }

    /// Waits until it is known what was invalidated, and reads ahead until nothing fails; for no longer than `limit`, so that
    /// a broken part does not keep the process from doing what it can. Without `books` it reads nothing.
    pub async fn start(&self, books: u32, limit: Duration) {
        let warming = async {
            while !self.store.knows_invalidations() {
                tokio::time::sleep(PAUSE).await;
            }
            if books == 0 {
                return Warmed::default();
            }
            self.become_warm(Warmth::Warming);
            loop {
                let warmed = self.run(books).await;
                if warmed.failed == 0 {
                    return warmed;
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        };
        match tokio::time::timeout(limit, warming).await {
            Ok(Warmed { loaded, shared, took, .. }) => {
                self.become_warm(if books == 0 { Warmth::Off } else { Warmth::Warm });
                tracing::info!(loaded, shared, took_ms = took.as_millis(), "the cache is warm");
            }
            Err(_) => {
                self.become_warm(Warmth::Late);
                tracing::warn!("the cache could not be warmed in time");
            }
        }
    }

    /// Reads ahead once more, and renews what runs out soon.
    pub async fn refresh(&self, books: u32) {
        if self.warmth() == Warmth::Off {
            return;
        }
        if books == 0 {
            // It was late to learn what was invalidated; there is nothing more to be done.
            if self.store.knows_invalidations() {
                self.become_warm(Warmth::Off);
            }
            return;
        }
        let warmed = self.run(books).await;
        if warmed.failed == 0 {
            self.become_warm(Warmth::Warm);
        }
        tracing::debug!(?warmed, "read ahead");
    }

    /// Reads the genres, the front pages and the best sellers, so many of them, and keeps them in this process. What was
    /// loaded right after an invalidation cannot be kept before the database has flushed that, so it looks again whether it
    /// has everything.
    pub async fn run(&self, books: u32) -> Warmed {
        let begun = Instant::now();
        let first = self.pass(books).await;
        let (mut last, mut pause) = (first, FIRST_PAUSE);
        for _ in 1..PASSES {
            if last.loaded == 0 || last.failed > 0 {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            last = self.pass(books).await;
        }
        Warmed { failed: last.failed, took: begun.elapsed(), ..first }
    }

    /// Reads everything once. One thing after the other: it competes with requests for connections.
    async fn pass(&self, books: u32) -> Warmed {
        let mut warmed = Warmed::default();
        warmed.add("genres", self.genres.all().await.as_ref());
        match self.front_pages().await {
            Ok(pages) => {
                for (request, query) in pages {
                    warmed.add(&query, self.listing.page(request, &query, false).await.as_ref());
                }
            }
            Err(error) => warmed.add("top genres", Err(error)),
        }
        match self.best_sellers(books).await {
            Ok(ids) => {
                for some in ids.chunks(MAX_BATCH) {
                    match self.products.get_many(some, false).await {
                        // A book that is gone meanwhile is nothing to be kept.
                        Ok(answers) => answers.iter().flatten().for_each(|answer| {
                            warmed.add::<StoreError>("book", Ok(answer));
                        }),
                        Err(error) => some.iter().for_each(|_| warmed.add("book", Err(&error))),
                    }
                }
            }
            Err(error) => warmed.add("best sellers", Err(error)),
        }
        warmed
    }

    /// The first pages that people come to, each with its query in canonical form.
    async fn front_pages(&self) -> Result<Vec<(ListingRequest, String)>, StoreError> {
        let mut genres = self.store.genres().await?;
        genres.sort_by(|a, b| b.books.cmp(&a.books).then_with(|| a.slug.cmp(&b.slug)));
        genres.truncate(TOP_GENRES);
        let by_sort = Sort::ALL.iter().map(|sort| {
            (ListingRequest { sort: Some(*sort), ..ListingRequest::default() }, format!("sort={}", sort.as_str()))
        });
        let by_genre = genres.into_iter().map(|genre| {
            let query = format!("genre={}", genre.slug);
            let filters = FilterDraft { genres: vec![genre.slug], ..FilterDraft::default() };
            (ListingRequest { filters, ..ListingRequest::default() }, query)
        });
        let front = (ListingRequest::default(), String::new());
        Ok(std::iter::once(front).chain(by_sort).chain(by_genre).collect())
    }

    async fn best_sellers(&self, books: u32) -> Result<Vec<ProductId>, StoreError> {
        if books == 0 {
            return Ok(Vec::new());
        }
        let limit = i64::from(books.min(MAX_BOOKS));
        let found = self.store.listing(&Filters::default(), Sort::Popularity, None, limit).await?;
        Ok(found.into_iter().map(|(book, _)| book.id).collect())
    }
}
