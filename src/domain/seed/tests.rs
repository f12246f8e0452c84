//! What a made-up catalogue must be like.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::catalogue::Catalogue;
use super::kinds::{KINDS, Kind, PRAISE};
use super::words::COMMON;
use crate::domain::products::{MoneyDraft, ProductDraft, Rules, SeriesDraft};
use crate::model::genres;
use crate::model::money::Currency;
use crate::model::product::{Availability, Format, ProductFields, Status};
use crate::model::seed::SeededBook;

fn dollars() -> Currency {
    "USD".parse().unwrap()
}

fn books(seed: u64) -> impl Iterator<Item = SeededBook> {
    Catalogue::new(seed, dollars())
}

#[test]
fn the_same_seed_makes_the_same_books() {
    let mut text = String::new();
    for SeededBook { product, on_hand } in books(1).take(12) {
        let ProductFields { title, authors, genres, description, .. } = &product.fields;
        writeln!(text, "{} | {title} | {} | {}", product.id, authors.join(", "), genres.join(", ")).unwrap();
        writeln!(text, "  {} | {:?} | {on_hand}", product.fields.isbn13.as_ref().unwrap(), product.rating).unwrap();
        writeln!(text, "  {}", description.as_deref().unwrap()).unwrap();
    }
    insta::assert_snapshot!(text);
    let (some, more): (Vec<_>, Vec<_>) = (books(1).take(700).collect(), books(1).take(2_000).collect());
    assert_eq!(some, more[..700], "a smaller catalogue is the beginning of a larger one");
    assert_ne!(some, books(2).take(700).collect::<Vec<_>>(), "another seed makes other books");
}

fn draft(fields: ProductFields) -> ProductDraft {
    ProductDraft {
        title: fields.title,
        subtitle: fields.subtitle,
        series: fields.series.map(|series| SeriesDraft { name: series.name, position: series.position }),
        authors: fields.authors,
        isbn10: fields.isbn10.map(|isbn| isbn.to_string()),
        isbn13: fields.isbn13.map(|isbn| isbn.to_string()),
        language: fields.language,
        format: fields.format,
        publisher: fields.publisher,
        published: fields.published.map(|date| date.to_string()),
        pages: fields.pages,
        description: fields.description,
        genres: fields.genres,
        subjects: fields.subjects,
        cover_url: fields.cover_url,
        price: fields.price.map(|price| MoneyDraft { amount: price.amount, currency: price.currency.to_string() }),
        status: fields.status,
    }
}

#[test]
fn every_book_keeps_the_rules_of_the_shop() {
    let rules = Rules { currency: dollars() };
    for book in books(3).take(15_000) {
        let fields = book.product.fields;
        assert_eq!(draft(fields.clone()).check(&rules), Ok(fields));
    }
}

#[test]
fn the_catalogue_is_plausible() {
    const BOOKS: usize = 120_000;
    let mut isbns = HashSet::new();
    let mut ids = HashSet::new();
    let mut works: HashMap<_, String> = HashMap::new();
    let mut works_by_author: HashMap<String, HashSet<_>> = HashMap::new();
    let mut counted: HashMap<&str, usize> = HashMap::new();
    let mut ratings = Vec::new();
    for SeededBook { product, on_hand } in books(1).take(BOOKS) {
        let fields = product.fields;
        let mut count = |what: &'static str, holds: bool| *counted.entry(what).or_default() += usize::from(holds);
        assert!(isbns.insert(fields.isbn13.unwrap()), "an ISBN comes twice");
        assert!(ids.insert(product.id), "an id comes twice");
        assert_eq!(product.availability, Availability::of(on_hand));
        assert_eq!(
            (product.id.0.as_u128() >> 80) as i128,
            product.created_at.unix_timestamp_nanos() / 1_000_000,
            "the id tells when the book was entered"
        );
        let histogram = product.rating.histogram.unwrap();
        assert_eq!(histogram.iter().sum::<i64>(), product.rating.count);
        assert!(fields.genres.iter().all(|slug| genres::name_of(slug).is_some()), "{:?}", fields.genres);
        assert!(matches!(fields.price.unwrap().amount % 100, 99 | 95 | 49));
        assert_eq!(fields.pages.is_none(), fields.format == Some(Format::Audiobook));
        let description = fields.description.unwrap();
        assert!(!description.contains(['{', '}', '^']) && !fields.title.contains(['{', '}', '^']), "{description}");
        for word in ["dragon", "garden", "winter", "murder", "algorithm", "kitchen"] {
            count(word, fields.title.to_lowercase().contains(word));
        }
        count("active", fields.status == Status::Active);
        count("english", fields.language.as_deref() == Some("en"));
        count("in a series", fields.series.is_some());
        count("paperback", fields.format == Some(Format::Paperback));
        count("printed and gone", on_hand == 0);
        count("unrated", product.rating.count == 0);
        ratings.push(product.rating.count);
        works_by_author.entry(fields.authors[0].clone()).or_default().insert(product.work_id);
        works.insert(product.work_id, fields.title);
    }
    let share = |what: &str| counted[what] as f64 / BOOKS as f64;
    for word in ["dragon", "garden", "winter", "murder", "algorithm", "kitchen"] {
        assert!(counted[word] > 200, "{word} is in {} titles", counted[word]);
    }
    for (what, from, to) in [
        ("active", 0.97, 0.99),
        ("english", 0.75, 0.92),
        ("in a series", 0.2, 0.6),
        ("paperback", 0.35, 0.55),
        ("printed and gone", 0.02, 0.08),
        ("unrated", 0.05, 0.25),
    ] {
        assert!((from..to).contains(&share(what)), "{what}: {}", share(what));
    }
    let titles: HashSet<&String> = works.values().collect();
    assert!(titles.len() * 10 > works.len() * 8, "{} titles for {} works", titles.len(), works.len());

    // Zipf: ten times the rank, about a tenth of the readers.
    ratings.sort_unstable_by(|a, b| b.cmp(a));
    let (tenth, hundredth) = (ratings[100] as f64, ratings[1_000] as f64);
    assert!((4.0..20.0).contains(&(tenth / hundredth)), "{tenth} to {hundredth}");
    let mut written: Vec<usize> = works_by_author.values().map(HashSet::len).collect();
    written.sort_unstable_by(|a, b| b.cmp(a));
    assert!((60..600).contains(&written[0]), "the busiest author wrote {}", written[0]);
    assert!(written[written.len() / 2] <= 3, "most authors wrote one, two or three works");
}

#[test]
fn formats_of_a_work_lie_together() {
    let books: Vec<_> = books(5).take(3_000).collect();
    let mut works = 0;
    for pair in books.windows(2) {
        let [first, second] = [&pair[0].product, &pair[1].product];
        if first.work_id == second.work_id {
            works += 1;
            assert!(first.id < second.id);
            assert_ne!(first.fields.format, second.fields.format);
            assert_eq!(first.fields.title, second.fields.title);
            assert_eq!(first.fields.authors, second.fields.authors);
        }
    }
    assert!(works > 1_000);
}

/// The holes of a pattern, without numbers, articles and capitals.
fn holes(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).map(|rest| {
        let hole = rest.split('}').next().unwrap();
        let hole = hole.strip_prefix("a ").unwrap_or(hole);
        hole.strip_prefix('^').unwrap_or(hole).trim_end_matches(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn every_hole_has_its_words_and_every_kind_its_genres() {
    let english = |kind: &Kind| kind.language == "en";
    for kind in KINDS.iter().copied().flatten() {
        assert!(genres::name_of(kind.genre).is_some(), "{}", kind.genre);
        assert!(kind.also.iter().all(|genre| genres::name_of(genre).is_some()), "{:?}", kind.also);
        let patterns = [kind.titles, kind.subtitles, kind.series].into_iter().chain(kind.blurb).flatten();
        let patterns = patterns.chain(PRAISE.iter().filter(|_| english(kind)));
        for pattern in patterns {
            assert_eq!(pattern.matches('{').count(), pattern.matches('}').count(), "{pattern}");
            for hole in holes(pattern) {
                let own = kind.words.iter().any(|(name, _)| *name == hole);
                let common = english(kind) && COMMON.iter().any(|(name, _)| *name == hole);
                assert!(own || common || ["hero", "first", "family"].contains(&hole), "{hole} in {pattern}");
            }
        }
    }
}
