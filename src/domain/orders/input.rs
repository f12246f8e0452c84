//! What a buyer tells the shop to send them books.

use crate::domain::users::check_email;
use crate::domain::violation::Violation;
use crate::model::money::Money;
use crate::model::order::Address;

/// A checkout as it was filled in.
#[derive(Clone, Debug)]
pub struct CheckoutDraft {
    /// Where the buyer is written to; the account's address where it is absent.
    pub email: Option<String>,
    /// Where the books go.
    pub address: Address,
    /// How; the first method that there is for the country where it is absent.
    pub shipping_method: Option<String>,
    /// What the buyer expects to pay: another total is told instead of being charged.
    pub expected_total: Option<Money>,
}

/// A checkout that keeps the rules.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub(super) email: Option<String>,
    pub(super) address: Address,
    pub(super) shipping_method: Option<String>,
    pub(super) expected_total: Option<Money>,
}

impl CheckoutDraft {
    /// Holds it to the rules.
    ///
    /// # Errors
    /// Every broken rule.
    pub fn check(self) -> Result<Checkout, Vec<Violation>> {
        let mut violations = Vec::new();
        let email = self.email.map(|email| {
            check_email(&email).unwrap_or_else(|violation| {
                violations.push(violation);
                String::new()
            })
        });
        let mut line = |name: &str, text: String, most: usize| {
            let text = text.trim().to_owned();
            let pointer = format!("/shipping_address/{name}");
            if text.is_empty() || text.chars().count() > most {
                violations.push(Violation::new(pointer, format!("must have 1 to {most} characters")));
            } else if text.chars().any(char::is_control) {
                violations.push(Violation::new(pointer, "must be one line without control characters"));
            }
            text
        };
        let Address { name, line1, line2, city, region, postal_code, country } = self.address;
        // What is left empty is as good as absent.
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let address = Address {
            name: line("name", name, 200),
            line1: line("line1", line1, 200),
            line2: given(line2).map(|text| line("line2", text, 200)),
            city: line("city", city, 100),
            region: given(region).map(|text| line("region", text, 100)),
            postal_code: given(postal_code).map(|text| line("postal_code", text, 20)),
            country,
        };
        if address.country.len() != 2 || !address.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            violations
                .push(Violation::new("/shipping_address/country", "must be a country code of two capital letters"));
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let Self { shipping_method, expected_total, .. } = self;
        Ok(Checkout { email, address, shipping_method, expected_total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(change: impl FnOnce(&mut CheckoutDraft)) -> CheckoutDraft {
        let address = Address {
            name: "Ada".to_owned(),
            line1: " 1 Main St ".to_owned(),
            line2: Some(" ".to_owned()),
            city: "Springfield".to_owned(),
            region: None,
            postal_code: None,
            country: "US".to_owned(),
        };
        let mut draft = CheckoutDraft { email: None, address, shipping_method: None, expected_total: None };
        change(&mut draft);
        draft
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let wrong = draft(|draft| {
            draft.email = Some("nobody".to_owned());
            draft.address.name = String::new();
            draft.address.line2 = Some("a\nb".to_owned());
            draft.address.country = "usa".to_owned();
        });
        let pointers: Vec<String> = wrong.check().unwrap_err().into_iter().map(|violation| violation.pointer).collect();
        assert_eq!(
            pointers,
            ["/email", "/shipping_address/name", "/shipping_address/line2", "/shipping_address/country"]
        );
    }

    #[test]
    fn space_around_is_dropped() {
        let checkout = draft(|_| ()).check().unwrap();
        assert_eq!((checkout.address.line1.as_str(), checkout.address.line2), ("1 Main St", None));
    }
}
