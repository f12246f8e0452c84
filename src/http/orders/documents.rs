//! Orders as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::orders::CheckoutDraft;
use crate::http::documents::MoneyDocument;
use crate::http::problem::{FieldError, Problem};
use crate::model::money::{Currency, Money};
use crate::model::order::{Address, HistoryEntry, Order, OrderLine, OrderMove, OrderState};

/// Where the books go.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Address)]
pub struct AddressDocument {
    /// Who receives them.
    #[schema(min_length = 1, max_length = 200, example = "Ada Lovelace")]
    name: String,
    /// Street and number.
    #[schema(min_length = 1, max_length = 200, example = "12 St James's Square")]
    line1: String,
    /// More of that.
    #[serde(default)]
    #[schema(max_length = 200)]
    line2: Option<String>,
    /// The town.
    #[schema(min_length = 1, max_length = 100, example = "London")]
    city: String,
    /// The state or province.
    #[serde(default)]
    #[schema(max_length = 100)]
    region: Option<String>,
    /// The postal code.
    #[serde(default)]
    #[schema(max_length = 20, example = "SW1Y 4JH")]
    postal_code: Option<String>,
    /// The country, by ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$", example = "GB")]
    country: String,
}

impl From<AddressDocument> for Address {
    fn from(document: AddressDocument) -> Self {
        let AddressDocument { name, line1, line2, city, region, postal_code, country } = document;
        Self { name, line1, line2, city, region, postal_code, country }
    }
}

impl From<Address> for AddressDocument {
    fn from(address: Address) -> Self {
        let Address { name, line1, line2, city, region, postal_code, country } = address;
        Self { name, line1, line2, city, region, postal_code, country }
    }
}

/// What a buyer fills in to order what is in their cart.
#[derive(Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schema(as = OrderInput)]
pub struct OrderInput {
    /// Where the buyer is written to. Whoever is signed in may leave it out.
    #[serde(default)]
    #[schema(format = "email", max_length = 254, example = "ada@example.org")]
    email: Option<String>,
    /// Where the books go.
    shipping_address: AddressDocument,
    /// How, by the name of one of `GET /shipping-methods`; its first one where it is left out.
    #[serde(default)]
    #[garde(length(max = 100))]
    #[schema(max_length = 100, example = "standard")]
    shipping_method: Option<String>,
    /// What the buyer expects to pay. Where the total is another one by now, nothing is ordered, and it is told.
    #[serde(default)]
    expected_total: Option<MoneyDocument>,
}

impl TryFrom<OrderInput> for CheckoutDraft {
    type Error = Problem;

    fn try_from(input: OrderInput) -> Result<Self, Problem> {
        let money = |document: MoneyDocument| {
            let currency = document.currency.parse::<Currency>();
            let currency = currency.map_err(|error| {
                Problem::invalid([FieldError::body("/expected_total/currency", "invalid", error.to_string())])
            })?;
            Ok::<_, Problem>(Money { amount: document.amount, currency })
        };
        let OrderInput { email, shipping_address, shipping_method, expected_total } = input;
        let expected_total = expected_total.map(money).transpose()?;
        Ok(Self { email, address: shipping_address.into(), shipping_method, expected_total })
    }
}

/// Why an order is called off.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CancelInput)]
pub struct CancelInput {
    /// In the words of whoever does it.
    #[serde(default)]
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "Ordered twice")]
    pub reason: Option<String>,
}

/// How an order leaves.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = ShipInput)]
pub struct ShipInput {
    /// By which the carrier knows the parcel.
    #[serde(default)]
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "JD014600003SE")]
    pub tracking: Option<String>,
}

/// Which page of orders.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

/// Which orders of the whole shop.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AllOrdersQuery {
    /// Only those in this state.
    #[serde(default)]
    #[garde(skip)]
    #[param(inline)]
    pub state: Option<OrderStateDocument>,
    /// Only those of this address.
    #[serde(default)]
    #[garde(length(max = 254))]
    #[param(max_length = 254, example = "ada@example.org")]
    pub email: Option<String>,
    /// Only the one with this number.
    #[serde(default)]
    #[garde(skip)]
    #[param(example = 100_001)]
    pub number: Option<i64>,
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}

fn default_limit() -> u16 {
    20
}

macro_rules! mirror {
    ($(#[doc = $doc:literal])+ $name:ident of $model:ident as $schema:ident { $($(#[doc = $vdoc:literal])+ $variant:ident),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $schema)]
        pub enum $name { $($(#[doc = $vdoc])+ $variant),+ }

        impl From<$model> for $name {
            fn from(value: $model) -> Self {
                match value { $($model::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $model {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

mirror!(
    /// Where an order stands.
    OrderStateDocument of OrderState as OrderState {
        /// Its books are reserved, and it waits to be paid for.
        Pending,
        /// It is paid for.
        Paid,
        /// Its books have left.
        Shipped,
        /// They have arrived.
        Delivered,
        /// It was called off before its books left.
        Cancelled,
        /// All of its money was sent back.
        Refunded,
        /// Nobody paid in time.
        Expired,
    }
);

mirror!(
    /// What can happen to an order.
    OrderMoveDocument of OrderMove as OrderMove {
        /// Its payment succeeds.
        Pay,
        /// Somebody calls it off.
        Cancel,
        /// Its time to be paid for runs out.
        Expire,
        /// Its books leave.
        Ship,
        /// They arrive.
        Deliver,
        /// The last of its money is sent back.
        Refund,
    }
);

/// A book in an order, as it was when it was sold.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct OrderLineDocument {
    /// The book.
    product_id: Uuid,
    /// Its title.
    #[schema(example = "A Wizard of Earthsea")]
    title: String,
    /// Its authors.
    authors: Vec<String>,
    /// Its ISBN.
    isbn13: Option<String>,
    /// Its format.
    #[schema(example = "paperback")]
    format: Option<&'static str>,
    /// Copies.
    #[schema(minimum = 1, example = 2)]
    quantity: i32,
    /// Price of one copy, before tax.
    unit_price: MoneyDocument,
    /// Price of all copies.
    subtotal: MoneyDocument,
    /// This line's share of the discount.
    discount: MoneyDocument,
    /// The tax on what is left.
    tax: MoneyDocument,
    /// What the line costs in the end.
    total: MoneyDocument,
}

/// An order. `total` is `subtotal` - `discount` + `shipping` + `tax`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderDocument {
    /// The identifier.
    id: Uuid,
    /// What people call it.
    #[schema(example = 100_001)]
    number: i64,
    /// Where it stands.
    state: OrderStateDocument,
    /// What can happen to it now.
    allowed: Vec<OrderMoveDocument>,
    /// Where its owner is written to.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Where the books go.
    shipping_address: AddressDocument,
    /// How.
    #[schema(example = "standard")]
    shipping_method: String,
    /// By which the carrier knows the parcel.
    tracking: Option<String>,
    /// The coupon that made it cheaper.
    coupon: Option<String>,
    /// What was bought.
    lines: Vec<OrderLineDocument>,
    /// The goods, before tax.
    subtotal: MoneyDocument,
    /// What the coupon took off.
    discount: MoneyDocument,
    /// The shipping, before tax.
    shipping: MoneyDocument,
    /// The tax on goods and shipping.
    tax: MoneyDocument,
    /// What is to be paid.
    total: MoneyDocument,
    /// What was sent back, or is on its way back.
    refunded: MoneyDocument,
    /// Counts the changes.
    #[schema(example = 1)]
    version: i64,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    placed_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Until when its books are kept while it is pending.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<Order> for OrderDocument {
    fn from(order: Order) -> Self {
        let currency = order.currency;
        let money = |amount| MoneyDocument::from(Money { amount, currency });
        let line = |line: OrderLine| OrderLineDocument {
            product_id: line.product.0,
            title: line.title,
            authors: line.authors,
            isbn13: line.isbn13,
            format: line.format.map(|format| format.as_str()),
            quantity: line.quantity,
            unit_price: money(line.unit_price),
            subtotal: money(line.subtotal),
            discount: money(line.discount),
            tax: money(line.tax),
            total: money(line.total),
        };
        Self {
            id: order.id.0,
            number: order.number,
            state: order.state.into(),
            allowed: order.state.moves().map(OrderMoveDocument::from).collect(),
            email: order.email,
            shipping_address: order.address.into(),
            shipping_method: order.shipping_method,
            tracking: order.tracking,
            coupon: order.coupon,
            lines: order.lines.into_iter().map(line).collect(),
            subtotal: money(order.subtotal),
            discount: money(order.discount),
            shipping: money(order.shipping),
            tax: money(order.tax),
            total: money(order.total),
            refunded: money(order.refunded),
            version: order.version,
            placed_at: order.placed_at,
            updated_at: order.updated_at,
            expires_at: order.expires_at,
        }
    }
}

/// A page of orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderPage)]
pub struct OrderPageDocument {
    /// The newest first.
    pub items: Vec<OrderDocument>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// A state that an order has had.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderHistoryEntry)]
pub struct HistoryEntryDocument {
    /// Which one.
    state: OrderStateDocument,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    /// Who brought it there; `null` where the shop did, or a guest.
    actor_id: Option<Uuid>,
    /// Why.
    reason: Option<String>,
}

impl From<HistoryEntry> for HistoryEntryDocument {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry { state, occurred_at, actor, reason } = entry;
        Self { state: state.into(), occurred_at, actor_id: actor.map(|actor| actor.0), reason }
    }
}

/// What has happened to an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OrderHistory)]
pub struct HistoryDocument {
    /// The first state first.
    pub items: Vec<HistoryEntryDocument>,
}
