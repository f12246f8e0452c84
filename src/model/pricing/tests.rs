use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn item(unit_price: i64, quantity: i32) -> Item {
    Item { unit_price, quantity, digital: false }
}

#[test]
fn a_basket_is_counted_as_by_hand() {
    let items = [item(1_499, 2), item(999, 1), item(350, 3)];
    let plain = quote(&items, None, 499, 700).unwrap();
    assert_eq!((plain.subtotal, plain.discount, plain.shipping_tax), (5_047, 0, 35));
    // 209.86, 69.93 and 73.50: half up.
    assert_eq!(plain.lines.iter().map(|line| line.tax).collect::<Vec<_>>(), [210, 70, 74]);
    assert_eq!((plain.tax, plain.total), (389, 5_047 + 499 + 389));

    let off = quote(&items, Some(&Discount::Share { basis_points: 1_500 }), 0, 0).unwrap();
    // 15 % of 50.47 is 7.5705; exact parts are 449.75…, 149.87… and 157.52….
    assert_eq!(off.discount, 757);
    assert_eq!(off.lines.iter().map(|line| line.discount).collect::<Vec<_>>(), [450, 150, 157]);
}

#[test]
fn a_discount_is_never_more_than_the_books_cost() {
    let off = quote(&[item(100, 1), item(1, 1)], Some(&Discount::Amount(5_000)), 499, 1_000).unwrap();
    assert_eq!((off.discount, off.tax, off.total), (101, 50, 549));
    assert!(off.lines.iter().all(|line| line.total == 0));
    assert_eq!(discount_on(100, &Discount::Amount(-5)), 0);
    assert_eq!(discount_on(100, &Discount::Share { basis_points: u32::MAX }), 100);
}

#[test]
fn an_empty_basket_costs_its_shipping() {
    let empty = quote(&[], Some(&Discount::Amount(5)), 0, 700).unwrap();
    assert_eq!((empty.subtotal, empty.discount, empty.total), (0, 0, 0));
}

#[test]
fn what_cannot_be_counted_is_refused() {
    for items in [[item(i64::MAX, 2), item(0, 1)], [item(i64::MAX, 1), item(1, 1)], [item(-1, 1), item(5, 1)]] {
        assert_eq!(quote(&items, None, 0, 0), Err(Overflow));
    }
    assert_eq!(quote(&[item(1, -1)], None, 0, 0), Err(Overflow));
    assert_eq!(quote(&[item(1, 1)], None, -1, 0), Err(Overflow));
    assert_eq!(quote(&[item(i64::MAX, 1)], None, 0, 1), Err(Overflow));
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    vec((0_i64..=20_000, 1_i32..=20).prop_map(|(price, quantity)| item(price, quantity)), 0..12)
}

fn discount() -> impl Strategy<Value = Option<Discount>> {
    prop_oneof![
        Just(None),
        (1_u32..=10_000).prop_map(|basis_points| Some(Discount::Share { basis_points })),
        (1_i64..=200_000).prop_map(|amount| Some(Discount::Amount(amount))),
    ]
}

proptest! {
    #[test]
    fn everything_adds_up_to_the_cent(items in items(), off in discount(), shipping in 0_i64..5_000, tax in 0_u32..3_000) {
        let quote = quote(&items, off.as_ref(), shipping, tax).unwrap();
        let sum = |of: fn(&LineQuote) -> i64| quote.lines.iter().map(of).sum::<i64>();
        prop_assert_eq!(quote.lines.len(), items.len());
        prop_assert_eq!(sum(|line| line.subtotal), quote.subtotal);
        prop_assert_eq!(sum(|line| line.discount), quote.discount);
        prop_assert_eq!(sum(|line| line.tax) + quote.shipping_tax, quote.tax);
        prop_assert_eq!(quote.subtotal - quote.discount + quote.shipping + quote.tax, quote.total);
        prop_assert_eq!(sum(|line| line.total) + quote.shipping + quote.shipping_tax, quote.total);
        for (line, item) in quote.lines.iter().zip(&items) {
            prop_assert_eq!(line.subtotal, item.unit_price * i64::from(item.quantity));
            prop_assert_eq!(line.total, line.subtotal - line.discount + line.tax);
            prop_assert!((0..=line.subtotal).contains(&line.discount));
            prop_assert!(line.tax >= 0);
            // Half a cent at most from the exact tax.
            let exact = i128::from(line.subtotal - line.discount) * i128::from(tax);
            prop_assert!((i128::from(line.tax) * 10_000 - exact).abs() <= 5_000);
            // Less than a cent from the exact share of the discount.
            let exact = i128::from(quote.discount) * i128::from(line.subtotal);
            prop_assert!((i128::from(line.discount) * i128::from(quote.subtotal) - exact).abs() < i128::from(quote.subtotal.max(1)));
        }
    }

    #[test]
    fn the_order_of_the_lines_changes_no_total(
        (items, shuffled) in items().prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle())),
        off in discount(),
        tax in 0_u32..3_000,
    ) {
        let (one, other) = (quote(&items, off.as_ref(), 499, tax).unwrap(), quote(&shuffled, off.as_ref(), 499, tax).unwrap());
        prop_assert_eq!((one.subtotal, one.discount, one.tax, one.total), (other.subtotal, other.discount, other.tax, other.total));
        let sorted = |quote: Quote| {
            let mut lines: Vec<_> = quote.lines.iter().map(|line| (line.subtotal, line.discount, line.tax)).collect();
            lines.sort_unstable();
            lines
        };
        prop_assert_eq!(sorted(one), sorted(other));
    }

    #[test]
    fn more_never_costs_less(items in items(), at in any::<prop::sample::Index>(), off in discount(), tax in 0_u32..3_000) {
        prop_assume!(!items.is_empty());
        let mut more = items.clone();
        more[at.index(items.len())].quantity += 1;
        let books = |items: &[Item]| { let quote = quote(items, off.as_ref(), 0, 0).unwrap(); quote.total };
        prop_assert!(books(&more) >= books(&items));
        prop_assert!(quote(&more, None, 0, tax).unwrap().total >= quote(&items, None, 0, tax).unwrap().total);
    }

    #[test]
    fn a_larger_discount_never_takes_less_off(subtotal in 0_i64..1_000_000, low in 1_u32..=10_000, high in 1_u32..=10_000) {
        let (low, high) = (low.min(high), low.max(high));
        let share = |basis_points| discount_on(subtotal, &Discount::Share { basis_points });
        prop_assert!(share(low) <= share(high));
        let amount = |amount: u32| discount_on(subtotal, &Discount::Amount(i64::from(amount)));
        prop_assert!(amount(low) <= amount(high));
    }

    #[test]
    fn nothing_panics(
        items in vec((any::<i64>(), any::<i32>()), 0..6),
        huge in any::<bool>(),
        off in prop_oneof![
            Just(None),
            any::<u32>().prop_map(|basis_points| Some(Discount::Share { basis_points })),
            any::<i64>().prop_map(|amount| Some(Discount::Amount(amount))),
        ],
        shipping in any::<i64>(),
        tax in any::<u32>(),
    ) {
        // Half of the time large, but not too large to be counted.
        let items: Vec<Item> = items
            .into_iter()
            .map(|(price, quantity)| if huge { item(price, quantity) } else { item(price.unsigned_abs() as i64 >> 8 & (i64::MAX >> 8), quantity.rem_euclid(16)) })
            .collect();
        let tax = if huge { tax } else { tax % 5_000 };
        let shipping = if huge { shipping } else { shipping.rem_euclid(5_000) };
        if let Ok(quote) = quote(&items, off.as_ref(), shipping, tax) {
            prop_assert!(quote.total >= 0 && quote.tax >= 0);
            prop_assert_eq!(quote.lines.iter().map(|line| line.discount).sum::<i64>(), quote.discount);
        } else {
            prop_assert!(huge);
        }
    }
}
