//! How good recommendations are: one book of each reader is hidden, and every method has ten guesses at it.

use std::collections::{BTreeMap, HashMap, HashSet};

use time::OffsetDateTime;

use super::ranking::{EACH, Kind, SEEDS, Variety, genres, rank};
use super::similarity::{Similarity, nearest};
use super::{RecommendationError, Recommendations};
use crate::model::ids::{ProductId, UserId, WorkId};
use crate::model::recommendation::{Neighbour, Overlap, SAMPLED_BOOKS, SAMPLED_READERS, Sign};
use crate::store::recommendations::TastedBookRow;

/// How many guesses there are.
pub const GUESSES: usize = 10;

/// Readers of fewer books than this are not asked about: what is left of their books says too little.
pub const FEWEST: usize = 5;

/// A book that a reader likes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadBook {
    /// Which one.
    pub book: ProductId,
    /// How it is known.
    pub sign: Sign,
}

/// What the evaluation needs to know of a book.
#[derive(Clone, Debug)]
pub struct BookFacts {
    /// Its work.
    pub work: WorkId,
    /// Its series.
    pub series: Option<String>,
    /// Its authors.
    pub authors: Vec<String>,
    /// Its genres, by their slugs.
    pub genres: Vec<String>,
    /// Whether it is sold.
    pub sold: bool,
}

/// A way to recommend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// What most readers like.
    MostPopular,
    /// What most readers like of the genres that somebody reads.
    PopularInGenres,
    /// The neighbours of one's books by the cosine.
    Cosine,
    /// The neighbours of one's books by Dunning's ratio.
    LogLikelihood,
    /// The neighbours of one's books as the shop has them.
    Shop,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MostPopular, Self::PopularInGenres, Self::Cosine, Self::LogLikelihood, Self::Shop];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MostPopular => "most popular",
            Self::PopularInGenres => "popular in one's genres",
            Self::Cosine => "cosine",
            Self::LogLikelihood => "log-likelihood ratio",
            Self::Shop => "damped cosine (the shop's)",
        }
    }
}

/// How often a method was right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HitRate {
    /// The share of readers whose hidden book was among the guesses.
    pub rate: f64,
    /// The bounds between which the true share is with 95% confidence.
    pub interval: (f64, f64),
}

impl HitRate {
    /// Of so many tries, by Wilson's score interval ("Probable Inference, the Law of Succession, and Statistical Inference",
    /// JASA 22, 1927).
    #[must_use]
    pub fn of(hits: usize, tries: usize) -> Self {
        const Z: f64 = 1.959_963_984_540_054;
        let n = tries as f64;
        if tries == 0 {
            return Self { rate: 0.0, interval: (0.0, 1.0) };
        }
        let rate = hits as f64 / n;
        let centre = rate + Z * Z / (2.0 * n);
        let spread = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self { rate, interval: (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)) }
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Readers.
    pub readers: usize,
    /// Books that somebody likes.
    pub books: usize,
    /// Likes: one for each reader and book.
    pub likes: usize,
    /// Readers one of whose books was hidden.
    pub asked: usize,
    /// How often each method was right, in the order of [`Method::ALL`].
    pub results: Vec<(Method, HitRate)>,
}

/// Hides one book of each reader who has at least [`FEWEST`], chosen by `seed`, and lets every method guess it from what is
/// left of everybody's. `readers` are their books, the latest first. The same seed gives the same answer.
#[must_use]
pub fn evaluate(
    readers: &BTreeMap<UserId, Vec<ReadBook>>,
    facts: &HashMap<ProductId, BookFacts>,
    seed: u64,
) -> Evaluation {
    let mut left: Vec<Vec<ReadBook>> = Vec::with_capacity(readers.len());
    let mut asked = Vec::new();
    for (reader, (user, books)) in readers.iter().enumerate() {
        let mut books = books.clone();
        if books.len() >= FEWEST {
            let at = draw(seed, *user) % books.len() as u64;
            let hidden = books.remove(usize::try_from(at).unwrap_or_default());
            asked.push((reader, hidden.book));
        }
        left.push(books);
    }
    let shop = Shop::of(&left, facts);
    let cosine = shop.neighbours(Similarity::Cosine);
    let everybody = left.len() as u64;
    let ratio = shop.neighbours(Similarity::LogLikelihood { everybody });
    let of_shop = shop.neighbours(Similarity::OF_SHOP);
    let mut hits = [0_usize; Method::ALL.len()];
    for (reader, hidden) in &asked {
        let Some(books) = left.get(*reader) else { continue };
        for (method, hits) in Method::ALL.iter().zip(&mut hits) {
            let guesses = match method {
                Method::MostPopular => shop.popular(books, |_| true),
                Method::PopularInGenres => shop.popular_in_genres(books),
                Method::Cosine => shop.personal(books, &cosine),
                Method::LogLikelihood => shop.personal(books, &ratio),
                Method::Shop => shop.personal(books, &of_shop),
            };
            *hits += usize::from(guesses.contains(hidden));
        }
    }
    let rates = hits.iter().map(|hits| HitRate::of(*hits, asked.len()));
    Evaluation {
        readers: readers.len(),
        books: shop.readers_of.len(),
        likes: readers.values().map(Vec::len).sum(),
        asked: asked.len(),
        results: Method::ALL.into_iter().zip(rates).collect(),
    }
}

/// How many rows are read at once.
const PAGE: usize = 20_000;

impl Recommendations {
    /// Evaluates the methods by what the readers of this shop like, see [`evaluate`]. What they did lately is counted first.
    ///
    /// # Errors
    /// The database's.
    pub async fn evaluate(&self, seed: u64) -> Result<Evaluation, RecommendationError> {
        self.catch_up().await?;
        let mut readers: BTreeMap<UserId, Vec<(OffsetDateTime, ReadBook)>> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.store.all_tastes(after, PAGE as i64).await?;
            after = page.last().map(|row| (row.user, row.product));
            let full = page.len() == PAGE;
            for row in page {
                let read = ReadBook { book: row.product, sign: row.sign };
                readers.entry(row.user).or_default().push((row.latest, read));
            }
            if !full {
                break;
            }
        }
        let latest_first = |mut books: Vec<(OffsetDateTime, ReadBook)>| {
            books.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.book.cmp(&b.1.book)));
            books.into_iter().map(|(_, read)| read).collect()
        };
        let readers = readers.into_iter().map(|(user, books)| (user, latest_first(books))).collect();
        let mut facts = HashMap::new();
        let mut after = None;
        loop {
            let page = self.store.tasted_books(after, PAGE as i64).await?;
            after = page.last().map(|row| row.id);
            let full = page.len() == PAGE;
            facts.extend(page.into_iter().map(|row| {
                let TastedBookRow { id, work, series, authors, genres, sold } = row;
                (id, BookFacts { work, series, authors, genres, sold })
            }));
            if !full {
                break;
            }
        }
        Ok(evaluate(&readers, &facts, seed))
    }
}

/// A number of a person's own for each seed (XXH3, whose avalanche is what is wanted here).
fn draw(seed: u64, user: UserId) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(user.0.as_bytes(), seed)
}

/// What is left when the books are hidden.
struct Shop<'a> {
    left: &'a [Vec<ReadBook>],
    facts: &'a HashMap<ProductId, BookFacts>,
    /// The readers of each book, by their places in `left`.
    readers_of: HashMap<ProductId, Vec<usize>>,
    /// The books that most readers have first.
    by_popularity: Vec<ProductId>,
}

impl<'a> Shop<'a> {
    fn of(left: &'a [Vec<ReadBook>], facts: &'a HashMap<ProductId, BookFacts>) -> Self {
        let mut readers_of: HashMap<ProductId, Vec<usize>> = HashMap::new();
        for (reader, books) in left.iter().enumerate() {
            for one in books {
                readers_of.entry(one.book).or_default().push(reader);
            }
        }
        let mut by_popularity: Vec<ProductId> = readers_of.keys().copied().collect();
        by_popularity.sort_unstable_by(|a, b| {
            let count = |book| readers_of.get(book).map_or(0, Vec::len);
            count(b).cmp(&count(a)).then(a.cmp(b))
        });
        Self { left, facts, readers_of, by_popularity }
    }

    /// The lists of all books, as the shop computes them.
    fn neighbours(&self, similarity: Similarity) -> HashMap<ProductId, Vec<Neighbour>> {
        let work = |book: &ProductId| self.facts.get(book).map(|facts| facts.work);
        let lists = self.readers_of.iter().map(|(book, readers)| {
            let sample = &readers[..readers.len().min(SAMPLED_READERS)];
            let mut together: HashMap<ProductId, u64> = HashMap::new();
            for other in
                sample.iter().flat_map(|reader| self.left.get(*reader).into_iter().flatten().take(SAMPLED_BOOKS))
            {
                *together.entry(other.book).or_default() += 1;
            }
            together.retain(|other, _| work(other) != work(book));
            let shared: Vec<(ProductId, Overlap)> = together
                .into_iter()
                .map(|(other, together)| {
                    let others = self.readers_of.get(&other).map_or(0, Vec::len) as u64;
                    let sampled = sample.len() as u64;
                    (other, Overlap { sampled, together, readers: readers.len() as u64, others })
                })
                .collect();
            (*book, nearest(similarity, &shared))
        });
        lists.collect()
    }

    /// The guesses of a list: what the shop would show of it.
    fn shown(
        &self,
        books: &[ReadBook],
        guesses: impl Iterator<Item = ProductId>,
        variety: &mut Variety,
        most: usize,
    ) -> Vec<ProductId> {
        let own: HashSet<ProductId> = books.iter().map(|one| one.book).collect();
        guesses
            .filter(|book| !own.contains(book))
            .filter(|book| {
                self.facts.get(book).is_some_and(|facts| {
                    let kind = Kind { work: facts.work, series: facts.series.as_deref(), authors: &facts.authors };
                    facts.sold && variety.admits(kind)
                })
            })
            .take(most)
            .collect()
    }

    fn variety(&self, books: &[ReadBook]) -> Variety {
        Variety::without(books.iter().filter_map(|one| Some(self.facts.get(&one.book)?.work)))
    }

    fn popular(&self, books: &[ReadBook], wanted: impl Fn(&BookFacts) -> bool) -> Vec<ProductId> {
        let guesses = self.by_popularity.iter().filter(|book| self.facts.get(book).is_some_and(&wanted)).copied();
        self.shown(books, guesses, &mut self.variety(books), GUESSES)
    }

    fn popular_in_genres(&self, books: &[ReadBook]) -> Vec<ProductId> {
        let own = books.iter().filter_map(|one| Some(self.facts.get(&one.book)?.genres.as_slice()));
        let favourites: Vec<&str> = genres(own).into_iter().take(super::GENRES).collect();
        self.popular(books, |facts| facts.genres.iter().any(|genre| favourites.contains(&genre.as_str())))
    }

    fn personal(&self, books: &[ReadBook], lists: &HashMap<ProductId, Vec<Neighbour>>) -> Vec<ProductId> {
        let liked: Vec<(ProductId, Sign)> = books.iter().take(SEEDS).map(|one| (one.book, one.sign)).collect();
        let ranked = rank(&liked, lists).into_iter().map(|one| one.book);
        self.shown(books, ranked, &mut self.variety(books), GUESSES.min(EACH * liked.len()))
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// Readers of whom each keeps to one of some circles of books, but for every fifth book; within a circle and without, few
    /// books are read by many.
    fn readers(circles: usize, people: usize) -> (BTreeMap<UserId, Vec<ReadBook>>, HashMap<ProductId, BookFacts>) {
        let mut random = SmallRng::seed_from_u64(7);
        let books: Vec<ProductId> =
            (0..circles * 60).map(|n| ProductId(uuid::Uuid::from_u128(n as u128 + 1))).collect();
        let facts = books.iter().enumerate().map(|(n, book)| {
            let facts = BookFacts {
                work: WorkId(book.0),
                series: None,
                authors: vec![format!("author {n}")],
                genres: vec![format!("genre {}", n % 3)],
                sold: true,
            };
            (*book, facts)
        });
        let all = (0..people).map(|n| {
            let circle = n % circles;
            let mut own = Vec::new();
            for _ in 0..12 {
                let skewed = |most: usize, random: &mut SmallRng| {
                    let unit: f64 = random.random_range(0.0..1.0);
                    ((unit * unit * most as f64) as usize).min(most - 1)
                };
                let book = if random.random_range(0..5) == 0 {
                    books[skewed(books.len(), &mut random)]
                } else {
                    books[circle * 60 + skewed(60, &mut random)]
                };
                if own.iter().all(|one: &ReadBook| one.book != book) {
                    own.push(ReadBook { book, sign: Sign::Bought });
                }
            }
            (UserId(uuid::Uuid::from_u128(n as u128 + 1)), own)
        });
        (all.collect(), facts.collect())
    }

    #[test]
    fn readers_with_tastes_are_guessed_better_than_by_what_everybody_reads() {
        let (readers, facts) = readers(12, 1_200);
        let found = evaluate(&readers, &facts, 1);
        assert_eq!((found.readers, found.asked), (1_200, 1_200));
        let rate = |method| found.results.iter().find(|(one, _)| *one == method).map(|(_, rate)| *rate).unwrap();
        let popular = rate(Method::MostPopular);
        for method in [Method::Shop, Method::LogLikelihood] {
            assert!(rate(method).interval.0 > 2.0 * popular.interval.1, "{method:?}: {found:?}");
        }
        assert_eq!(evaluate(&readers, &facts, 1), found, "the same seed hides the same books");
        assert_ne!(evaluate(&readers, &facts, 2).results, found.results);
    }

    #[test]
    fn where_nobody_has_a_taste_nothing_is_better_than_what_is_popular() {
        let (readers, facts) = readers(1, 1_000);
        let found = evaluate(&readers, &facts, 1);
        let [popular, .., shop] = found.results.as_slice() else { panic!("{found:?}") };
        assert!(shop.1.rate < popular.1.rate + 0.05, "{found:?}");
    }

    #[test]
    fn who_has_few_books_is_not_asked() {
        let (mut readers, facts) = readers(2, 10);
        for books in readers.values_mut().take(4) {
            books.truncate(FEWEST - 1);
        }
        assert_eq!(evaluate(&readers, &facts, 1).asked, 6);
        assert_eq!(evaluate(&BTreeMap::new(), &facts, 1).asked, 0);
    }

    #[test]
    fn intervals_are_wilsons() {
        let rate = HitRate::of(10, 100);
        assert!((rate.interval.0 - 0.0552).abs() < 1e-4 && (rate.interval.1 - 0.1744).abs() < 1e-4, "{rate:?}");
        assert_eq!(HitRate::of(0, 0).interval, (0.0, 1.0));
        assert!(HitRate::of(0, 5).interval.0 >= 0.0 && HitRate::of(5, 5).interval.1 <= 1.0);
    }
}
