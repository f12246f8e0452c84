//! What made-up readers choose from: works by popularity, and the circles of those that the same people like.
//!
//! A circle is a part of a genre in one language: all works of some of its authors, so that a series lies in one circle. It
//! is what makes one reader's books tell of another's; a genre alone would be too coarse for that, and a series too fine.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::seed::random::Choices;
use crate::model::seed::ShelvedBook;

/// The fewest works of a circle, where its genre has as many.
const CIRCLE: usize = 60;

/// A work in its formats.
pub(super) struct Work {
    /// Where its books stand among [`Shelf::books`].
    pub(super) editions: Vec<usize>,
    /// The circle that it belongs to.
    pub(super) circle: usize,
    /// Who wrote it: the place of its first author's works among [`Shelf::authors`].
    pub(super) author: usize,
    /// The next volume of its series.
    pub(super) next: Option<usize>,
    /// What its readers tend to think of it, in stars.
    pub(super) quality: f64,
}

/// Works, the most popular one first, of which each is drawn the less often the later it comes.
pub(super) struct Ranking {
    pub(super) works: Vec<usize>,
    /// The sum of the weights up to each.
    until: Vec<f64>,
}

impl Ranking {
    /// By Zipf's law in Mandelbrot's form: the n-th work in proportion to 1/(n + q)^0.9.
    fn new(works: Vec<usize>, q: f64) -> Self {
        let mut sum = 0.0;
        let until = (0..works.len())
            .map(|rank| {
                sum += (rank as f64 + 1.0 + q).powf(-0.9);
                sum
            })
            .collect();
        Self { works, until }
    }

    pub(super) fn draw(&self, choices: &mut Choices) -> Option<usize> {
        let point = choices.unit() * self.until.last()?;
        self.works.get(self.until.partition_point(|until| *until <= point)).copied()
    }
}

/// Works that the same people like.
pub(super) struct Circle {
    /// The language that they are in.
    pub(super) language: Option<String>,
    /// Themselves.
    pub(super) ranking: Ranking,
}

/// All that there is to choose from.
pub(super) struct Shelf {
    pub(super) books: Vec<ShelvedBook>,
    pub(super) works: Vec<Work>,
    pub(super) circles: Vec<Circle>,
    /// The works of each author.
    pub(super) authors: Vec<Vec<usize>>,
    /// All works.
    pub(super) all: Ranking,
    /// The sum of the weights of the circles up to each.
    circles_until: Vec<f64>,
}

impl Shelf {
    /// Arranges books, the most popular one first, for about so many readers: a circle that nobody is in tells nothing.
    pub(super) fn new(books: Vec<ShelvedBook>, readers: u64) -> Self {
        let mut works: Vec<Work> = Vec::new();
        let mut known = HashMap::new();
        let mut authors: Vec<Vec<usize>> = Vec::new();
        let mut known_authors = HashMap::new();
        for (at, book) in books.iter().enumerate() {
            let work = *known.entry(book.work).or_insert(works.len());
            if work < works.len() {
                works[work].editions.push(at);
                continue;
            }
            let name = book.authors.first().map(String::as_str).unwrap_or_default();
            let author = *known_authors.entry(name).or_insert(authors.len());
            if author == authors.len() {
                authors.push(Vec::new());
            }
            authors[author].push(work);
            let quality = book.rating.unwrap_or(3.8);
            works.push(Work { editions: vec![at], circle: 0, author, next: None, quality });
        }
        let circles = circles(&books, &mut works, readers);
        link_series(&books, &mut works);
        let mut shelf = Self {
            all: Ranking::new((0..works.len()).collect(), works.len() as f64 / 200.0),
            works,
            circles,
            authors,
            books,
            circles_until: Vec::new(),
        };
        let mut sum = 0.0;
        for circle in &shelf.circles {
            // What is popular has drawn more people; but no circle is without any.
            sum += circle.ranking.works.iter().map(|work| (*work as f64 + 50.0).powf(-0.5)).sum::<f64>();
            shelf.circles_until.push(sum);
        }
        shelf
    }

    /// A circle for somebody: the larger and the more popular, the more often.
    pub(super) fn circle(&self, choices: &mut Choices) -> usize {
        let point = choices.unit() * self.circles_until.last().copied().unwrap_or(0.0);
        self.circles_until.partition_point(|until| *until <= point).min(self.circles.len().saturating_sub(1))
    }

    /// The first of a work's books.
    pub(super) fn book_of(&self, work: usize) -> &ShelvedBook {
        &self.books[self.works[work].editions[0]]
    }
}

fn circles(books: &[ShelvedBook], works: &mut [Work], readers: u64) -> Vec<Circle> {
    // Enough people for each circle to have a taste of its own.
    let size = CIRCLE.max(works.len() * 25 / readers.max(1) as usize);
    let mut genres: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, work) in works.iter().enumerate() {
        let book = &books[work.editions[0]];
        genres.entry((book.language.clone(), book.genre.clone())).or_default().push(at);
    }
    let mut circles: Vec<Circle> = Vec::new();
    for ((language, _), members) in genres {
        let parts = members.len().div_ceil(size);
        let mut divided = vec![Vec::new(); parts];
        for work in members {
            let author = books[works[work].editions[0]].authors.first().map(String::as_str).unwrap_or_default();
            divided[(xxh3_64(author.as_bytes()) % parts as u64) as usize].push(work);
        }
        for members in divided.into_iter().filter(|members| !members.is_empty()) {
            for work in &members {
                works[*work].circle = circles.len();
            }
            let ranking = Ranking::new(members, 3.0);
            circles.push(Circle { language: language.clone(), ranking });
        }
    }
    circles
}

fn link_series(books: &[ShelvedBook], works: &mut [Work]) {
    let mut series: BTreeMap<_, Vec<(f64, usize)>> = BTreeMap::new();
    for (at, work) in works.iter().enumerate() {
        let book = &books[work.editions[0]];
        if let (Some(name), Some(volume)) = (&book.series, book.volume) {
            series.entry((name, work.author)).or_default().push((volume, at));
        }
    }
    for mut volumes in series.into_values() {
        volumes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for pair in volumes.windows(2) {
            works[pair[0].1].next = Some(pair[1].1);
        }
    }
}
