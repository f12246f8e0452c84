//! Carts as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::carts::{CapReason, Capped, CartView, Choice, CouponView, LineView, Notice};
use crate::http::documents::MoneyDocument;
use crate::http::products::FormatDocument;
use crate::model::coupon::CouponRefusal;
use crate::model::money::{Currency, Money};

/// Where the cart is to go.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CartQuery {
    /// The country by ISO 3166-1. Where it is left out, the totals are an estimate for the shop's own.
    #[serde(default)]
    #[garde(pattern("^[A-Z]{2}$"))]
    #[param(pattern = "^[A-Z]{2}$", example = "DE")]
    pub country: Option<String>,
    /// The way of shipping, of those of `GET /shipping-methods`; the first one where it is left out.
    #[serde(default)]
    #[garde(length(chars, min = 1, max = 40))]
    #[param(min_length = 1, max_length = 40, example = "standard")]
    pub shipping_method: Option<String>,
}

impl From<CartQuery> for Choice {
    fn from(query: CartQuery) -> Self {
        Self { country: query.country, method: query.shipping_method }
    }
}

/// How many copies are wanted.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CartItemQuantity)]
pub struct QuantityInput {
    /// Copies. To drop a book, use DELETE.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 999, example = 2)]
    pub quantity: i64,
}

/// Copies of a book that come to those in the cart.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CartItemInput)]
pub struct ItemInput {
    /// The book's id.
    #[garde(skip)]
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    pub product_id: Uuid,
    /// Copies.
    #[serde(default = "one")]
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 999, default = 1, example = 1)]
    pub quantity: i64,
}

fn one() -> i64 {
    1
}

/// A coupon's code.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CartCouponInput)]
pub struct CouponCodeInput {
    /// The code, in any case of its letters.
    #[garde(length(chars, min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "SPRING")]
    pub code: String,
}

/// What somebody is about to buy. All prices are before tax.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cart)]
pub struct CartDocument {
    /// The identifier; it is no secret, and opens nothing. `null` for a guest who has put nothing anywhere yet.
    id: Option<Uuid>,
    /// The books, in the order in which they were put there.
    items: Vec<CartItemDocument>,
    /// The coupon in it.
    coupon: Option<CartCouponDocument>,
    /// What it costs. Books that cannot be had are not among it.
    totals: TotalsDocument,
    /// Whether all of its books can be had in these numbers.
    ready: bool,
    /// Counts the changes; 0 for a cart that is not there yet.
    #[schema(example = 3)]
    version: i64,
    /// When it is forgotten, unless it changes before; `null` for a cart that is not there yet.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required)]
    expires_at: Option<OffsetDateTime>,
}

/// A book in a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartItem)]
struct CartItemDocument {
    /// The book's id.
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    product_id: Uuid,
    /// Its title.
    #[schema(example = "A Wizard of Earthsea")]
    title: String,
    /// Its authors.
    #[schema(example = json!(["Ursula K. Le Guin"]))]
    authors: Vec<String>,
    /// Where a picture of the cover is.
    cover_url: Option<String>,
    /// Its format.
    format: Option<FormatDocument>,
    /// Its ISBN.
    isbn13: Option<String>,
    /// How many copies are wanted.
    #[schema(example = 2)]
    quantity: i32,
    /// What a copy costs now; `null` where it is not sold any more.
    unit_price: Option<MoneyDocument>,
    /// What a copy cost when the book was put there or its quantity last changed.
    added_price: MoneyDocument,
    /// What all copies cost; `null` where it is not sold any more.
    total: Option<MoneyDocument>,
    /// `in_stock`, `few_left` (five copies or fewer) or `out_of_stock`.
    #[schema(example = "in_stock")]
    availability: &'static str,
    /// How many copies can be had, where that is fewer than wanted.
    available: Option<i32>,
    /// Whether it is among the totals: it is sold, and there is some of it.
    buyable: bool,
    /// What has changed since the book was put there or its quantity last changed.
    notices: Vec<NoticeDocument>,
    /// When the book was put there.
    #[serde(with = "time::serde::rfc3339")]
    added_at: OffsetDateTime,
}

/// What has changed about a book in a cart.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = CartNotice)]
struct NoticeDocument {
    /// `price_raised`, `price_lowered`, `few_left`, `fewer_available`, `out_of_stock` or `no_longer_sold`.
    #[schema(example = "price_raised")]
    code: &'static str,
    /// The same for people.
    #[schema(example = "The price has risen.")]
    message: &'static str,
    /// The price before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<MoneyDocument>,
    /// The price now.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<MoneyDocument>,
    /// How many copies there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<i32>,
}

/// The coupon in a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartCoupon)]
struct CartCouponDocument {
    /// Its code.
    #[schema(example = "SPRING")]
    code: String,
    /// Whether it takes something off now.
    applies: bool,
    /// What it takes off.
    discount: MoneyDocument,
    /// Why it takes nothing off; `null` where it does.
    refusal: Option<CouponRefusalDocument>,
}

/// Why a coupon takes nothing off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CouponRefusal)]
struct CouponRefusalDocument {
    /// A stable code for programs.
    #[schema(example = "basket_too_small")]
    code: &'static str,
    /// The same for people.
    #[schema(example = "The books in the basket are not worth enough for the coupon.")]
    message: String,
    /// What the books must be worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<MoneyDocument>,
    /// From when on it counts.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    starts_at: Option<OffsetDateTime>,
}

/// What a cart costs: `total = subtotal - discount + shipping + tax`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartTotals)]
struct TotalsDocument {
    /// Where it is taken to go.
    #[schema(example = "US")]
    country: String,
    /// How it is taken to be shipped; `digital` where nothing is.
    #[schema(example = "standard")]
    shipping_method: String,
    /// Whether nobody said where it goes, so that shipping and tax may be others in the end.
    estimated: bool,
    /// The books.
    subtotal: MoneyDocument,
    /// What the coupon takes off.
    discount: MoneyDocument,
    /// Shipping, after what the books are worth less the discount.
    shipping: MoneyDocument,
    /// Tax on books and shipping, rounded half up line by line.
    tax: MoneyDocument,
    /// The rate of the tax in basis points: 550 is 5.5 %.
    #[schema(example = 550)]
    tax_basis_points: u32,
    /// What is to be paid.
    total: MoneyDocument,
}

impl From<&CartView> for CartDocument {
    fn from(view: &CartView) -> Self {
        let quote = &view.priced.quote;
        let is_there = view.cart.version > 0;
        let money = |amount| MoneyDocument::from(Money { amount, currency: view.currency });
        Self {
            id: is_there.then_some(view.cart.id.0),
            items: view.lines.iter().map(CartItemDocument::from).collect(),
            coupon: view.coupon.as_ref().map(|coupon| CartCouponDocument::new(coupon, view.currency)),
            totals: TotalsDocument {
                country: view.country.clone(),
                shipping_method: view.priced.method.clone(),
                estimated: view.is_estimate,
                subtotal: money(quote.subtotal),
                discount: money(quote.discount),
                shipping: money(quote.shipping),
                tax: money(quote.tax),
                tax_basis_points: view.priced.tax_basis_points,
                total: money(quote.total),
            },
            ready: view.ready,
            version: view.cart.version,
            expires_at: is_there.then_some(view.cart.expires_at),
        }
    }
}

impl From<&LineView> for CartItemDocument {
    fn from(view: &LineView) -> Self {
        let line = &view.line;
        let available = line.available.max(0);
        Self {
            product_id: line.product.0,
            title: line.title.clone(),
            authors: line.authors.clone(),
            cover_url: line.cover_url.clone(),
            format: line.format.map(Into::into),
            isbn13: line.isbn13.clone(),
            quantity: line.quantity,
            unit_price: view.unit_price.map(Into::into),
            added_price: line.added_price.into(),
            total: view.total.map(Into::into),
            availability: crate::model::product::Availability::of(available).as_str(),
            available: (available < line.quantity).then_some(available),
            buyable: view.buyable,
            notices: view.notices.iter().map(NoticeDocument::from).collect(),
            added_at: line.added_at,
        }
    }
}

impl From<&Notice> for NoticeDocument {
    fn from(notice: &Notice) -> Self {
        let plain = |code, message| Self { code, message, ..Self::default() };
        match *notice {
            Notice::PriceRaised { before, after } => Self {
                before: Some(before.into()),
                after: Some(after.into()),
                ..plain("price_raised", "The price has risen.")
            },
            Notice::PriceLowered { before, after } => Self {
                before: Some(before.into()),
                after: Some(after.into()),
                ..plain("price_lowered", "The price has fallen.")
            },
            Notice::FewLeft => plain("few_left", "There are only a few copies left."),
            Notice::FewerAvailable { available } => Self {
                available: Some(available),
                ..plain("fewer_available", "There are fewer copies left than you want.")
            },
            Notice::OutOfStock => plain("out_of_stock", "There are no copies left."),
            Notice::NoLongerSold => plain("no_longer_sold", "The book is not sold any more."),
        }
    }
}

impl CartCouponDocument {
    fn new(coupon: &CouponView, currency: Currency) -> Self {
        let nothing = Money { amount: 0, currency };
        Self {
            code: coupon.code.clone(),
            applies: coupon.effect.is_ok(),
            discount: coupon.effect.unwrap_or(nothing).into(),
            refusal: coupon.effect.err().map(|refusal| CouponRefusalDocument {
                code: refusal.code(),
                message: refusal.to_string(),
                minimum: match refusal {
                    CouponRefusal::BasketTooSmall { minimum } => Some(Money { amount: minimum, currency }.into()),
                    _ => None,
                },
                starts_at: match refusal {
                    CouponRefusal::NotYet { starts_at } => Some(starts_at),
                    _ => None,
                },
            }),
        }
    }
}

/// What became of a guest's cart when its owner signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartMerge)]
pub struct MergeDocument {
    /// Whether it was merged into the person's own. Where not, that could not be done just now: the guest's cart is as it
    /// was, and the next sign-in that brings its token tries again.
    pub merged: bool,
    /// The books of which fewer copies are in the cart now than both carts had together.
    pub capped: Vec<CappedDocument>,
}

/// A book of which not all copies came over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartMergeCap)]
pub struct CappedDocument {
    /// The book's id.
    product_id: Uuid,
    /// Its title.
    title: String,
    /// How many copies both carts had together.
    wanted: i32,
    /// How many are in the cart; 0 where the book was left out.
    quantity: i32,
    /// `stock`, `max_quantity`, `max_lines` or `no_longer_sold`.
    #[schema(example = "stock")]
    reason: &'static str,
}

impl From<Capped> for CappedDocument {
    fn from(capped: Capped) -> Self {
        Self {
            product_id: capped.product.0,
            title: capped.title,
            wanted: capped.wanted,
            quantity: capped.quantity,
            reason: match capped.reason {
                CapReason::Stock => "stock",
                CapReason::MaxQuantity => "max_quantity",
                CapReason::MaxLines => "max_lines",
                CapReason::NoLongerSold => "no_longer_sold",
            },
        }
    }
}
