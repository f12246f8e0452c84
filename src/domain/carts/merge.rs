//! What becomes of two carts when a guest signs in.

use crate::model::cart::CartLine;
use crate::model::ids::ProductId;
use crate::model::money::Currency;
use crate::store::carts::CartLimits;

/// Why fewer copies came over than the guest had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapReason {
    /// There are no more copies.
    Stock,
    /// A cart takes no more copies of one book.
    MaxQuantity,
    /// A cart takes no more books.
    MaxLines,
    /// The book is not sold any more.
    NoLongerSold,
}

/// A book of which fewer copies are in the cart than both carts had together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capped {
    /// Which one.
    pub product: ProductId,
    /// Its title.
    pub title: String,
    /// How many both had together.
    pub wanted: i32,
    /// How many are in the cart.
    pub quantity: i32,
    /// Why.
    pub reason: CapReason,
}

/// The lines of both carts, quantities added. What a person had in their own cart stays at least as it was; what comes from
/// the guest's is held to what there is and to the limits.
pub(super) fn merge(own: Vec<CartLine>, guest: Vec<CartLine>, limits: &CartLimits) -> (Vec<CartLine>, Vec<Capped>) {
    let mut merged = own;
    let mut capped = Vec::new();
    for line in guest {
        let place = merged.iter().position(|other| other.product == line.product);
        let before = place.and_then(|place| merged.get(place)).map_or(0, |other| other.quantity);
        let wanted = before.saturating_add(line.quantity);
        let is_full = place.is_none() && merged.len() as i64 >= limits.max_lines;
        let (quantity, reason) = allowed(&line, wanted, is_full, limits.currency, limits.max_quantity);
        let quantity = quantity.max(before);
        if quantity < wanted {
            capped.push(Capped { product: line.product, title: line.title.clone(), wanted, quantity, reason });
        }
        match place.and_then(|place| merged.get_mut(place)) {
            // The later of the two prices is the one that its owner saw last.
            Some(other) if other.added_at < line.added_at => {
                *other = CartLine { quantity, added_at: other.added_at, ..line };
            }
            Some(other) => other.quantity = quantity,
            None if quantity > 0 => merged.push(CartLine { quantity, ..line }),
            None => {}
        }
    }
    (merged, capped)
}

/// How many copies may come together, and what keeps them from being more.
fn allowed(line: &CartLine, wanted: i32, is_full: bool, currency: Currency, max_quantity: i32) -> (i32, CapReason) {
    if line.price_in(currency).is_none() {
        return (0, CapReason::NoLongerSold);
    }
    if is_full {
        return (0, CapReason::MaxLines);
    }
    let available = line.available.max(0);
    let reason = if available < max_quantity { CapReason::Stock } else { CapReason::MaxQuantity };
    (wanted.min(available).min(max_quantity), reason)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::model::money::Money;
    use crate::model::product::{Availability, Status};

    fn line(product: u8, quantity: i32, available: i32) -> CartLine {
        let price = Money { amount: 1_000, currency: "USD".parse().unwrap() };
        CartLine {
            product: ProductId(Uuid::from_u128(u128::from(product))),
            quantity,
            added_price: price,
            added_availability: Availability::InStock,
            added_at: OffsetDateTime::UNIX_EPOCH,
            title: format!("Book {product}"),
            authors: vec!["Author".to_owned()],
            cover_url: None,
            format: None,
            isbn13: None,
            status: Status::Active,
            price: Some(price),
            available,
        }
    }

    fn limits() -> CartLimits {
        CartLimits { max_quantity: 20, max_lines: 3, currency: "USD".parse().unwrap() }
    }

    fn merged(own: &[CartLine], guest: &[CartLine]) -> (Vec<i32>, Vec<(i32, i32, CapReason)>) {
        let (lines, capped) = merge(own.to_vec(), guest.to_vec(), &limits());
        (
            lines.iter().map(|line| line.quantity).collect(),
            capped.iter().map(|one| (one.wanted, one.quantity, one.reason)).collect(),
        )
    }

    #[test]
    fn quantities_are_added_and_capped() {
        assert_eq!(merged(&[line(1, 2, 50)], &[line(1, 3, 50), line(2, 1, 50)]), (vec![5, 1], vec![]));
        assert_eq!(merged(&[line(1, 15, 50)], &[line(1, 15, 50)]), (vec![20], vec![(30, 20, CapReason::MaxQuantity)]));
        assert_eq!(merged(&[line(1, 2, 4)], &[line(1, 3, 4)]), (vec![4], vec![(5, 4, CapReason::Stock)]));
        assert_eq!(merged(&[line(1, 2, 0)], &[line(1, 3, 0)]), (vec![2], vec![(5, 2, CapReason::Stock)]));
        assert_eq!(merged(&[], &[line(1, 3, 0)]), (vec![], vec![(3, 0, CapReason::Stock)]));
        let full = [line(1, 1, 9), line(2, 1, 9), line(3, 1, 9)];
        assert_eq!(merged(&full, &[line(4, 1, 9)]), (vec![1, 1, 1], vec![(1, 0, CapReason::MaxLines)]));
        let retired = CartLine { status: Status::Retired, ..line(1, 1, 9) };
        assert_eq!(merged(&[], &[retired]), (vec![], vec![(1, 0, CapReason::NoLongerSold)]));
    }

    proptest! {
        #[test]
        fn nothing_of_ones_own_is_lost_and_no_limit_is_passed(
            own in vec((0_u8..6, 1_i32..=20), 0..=3),
            guest in vec((0_u8..6, 1_i32..=20), 0..=3),
            available in 0_i32..40,
        ) {
            let cart = |lines: &[(u8, i32)]| {
                let mut lines: Vec<CartLine> = lines.iter().map(|(product, quantity)| line(*product, *quantity, available)).collect();
                lines.sort_by_key(|line| line.product);
                lines.dedup_by_key(|line| line.product);
                lines
            };
            let (own, guest) = (cart(&own), cart(&guest));
            let (merged, capped) = merge(own.clone(), guest.clone(), &limits());
            let held = |lines: &[CartLine], product| lines.iter().find(|line| line.product == product).map_or(0, |line| line.quantity);
            prop_assert!(merged.len() <= 3);
            for line in own.iter().chain(&guest) {
                let (before, after) = (held(&own, line.product), held(&merged, line.product));
                let wanted = before + held(&guest, line.product);
                prop_assert!(after >= before && after <= wanted && after <= 20.max(before));
                prop_assert!(after <= available.max(before));
                prop_assert_eq!(after < wanted, capped.iter().any(|one| one.product == line.product));
            }
        }
    }
}
