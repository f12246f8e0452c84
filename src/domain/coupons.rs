//! Coupons, as administrators look after them.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::violation::Violation;
use crate::model::audit::{Actor, AuditRecord};
use crate::model::clock::Clock;
use crate::model::coupon::{Coupon, Discount};
use crate::model::events::DomainEvent;
use crate::model::ids::AuditId;
use crate::model::precondition::ExpectedVersion;
use crate::store::{Store, StoreError, WriteTx};

/// No amount of a coupon is larger, in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000;

/// Why a request about coupons was refused.
#[derive(Debug, thiserror::Error)]
pub enum CouponError {
    /// There is no such coupon.
    #[error("there is no such coupon")]
    NotFound,
    /// Rules are broken.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<Violation>),
    /// There is a coupon of this code.
    #[error("there is a coupon of this code")]
    Taken,
    /// The coupon has changed since the asker read it.
    #[error("the coupon is at version {current} by now")]
    Changed {
        /// Its version now.
        current: i64,
    },
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for CouponError {
    fn from(error: StoreError) -> Self {
        match error.constraint() {
            Some("coupons_pkey") => Self::Taken,
            Some("coupons_uses_limit") => {
                Self::Invalid(vec![Violation::new("/max_uses", "is less than the orders that have used it")])
            }
            _ => Self::Store(error),
        }
    }
}

/// What an administrator writes about a coupon, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponDraft {
    /// A share in basis points, instead of an amount.
    pub basis_points: Option<i64>,
    /// An amount in minor units, instead of a share.
    pub amount: Option<i64>,
    /// What the books must be worth.
    pub minimum: i64,
    /// From when on it counts.
    pub starts_at: Option<OffsetDateTime>,
    /// Until when.
    pub ends_at: Option<OffsetDateTime>,
    /// In how many orders it may be used.
    pub max_uses: Option<i64>,
    /// In how many orders of one customer.
    pub max_uses_per_customer: Option<i64>,
    /// Whether it may be used.
    pub active: bool,
}

/// A code as it is kept: without the space around it, and in capital letters.
#[must_use]
pub fn normalize(code: &str) -> String {
    code.trim().to_ascii_uppercase()
}

/// Whether a code is one that a coupon can have.
#[must_use]
pub fn is_code(code: &str) -> bool {
    (3..=40).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
        && !code.starts_with(['_', '-'])
}

impl From<&Coupon> for CouponDraft {
    fn from(coupon: &Coupon) -> Self {
        let (basis_points, amount) = match coupon.discount {
            Discount::Share { basis_points } => (Some(i64::from(basis_points)), None),
            Discount::Amount(amount) => (None, Some(amount)),
        };
        Self {
            basis_points,
            amount,
            minimum: coupon.minimum,
            starts_at: coupon.starts_at,
            ends_at: coupon.ends_at,
            max_uses: coupon.max_uses.map(i64::from),
            max_uses_per_customer: coupon.max_uses_per_customer.map(i64::from),
            active: coupon.active,
        }
    }
}

impl CouponDraft {
    /// Makes `coupon` what is written here.
    fn apply_to(&self, coupon: Coupon) -> Result<Coupon, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut complain = |pointer: &str, message: &str| violations.push(Violation::new(pointer, message));
        let share = self.basis_points.map(u32::try_from);
        let discount = match (share, self.amount) {
            (Some(Ok(basis_points @ 1..=10_000)), None) => Some(Discount::Share { basis_points }),
            (None, Some(amount @ 1..=MAX_AMOUNT)) => Some(Discount::Amount(amount)),
            (None, None) | (Some(_), Some(_)) => {
                complain("/basis_points", "or amount is needed, and not both");
                None
            }
            (Some(_), None) => {
                complain("/basis_points", "must be from 1 to 10000");
                None
            }
            (None, Some(_)) => {
                complain("/amount", "must be from 1 to 1000000000");
                None
            }
        };
        if !(0..=MAX_AMOUNT).contains(&self.minimum) {
            complain("/minimum", "must be from 0 to 1000000000");
        }
        if self.starts_at.zip(self.ends_at).is_some_and(|(start, end)| start >= end) {
            complain("/ends_at", "must come after starts_at");
        }
        let mut count = |pointer: &str, value: Option<i64>| {
            let count = value.map(|value| i32::try_from(value).ok().filter(|count| *count > 0));
            if count == Some(None) {
                complain(pointer, "must be from 1 to 2147483647");
            }
            count.flatten()
        };
        let max_uses = count("/max_uses", self.max_uses);
        let max_uses_per_customer = count("/max_uses_per_customer", self.max_uses_per_customer);
        match discount {
            Some(discount) if violations.is_empty() => Ok(Coupon {
                discount,
                minimum: self.minimum,
                starts_at: self.starts_at,
                ends_at: self.ends_at,
                max_uses,
                max_uses_per_customer,
                active: self.active,
                ..coupon
            }),
            _ => Err(violations),
        }
    }

    fn to_json(&self) -> Value {
        let at = |time: Option<OffsetDateTime>| {
            time.and_then(|time| time.format(&time::format_description::well_known::Rfc3339).ok())
        };
        json!({
            "basis_points": self.basis_points,
            "amount": self.amount,
            "minimum": self.minimum,
            "starts_at": at(self.starts_at),
            "ends_at": at(self.ends_at),
            "max_uses": self.max_uses,
            "max_uses_per_customer": self.max_uses_per_customer,
            "active": self.active,
        })
    }
}

/// The service for coupons.
#[derive(Clone)]
pub struct Coupons {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Coupons {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The coupon with this code, in any case of its letters.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], or the database's.
    pub async fn get(&self, code: &str) -> Result<Coupon, CouponError> {
        self.store.coupon(&normalize(code)).await?.ok_or(CouponError::NotFound)
    }

    /// Coupons in the order of their codes, those after `after`.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, after: Option<&str>, limit: u16) -> Result<Vec<Coupon>, CouponError> {
        Ok(self.store.coupons(after, i64::from(limit)).await?)
    }

    /// Makes a coupon.
    ///
    /// # Errors
    /// [`CouponError::Invalid`], [`CouponError::Taken`], or the database's.
    pub async fn create(&self, actor: &Actor, code: &str, draft: &CouponDraft) -> Result<Coupon, CouponError> {
        let now = self.clock.now();
        let blank = Coupon {
            code: normalize(code),
            discount: Discount::Amount(0),
            minimum: 0,
            starts_at: None,
            ends_at: None,
            max_uses: None,
            max_uses_per_customer: None,
            uses: 0,
            active: false,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let good_code = is_code(&blank.code);
        let checked = draft.apply_to(blank);
        let coupon = match (good_code, checked) {
            (true, Ok(coupon)) => coupon,
            (true, Err(violations)) => return Err(CouponError::Invalid(violations)),
            (false, checked) => {
                let mut violations = checked.err().unwrap_or_default();
                let rule = "must be 3 to 40 letters, digits, dashes or underscores, a letter or digit first";
                violations.insert(0, Violation::new("/code", rule));
                return Err(CouponError::Invalid(violations));
            }
        };
        self.retrying(|| async {
            let mut tx = self.store.begin("coupons.create").await?;
            tx.insert_coupon(&coupon).await?;
            let details = json!({ "after": CouponDraft::from(&coupon).to_json() });
            self.write_down(tx, actor, "coupon.create", &coupon.code, details).await?;
            Ok(coupon.clone())
        })
        .await
    }

    /// Changes a coupon into what `change` makes of it. Orders that were placed keep what they got.
    ///
    /// # Errors
    /// [`CouponError::Changed`] where it is at no expected version, [`CouponError::NotFound`], [`CouponError::Invalid`], or
    /// the database's.
    pub async fn change(
        &self,
        actor: &Actor,
        code: &str,
        expected: &ExpectedVersion,
        change: impl Fn(&Coupon) -> Result<CouponDraft, Vec<Violation>>,
    ) -> Result<Coupon, CouponError> {
        let code = normalize(code);
        self.retrying(|| async {
            let mut tx = self.store.begin("coupons.change").await?;
            let before = tx.coupon_for_update(&code).await?.ok_or(CouponError::NotFound)?;
            if !expected.accepts(before.version) {
                return Err(CouponError::Changed { current: before.version });
            }
            let mut after =
                change(&before).and_then(|draft| draft.apply_to(before.clone())).map_err(CouponError::Invalid)?;
            if after == before {
                tx.rollback().await?;
                return Ok(before);
            }
            after.version += 1;
            after.updated_at = self.clock.now();
            tx.update_coupon(&after).await?;
            let [old, new] = [&before, &after].map(|coupon| CouponDraft::from(coupon).to_json());
            self.write_down(tx, actor, "coupon.patch", &code, json!({ "before": old, "after": new })).await?;
            Ok(after)
        })
        .await
    }

    async fn write_down(
        &self,
        mut tx: WriteTx,
        actor: &Actor,
        action: &str,
        code: &str,
        details: Value,
    ) -> Result<(), CouponError> {
        tx.record_audit(&AuditRecord {
            id: AuditId::generate(),
            occurred_at: self.clock.now(),
            actor: actor.clone(),
            action: action.to_owned(),
            resource: "coupon".to_owned(),
            resource_id: Some(code.to_owned()),
            details,
        })
        .await?;
        Ok(tx.commit(DomainEvent::CouponChanged { code: code.to_owned() }).await?)
    }

    async fn retrying<T, Fut>(&self, work: impl Fn() -> Fut) -> Result<T, CouponError>
    where
        Fut: Future<Output = Result<T, CouponError>>,
    {
        self.store.retrying(|error| matches!(error, CouponError::Store(error) if error.is_collision()), work).await
    }
}
