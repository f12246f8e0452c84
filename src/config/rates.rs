//! What shipping costs and which tax applies, as settings write it.

use super::setting::{Raw, Setting};

/// A way of shipping: `standard=499 free from 5000 to US CA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingRate {
    /// Its name in the API.
    pub method: String,
    /// What it costs, in minor units and before tax.
    pub price: i64,
    /// What the books must be worth for it to cost nothing.
    pub free_from: Option<i64>,
    /// The only countries that it goes to, by ISO 3166-1; everywhere where there is none.
    pub countries: Vec<String>,
}

/// The tax on books in one country: `FR=5.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRate {
    /// The country by ISO 3166-1, or `*` for all that have no rate of their own.
    pub country: String,
    /// In basis points: 550 is 5.5 %.
    pub basis_points: u32,
}

/// What nothing may cost more than, in minor units.
const HIGHEST_PRICE: i64 = 1_000_000_000;

/// Whether a text is written like the code of a country by ISO 3166-1.
#[must_use]
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn one(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::One(text) => Ok(text.trim()),
        Raw::Many(_) => Err("is a list where one value is expected".to_owned()),
    }
}

fn price(text: Option<&str>) -> Result<i64, String> {
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|amount| (0..=HIGHEST_PRICE).contains(amount))
        .ok_or_else(|| format!("lacks an amount in minor units, up to {HIGHEST_PRICE}"))
}

impl Setting for ShippingRate {
    fn read(raw: &Raw) -> Result<Self, String> {
        let (method, rest) = one(raw)?.split_once('=').ok_or("is not of the form name=price")?;
        let method = method.trim();
        let is_name = !method.is_empty()
            && method.len() <= 40
            && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
        if !is_name {
            return Err("has a name that is not 1 to 40 small letters, digits, dashes or underscores".to_owned());
        }
        if method == "digital" {
            return Err("has the name of what needs no shipping".to_owned());
        }
        let mut words = rest.split_whitespace().peekable();
        let mut rate =
            Self { method: method.to_owned(), price: price(words.next())?, free_from: None, countries: Vec::new() };
        if words.next_if_eq(&"free").is_some() {
            words.next_if_eq(&"from").ok_or("has no `from` after `free`")?;
            rate.free_from = Some(price(words.next())?);
        }
        if words.next_if_eq(&"to").is_some() {
            rate.countries = words.by_ref().map(str::to_owned).collect();
            if rate.countries.is_empty() || !rate.countries.iter().all(|country| is_country(country)) {
                return Err("has no two-letter codes of countries after `to`".to_owned());
            }
        }
        match words.next() {
            None => Ok(rate),
            Some(_) => Err("has more than `free from` an amount and `to` some countries".to_owned()),
        }
    }
}

impl Setting for TaxRate {
    fn read(raw: &Raw) -> Result<Self, String> {
        let (country, percent) = one(raw)?.split_once('=').ok_or("is not of the form country=percent")?;
        let country = country.trim();
        if country != "*" && !is_country(country) {
            return Err("is not for the two-letter code of a country, nor for *".to_owned());
        }
        let basis_points = basis_points(percent.trim()).ok_or("has no percentage with at most two decimals")?;
        Ok(Self { country: country.to_owned(), basis_points })
    }
}

/// Reads a percentage up to 100 with at most two decimals.
fn basis_points(percent: &str) -> Option<u32> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 3) || !digits(decimals, 2) {
        return None;
    }
    let points = whole.parse::<u32>().ok()? * 100 + format!("{decimals:0<2}").parse::<u32>().ok()?;
    (points <= 10_000).then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(text: &str) -> Result<T, String> {
        T::read(&Raw::One(text.to_owned()))
    }

    #[test]
    fn a_way_of_shipping_is_read() {
        let rate = |text| read::<ShippingRate>(text).unwrap();
        let express = rate("express=1499");
        assert_eq!((&*express.method, express.price, express.free_from), ("express", 1499, None));
        let all = rate(" standard = 499  free from 5000 to US CA ");
        assert_eq!((all.free_from, all.countries), (Some(5000), vec!["US".to_owned(), "CA".to_owned()]));
        assert_eq!(rate("post=0 to DE").countries, ["DE"]);
        for bad in [
            "",
            "standard",
            "=499",
            "Standard=499",
            "standard=",
            "standard=-1",
            "standard=4.99",
            "standard=1000000001",
            "standard=499 free",
            "standard=499 free above 5000",
            "standard=499 free from",
            "standard=499 to",
            "standard=499 to usa",
            "standard=499 to US free from 10",
            "standard=499 soon",
            "digital=0",
        ] {
            assert!(read::<ShippingRate>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_percentage_is_read_without_floating_point() {
        for (text, points) in [("7", 700), ("5.5", 550), ("2.05", 205), ("0", 0), ("100", 10_000), ("19.00", 1_900)] {
            assert_eq!(read::<TaxRate>(&format!("DE={text}")).unwrap().basis_points, points, "{text}");
        }
        assert_eq!(read::<TaxRate>("*=20").unwrap().country, "*");
        for bad in ["DE", "DE=", "DE=x", "DE=-1", "DE=5.555", "DE=5.", "DE=.5", "DE=100.01", "de=5", "DEU=5", "=5"] {
            assert!(read::<TaxRate>(bad).is_err(), "{bad}");
        }
    }
}
