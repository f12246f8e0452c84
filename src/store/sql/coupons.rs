//! Queries for coupons.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::products::unreadable;
use crate::model::coupon::{Coupon, Discount};

/// A row of `coupons`.
pub(super) struct CouponRow {
    pub code: String,
    pub basis_points: Option<i32>,
    pub amount: Option<i64>,
    pub minimum: i64,
    pub starts_at: Option<OffsetDateTime>,
    pub ends_at: Option<OffsetDateTime>,
    pub max_uses: Option<i32>,
    pub max_uses_per_customer: Option<i32>,
    pub uses: i32,
    pub active: bool,
    pub version: i64,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl TryFrom<CouponRow> for Coupon {
    type Error = sqlx::Error;

    fn try_from(row: CouponRow) -> sqlx::Result<Self> {
        let discount = match (row.basis_points, row.amount) {
            (Some(points), _) => {
                Discount::Share { basis_points: points.try_into().map_err(|error| unreadable("basis_points", error))? }
            }
            (None, Some(amount)) => Discount::Amount(amount),
            (None, None) => return Err(sqlx::Error::ColumnNotFound("amount".to_owned())),
        };
        Ok(Self {
            code: row.code,
            discount,
            minimum: row.minimum,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            max_uses: row.max_uses,
            max_uses_per_customer: row.max_uses_per_customer,
            uses: row.uses,
            active: row.active,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The two columns of a discount.
fn columns(discount: &Discount) -> (Option<i32>, Option<i64>) {
    match *discount {
        Discount::Share { basis_points } => (Some(i32::try_from(basis_points).unwrap_or(i32::MAX)), None),
        Discount::Amount(amount) => (None, Some(amount)),
    }
}

macro_rules! coupon_query {
    ($tail:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            CouponRow,
            "SELECT code, basis_points, amount, minimum, starts_at, ends_at, max_uses, max_uses_per_customer, uses, active,
                    version, created_at, updated_at
             FROM coupons " + $tail,
            $($argument),*
        )
    };
}

pub(in crate::store) async fn by_code(connection: &mut PgConnection, code: &str) -> sqlx::Result<Option<Coupon>> {
    coupon_query!("WHERE code = $1", code).fetch_optional(connection).await?.map(Coupon::try_from).transpose()
}

pub(in crate::store) async fn by_code_for_update(
    connection: &mut PgConnection,
    code: &str,
) -> sqlx::Result<Option<Coupon>> {
    coupon_query!("WHERE code = $1 FOR UPDATE", code)
        .fetch_optional(connection)
        .await?
        .map(Coupon::try_from)
        .transpose()
}

pub(in crate::store) async fn list(
    connection: &mut PgConnection,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Coupon>> {
    coupon_query!("WHERE $1::text IS NULL OR code > $1 ORDER BY code LIMIT $2", after, limit)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(Coupon::try_from)
        .collect()
}

pub(in crate::store) async fn insert(connection: &mut PgConnection, coupon: &Coupon) -> sqlx::Result<()> {
    let (basis_points, amount) = columns(&coupon.discount);
    sqlx::query!(
        "INSERT INTO coupons (code, basis_points, amount, minimum, starts_at, ends_at, max_uses, max_uses_per_customer, uses,
             active, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        coupon.code,
        basis_points,
        amount,
        coupon.minimum,
        coupon.starts_at,
        coupon.ends_at,
        coupon.max_uses,
        coupon.max_uses_per_customer,
        coupon.uses,
        coupon.active,
        coupon.version,
        coupon.created_at,
        coupon.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The uses are not written: they are those of orders.
pub(in crate::store) async fn update(connection: &mut PgConnection, coupon: &Coupon) -> sqlx::Result<()> {
    let (basis_points, amount) = columns(&coupon.discount);
    sqlx::query!(
        "UPDATE coupons
         SET basis_points = $2, amount = $3, minimum = $4, starts_at = $5, ends_at = $6, max_uses = $7,
             max_uses_per_customer = $8, active = $9, version = $10, updated_at = $11
         WHERE code = $1",
        coupon.code,
        basis_points,
        amount,
        coupon.minimum,
        coupon.starts_at,
        coupon.ends_at,
        coupon.max_uses,
        coupon.max_uses_per_customer,
        coupon.active,
        coupon.version,
        coupon.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}
