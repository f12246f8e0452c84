//! Reading ahead at the start: what most readers want is in the cache before the first of them comes. That is what was read
//! most before, by the ranking of [`HotKeys`]; a shop that has none yet has its genres, front pages and best sellers read.
//!
//! It goes through the services that requests go through, and so by the same keys and the same rules.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::hot_keys::HotKeys;
use super::listing::{FilterDraft, ListingRequest};
use super::products::MAX_BATCH;
use super::reads::{Outcome, Reads};
use crate::model::answer::Source;
use crate::model::ids::ProductId;
use crate::model::listing::{Filters, Sort};
use crate::store::{Family, Key, Store, StoreError};

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
    fn add(&mut self, what: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(Source::Origin) => self.loaded += 1,
            Outcome::Answered(Source::Cache { level: "l1", .. }) => self.present += 1,
            Outcome::Answered(Source::Cache { .. }) => self.shared += 1,
            // What is gone meanwhile is nothing to be kept.
            Outcome::Nothing => {}
            Outcome::Failed => {
                tracing::debug!(what, "could not be read ahead");
                self.failed += 1;
            }
        }
    }
}

/// Why something could not be read: the next attempt may find the database.
fn failed<E: std::fmt::Display>(what: &str, error: &E) -> Outcome {
    tracing::debug!(what, %error, "could not be read ahead");
    Outcome::Failed
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

/// What is to be read.
#[derive(Clone, Debug, Default)]
struct Plan {
    /// By the ranking, the hottest first.
    ranked: Vec<Key>,
    /// Whether the genres and the front pages are too, and how many of the best sellers.
    list: Option<u32>,
}

/// The service that reads ahead.
pub struct WarmUp {
    store: Store,
    reads: Reads,
    hot_keys: Arc<HotKeys>,
    warmth: Mutex<Warmth>,
    /// What the ranking said, once it could be asked.
    ranked: Mutex<Option<Vec<Key>>>,
}

impl WarmUp {
    /// The service over these, whose store should be [`Store::renewing`].
    #[must_use]
    pub fn new(store: Store, reads: Reads, hot_keys: Arc<HotKeys>) -> Self {
        Self { store, reads, hot_keys, warmth: Mutex::new(Warmth::Waiting), ranked: Mutex::default() }
    }

    /// How far it is.
    #[must_use]
    pub fn warmth(&self) -> Warmth {
        *self.warmth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_warm(&self, warmth: Warmth) {
        *self.warmth.lock().unwrap_or_else(PoisonError::into_inner) = warmth;
    }

    /// Says that the process keeps no answers: nothing has to be waited for.
    pub fn switch_off(&self) {
        self.become_warm(Warmth::Off);
    }

    /// Waits until it is known what was invalidated, and reads ahead until nothing fails; for no longer than `limit`, so that
    /// a broken part does not keep the process from doing what it can. What is read is the ranking, and where that is shorter
    /// than `books`, the genres, the front pages and so many best sellers as well. Without `books` and without a ranking it
    /// reads nothing.
    pub async fn start(&self, books: u32, limit: Duration) {
        let warming = async {
            while !self.store.knows_invalidations() {
                tokio::time::sleep(PAUSE).await;
            }
            if self.has_nothing_to_do(books) {
                return Warmed::default();
            }
            self.become_warm(Warmth::Warming);
            loop {
                let warmed = self.attempt(books).await;
                if warmed.failed == 0 {
                    return warmed;
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        };
        match tokio::time::timeout(limit, warming).await {
            Ok(Warmed { loaded, shared, took, .. }) => {
                self.become_warm(if self.has_nothing_to_do(books) { Warmth::Off } else { Warmth::Warm });
                tracing::info!(loaded, shared, took_ms = took.as_millis(), "the cache is warm");
            }
            Err(_) => {
                self.become_warm(Warmth::Late);
                tracing::warn!("the cache could not be warmed in time");
            }
        }
    }

    /// Tries once more where it was late. Says whether there is nothing more to be done.
    pub async fn catch_up(&self, books: u32) -> bool {
        if self.warmth() != Warmth::Late {
            return true;
        }
        if !self.store.knows_invalidations() {
            return false;
        }
        if self.has_nothing_to_do(books) {
            self.become_warm(Warmth::Off);
            return true;
        }
        let warmed = self.attempt(books).await;
        if warmed.failed == 0 {
            self.become_warm(Warmth::Warm);
        }
        tracing::debug!(?warmed, "read ahead");
        warmed.failed == 0
    }

    fn has_nothing_to_do(&self, books: u32) -> bool {
        books == 0 && self.store.cache().popularity().wanted() == 0
    }

    async fn attempt(&self, books: u32) -> Warmed {
        let remembered = self.ranked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ranked = match remembered {
            Some(ranked) => ranked,
            None => match self.hot_keys.remember().await {
                Ok(ranked) => {
                    *self.ranked.lock().unwrap_or_else(PoisonError::into_inner) = Some(ranked.clone());
                    ranked
                }
                Err(error) => {
                    tracing::debug!(%error, "the ranking could not be read");
                    return Warmed { failed: 1, ..Warmed::default() };
                }
            },
        };
        let list = (ranked.len() < books as usize).then_some(books);
        self.carry_out(&Plan { ranked, list }).await
    }

    /// Reads the genres, the front pages and the best sellers, so many of them, and keeps them in this process.
    pub async fn run(&self, books: u32) -> Warmed {
        self.carry_out(&Plan { ranked: Vec::new(), list: Some(books) }).await
    }

    /// Reads what is planned. What was loaded right after an invalidation cannot be kept before the database has flushed that,
    /// so it looks again whether it has everything.
    async fn carry_out(&self, plan: &Plan) -> Warmed {
        let begun = Instant::now();
        let first = self.pass(plan).await;
        let (mut last, mut pause) = (first, FIRST_PAUSE);
        for _ in 1..PASSES {
            if last.loaded == 0 || last.failed > 0 {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            last = self.pass(plan).await;
        }
        Warmed { failed: last.failed, took: begun.elapsed(), ..first }
    }

    /// Reads everything once. One thing after the other: it competes with requests for connections.
    async fn pass(&self, plan: &Plan) -> Warmed {
        let mut warmed = Warmed::default();
        // The hottest first, and of those the books together.
        for some in plan.ranked.chunks(MAX_BATCH) {
            let book = |key: &Key| (key.family() == Family::BookDetail).then(|| key.rest().parse().ok()).flatten();
            let books: Vec<ProductId> = some.iter().filter_map(book).collect();
            self.read_books(&books, &mut warmed).await;
            for key in some.iter().filter(|key| key.family() != Family::BookDetail) {
                warmed.add(key.text(), &self.reads.answer(key).await);
            }
        }
        if let Some(books) = plan.list {
            self.read_list(books, &mut warmed).await;
        }
        warmed
    }

    async fn read_list(&self, books: u32, warmed: &mut Warmed) {
        warmed.add("genres", &self.reads.answer(&Key::only(Family::Genres)).await);
        match self.front_pages().await {
            Ok(pages) => {
                for (request, query) in pages {
                    let outcome = match self.reads.listing.page(request, &query, false).await {
                        Ok(answer) => Outcome::Answered(answer.source),
                        Err(error) => failed(&query, &error),
                    };
                    warmed.add(&query, &outcome);
                }
            }
            Err(error) => warmed.add("top genres", &failed("top genres", &error)),
        }
        match self.best_sellers(books).await {
            Ok(ids) => self.read_books(&ids, warmed).await,
            Err(error) => warmed.add("best sellers", &failed("best sellers", &error)),
        }
    }

    async fn read_books(&self, ids: &[ProductId], warmed: &mut Warmed) {
        for some in ids.chunks(MAX_BATCH) {
            match self.reads.products.get_many(some, false).await {
                Ok(answers) => answers.iter().for_each(|answer| {
                    let source = answer.as_ref().map(|answer| answer.source);
                    warmed.add("book", &source.map_or(Outcome::Nothing, Outcome::Answered));
                }),
                Err(error) => some.iter().for_each(|_| warmed.add("book", &failed("book", &error))),
            }
        }
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
