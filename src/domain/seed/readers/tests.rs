//! What made-up readers must be like.

use std::collections::{HashMap, HashSet};

use time::macros::datetime;

use super::shelf::Shelf;
use super::*;
use crate::config::Config;
use crate::domain::seed::Catalogue;
use crate::model::ids::{ProductId, UserId};
use crate::model::order::{OrderMove, OrderState};
use crate::model::product::Status;
use crate::model::seed::SeededOrder;

const NOW: time::OffsetDateTime = datetime!(2026-05-20 12:00 UTC);

fn pricing() -> Pricing {
    let servers = [("database.url", "postgres://localhost/bookstore"), ("redis.url", "redis://localhost")];
    let servers = servers.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Pricing::new(&Config::load(None, [], servers).unwrap().shop).unwrap()
}

fn books(count: usize) -> Vec<ShelvedBook> {
    let books = Catalogue::new(1, pricing().currency()).take(count).map(|book| book.product);
    let mut books: Vec<ShelvedBook> = books
        .filter(|product| product.fields.status == Status::Active)
        .map(|product| ShelvedBook {
            product: product.id,
            work: product.work_id,
            title: product.fields.title,
            authors: product.fields.authors,
            isbn13: product.fields.isbn13.map(|isbn| isbn.to_string()),
            format: product.fields.format,
            language: product.fields.language,
            genre: product.fields.genres.first().cloned(),
            volume: product.fields.series.as_ref().and_then(|series| series.position),
            series: product.fields.series.map(|series| series.name),
            price: product.fields.price.unwrap().amount,
            rating: Some(product.rating.average).filter(|rating| *rating > 0.0),
            popularity: product.rating.count as f64,
        })
        .collect();
    books.sort_by(|a, b| b.popularity.total_cmp(&a.popularity).then(a.product.cmp(&b.product)));
    books
}

fn make(books: Vec<ShelvedBook>, orders: u64, reviews: u64, seed: u64, first: u64) -> SeededReaders {
    let options = ReaderOptions { orders, reviews, seed, more: false };
    let pricing = pricing();
    let mut maker = Maker::new(books, Trade { pricing: &pricing, now: NOW }, &options, first);
    let mut all = SeededReaders::default();
    loop {
        let batch = maker.batch().unwrap();
        if batch.people.is_empty() {
            return all;
        }
        all.people.extend(batch.people);
        all.orders.extend(batch.orders);
        all.reviews.extend(batch.reviews);
        all.votes.extend(batch.votes);
        all.favourites.extend(batch.favourites);
    }
}

#[test]
fn the_same_seed_makes_the_same_readers() {
    let first = make(books(400), 300, 300, 1, 0);
    assert_eq!(first, make(books(400), 300, 300, 1, 0));
    let other = make(books(400), 300, 300, 2, 0);
    assert_ne!(first.people[0].id, other.people[0].id);
    let bought = |readers: &SeededReaders| {
        readers.orders.iter().map(|seeded| seeded.order.lines[0].product).take(50).collect::<Vec<_>>()
    };
    assert_ne!(bought(&first), bought(&other));
    let more = make(books(400), 300, 300, 1, first.people.len() as u64);
    let known: HashSet<_> =
        first.people.iter().flat_map(|person| [person.id.to_string(), person.email.clone()]).collect();
    assert!(more.people.iter().all(|person| !known.contains(&person.id.to_string()) && !known.contains(&person.email)));
}

#[test]
fn there_are_as_many_as_were_asked_for_even_of_few_books() {
    for (count, orders, reviews) in [(2_000, 700, 500), (40, 300, 300), (3, 20, 40), (2_000, 0, 333), (2_000, 333, 0)] {
        let readers = make(books(count), orders, reviews, 1, 0);
        assert_eq!((readers.orders.len() as u64, readers.reviews.len() as u64), (orders, reviews), "{count} books");
        assert!(!readers.people.is_empty());
    }
}

#[test]
fn every_reader_keeps_the_rules_of_the_shop() {
    let readers = make(books(3_000), 3_000, 3_000, 1, 0);
    let joined: HashMap<UserId, _> = readers.people.iter().map(|person| (person.id, person.created_at)).collect();
    assert_eq!(joined.len(), readers.people.len());
    let mut ids = HashSet::new();
    let mut bought = HashSet::new();
    for SeededOrder { order, history, payment } in &readers.orders {
        assert!(ids.insert(order.id.0) && ids.insert(payment.0), "an identifier comes twice");
        let user = order.user.unwrap();
        assert!(order.placed_at >= joined[&user]);
        assert_eq!(order.total, order.subtotal - order.discount + order.shipping + order.tax);
        assert_eq!(order.subtotal, order.lines.iter().map(|line| line.subtotal).sum::<i64>());
        for line in &order.lines {
            assert_eq!(line.subtotal, line.unit_price * i64::from(line.quantity));
            assert_eq!(line.total, line.subtotal - line.discount + line.tax);
            bought.insert((user, line.product));
        }
        let states: Vec<OrderState> = history.iter().map(|entry| entry.state).collect();
        let mut expected = vec![OrderState::Pending];
        for wanted in [OrderMove::Pay, OrderMove::Ship, OrderMove::Deliver] {
            expected.push(expected.last().unwrap().after(wanted).unwrap());
        }
        assert_eq!(states, expected[..states.len()]);
        assert!(matches!(order.state, OrderState::Shipped | OrderState::Delivered), "its books are not on the shelf");
        assert!(history.is_sorted_by_key(|entry| entry.occurred_at) && order.updated_at <= NOW);
        assert_eq!((order.version, order.state), (states.len() as i64, states[states.len() - 1]));
        assert_eq!(
            (history[0].occurred_at, order.updated_at),
            (order.placed_at, history[states.len() - 1].occurred_at)
        );
    }
    let mut reviewed = HashSet::new();
    for review in &readers.reviews {
        assert!(ids.insert(review.id.0), "an identifier comes twice");
        assert!(reviewed.insert((review.user, review.product)), "one each");
        assert_eq!(review.verified, bought.contains(&(review.user, review.product)));
        assert!((1..=5).contains(&review.rating) && review.created_at <= NOW);
        assert!(review.title.as_ref().is_none_or(|title| (1..=150).contains(&title.chars().count())));
        assert!(review.body.as_ref().is_none_or(|body| (1..=5_000).contains(&body.chars().count())));
        let millis = review.created_at.unix_timestamp_nanos() / 1_000_000;
        assert_eq!((review.id.0.as_u128() >> 80) as i128, millis, "reviews are listed in the order of their ids");
        let votes: Vec<_> = readers.votes.iter().filter(|vote| vote.review == review.id).collect();
        assert!(
            votes.iter().all(|vote| vote.user != review.user && (review.created_at..=NOW).contains(&vote.voted_at))
        );
    }
    let share = |count: usize| count as f64 / readers.reviews.len() as f64;
    let verified = share(readers.reviews.iter().filter(|review| review.verified).count());
    assert!((0.6..0.95).contains(&verified), "{verified} of the reviews are by buyers");
    let distinct: HashSet<_> = readers.votes.iter().map(|vote| (vote.review, vote.user)).collect();
    assert_eq!(distinct.len(), readers.votes.len());
    let distinct: HashSet<_> = readers.favourites.iter().map(|favourite| (favourite.user, favourite.product)).collect();
    assert!(distinct.len() == readers.favourites.len() && !distinct.is_empty());
    for days in [1, 7, 30] {
        let since = NOW - time::Duration::days(days);
        let recent = readers.orders.iter().filter(|seeded| seeded.order.placed_at > since).count();
        assert!(recent as i64 > 15 * days, "{recent} orders of the last {days} days make no leaderboard");
    }
}

/// The works that somebody bought, in that order.
type Purchases = HashMap<UserId, Vec<usize>>;

fn purchases(readers: &SeededReaders, shelf: &Shelf) -> Purchases {
    let works: HashMap<ProductId, usize> = shelf
        .works
        .iter()
        .enumerate()
        .flat_map(|(at, work)| work.editions.iter().map(move |edition| (shelf.books[*edition].product, at)))
        .collect();
    let mut purchases = Purchases::new();
    for SeededOrder { order, .. } in &readers.orders {
        purchases.entry(order.user.unwrap()).or_default().extend(order.lines.iter().map(|line| works[&line.product]));
    }
    purchases
}

/// From the first half of what somebody bought it can be told what the other half is like; so whoever shares a taste in the
/// one half shares books in the other.
#[test]
fn readers_of_one_taste_share_books() {
    let readers = make(books(3_000), 6_000, 0, 1, 0);
    let shelf = Shelf::new(books(3_000), 1_000);
    let mut halves: Vec<(usize, HashSet<usize>)> = Vec::new();
    for works in purchases(&readers, &shelf).into_values().filter(|works| works.len() >= 8) {
        let (first, second) = works.split_at(works.len() / 2);
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for work in first {
            *counts.entry(shelf.works[*work].circle).or_default() += 1;
        }
        let favourite = counts.into_iter().max_by_key(|(circle, count)| (*count, *circle)).unwrap().0;
        halves.push((favourite, second.iter().copied().collect()));
    }
    assert!(halves.len() > 300, "{} readers bought enough", halves.len());
    let (mut alike, mut unlike) = ((0_usize, 0_usize), (0_usize, 0_usize));
    for (at, (taste, works)) in halves.iter().enumerate() {
        for (other, others) in &halves[..at] {
            let pairs = if taste == other { &mut alike } else { &mut unlike };
            pairs.0 += works.intersection(others).count();
            pairs.1 += 1;
        }
    }
    let mean = |(shared, pairs): (usize, usize)| shared as f64 / pairs as f64;
    assert!(mean(alike) > 8.0 * mean(unlike), "{} books in common, {} otherwise", mean(alike), mean(unlike));
    assert!(mean(unlike) > 0.01, "some books are everybody's");

    let within: usize = halves
        .iter()
        .map(|(taste, works)| works.iter().filter(|work| shelf.works[**work].circle == *taste).count())
        .sum();
    let of: usize = halves.iter().map(|(_, works)| works.len()).sum();
    assert!((0.3..0.8).contains(&(within as f64 / of as f64)), "{within} of {of} are to the reader's taste");
}

#[test]
fn a_few_books_sell_most_and_series_are_followed() {
    let readers = make(books(3_000), 6_000, 0, 1, 0);
    let shelf = Shelf::new(books(3_000), 1_000);
    let (mut sold, mut followed) = (vec![0_usize; shelf.works.len()], 0_usize);
    for works in purchases(&readers, &shelf).into_values() {
        for (at, work) in works.iter().enumerate() {
            sold[*work] += 1;
            followed += usize::from(works[..at].iter().any(|before| shelf.works[*before].next == Some(*work)));
        }
    }
    sold.sort_unstable_by(|a, b| b.cmp(a));
    let all: usize = sold.iter().sum();
    let top: usize = sold[..sold.len() / 10].iter().sum();
    assert!((0.25..0.7).contains(&(top as f64 / all as f64)), "a tenth of the works sells {top} of {all}");
    assert!(followed * 20 > all, "{followed} of {all} go on with a series");
}

#[test]
fn opinions_follow_the_stars() {
    let readers = make(books(2_000), 2_000, 2_000, 1, 0);
    let mean = |word: &str| {
        let told: Vec<_> = readers
            .reviews
            .iter()
            .filter(|review| review.body.as_ref().is_some_and(|body| body.contains(word)))
            .collect();
        assert!(!told.is_empty(), "nobody says {word}");
        told.iter().map(|review| f64::from(review.rating)).sum::<f64>() / told.len() as f64
    };
    assert!(mean("Recommended without reservation") > 4.0 && mean("cannot recommend") < 2.5);
}
