//! Made-up readers with tastes: what they buy, say and keep in mind tells which books go together, as it does for people.

mod life;
mod opinions;
mod orders;
mod shelf;

#[cfg(test)]
mod tests;

use serde_json::json;
use tokio::sync::mpsc;

use super::random::Choices;
use super::{SeedError, SeedProgress};
use crate::domain::pricing::{Pricing, PricingError};
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::events::DomainEvent;
use crate::model::ids::AuditId;
use crate::model::seed::{SeededReaders, SeededVote, ShelvedBook};
use crate::store::Store;
use life::Share;
use orders::Trade;
use shelf::Shelf;

/// What readers to make up.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// How many orders.
    pub orders: u64,
    /// How many reviews.
    pub reviews: u64,
    /// Which readers: the same seed gives the same ones for the same books, apart from the times.
    pub seed: u64,
    /// Whether to add to a shop that has orders or reviews already, instead of refusing.
    pub more: bool,
}

/// What was made up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// How many people.
    pub people: u64,
    /// How many orders they have placed.
    pub orders: u64,
    /// How many reviews they have written.
    pub reviews: u64,
}

/// A hash that no password has, as far as anybody knows: nobody can sign in as somebody who was made up.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGtub3dzIGl0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many readers are written at once.
const BATCH: usize = 2_000;
/// How many reviews are written at once: many, since each time every book that they are of is counted anew.
const REVIEWS: usize = 100_000;
/// How many orders a reader places on average.
const ORDERS_EACH: u64 = 6;
/// The most books of which readers know.
const MOST_BOOKS: u64 = 200_000;

/// Writes made-up readers with their orders, reviews, votes and favourites, all of them or nothing, and tells `progress` how
/// many orders and reviews there are. They choose from the books that are there, whoever wrote them.
///
/// # Errors
/// See [`SeedError`].
pub async fn seed_readers(
    store: &Store,
    clock: &dyn Clock,
    pricing: &Pricing,
    options: &ReaderOptions,
    mut progress: impl FnMut(SeedProgress) + Send,
) -> Result<Seeded, SeedError> {
    if options.orders == 0 && options.reviews == 0 {
        return Ok(Seeded::default());
    }
    let mut tx = store.begin("seed.readers").await?;
    if !tx.begin_bulk_load().await? {
        return Err(SeedError::Running);
    }
    if !options.more && tx.has_readers().await? {
        return Err(SeedError::HasReaders);
    }
    let wanted = options.orders.max(options.reviews);
    let most = wanted.saturating_mul(4).clamp(2_000, MOST_BOOKS);
    let books = tx.shelved_books(pricing.currency(), most).await?;
    if books.is_empty() {
        return Err(SeedError::NoBooks);
    }
    let present = tx.greatest_reader(life::NUMBER_IN_EMAIL).await?;
    let first = present.map_or(0, |number| number + 1);

    // As for books, the generator works ahead on a thread of its own.
    let (batches, mut ready) = mpsc::channel(1);
    let (now, pricing, wanted) = (clock.now(), pricing.clone(), options.clone());
    let generator = tokio::task::spawn_blocking(move || {
        let mut maker = Maker::new(books, Trade { pricing: &pricing, now }, &wanted, first);
        loop {
            let batch = maker.batch()?;
            if batch.people.is_empty() || batches.blocking_send(batch).is_err() {
                return Ok::<_, PricingError>(());
            }
        }
    });
    let mut seeded = Seeded::default();
    let (mut reviews, mut votes) = (Vec::new(), Vec::new());
    while let Some(mut batch) = ready.recv().await {
        tx.copy_readers(&batch, NO_PASSWORD).await?;
        seeded.people += batch.people.len() as u64;
        seeded.orders += batch.orders.len() as u64;
        seeded.reviews += batch.reviews.len() as u64;
        reviews.append(&mut batch.reviews);
        votes.append(&mut batch.votes);
        if reviews.len() >= REVIEWS {
            tx.copy_reviews(&reviews, &votes).await?;
            reviews.clear();
            votes.clear();
        }
        progress(SeedProgress::Written(seeded.orders + seeded.reviews));
    }
    generator.await.map_err(|_| SeedError::Generator)??;
    progress(SeedProgress::Finishing);
    tx.copy_reviews(&reviews, &votes).await?;
    tx.finish_bulk_load().await?;
    tx.record_audit(&AuditRecord {
        id: AuditId::generate(),
        occurred_at: clock.now(),
        actor: Actor { user: None, request_id: None },
        action: "readers.seed".to_owned(),
        resource: "readers".to_owned(),
        resource_id: None,
        details: json!({
            "seed": options.seed,
            "people": seeded.people,
            "orders": seeded.orders,
            "reviews": seeded.reviews,
            "after": first,
        }),
    })
    .await?;
    let Seeded { people, orders, reviews } = seeded;
    tx.commit(DomainEvent::ReadersSeeded { people, orders, reviews }).await?;
    Ok(seeded)
}

/// Makes readers up, one after the other, until there are as many orders and reviews as were asked for.
struct Maker<'a> {
    shelf: Shelf,
    trade: Trade<'a>,
    seed: u64,
    /// The number of the next one.
    number: u64,
    left: Share,
}

impl<'a> Maker<'a> {
    fn new(books: Vec<ShelvedBook>, trade: Trade<'a>, options: &ReaderOptions, first: u64) -> Self {
        let wanted = options.orders.max(options.reviews);
        Self {
            shelf: Shelf::new(books, first + wanted / ORDERS_EACH),
            trade,
            seed: options.seed,
            number: first,
            left: Share { orders: options.orders, reviews: options.reviews },
        }
    }

    /// The next readers; nobody when everything is done.
    fn batch(&mut self) -> Result<SeededReaders, PricingError> {
        let mut batch = SeededReaders::default();
        while self.left.orders + self.left.reviews > 0 && batch.people.len() < BATCH {
            let mut choices = life::choices_of(self.seed, self.number);
            let share = share(self.left, &mut choices);
            let life = life::live(&self.shelf, &self.trade, (self.seed, self.number), share, &mut choices)?;
            self.number += 1;
            self.left.orders -= life.orders.len() as u64;
            self.left.reviews -= life.reviews.len() as u64;
            batch.people.push(life.person);
            batch.orders.extend(life.orders);
            batch.reviews.extend(life.reviews);
            batch.favourites.extend(life.favourites);
        }
        vote(&mut batch, &mut life::choices_of(self.seed, VOTES | self.number), self.trade.now);
        // In the order in which they were placed, since the database numbers them as they come.
        batch.orders.sort_by_key(|seeded| seeded.order.placed_at);
        Ok(batch)
    }
}

/// The stream of a batch's votes lies apart from those of its readers.
const VOTES: u64 = 1 << 60;

/// What the next reader does of what is left. Their reviews go with their orders, some write many and some hardly any, and
/// what one does less the following ones do more.
fn share(left: Share, choices: &mut Choices) -> Share {
    let active = life::activity(choices);
    if left.orders == 0 {
        return Share { orders: 0, reviews: active.min(left.reviews) };
    }
    let orders = active.min(left.orders);
    let fluency = 3.0 * choices.unit().powi(2);
    let reviews = (orders as f64 * (left.reviews as f64 / left.orders as f64) * fluency).round() as u64;
    // No more than identifiers can be told apart, see Reader::uuid.
    Share { orders, reviews: reviews.min(left.reviews).min(200) }
}

/// Lets the readers of a batch vote on its reviews: the longer one stands there and the better it happens to be known, the
/// more votes it has.
fn vote(batch: &mut SeededReaders, choices: &mut Choices, now: time::OffsetDateTime) {
    for review in batch.reviews.iter().filter(|review| review.body.is_some()) {
        let days = (now - review.created_at).as_seconds_f64() / 86_400.0;
        let expected = (1.1 * choices.normal() - 0.6).exp() * (days / 60.0).min(1.5);
        let votes = (expected.round() as usize).min(batch.people.len() / 4);
        let insight = 45.0 + 50.0 * choices.unit();
        let mut voters: Vec<usize> = Vec::with_capacity(votes);
        for _ in 0..votes {
            let voter = choices.below(batch.people.len() as u64) as usize;
            let person = &batch.people[voter];
            if person.id == review.user || voters.contains(&voter) {
                continue;
            }
            voters.push(voter);
            let since = person.created_at.max(review.created_at);
            let helpful = choices.percent(insight);
            let voted_at = since + (now - since) * choices.unit();
            batch.votes.push(SeededVote { review: review.id, user: person.id, helpful, voted_at });
        }
    }
}
