//! What orders cost, in the simplest way.

use serde_json::{Value, json};

/// What an order costs, in cents.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub subtotal: i64,
    pub discount: i64,
    pub shipping: i64,
    pub tax: i64,
    pub total: i64,
}

impl Amounts {
    pub fn seen(self) -> Value {
        let Self { subtotal, discount, shipping, tax, total } = self;
        json!({"subtotal": subtotal, "discount": discount, "shipping": shipping, "tax": tax, "total": total})
    }
}

/// The coupons, as administrators write them: 15 % for two orders; and 7.00 from 15.00 on, for three orders, one of each
/// customer.
pub fn coupon(number: usize) -> Value {
    match number {
        0 => json!({"basis_points": 1_500, "max_uses": 2}),
        _ => json!({"amount": 700, "minimum": 1_500, "max_uses": 3, "max_uses_per_customer": 1}),
    }
}

fn half_up(amount: i64, basis_points: i64) -> i64 {
    (amount * basis_points + 5_000) / 10_000
}

/// What lines of these prices cost with a coupon that counts, and with a tax in basis points.
pub fn amounts(lines: &[i64], coupon: Option<usize>, tax: i64) -> Amounts {
    let subtotal: i64 = lines.iter().sum();
    let discount = match coupon {
        None => 0,
        Some(0) => half_up(subtotal, 1_500),
        Some(_) => subtotal.min(700),
    };
    // Everybody's share rounded down, and a cent more for those who lost most by that.
    let share = |line: &i64| (discount * line % subtotal.max(1), *line, discount * line / subtotal.max(1));
    let mut shares: Vec<(i64, i64, i64)> = lines.iter().map(share).collect();
    shares.sort_unstable();
    let mut left = discount - shares.iter().map(|(_, _, share)| share).sum::<i64>();
    for share in shares.iter_mut().rev() {
        share.2 += left.clamp(0, 1);
        left -= 1;
    }
    let goods = subtotal - discount;
    let shipping = if lines.is_empty() || goods >= 5_000 { 0 } else { 499 };
    let tax = half_up(shipping, tax) + shares.iter().map(|(_, line, share)| half_up(line - share, tax)).sum::<i64>();
    Amounts { subtotal, discount, shipping, tax, total: goods + shipping + tax }
}
