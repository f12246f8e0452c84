//! One made-up reader: what they like, and what they have bought, said and kept in mind.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use super::opinions;
use super::orders::{self, Buyer, Trade};
use super::shelf::Shelf;
use crate::domain::pricing::PricingError;
use crate::domain::seed::editions;
use crate::domain::seed::people;
use crate::domain::seed::random::Choices;
use crate::model::ids::{ProductId, ReviewId, UserId};
use crate::model::product::Format;
use crate::model::seed::{SeededFavourite, SeededOrder, SeededPerson, SeededReview};

/// The time over which all of it has happened.
const SPAN: Duration = Duration::days(365);
/// The domain of made-up addresses: nobody can have one there (RFC 2606, section 2).
const DOMAIN: &str = "readers.invalid";
/// Tells the numbers of made-up readers from their addresses, in the syntax of Postgres.
pub(super) const NUMBER_IN_EMAIL: &str = r"^reader-([0-9]{1,15})@readers\.invalid$";
/// The streams of readers lie apart from those of books (0), of kinds (1 << 62) and of authors (1 << 63).
const READERS: u64 = 1 << 61;

/// The address of the reader of this number.
pub(super) fn email(number: u64) -> String {
    format!("reader-{number}@{DOMAIN}")
}

/// What a reader is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) orders: u64,
    pub(super) reviews: u64,
}

/// A reader with all that they have done.
pub(super) struct Life {
    pub(super) person: SeededPerson,
    pub(super) orders: Vec<SeededOrder>,
    pub(super) reviews: Vec<SeededReview>,
    pub(super) favourites: Vec<SeededFavourite>,
}

/// The choices of the reader of this number.
pub(super) fn choices_of(seed: u64, number: u64) -> Choices {
    Choices::of(seed, READERS | number)
}

/// How many orders a reader places who is neither told to place more nor fewer: most few, some many.
pub(super) fn activity(choices: &mut Choices) -> u64 {
    (3.8 * (0.9 * choices.normal()).exp()).ceil().min(60.0) as u64
}

/// When something happened, within `age` of now: recent times are the denser ones, so that a day has its best sellers.
fn lately(choices: &mut Choices, age: Duration) -> Duration {
    age * choices.unit().powf(1.6)
}

/// What a reader has come by, and how.
struct Taken {
    work: usize,
    product: ProductId,
    at: OffsetDateTime,
}

struct Reader<'a> {
    shelf: &'a Shelf,
    seed: u64,
    number: u64,
    /// The circles of their taste, the first one first.
    circles: Vec<usize>,
    format: Format,
    /// How many stars more than others they give.
    mildness: f64,
    /// Works that they have, in the order in which they came by them.
    taken: Vec<Taken>,
    known: BTreeSet<usize>,
    /// Things that were made, to tell their identifiers apart.
    made: u64,
}

impl Reader<'_> {
    fn uuid(&mut self, moment: OffsetDateTime) -> uuid::Uuid {
        self.made += 1;
        editions::uuid(moment, 0, self.seed, (self.number << 9) | (self.made & 0x1FF))
    }

    /// The next work that they come by; nothing when they know all that there is to their taste.
    fn choose(&self, choices: &mut Choices) -> Option<usize> {
        (0..16).find_map(|_| self.candidate(choices).filter(|work| !self.known.contains(work)))
    }

    fn candidate(&self, choices: &mut Choices) -> Option<usize> {
        let shelf = self.shelf;
        let some_known = |choices: &mut Choices| {
            let known = &self.taken;
            (!known.is_empty()).then(|| known[choices.below(known.len() as u64) as usize].work)
        };
        match choices.below(100) {
            // Series are followed,
            0..25 => some_known(choices).and_then(|work| shelf.works[work].next),
            // and authors,
            25..37 => some_known(choices).map(|work| {
                let works = &shelf.authors[shelf.works[work].author];
                works[choices.below(works.len() as u64) as usize]
            }),
            // some books everybody has,
            37..47 => shelf.all.draw(choices),
            // and the rest is a matter of taste.
            _ => {
                let second = self.circles.len() > 1 && choices.percent(35.0);
                shelf.circles[self.circles[usize::from(second)]].ranking.draw(choices)
            }
        }
    }

    /// The format of a work that they take: mostly the one that they like.
    fn edition(&self, work: usize, choices: &mut Choices) -> usize {
        let editions = &self.shelf.works[work].editions;
        let liked = editions.iter().find(|at| self.shelf.books[**at].format == Some(self.format));
        match liked {
            Some(at) if choices.percent(85.0) => *at,
            _ => editions[choices.below(editions.len() as u64) as usize],
        }
    }

    /// Stars: what the work is worth, how it meets their taste, and a mood.
    fn stars(&self, work: usize, choices: &mut Choices) -> u8 {
        let work = &self.shelf.works[work];
        let fits = if self.circles.contains(&work.circle) { 0.35 } else { -0.6 };
        let stars = work.quality + fits + self.mildness + 0.75 * choices.normal();
        stars.round().clamp(1.0, 5.0) as u8
    }
}

/// Makes up the reader of this number. `choices` are those of [`choices_of`], after [`activity`].
pub(super) fn live(
    shelf: &Shelf,
    trade: &Trade<'_>,
    (seed, number): (u64, u64),
    share: Share,
    choices: &mut Choices,
) -> Result<Life, PricingError> {
    let now = trade.now;
    let mut reader = Reader {
        shelf,
        seed,
        number,
        circles: circles(shelf, choices),
        format: format(choices),
        mildness: 0.4 * choices.normal(),
        taken: Vec::new(),
        known: BTreeSet::new(),
        made: 0,
    };
    let age = SPAN * (0.02 + 0.98 * choices.unit());
    let joined = now - age;
    let language = shelf.circles[reader.circles[0]].language.as_deref().unwrap_or("en");
    let name = people::invented(people::culture_of(language), choices);
    let id = UserId(reader.uuid(joined));
    let person = SeededPerson { id, email: email(number), name, created_at: joined };

    let mut ages: Vec<Duration> = (0..share.orders).map(|_| lately(choices, age)).collect();
    ages.sort_unstable_by(|a, b| b.cmp(a));
    let buyer = Buyer::new(&person, trade, choices);
    let mut orders = Vec::with_capacity(ages.len());
    for age in ages {
        let placed = now - age;
        let mut lines = Vec::new();
        for _ in 0..orders::lines(choices) {
            let Some(work) = reader.choose(choices) else { break };
            let edition = reader.edition(work, choices);
            let product = shelf.books[edition].product;
            reader.known.insert(work);
            reader.taken.push(Taken { work, product, at: placed });
            lines.push((edition, orders::copies(choices)));
        }
        if lines.is_empty() {
            break;
        }
        let ids = (reader.uuid(placed), reader.uuid(placed));
        orders.push(trade.order(shelf, &buyer, ids, placed, &lines, choices)?);
    }
    let reviews = reviews(&mut reader, id, share.reviews, age, now, choices);
    let favourites = favourites(&mut reader, id, age, now, choices);
    Ok(Life { person, orders, reviews, favourites })
}

fn circles(shelf: &Shelf, choices: &mut Choices) -> Vec<usize> {
    let first = shelf.circle(choices);
    let mut circles = vec![first];
    if choices.percent(50.0) {
        let language = &shelf.circles[first].language;
        // People read in more than one language, but few do.
        let second = (0..8).map(|_| shelf.circle(choices)).find(|at| shelf.circles[*at].language == *language);
        circles.extend(second.filter(|second| *second != first));
    }
    circles
}

fn format(choices: &mut Choices) -> Format {
    const FORMATS: &[(Format, u32)] =
        &[(Format::Paperback, 55), (Format::Ebook, 25), (Format::Hardcover, 13), (Format::Audiobook, 7)];
    choices.weighted(FORMATS, |(_, share)| *share).0
}

/// Mostly of what they have bought, some days later.
fn reviews(
    reader: &mut Reader<'_>,
    user: UserId,
    count: u64,
    age: Duration,
    now: OffsetDateTime,
    choices: &mut Choices,
) -> Vec<SeededReview> {
    let mut bought: Vec<usize> = (0..reader.taken.len()).collect();
    let mut reviews = Vec::new();
    for _ in 0..count {
        let of_bought = !bought.is_empty() && choices.percent(88.0);
        let (work, product, written, verified) = if of_bought {
            let taken = &reader.taken[bought.swap_remove(choices.below(bought.len() as u64) as usize)];
            let read = Duration::hours(choices.between(20, 60 * 24)).min((now - taken.at) * choices.unit());
            (taken.work, taken.product, taken.at + read, true)
        } else {
            let Some(work) = reader.choose(choices) else { break };
            let product = reader.shelf.books[reader.edition(work, choices)].product;
            reader.known.insert(work);
            (work, product, now - lately(choices, age), false)
        };
        let id = ReviewId(reader.uuid(written));
        let stars = reader.stars(work, choices);
        let shelf = reader.shelf;
        let opinion = opinions::write(shelf.book_of(work), stars, choices);
        reviews.push(SeededReview {
            id,
            product,
            user,
            rating: i16::from(stars),
            language: (opinion.title.is_some() || opinion.body.is_some()).then_some("en"),
            title: opinion.title,
            body: opinion.body,
            verified,
            created_at: written,
        });
    }
    reviews
}

/// Some of what they have, and some of what they would like to have.
fn favourites(
    reader: &mut Reader<'_>,
    user: UserId,
    age: Duration,
    now: OffsetDateTime,
    choices: &mut Choices,
) -> Vec<SeededFavourite> {
    let mut favourites = Vec::new();
    for at in 0..reader.taken.len() {
        if choices.percent(8.0) {
            let Taken { product, at, .. } = reader.taken[at];
            favourites.push(SeededFavourite { user, product, added_at: at + (now - at) * choices.unit() });
        }
    }
    for _ in 0..choices.below(3) * choices.below(3) {
        let Some(work) = reader.choose(choices) else { break };
        let product = reader.shelf.books[reader.edition(work, choices)].product;
        reader.known.insert(work);
        favourites.push(SeededFavourite { user, product, added_at: now - lately(choices, age) });
    }
    favourites
}
