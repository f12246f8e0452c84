//! What books cost together: whole minor units, and rounding that adds up to the cent.
//!
//! Prices are before tax. A discount is rounded once, for the whole basket, and spread over its lines by the largest
//! remainders (Hamilton's method), so that the lines' shares sum to it exactly. Tax is rounded line by line, so that the tax
//! of an order is what its lines tell. All rounding is half up.

use super::coupon::Discount;

/// Basis points in a whole.
const WHOLE: i128 = 10_000;

/// A line before its price is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Of one copy, in minor units and before tax.
    pub unit_price: i64,
    /// Copies.
    pub quantity: i32,
    /// Whether there is nothing to ship: an ebook or an audiobook.
    pub digital: bool,
}

/// What a line costs, in minor units. `total = subtotal - discount + tax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineQuote {
    /// Price times copies.
    pub subtotal: i64,
    /// Its share of the discount.
    pub discount: i64,
    /// Tax on what is left.
    pub tax: i64,
    /// All of it.
    pub total: i64,
}

/// What an order costs, in minor units. `total = subtotal - discount + shipping + tax`, which is also what the totals of the
/// lines, the shipping and its tax sum to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// In the order of the items.
    pub lines: Vec<LineQuote>,
    /// The books.
    pub subtotal: i64,
    /// What a coupon takes off them.
    pub discount: i64,
    /// Shipping.
    pub shipping: i64,
    /// Tax on the shipping.
    pub shipping_tax: i64,
    /// Tax on lines and shipping.
    pub tax: i64,
    /// What is to be paid.
    pub total: i64,
}

/// The amounts are too large to be counted, or below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amounts are too large, or below zero")]
pub struct Overflow;

/// What these items cost with this discount, shipping and tax.
///
/// # Errors
/// [`Overflow`].
pub fn quote(
    items: &[Item],
    discount: Option<&Discount>,
    shipping: i64,
    tax_basis_points: u32,
) -> Result<Quote, Overflow> {
    if shipping < 0 {
        return Err(Overflow);
    }
    let subtotals = items.iter().map(subtotal_of).collect::<Result<Vec<_>, _>>()?;
    let subtotal = sum(&subtotals)?;
    let discount = discount.map_or(0, |discount| discount_on(subtotal, discount));
    let lines = subtotals
        .iter()
        .zip(spread(discount, &subtotals, subtotal))
        .map(|(&subtotal, discount)| {
            let net = subtotal - discount;
            let tax = share(net, tax_basis_points)?;
            Ok(LineQuote { subtotal, discount, tax, total: net.checked_add(tax).ok_or(Overflow)? })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let shipping_tax = share(shipping, tax_basis_points)?;
    let tax = lines.iter().try_fold(shipping_tax, |sum, line| sum.checked_add(line.tax)).ok_or(Overflow)?;
    let total = sum(&[subtotal - discount, shipping, tax])?;
    Ok(Quote { lines, subtotal, discount, shipping, shipping_tax, tax, total })
}

/// What these items cost before discount, shipping and tax.
///
/// # Errors
/// [`Overflow`].
pub fn subtotal(items: &[Item]) -> Result<i64, Overflow> {
    sum(&items.iter().map(subtotal_of).collect::<Result<Vec<_>, _>>()?)
}

/// What a discount takes off books of this price: never more than that, and never less than nothing.
#[must_use]
pub fn discount_on(subtotal: i64, discount: &Discount) -> i64 {
    let subtotal = subtotal.max(0);
    match *discount {
        Discount::Share { basis_points } => share(subtotal, basis_points).map_or(subtotal, |share| share.min(subtotal)),
        Discount::Amount(amount) => amount.clamp(0, subtotal),
    }
}

fn subtotal_of(item: &Item) -> Result<i64, Overflow> {
    let subtotal = item.unit_price.checked_mul(i64::from(item.quantity)).ok_or(Overflow)?;
    if item.unit_price < 0 || item.quantity < 0 { Err(Overflow) } else { Ok(subtotal) }
}

fn sum(amounts: &[i64]) -> Result<i64, Overflow> {
    amounts.iter().try_fold(0_i64, |sum, amount| sum.checked_add(*amount)).ok_or(Overflow)
}

/// A share of an amount that is not negative, rounded half up.
fn share(amount: i64, basis_points: u32) -> Result<i64, Overflow> {
    let exact = i128::from(amount) * i128::from(basis_points);
    i64::try_from((exact + WHOLE / 2) / WHOLE).map_err(|_| Overflow)
}

/// The parts of a discount by line: each its exact share rounded down, and one unit more for those that lost most by that.
/// Among equal losses the dearer line comes first, so that the order of the lines changes nothing but the order.
fn spread(discount: i64, subtotals: &[i64], subtotal: i64) -> Vec<i64> {
    if subtotal == 0 {
        return vec![0; subtotals.len()];
    }
    let whole = i128::from(subtotal);
    let exact = |line: i64| i128::from(discount) * i128::from(line);
    // No more than the line itself: the discount is no more than the whole.
    let mut parts: Vec<i64> =
        subtotals.iter().map(|line| i64::try_from(exact(*line) / whole).unwrap_or(*line)).collect();
    let left = discount - parts.iter().sum::<i64>();
    let mut by_loss: Vec<(i128, i64, &mut i64)> =
        subtotals.iter().zip(&mut parts).map(|(line, part)| (exact(*line) % whole, *line, part)).collect();
    by_loss.sort_by_key(|(loss, line, _)| std::cmp::Reverse((*loss, *line)));
    // Fewer are left than lines have lost something.
    for (_, _, part) in by_loss.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        *part += 1;
    }
    parts
}

#[cfg(test)]
mod tests;
