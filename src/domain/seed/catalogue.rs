//! The catalogue as a sequence: works one after the other, each in its formats, some of them in series.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use time::{Date, Duration};

use super::editions;
use super::kinds::{KINDS, Kind, PRAISE};
use super::people::{self, Author};
use super::random::Choices;
use super::ratings;
use super::template::{Words, title_case};
use super::words::{COMMON, PUBLISHERS};
use crate::model::ids::{ProductId, WorkId};
use crate::model::money::{Currency, Money};
use crate::model::product::{Availability, Format, Product, ProductFields, Series, Status};
use crate::model::seed::SeededBook;

/// An endless sequence of made-up books. A seed always gives the same one, so a smaller catalogue is the beginning of
/// a larger one.
pub struct Catalogue {
    seed: u64,
    currency: Currency,
    /// How many groups (single works or series) were written.
    groups: u64,
    /// How many books were written.
    books: u64,
    /// The books of the present group that were not handed out yet.
    ready: VecDeque<SeededBook>,
    /// Hashes of the titles so far, 8 bytes a work: a title is given twice only where its kind has run out of others.
    titles: HashSet<u64>,
}

/// What the works of a group share.
struct Group {
    kind: &'static Kind,
    authors: Vec<String>,
    fame: f64,
    publisher: &'static str,
    series: Option<String>,
}

impl Catalogue {
    /// The catalogue of this seed, with prices in `currency`.
    #[must_use]
    pub fn new(seed: u64, currency: Currency) -> Self {
        Self { seed, currency, groups: 0, books: 0, ready: VecDeque::new(), titles: HashSet::new() }
    }

    fn write_group(&mut self) {
        let mut choices = Choices::of(self.seed, self.groups);
        let number = author_number(&mut choices, self.groups);
        let author = people::author(self.seed, number);
        let kind = self.kind(&mut choices, number, &author);
        self.groups += 1;

        let mut words = Words::new([kind.words, COMMON], people::culture_of(kind.language));
        let length = if kind.series.is_empty() || choices.percent(68.0) { 1 } else { series_length(&mut choices) };
        let mut group = Group {
            kind,
            fame: (0.6 * choices.normal()).exp(),
            publisher: publisher(&mut choices),
            authors: self.authors(author, &mut choices),
            series: None,
        };
        if length > 1 {
            let mut name = String::new();
            words.write(&mut name, choices.one(kind.series), &mut choices);
            group.series = Some(name);
        }
        let shared = words.chosen();
        let mut day = editions::first_published(&mut choices, 2 * (length - 1));
        for position in 1..=length {
            let title = self.new_title(kind, &shared, &mut words, &mut choices);
            self.write_work(&group, position, &title, day, &mut words, &mut choices);
            words.keep(&shared);
            day = day.saturating_add(Duration::days(choices.between(200, 720)));
        }
    }

    fn new_title(
        &mut self,
        kind: &'static Kind,
        shared: &[&'static str],
        words: &mut Words,
        choices: &mut Choices,
    ) -> String {
        let mut title = title(kind, words, choices);
        for _ in 0..TITLE_TRIES {
            if self.titles.insert(hash(&title)) {
                break;
            }
            words.keep(shared);
            title = self::title(kind, words, choices);
        }
        title
    }

    /// Authors mostly stay with one kind of book, in their own language.
    fn kind(&self, choices: &mut Choices, number: u64, author: &Author) -> &'static Kind {
        let foreign = author.culture.language != "en" && choices.percent(70.0);
        let language = if foreign { author.culture.language } else { "en" };
        let weight = |kind: &&Kind| if kind.language == language { kind.weight } else { 0 };
        let kinds: Vec<&'static Kind> = KINDS.iter().copied().flatten().collect();
        let kind: &&'static Kind = if choices.percent(80.0) {
            Choices::of(self.seed, OWN_KINDS | number).weighted(&kinds, weight)
        } else {
            choices.weighted(&kinds, weight)
        };
        kind
    }

    fn authors(&self, first: Author, choices: &mut Choices) -> Vec<String> {
        let mut authors = vec![first.name];
        let others = match choices.below(100) {
            0..89 => 0,
            89..98 => 1,
            _ => 2,
        };
        for _ in 0..others {
            let number = author_number(choices, self.groups);
            let name = people::author(self.seed, number).name;
            if !authors.contains(&name) {
                authors.push(name);
            }
        }
        authors
    }

    fn write_work(
        &mut self,
        group: &Group,
        position: i64,
        title: &str,
        first: Date,
        words: &mut Words,
        choices: &mut Choices,
    ) {
        let kind = group.kind;
        let subtitle = subtitle(kind, words, choices);
        let description = blurb(kind, words, choices);
        let genres = genres(kind, choices);
        let subjects = subjects(kind, choices);
        let entered = editions::entered(choices, first);
        let work_id = WorkId(editions::uuid(entered, 0xFFF, self.seed, self.books));
        let readers = ratings::readers(choices, group.fame) * 0.85_f64.powi(position as i32 - 1);
        let quality = ratings::quality(choices);
        let pages = choices.between(kind.pages.0, kind.pages.1) / 4 * 4;
        let status = match choices.below(1000) {
            0..8 => Status::Draft,
            8..20 => Status::Retired,
            _ => Status::Active,
        };
        let formats = editions::formats(choices);
        let held: f64 = formats.iter().map(|format| editions::readership(*format)).sum();
        for (order, format) in formats.iter().copied().enumerate() {
            let share = editions::readership(format) / held;
            let count = if status == Status::Draft { 0 } else { (readers * share).round() as i64 };
            let on_hand = if status == Status::Draft { 0 } else { editions::copies(choices, format, readers * share) };
            let isbn13 = editions::isbn(self.books);
            let product = Product {
                id: ProductId(editions::uuid(entered, order as u16, self.seed, self.books)),
                work_id,
                rating: ratings::rating(choices, quality, count),
                availability: Availability::of(on_hand),
                version: 1,
                created_at: entered,
                updated_at: entered,
                fields: ProductFields {
                    title: title.to_owned(),
                    subtitle: subtitle.clone(),
                    series: group
                        .series
                        .as_ref()
                        .map(|name| Series { name: name.clone(), position: Some(position as f64) }),
                    authors: group.authors.clone(),
                    isbn10: isbn13.to_isbn10(),
                    isbn13: Some(isbn13),
                    language: Some(kind.language.to_owned()),
                    format: Some(format),
                    publisher: Some(group.publisher.to_owned()),
                    published: Some(editions::published(choices, format, first, formats.len() == 1)),
                    pages: (format != Format::Audiobook).then_some(pages as i32),
                    description: Some(description.clone()),
                    genres: genres.clone(),
                    subjects: subjects.clone(),
                    cover_url: None,
                    price: Some(Money {
                        amount: editions::price(choices, format, kind.price),
                        currency: self.currency,
                    }),
                    status,
                },
            };
            self.ready.push_back(SeededBook { product, on_hand });
            self.books += 1;
        }
    }
}

impl Iterator for Catalogue {
    type Item = SeededBook;

    fn next(&mut self) -> Option<SeededBook> {
        loop {
            if let Some(book) = self.ready.pop_front() {
                return Some(book);
            }
            self.write_group();
        }
    }
}

/// The streams that say what kind of books an author writes lie apart from those of authors and of books.
const OWN_KINDS: u64 = 1 << 62;

/// The author of a group. Of the authors so far, whose number grows with the catalogue, the first ones write most
/// (Zipf and Mandelbrot: the k-th one in proportion to 1/(k + q)).
fn author_number(choices: &mut Choices, groups: u64) -> u64 {
    let authors = 500.0 + 0.8 * groups as f64;
    let q = authors / 50.0;
    (q * ((authors + q) / q).powf(choices.unit()) - q) as u64
}

fn series_length(choices: &mut Choices) -> i64 {
    const LENGTHS: &[(i64, u32)] = &[(2, 20), (3, 35), (4, 15), (5, 10), (6, 8), (7, 6), (9, 4), (12, 2)];
    choices.weighted(LENGTHS, |(_, share)| *share).0
}

/// A tenth of the publishers bring out a third of the books.
fn publisher(choices: &mut Choices) -> &'static str {
    let large = choices.percent(33.0);
    let end = if large { PUBLISHERS.len() / 10 } else { PUBLISHERS.len() };
    choices.one(&PUBLISHERS[..end])
}

/// How often another title is looked for.
const TITLE_TRIES: usize = 10;

fn hash(title: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    title.hash(&mut hasher);
    hasher.finish()
}

fn title(kind: &'static Kind, words: &mut Words, choices: &mut Choices) -> String {
    let mut title = String::with_capacity(48);
    words.write(&mut title, choices.one(kind.titles), choices);
    if kind.language == "en" { title_case(&title) } else { title }
}

fn subtitle(kind: &'static Kind, words: &mut Words, choices: &mut Choices) -> Option<String> {
    if kind.subtitles.is_empty() || !choices.percent(35.0) {
        return None;
    }
    let mut subtitle = String::with_capacity(48);
    words.write(&mut subtitle, choices.one(kind.subtitles), choices);
    Some(if kind.language == "en" { title_case(&subtitle) } else { subtitle })
}

/// Two to five sentences, about what the title names.
fn blurb(kind: &'static Kind, words: &mut Words, choices: &mut Choices) -> String {
    let [begin, middle, end] = kind.blurb;
    let mut sentences = vec![choices.one(begin), choices.one(middle)];
    if choices.percent(75.0) {
        sentences.push(choices.one(middle));
    }
    if choices.percent(85.0) {
        sentences.push(choices.one(end));
    }
    if kind.language == "en" && choices.percent(35.0) {
        sentences.push(choices.one(PRAISE));
    }
    sentences.dedup();
    let mut text = String::with_capacity(320);
    for sentence in sentences {
        if !text.is_empty() {
            text.push(' ');
        }
        words.write(&mut text, sentence, choices);
    }
    text
}

fn genres(kind: &'static Kind, choices: &mut Choices) -> Vec<String> {
    let mut genres = vec![kind.genre.to_owned()];
    for _ in 0..choices.below(4).min(choices.below(4)) + choices.below(2) {
        let genre = choices.one(kind.also);
        if !genres.iter().any(|known| known == genre) {
            genres.push(genre.to_owned());
        }
    }
    genres.truncate(4);
    genres
}

fn subjects(kind: &'static Kind, choices: &mut Choices) -> Vec<String> {
    let mut subjects: Vec<String> = (0..choices.below(3)).map(|_| choices.one(kind.subjects).to_owned()).collect();
    subjects.dedup();
    subjects
}
