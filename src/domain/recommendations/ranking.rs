//! From the books that somebody likes to those that they may like too. Nothing here knows where its numbers come from: the
//! shop and the evaluation rank by the same functions.

use std::collections::{HashMap, HashSet};

use crate::model::ids::{ProductId, WorkId};
use crate::model::recommendation::{Neighbour, Sign};

/// How many of the books that somebody likes count: the latest of them, as tastes change.
pub const SEEDS: usize = 30;

/// How many books may be recommended by each book that is known to be liked: of somebody who has one of these, more than a
/// few of its neighbours are guesses, and what is popular in its genres is the better one.
pub const EACH: usize = 10;

/// The most books of one series, or of one author, among those that are recommended.
const OF_A_KIND: usize = 3;

/// What a book that is liked counts for.
fn weight(sign: Sign) -> f64 {
    match sign {
        Sign::Liked => 1.5,
        Sign::Bought => 1.0,
        Sign::Favourite => 0.8,
    }
}

/// A book that may be liked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// Which one.
    pub book: ProductId,
    /// How much speaks for it.
    pub score: f64,
    /// The book that speaks for it most.
    pub because: ProductId,
}

/// The neighbours of the books that somebody likes, those first for which these together say most; ties by id.
#[must_use]
pub fn rank(liked: &[(ProductId, Sign)], neighbours: &HashMap<ProductId, Vec<Neighbour>>) -> Vec<Suggestion> {
    let own: HashSet<ProductId> = liked.iter().map(|(book, _)| *book).collect();
    let mut found: HashMap<ProductId, (Suggestion, f64)> = HashMap::new();
    for (book, sign) in liked {
        for neighbour in neighbours.get(book).into_iter().flatten().filter(|one| !own.contains(&one.book)) {
            let says = weight(*sign) * f64::from(neighbour.score);
            let none = Suggestion { book: neighbour.book, score: 0.0, because: *book };
            let (suggestion, most) = found.entry(neighbour.book).or_insert((none, 0.0));
            suggestion.score += says;
            if says > *most {
                (suggestion.because, *most) = (*book, says);
            }
        }
    }
    let mut ranked: Vec<Suggestion> = found.into_values().map(|(suggestion, _)| suggestion).collect();
    ranked.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.book.cmp(&b.book)));
    ranked
}

/// The genres of the books that somebody likes, those of most of them first; ties by name.
#[must_use]
pub fn genres<'a>(liked: impl IntoIterator<Item = &'a [String]>) -> Vec<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for genre in liked.into_iter().flatten() {
        *counts.entry(genre).or_default() += 1;
    }
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.into_iter().map(|(genre, _)| genre).collect()
}

/// By what books are much the same.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    /// The work.
    pub work: WorkId,
    /// The series.
    pub series: Option<&'a str>,
    /// The authors.
    pub authors: &'a [String],
}

/// Sees to it that no work comes twice or is known already, and that no series or author takes up the list.
#[derive(Debug, Default)]
pub struct Variety {
    works: HashSet<WorkId>,
    series: HashMap<String, usize>,
    authors: HashMap<String, usize>,
}

impl Variety {
    /// None of these works is let in.
    pub fn without(known: impl IntoIterator<Item = WorkId>) -> Self {
        Self { works: known.into_iter().collect(), ..Self::default() }
    }

    /// Whether a book is let in; then it counts.
    pub fn admits(&mut self, book: Kind<'_>) -> bool {
        let full = |counts: &HashMap<String, usize>, name: &str| counts.get(name).is_some_and(|n| *n >= OF_A_KIND);
        if self.works.contains(&book.work)
            || book.series.is_some_and(|name| full(&self.series, name))
            || book.authors.iter().any(|name| full(&self.authors, name))
        {
            return false;
        }
        self.works.insert(book.work);
        if let Some(name) = book.series {
            *self.series.entry(name.to_owned()).or_default() += 1;
        }
        for name in book.authors {
            *self.authors.entry(name.clone()).or_default() += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour(book: ProductId, score: f32) -> Neighbour {
        Neighbour { book, score, together: 1 }
    }

    #[test]
    fn what_several_books_speak_for_comes_first_and_the_strongest_is_the_reason() {
        let [a, b, x, y] = [(); 4].map(|()| ProductId::generate());
        let lists = HashMap::from([
            (a, vec![neighbour(b, 0.9), neighbour(x, 0.5), neighbour(y, 0.4)]),
            (b, vec![neighbour(y, 0.3)]),
        ]);
        let ranked = rank(&[(a, Sign::Bought), (b, Sign::Bought)], &lists);
        let shown: Vec<_> = ranked.iter().map(|one| (one.book, one.because)).collect();
        assert_eq!(shown, [(y, a), (x, a)], "and b is liked already");
        assert!((ranked[0].score - 0.7).abs() < 1e-6);
        let liked = rank(&[(a, Sign::Favourite), (b, Sign::Liked)], &lists);
        assert_eq!(liked[0].because, b, "a rating says more than a note");
    }

    #[test]
    fn genres_come_by_how_many_books_have_them() {
        let books = [vec!["a".to_owned(), "c".to_owned()], vec!["c".to_owned(), "b".to_owned()]];
        assert_eq!(genres(books.iter().map(Vec::as_slice)), ["c", "a", "b"]);
    }

    #[test]
    fn no_work_comes_twice_and_no_series_or_author_takes_it_all() {
        let works: Vec<WorkId> = (0..9).map(|_| WorkId::generate()).collect();
        let ann = ["Ann".to_owned()];
        let mut variety = Variety::without([works[0]]);
        let of = |work: usize, series, authors| Kind { work: works[work], series, authors };
        assert!(!variety.admits(of(0, None, &[])), "known");
        assert!(variety.admits(of(1, None, &[])) && !variety.admits(of(1, None, &[])), "twice");
        assert!((2..5).all(|work| variety.admits(of(work, Some("Saga"), &[]))));
        assert!(!variety.admits(of(5, Some("Saga"), &[])));
        assert!((5..8).all(|work| variety.admits(of(work, None, &ann))));
        assert!(!variety.admits(of(8, None, &ann)));
        assert!(variety.admits(of(8, None, &[])), "what was not let in does not count");
    }
}
