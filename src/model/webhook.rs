//! Telling other systems what happens: which events they can hear of, and what is known of each delivery.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::events::DomainEvent;
use super::ids::{DeliveryId, EndpointId};
use super::order::OrderState;
use super::product::names;

names!(
    /// What other systems can hear of.
    EventType {
        /// A book entered the catalogue.
        ProductCreated = "product.created",
        /// A book's data changed.
        ProductChanged = "product.changed",
        /// A book was withdrawn.
        ProductRetired = "product.retired",
        /// An import wrote a batch of books.
        ProductImported = "product.imported",
        /// Copies of books came, went or were reserved.
        StockChanged = "stock.changed",
        /// Books came into another class of availability.
        AvailabilityChanged = "stock.availability_changed",
        /// Somebody placed an order.
        OrderCreated = "order.created",
        /// An order was paid for.
        OrderPaid = "order.paid",
        /// An order's books left.
        OrderShipped = "order.shipped",
        /// An order's books arrived.
        OrderDelivered = "order.delivered",
        /// An order was called off.
        OrderCancelled = "order.cancelled",
        /// All of an order's money was sent back.
        OrderRefunded = "order.refunded",
        /// Nobody paid for an order in time.
        OrderExpired = "order.expired",
        /// A part or all of an order's money was sent back.
        RefundCreated = "refund.created",
        /// An administrator tries an endpoint. It goes to that endpoint alone, whatever it asked for.
        Test = "webhook.test",
    }
);

/// As what other systems hear of an event, if they do. Carts, accounts, sessions and the shop's own upkeep are nobody else's
/// business; that a payment was tried is told when it moves its order.
#[must_use]
pub fn webhook_type(event: &DomainEvent) -> Option<EventType> {
    use DomainEvent as E;
    use EventType as T;
    match event {
        E::ProductCreated { .. } => Some(T::ProductCreated),
        E::ProductChanged { .. } => Some(T::ProductChanged),
        E::ProductRetired { .. } => Some(T::ProductRetired),
        E::ProductsImported { .. } => Some(T::ProductImported),
        E::StockChanged { .. } => Some(T::StockChanged),
        E::AvailabilityChanged { .. } => Some(T::AvailabilityChanged),
        E::OrderPlaced { .. } => Some(T::OrderCreated),
        E::OrderMoved { to, .. } => match to {
            // No order comes back to where it began.
            OrderState::Pending => None,
            OrderState::Paid => Some(T::OrderPaid),
            OrderState::Shipped => Some(T::OrderShipped),
            OrderState::Delivered => Some(T::OrderDelivered),
            OrderState::Cancelled => Some(T::OrderCancelled),
            OrderState::Refunded => Some(T::OrderRefunded),
            OrderState::Expired => Some(T::OrderExpired),
        },
        E::OrderRefunded { .. } => Some(T::RefundCreated),
        E::CatalogueSeeded { .. }
        | E::ReadersSeeded { .. }
        | E::UserRegistered { .. }
        | E::UserChanged { .. }
        | E::UserDeleted { .. }
        | E::SessionStarted { .. }
        | E::SessionExtended { .. }
        | E::SessionsEnded { .. }
        | E::SessionsExpired { .. }
        | E::CartChanged { .. }
        | E::CartsExpired { .. }
        | E::CouponChanged { .. }
        | E::PaymentChanged { .. }
        | E::ReviewCreated { .. }
        | E::ReviewChanged { .. }
        | E::ReviewRemoved { .. }
        | E::ReviewRestored { .. }
        | E::ReviewVoted { .. }
        | E::VotesWithdrawn { .. }
        | E::ReviewsVerified { .. }
        | E::FavouriteAdded { .. }
        | E::FavouriteRemoved { .. }
        | E::LeaderboardsMoved { .. }
        | E::TastesChanged { .. }
        | E::TastesRecounted
        | E::NeighboursChanged { .. }
        | E::EndpointChanged { .. }
        | E::ViewsCounted { .. }
        | E::CacheCleared { .. } => None,
    }
}

/// What an event that other systems hear of says: ids, and what it knows itself. The rest is read by the API.
#[must_use]
pub fn webhook_data(event: &DomainEvent) -> Value {
    use DomainEvent as E;
    match event {
        E::ProductCreated { product } | E::ProductChanged { product } | E::ProductRetired { product } => {
            json!({ "product_id": product })
        }
        E::ProductsImported { created, changed } => json!({ "created": created, "changed": changed }),
        E::StockChanged { levels } => {
            let levels = levels.iter().map(|level| {
                json!({
                    "product_id": level.product,
                    "version": level.version,
                    "on_hand": level.on_hand,
                    "reserved": level.reserved,
                })
            });
            json!({ "levels": levels.collect::<Vec<_>>() })
        }
        E::AvailabilityChanged { products } => json!({ "product_ids": products }),
        E::OrderPlaced { order, user } => {
            json!({ "order_id": order, "user_id": user, "state": OrderState::Pending })
        }
        E::OrderMoved { order, user, from, to } => {
            json!({ "order_id": order, "user_id": user, "state": to, "previous_state": from })
        }
        E::OrderRefunded { order, user, refund, amount } => {
            json!({ "order_id": order, "user_id": user, "refund_id": refund, "amount": amount })
        }
        _ => json!({}),
    }
}

/// Which events an endpoint wants: one type, all of a kind (`order.*`), or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// The text is no type of event and no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternError;

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = EventType::ALL.iter().map(|event| event.as_str()).collect();
        write!(f, "is no type of event: *, a kind such as order.*, or one of {}", names.join(", "))
    }
}

impl std::error::Error for PatternError {}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let pattern = Self(text.to_owned());
        if EventType::ALL.iter().any(|event| pattern.covers(*event)) { Ok(pattern) } else { Err(PatternError) }
    }
}

impl Pattern {
    /// Whether it wants events of this type.
    #[must_use]
    pub fn covers(&self, event: EventType) -> bool {
        let name = event.as_str();
        match self.0.strip_suffix('*') {
            Some("") => true,
            Some(kind) => kind.ends_with('.') && name.starts_with(kind),
            None => self.0 == name,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

names!(
    /// Why an endpoint is sent nothing.
    DisabledReason {
        /// An administrator said so.
        Administrator = "administrator",
        /// It answered 410: it does not want to be sent anything any more.
        Gone = "gone",
        /// It failed for too long.
        Failing = "failing",
    }
);

names!(
    /// Where a delivery stands.
    DeliveryState {
        /// It waits for its next attempt.
        Pending = "pending",
        /// The endpoint took it.
        Delivered = "delivered",
        /// It is not tried any more.
        Failed = "failed",
    }
);

/// What signs what is sent to one endpoint. It is never shown but once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An endpoint of another system.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// The identifier.
    pub id: EndpointId,
    /// Where events are sent.
    pub url: String,
    /// What it is, for people.
    pub description: Option<String>,
    /// Which events it wants.
    pub event_types: Vec<Pattern>,
    /// What signs.
    pub secret: Secret,
    /// What signs as well, and until when.
    pub previous_secret: Option<(Secret, OffsetDateTime)>,
    /// Why it is sent nothing; absent while it is.
    pub disabled: Option<DisabledReason>,
    /// Since when nothing has succeeded.
    pub failing_since: Option<OffsetDateTime>,
    /// Counts the changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Endpoint {
    /// Whether it wants events of this type.
    #[must_use]
    pub fn wants(&self, event: EventType) -> bool {
        self.event_types.iter().any(|pattern| pattern.covers(event))
    }

    /// What signs at this moment, the present one first.
    #[must_use]
    pub fn secrets(&self, now: OffsetDateTime) -> Vec<Secret> {
        let previous = self.previous_secret.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(previous).cloned().collect()
    }
}

/// An event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The identifier.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Which event: the `webhook-id`.
    pub event_id: String,
    /// Of which type. A text, since another release may have written one that this one does not know.
    pub event_type: String,
    /// What is sent.
    pub payload: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried since it was last queued.
    pub attempts: i32,
    /// When it is tried next, where it waits.
    pub next_attempt_at: OffsetDateTime,
    /// When it was queued.
    pub created_at: OffsetDateTime,
    /// When it was taken or given up.
    pub finished_at: Option<OffsetDateTime>,
    /// The newest attempt that has ended.
    pub last_attempt: Option<Attempt>,
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: i32,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// How long it took.
    pub duration: Duration,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// Why it failed; absent where it succeeded.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub response: Option<String>,
}

/// A delivery that a process has taken to try it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which one.
    pub delivery: DeliveryId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Where that is.
    pub url: String,
    /// What signs.
    pub secrets: Vec<Secret>,
    /// The `webhook-id`.
    pub event_id: String,
    /// What is sent.
    pub payload: String,
    /// Which attempt this is since the delivery was last queued, from 1.
    pub attempt: i32,
    /// Which attempt this is in all.
    pub number: i32,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// It is tried again at this time.
    Retry(OffsetDateTime),
    /// It is given up.
    Failed,
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// How many deliveries wait.
    pub depth: i64,
    /// For how long the oldest of those that are due has been.
    pub oldest_due: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{OrderId, RefundId};
    use crate::model::money::Money;

    #[test]
    fn patterns_cover_what_they_say() {
        let covers = |pattern: &str, event| pattern.parse::<Pattern>().unwrap().covers(event);
        assert!(covers("*", EventType::OrderPaid) && covers("*", EventType::Test));
        assert!(covers("order.*", EventType::OrderPaid) && !covers("order.*", EventType::RefundCreated));
        assert!(covers("order.paid", EventType::OrderPaid) && !covers("order.paid", EventType::OrderShipped));
        for wrong in ["", "order", "order*", "ord*", "**", ".*", "order.", "nothing.*", "Order.paid", " order.paid"] {
            assert_eq!(wrong.parse::<Pattern>(), Err(PatternError), "{wrong} is accepted");
        }
    }

    #[test]
    fn each_move_of_an_order_has_a_name() {
        let order = OrderId::generate();
        let named = |to| webhook_type(&DomainEvent::OrderMoved { order, user: None, from: OrderState::Pending, to });
        for state in OrderState::ALL {
            let name = (*state != OrderState::Pending).then(|| format!("order.{state}"));
            assert_eq!(named(*state).map(|event| event.to_string()), name);
        }
        let amount = Money { amount: 5, currency: "USD".parse().unwrap() };
        let refunded = DomainEvent::OrderRefunded { order, user: None, refund: RefundId::generate(), amount };
        assert_eq!(webhook_type(&refunded), Some(EventType::RefundCreated));
        let data = webhook_data(&refunded);
        assert_eq!((&data["order_id"], &data["user_id"]), (&json!(order), &Value::Null));
        assert_eq!(data["amount"], json!({"amount": 5, "currency": "USD"}));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret(b"hush".to_vec())), "Secret(..)");
    }
}
