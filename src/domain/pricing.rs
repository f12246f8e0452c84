//! What an order costs: the shop's ways of shipping and taxes, over the arithmetic of [`crate::model::pricing`].

use std::collections::HashMap;
use std::sync::Arc;

use crate::config;
use crate::model::coupon::Coupon;
use crate::model::money::{Currency, CurrencyError, Money};
use crate::model::pricing::{self, Item, Overflow, Quote};

/// How what is not shipped reaches its reader: the method of an order of ebooks and audiobooks alone.
pub const DIGITAL: &str = "digital";

/// Why an order has no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The shop does not sell to this country.
    #[error("the shop does not sell to this country")]
    UnknownCountry,
    /// The country is not shipped to in this way.
    #[error("there is no such way of shipping; there are {}", .offered.join(", "))]
    UnknownMethod {
        /// The ways that there are.
        offered: Vec<String>,
    },
    /// The amounts are too large.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// A way of shipping, with its price for a certain basket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShippingOffer {
    /// Its name.
    pub method: String,
    /// What it costs, in minor units and before tax.
    pub price: i64,
    /// What the books must be worth for it to cost nothing.
    pub free_from: Option<i64>,
}

/// What an order costs, and by which choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The amounts.
    pub quote: Quote,
    /// How it is shipped; [`DIGITAL`] where nothing is.
    pub method: String,
    /// The tax of the country.
    pub tax_basis_points: u32,
}

/// A way of shipping: what it costs, by country and by what the books are worth.
trait Shipping: Send + Sync {
    /// The offer, unless the country is not served.
    fn offer(&self, country: &str, goods: i64) -> Option<ShippingOffer>;
}

/// The same price for all.
struct Flat {
    method: String,
    price: i64,
}

impl Shipping for Flat {
    fn offer(&self, _: &str, _: i64) -> Option<ShippingOffer> {
        Some(ShippingOffer { method: self.method.clone(), price: self.price, free_from: None })
    }
}

/// Nothing from a certain value of the books on.
struct FreeFrom<S> {
    inner: S,
    threshold: i64,
}

impl<S: Shipping> Shipping for FreeFrom<S> {
    fn offer(&self, country: &str, goods: i64) -> Option<ShippingOffer> {
        let offer = self.inner.offer(country, goods)?;
        let price = if goods >= self.threshold { 0 } else { offer.price };
        Some(ShippingOffer { price, free_from: Some(self.threshold), ..offer })
    }
}

/// To some countries alone.
struct OnlyTo {
    inner: Box<dyn Shipping>,
    countries: Vec<String>,
}

impl Shipping for OnlyTo {
    fn offer(&self, country: &str, goods: i64) -> Option<ShippingOffer> {
        self.countries.iter().any(|one| one == country).then(|| self.inner.offer(country, goods))?
    }
}

fn strategy(rate: &config::ShippingRate) -> Box<dyn Shipping> {
    let flat = Flat { method: rate.method.clone(), price: rate.price };
    let priced: Box<dyn Shipping> = match rate.free_from {
        Some(threshold) => Box::new(FreeFrom { inner: flat, threshold }),
        None => Box::new(flat),
    };
    if rate.countries.is_empty() {
        priced
    } else {
        Box::new(OnlyTo { inner: priced, countries: rate.countries.clone() })
    }
}

/// The shop's prices. Cloning is cheap.
#[derive(Clone)]
pub struct Pricing {
    currency: Currency,
    /// Where a basket is taken to go as long as nobody says.
    country: Arc<str>,
    shipping: Arc<[Box<dyn Shipping>]>,
    taxes: Arc<HashMap<String, u32>>,
    /// The tax of the countries that have no rate of their own.
    other_tax: Option<u32>,
}

impl Pricing {
    /// The prices of these settings.
    ///
    /// # Errors
    /// Where the currency is none.
    pub fn new(settings: &config::Shop) -> Result<Self, CurrencyError> {
        let taxes: HashMap<_, _> =
            settings.taxes.iter().map(|rate| (rate.country.clone(), rate.basis_points)).collect();
        Ok(Self {
            currency: settings.currency.parse()?,
            country: settings.country.as_str().into(),
            shipping: settings.shipping.iter().map(strategy).collect(),
            other_tax: taxes.get("*").copied(),
            taxes: taxes.into(),
        })
    }

    /// The currency of all prices.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// An amount in it.
    #[must_use]
    pub fn money(&self, amount: i64) -> Money {
        Money { amount, currency: self.currency }
    }

    /// The country of estimates.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The tax of a country in basis points, unless the shop does not sell there.
    #[must_use]
    pub fn tax(&self, country: &str) -> Option<u32> {
        self.taxes.get(country).copied().or(self.other_tax).filter(|_| config::is_country(country))
    }

    /// The ways to ship books of this worth (after the coupon, before tax) to a country, in the order of the settings.
    #[must_use]
    pub fn methods(&self, country: &str, goods: i64) -> Vec<ShippingOffer> {
        if self.tax(country).is_none() {
            return Vec::new();
        }
        self.shipping.iter().filter_map(|shipping| shipping.offer(country, goods)).collect()
    }

    /// What these items cost with a coupon, which must count, shipped to a country. Without a method it is the first that is
    /// offered. Where nothing is shipped the method is [`DIGITAL`], whatever was asked for.
    ///
    /// # Errors
    /// [`PricingError`].
    pub fn quote(
        &self,
        items: &[Item],
        coupon: Option<&Coupon>,
        country: &str,
        method: Option<&str>,
    ) -> Result<Priced, PricingError> {
        let tax_basis_points = self.tax(country).ok_or(PricingError::UnknownCountry)?;
        let discount = coupon.map(|coupon| &coupon.discount);
        let (method, shipping) = if items.iter().all(|item| item.digital) {
            (DIGITAL.to_owned(), 0)
        } else {
            let subtotal = pricing::subtotal(items)?;
            let goods = subtotal - discount.map_or(0, |discount| pricing::discount_on(subtotal, discount));
            let mut offers = self.methods(country, goods);
            let chosen = match method {
                None => (!offers.is_empty()).then_some(0),
                Some(method) => offers.iter().position(|offer| offer.method == method),
            };
            let Some(chosen) = chosen else {
                let offered = offers.into_iter().map(|offer| offer.method).collect();
                return Err(PricingError::UnknownMethod { offered });
            };
            let ShippingOffer { method, price, .. } = offers.swap_remove(chosen);
            (method, price)
        };
        let quote = pricing::quote(items, discount, shipping, tax_basis_points)?;
        Ok(Priced { quote, method, tax_basis_points })
    }
}

#[cfg(test)]
mod tests;
