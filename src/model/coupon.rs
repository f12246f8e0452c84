//! Coupons: what they take off, and when they do not.

use time::OffsetDateTime;

/// What a coupon takes off the price of the books. Shipping is not discounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// A share of all books together, in basis points: 1500 is 15 %.
    Share {
        /// 1 to 10,000.
        basis_points: u32,
    },
    /// An amount in minor units, or the price of the books where that is less.
    Amount(i64),
}

/// A coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// What customers type, in capital letters.
    pub code: String,
    /// What it takes off.
    pub discount: Discount,
    /// What the books must be worth, in minor units and before tax.
    pub minimum: i64,
    /// From when on it counts; always where absent.
    pub starts_at: Option<OffsetDateTime>,
    /// Until when, that moment not included; for ever where absent.
    pub ends_at: Option<OffsetDateTime>,
    /// In how many orders it may be used.
    pub max_uses: Option<i32>,
    /// In how many orders of one customer.
    pub max_uses_per_customer: Option<i32>,
    /// In how many orders it is used.
    pub uses: i32,
    /// Whether administrators let it be used.
    pub active: bool,
    /// Counts the changes by administrators.
    pub version: i64,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When an administrator last changed it.
    pub updated_at: OffsetDateTime,
}

/// Why a coupon takes nothing off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CouponRefusal {
    /// There is none of this code.
    #[error("There is no such coupon.")]
    Unknown,
    /// Administrators do not let it be used.
    #[error("The coupon is not in use.")]
    Inactive,
    /// Its time is still to come.
    #[error("The coupon does not count yet.")]
    NotYet {
        /// When that will be.
        starts_at: OffsetDateTime,
    },
    /// Its time is over.
    #[error("The coupon has ended.")]
    Over,
    /// It was used as often as it may be.
    #[error("The coupon has been used as often as it may be.")]
    UsedUp,
    /// This customer used it as often as one may.
    #[error("You have used the coupon as often as you may.")]
    UsedUpByYou,
    /// The books are not worth enough.
    #[error("The books in the basket are not worth enough for the coupon.")]
    BasketTooSmall {
        /// What they must be worth, in minor units.
        minimum: i64,
    },
}

impl CouponRefusal {
    /// A stable name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "coupon_unknown",
            Self::Inactive => "coupon_inactive",
            Self::NotYet { .. } => "coupon_not_yet",
            Self::Over => "coupon_over",
            Self::UsedUp => "coupon_used_up",
            Self::UsedUpByYou => "coupon_used_up_by_you",
            Self::BasketTooSmall { .. } => "basket_too_small",
        }
    }
}

impl Coupon {
    /// Why it takes nothing off books of this price, for a customer who has used it so often; nothing where it does.
    #[must_use]
    pub fn refusal(&self, now: OffsetDateTime, subtotal: i64, uses_by_customer: i64) -> Option<CouponRefusal> {
        if !self.active {
            return Some(CouponRefusal::Inactive);
        }
        if let Some(starts_at) = self.starts_at.filter(|starts_at| now < *starts_at) {
            return Some(CouponRefusal::NotYet { starts_at });
        }
        if self.ends_at.is_some_and(|ends_at| now >= ends_at) {
            return Some(CouponRefusal::Over);
        }
        if self.max_uses.is_some_and(|most| self.uses >= most) {
            return Some(CouponRefusal::UsedUp);
        }
        if self.max_uses_per_customer.is_some_and(|most| uses_by_customer >= i64::from(most)) {
            return Some(CouponRefusal::UsedUpByYou);
        }
        (subtotal < self.minimum).then_some(CouponRefusal::BasketTooSmall { minimum: self.minimum })
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_coupon_says_why_it_does_not_count() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let (before, after) = (now - Duration::SECOND, now + Duration::SECOND);
        let good = Coupon {
            code: "SPRING".to_owned(),
            discount: Discount::Share { basis_points: 1_000 },
            minimum: 500,
            starts_at: Some(now),
            ends_at: Some(after),
            max_uses: Some(2),
            max_uses_per_customer: Some(1),
            uses: 1,
            active: true,
            version: 1,
            created_at: before,
            updated_at: before,
        };
        assert_eq!(good.refusal(now, 500, 0), None);
        let refused = |change: fn(&mut Coupon), now, subtotal, uses| {
            let mut coupon = good.clone();
            change(&mut coupon);
            coupon.refusal(now, subtotal, uses).map(CouponRefusal::code)
        };
        assert_eq!(refused(|coupon| coupon.active = false, now, 500, 0), Some("coupon_inactive"));
        assert_eq!(refused(|_| (), before, 500, 0), Some("coupon_not_yet"));
        assert_eq!(refused(|_| (), after, 500, 0), Some("coupon_over"));
        assert_eq!(refused(|coupon| coupon.uses = 2, now, 500, 0), Some("coupon_used_up"));
        assert_eq!(refused(|_| (), now, 500, 1), Some("coupon_used_up_by_you"));
        assert_eq!(refused(|_| (), now, 499, 0), Some("basket_too_small"));
    }
}
