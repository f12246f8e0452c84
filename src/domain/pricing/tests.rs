use time::OffsetDateTime;

use super::*;
use crate::config::Config;
use crate::model::coupon::Discount;

fn pricing(settings: &[(&str, &str)]) -> Pricing {
    let urls = [("database.url", "postgres://db/shop"), ("redis.url", "redis://redis")];
    let settings = urls.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Pricing::new(&Config::load(None, [], settings).unwrap().shop).unwrap()
}

const BOOK: Item = Item { unit_price: 2_000, quantity: 1, digital: false };
const EBOOK: Item = Item { digital: true, ..BOOK };

fn coupon(amount: i64) -> Coupon {
    let now = OffsetDateTime::UNIX_EPOCH;
    Coupon {
        code: "OFF".to_owned(),
        discount: Discount::Amount(amount),
        minimum: 0,
        starts_at: None,
        ends_at: None,
        max_uses: None,
        max_uses_per_customer: None,
        uses: 0,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

#[test]
fn shipping_is_free_from_its_threshold_on_after_the_coupon() {
    let pricing = pricing(&[("shop.shipping", "standard=499 free from 4000, express=1499")]);
    let shipping = |items: &[Item], coupon: Option<&Coupon>, method| {
        let priced = pricing.quote(items, coupon, "US", method).unwrap();
        (priced.method, priced.quote.shipping)
    };
    assert_eq!(shipping(&[BOOK], None, None), ("standard".to_owned(), 499));
    assert_eq!(shipping(&[BOOK, BOOK], None, None), ("standard".to_owned(), 0));
    assert_eq!(shipping(&[BOOK, BOOK], Some(&coupon(1)), None), ("standard".to_owned(), 499));
    assert_eq!(shipping(&[BOOK, BOOK], None, Some("express")), ("express".to_owned(), 1_499));
}

#[test]
fn a_method_goes_where_it_says() {
    let pricing = pricing(&[("shop.shipping", "local=199 to DE AT, world=1999")]);
    let methods = |country| pricing.methods(country, 0).into_iter().map(|offer| offer.method).collect::<Vec<_>>();
    assert_eq!(methods("DE"), ["local", "world"]);
    assert_eq!(methods("US"), ["world"]);
    assert!(methods("XX").is_empty(), "the shop does not sell there");
    let refused = pricing.quote(&[BOOK], None, "US", Some("local")).unwrap_err();
    assert_eq!(refused, PricingError::UnknownMethod { offered: vec!["world".to_owned()] });
}

#[test]
fn tax_is_that_of_the_country() {
    let taxes = pricing(&[("shop.taxes", "US=0,FR=5.5")]);
    let french = taxes.quote(&[BOOK], None, "FR", None).unwrap();
    assert_eq!((french.tax_basis_points, french.quote.tax, french.quote.shipping_tax), (550, 110 + 27, 27));
    assert_eq!(taxes.quote(&[BOOK], None, "DE", None).unwrap_err(), PricingError::UnknownCountry);
    let fallback = pricing(&[("shop.taxes", "US=0,*=20")]);
    assert_eq!(
        (fallback.tax("US"), fallback.tax("DE"), fallback.tax("*"), fallback.tax("de")),
        (Some(0), Some(2_000), None, None)
    );
}

#[test]
fn what_is_read_on_a_screen_is_not_shipped() {
    let pricing = pricing(&[]);
    let priced = pricing.quote(&[EBOOK], None, "US", Some("express")).unwrap();
    assert_eq!((&*priced.method, priced.quote.shipping), (DIGITAL, 0));
    assert_ne!(pricing.quote(&[EBOOK, BOOK], None, "US", None).unwrap().method, DIGITAL);
    assert!(pricing.quote(&[BOOK], None, "US", Some(DIGITAL)).is_err());
}

#[test]
fn too_much_is_no_panic() {
    let huge = Item { unit_price: i64::MAX, ..BOOK };
    assert_eq!(pricing(&[]).quote(&[huge, huge], None, "US", None).unwrap_err(), PricingError::Overflow(Overflow));
}
