//! What a cart shows: what its books cost by now, and what has changed since they were put there.

use time::OffsetDateTime;

use crate::domain::pricing::{Priced, Pricing, PricingError};
use crate::model::cart::{Cart, CartLine};
use crate::model::coupon::CouponRefusal;
use crate::model::money::{Currency, Money};
use crate::model::pricing::{self, Item};
use crate::model::product::Availability;

/// Where a cart is to go, and how, as far as somebody said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The country.
    pub country: Option<String>,
    /// The way of shipping.
    pub method: Option<String>,
}

/// What has changed about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It costs more.
    PriceRaised {
        /// Than this.
        before: Money,
        /// Namely this.
        after: Money,
    },
    /// It costs less.
    PriceLowered {
        /// Than this.
        before: Money,
        /// Namely this.
        after: Money,
    },
    /// There were many copies, and are few.
    FewLeft,
    /// There are fewer copies than wanted.
    FewerAvailable {
        /// So many.
        available: i32,
    },
    /// There are none.
    OutOfStock,
    /// The book is not sold any more.
    NoLongerSold,
}

/// A line of a cart.
#[derive(Clone, Debug, PartialEq)]
pub struct LineView {
    /// The line.
    pub line: CartLine,
    /// What a copy costs; nothing where it is not sold any more.
    pub unit_price: Option<Money>,
    /// What all copies cost, before tax.
    pub total: Option<Money>,
    /// Whether it counts: some of it can be had.
    pub buyable: bool,
    /// What has changed.
    pub notices: Vec<Notice>,
}

/// The coupon of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponView {
    /// Its code.
    pub code: String,
    /// What it takes off, or why it does not.
    pub effect: Result<Money, CouponRefusal>,
}

/// A cart, as its owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CartView {
    /// The cart.
    pub cart: Cart,
    /// Its lines.
    pub lines: Vec<LineView>,
    /// Its coupon.
    pub coupon: Option<CouponView>,
    /// What it costs. Lines that cannot be had are not among it.
    pub priced: Priced,
    /// The currency of all of it.
    pub currency: Currency,
    /// Where it is taken to go.
    pub country: String,
    /// Whether nobody said where it goes.
    pub is_estimate: bool,
    /// Whether it could be ordered as it is, as far as the books are concerned.
    pub ready: bool,
    /// When it has to be looked at anew although nothing has changed: the cart expires, or the coupon begins or ends.
    pub valid_until: OffsetDateTime,
}

impl CartView {
    /// Looks at a cart.
    ///
    /// # Errors
    /// [`PricingError`].
    pub fn of(cart: Cart, pricing: &Pricing, choice: &Choice, now: OffsetDateTime) -> Result<Self, PricingError> {
        let currency = pricing.currency();
        let lines: Vec<LineView> = cart.lines.iter().map(|line| look_at(line, pricing)).collect();
        let items: Vec<Item> = lines
            .iter()
            .filter(|view| view.buyable)
            .filter_map(|LineView { line, .. }| {
                let unit_price = line.price_in(currency)?;
                Some(Item { unit_price, quantity: line.quantity, digital: line.is_digital() })
            })
            .collect();
        let subtotal = pricing::subtotal(&items)?;
        let refusal = cart.coupon.as_ref().map(|coupon| coupon.refusal(now, subtotal, cart.coupon_uses));
        let counting = cart.coupon.as_ref().filter(|_| refusal == Some(None));
        let country = choice.country.clone().unwrap_or_else(|| pricing.country().to_owned());
        let priced = pricing.quote(&items, counting, &country, choice.method.as_deref())?;
        let coupon = cart.coupon.as_ref().map(|coupon| CouponView {
            code: coupon.code.clone(),
            effect: refusal.flatten().map_or_else(|| Ok(pricing.money(priced.quote.discount)), Err),
        });
        let boundaries = cart.coupon.iter().flat_map(|coupon| [coupon.starts_at, coupon.ends_at]);
        let next = boundaries.flatten().filter(|boundary| *boundary > now).min();
        let is_good = |view: &LineView| view.buyable && view.line.quantity <= view.line.available;
        Ok(Self {
            valid_until: next.map_or(cart.expires_at, |next| next.min(cart.expires_at)),
            ready: !lines.is_empty() && lines.iter().all(is_good),
            currency,
            is_estimate: choice.country.is_none(),
            cart,
            lines,
            coupon,
            priced,
            country,
        })
    }
}

fn look_at(line: &CartLine, pricing: &Pricing) -> LineView {
    let unit_price = line.price_in(pricing.currency());
    let total = unit_price.and_then(|price| price.checked_mul(i64::from(line.quantity)));
    let mut notices = Vec::new();
    match unit_price {
        None => notices.push(Notice::NoLongerSold),
        Some(amount) => {
            let (before, after) = (line.added_price, pricing.money(amount));
            // A shop that has changed its currency has changed all of its prices; amounts say nothing then.
            if before.currency == after.currency && before.amount < after.amount {
                notices.push(Notice::PriceRaised { before, after });
            } else if before.currency == after.currency && before.amount > after.amount {
                notices.push(Notice::PriceLowered { before, after });
            }
            if line.available <= 0 {
                notices.push(Notice::OutOfStock);
            } else if line.available < line.quantity {
                notices.push(Notice::FewerAvailable { available: line.available });
            } else if Availability::of(line.available) == Availability::FewLeft
                && line.added_availability == Availability::InStock
            {
                notices.push(Notice::FewLeft);
            }
        }
    }
    LineView {
        unit_price: unit_price.map(|amount| pricing.money(amount)),
        total: total.map(|amount| pricing.money(amount)),
        buyable: unit_price.is_some() && line.available > 0,
        notices,
        line: line.clone(),
    }
}
