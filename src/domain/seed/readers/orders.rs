//! Made-up orders: placed some time ago, paid for, and on their way or arrived.
//!
//! Their books have left long ago: what is on the shelf today is what was left, so that no stock moves for them.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::shelf::Shelf;
use crate::domain::pricing::{DIGITAL, Pricing, PricingError};
use crate::domain::seed::random::Choices;
use crate::model::ids::{OrderId, PaymentId, UserId};
use crate::model::order::{Address, HistoryEntry, Order, OrderLine, OrderState};
use crate::model::pricing::Item;
use crate::model::seed::{SeededOrder, SeededPerson};

/// Towns to live in, by country.
#[rustfmt::skip]
const TOWNS: &[(&str, &[(&str, &str)])] = &[
    ("US", &[("Portland", "97205"), ("Madison", "53703"), ("Ithaca", "14850"), ("Santa Fe", "87501"), ("Boulder", "80302")]),
    ("GB", &[("Bath", "BA1 1LT"), ("Norwich", "NR2 1TF"), ("Durham", "DH1 3RH"), ("Leeds", "LS1 4DY")]),
    ("IE", &[("Galway", "H91 E9PR"), ("Cork", "T12 W8KP")]),
    ("DE", &[("Leipzig", "04109"), ("Freiburg", "79098"), ("Bremen", "28195")]),
    ("FR", &[("Nantes", "44000"), ("Lyon", "69002"), ("Rennes", "35000")]),
    ("AT", &[("Graz", "8010"), ("Linz", "4020")]),
    ("ES", &[("Granada", "18001"), ("Bilbao", "48001")]),
    ("IT", &[("Bologna", "40121"), ("Trieste", "34121")]),
    ("NL", &[("Utrecht", "3511 AA"), ("Leiden", "2311 GJ")]),
    ("PT", &[("Porto", "4000-069"), ("Coimbra", "3000-213")]),
];
const STREETS: &[&str] = &[
    "Alder Street",
    "Canal Row",
    "Church Lane",
    "Garden Road",
    "Harbour Lane",
    "High Street",
    "Linden Avenue",
    "Market Square",
    "Mill Road",
    "Orchard Way",
    "Station Road",
    "Water Street",
];

/// How many books an order has.
pub(super) fn lines(choices: &mut Choices) -> usize {
    match choices.below(100) {
        0..60 => 1,
        60..85 => 2,
        85..95 => 3,
        _ => 4,
    }
}

/// How many copies of one: some are for friends.
pub(super) fn copies(choices: &mut Choices) -> i32 {
    match choices.below(100) {
        0..96 => 1,
        96..99 => 2,
        _ => 3,
    }
}

/// By what orders are made.
pub(super) struct Trade<'a> {
    pub(super) pricing: &'a Pricing,
    pub(super) now: OffsetDateTime,
}

/// Who orders, and where the books go.
pub(super) struct Buyer {
    user: UserId,
    email: String,
    address: Address,
}

impl Buyer {
    pub(super) fn new(person: &SeededPerson, trade: &Trade<'_>, choices: &mut Choices) -> Self {
        let served: Vec<_> =
            TOWNS.iter().filter(|(country, _)| !trade.pricing.methods(country, 0).is_empty()).collect();
        let (country, (city, postal_code)) = if served.is_empty() {
            (trade.pricing.country().to_owned(), ("Bookham", "10001"))
        } else {
            let (country, towns) = served[choices.below(served.len() as u64) as usize];
            ((*country).to_owned(), towns[choices.below(towns.len() as u64) as usize])
        };
        let address = Address {
            name: person.name.clone(),
            line1: format!("{} {}", choices.between(1, 180), choices.one(STREETS)),
            line2: None,
            city: city.to_owned(),
            region: None,
            postal_code: Some(postal_code.to_owned()),
            country,
        };
        Self { user: person.id, email: person.email.clone(), address }
    }
}

impl Trade<'_> {
    /// An order of these books (by their places on the shelf) in so many copies each.
    pub(super) fn order(
        &self,
        shelf: &Shelf,
        buyer: &Buyer,
        (order, payment): (Uuid, Uuid),
        placed: OffsetDateTime,
        lines: &[(usize, i32)],
        choices: &mut Choices,
    ) -> Result<SeededOrder, PricingError> {
        let items: Vec<Item> = lines
            .iter()
            .map(|(at, quantity)| {
                let book = &shelf.books[*at];
                let digital = book.format.is_some_and(crate::model::product::Format::is_digital);
                Item { unit_price: book.price, quantity: *quantity, digital }
            })
            .collect();
        let priced = self.pricing.quote(&items, None, &buyer.address.country, None)?;
        let quote = &priced.quote;
        let lines = lines.iter().zip(&items).zip(&quote.lines).map(|(((at, _), item), line)| {
            let book = &shelf.books[*at];
            OrderLine {
                product: book.product,
                title: book.title.clone(),
                authors: book.authors.clone(),
                isbn13: book.isbn13.clone(),
                format: book.format,
                quantity: item.quantity,
                unit_price: item.unit_price,
                subtotal: line.subtotal,
                discount: line.discount,
                tax: line.tax,
                total: line.total,
            }
        });
        let history = history(placed, self.now, priced.method == DIGITAL, buyer.user, choices);
        let last = history.last();
        let order = Order {
            id: OrderId(order),
            number: 0,
            user: Some(buyer.user),
            guest: None,
            email: buyer.email.clone(),
            address: buyer.address.clone(),
            coupon: None,
            state: last.map_or(OrderState::Delivered, |entry| entry.state),
            currency: self.pricing.currency(),
            subtotal: quote.subtotal,
            discount: quote.discount,
            shipping: quote.shipping,
            tax: quote.tax,
            total: quote.total,
            refunded: 0,
            version: history.len() as i64,
            placed_at: placed,
            updated_at: last.map_or(placed, |entry| entry.occurred_at),
            expires_at: placed + Duration::minutes(30),
            tracking: None,
            lines: lines.collect(),
            shipping_method: priced.method,
        };
        Ok(SeededOrder { order, history, payment: PaymentId(payment) })
    }
}

/// The way of an order through its states. Not one of them lies in the future, so a very young order was quick.
fn history(
    placed: OffsetDateTime,
    now: OffsetDateTime,
    digital: bool,
    user: UserId,
    choices: &mut Choices,
) -> Vec<HistoryEntry> {
    let age = now - placed;
    let paid = Duration::seconds(choices.between(20, 240)).min(age / 4);
    let (shipped, delivered) = if digital {
        (paid + Duration::SECOND, paid + Duration::seconds(2))
    } else {
        let shipped = paid + Duration::minutes(choices.between(60, 30 * 60));
        (shipped.min(age / 2), shipped + Duration::minutes(choices.between(24 * 60, 6 * 24 * 60)))
    };
    let entry = |state, after: Duration, actor| HistoryEntry {
        state,
        occurred_at: placed + after.min(age),
        actor,
        reason: None,
    };
    let mut history = vec![
        entry(OrderState::Pending, Duration::ZERO, Some(user)),
        entry(OrderState::Paid, paid, None),
        entry(OrderState::Shipped, shipped, None),
    ];
    if delivered <= age || digital {
        history.push(entry(OrderState::Delivered, delivered, None));
    }
    history
}
