//! Coupons.

use super::sql::coupons as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::coupon::Coupon;

impl Store {
    /// The coupon with this code, in capital letters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn coupon(&self, code: &str) -> Result<Option<Coupon>, StoreError> {
        self.read("coupons.by_code", Consistency::PreferLatest, |mut c| async move { sql::by_code(&mut c, code).await })
            .await
    }

    /// Coupons in the order of their codes, those after `after` where it is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn coupons(&self, after: Option<&str>, limit: i64) -> Result<Vec<Coupon>, StoreError> {
        self.read(
            "coupons.list",
            Consistency::PreferLatest,
            |mut c| async move { sql::list(&mut c, after, limit).await },
        )
        .await
    }
}

impl WriteTx {
    /// The coupon with this code, for an order that is being placed. Not locked: whoever uses it counts that use by a
    /// conditional update.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn coupon_for_checkout(&mut self, code: &str) -> Result<Option<Coupon>, StoreError> {
        Ok(sql::by_code(&mut self.transaction, code).await?)
    }

    /// The coupon with this code, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn coupon_for_update(&mut self, code: &str) -> Result<Option<Coupon>, StoreError> {
        Ok(sql::by_code_for_update(&mut self.transaction, code).await?)
    }

    /// Adds a coupon.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where there is one of this code.
    pub async fn insert_coupon(&mut self, coupon: &Coupon) -> Result<(), StoreError> {
        Ok(sql::insert(&mut self.transaction, coupon).await?)
    }

    /// Replaces what administrators wrote about a coupon.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_coupon(&mut self, coupon: &Coupon) -> Result<(), StoreError> {
        Ok(sql::update(&mut self.transaction, coupon).await?)
    }
}
