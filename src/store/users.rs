//! Accounts.

use time::OffsetDateTime;

use super::sql::users as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::identity::{Account, Role};
use crate::model::ids::UserId;

impl Store {
    /// The account with this id. Its owner looks at what they have just changed, perhaps in another process.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.read("users.by_id", Consistency::PreferLatest, |mut c| async move { sql::by_id(&mut c, id).await }).await
    }

    /// The account of an address, normalized, for a sign-in: a password that was changed a moment ago opens nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        self.read("users.by_email", Consistency::Latest, |mut c| async move { sql::by_email(&mut c, email).await })
            .await
    }
}

impl WriteTx {
    /// The account with this id, locked until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(sql::by_id_for_update(&mut self.transaction, id).await?)
    }

    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where its address is taken.
    pub async fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        Ok(sql::insert(&mut self.transaction, account).await?)
    }

    /// Changes address and name, and counts the version up.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] where the address is taken.
    pub async fn update_profile(
        &mut self,
        id: UserId,
        email: &str,
        display_name: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        Ok(sql::update_profile(&mut self.transaction, id, email, display_name, now).await?)
    }

    /// Sets a new password, and counts the version up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_password(
        &mut self,
        id: UserId,
        password_hash: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        Ok(sql::update_password(&mut self.transaction, id, password_hash, now).await?)
    }

    /// Keeps the same password under another hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_password_hash(&mut self, id: UserId, password_hash: &str) -> Result<(), StoreError> {
        Ok(sql::replace_hash(&mut self.transaction, id, password_hash).await?)
    }

    /// Changes what an account may do, and counts the version up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update_role(&mut self, id: UserId, role: Role, now: OffsetDateTime) -> Result<(), StoreError> {
        Ok(sql::update_role(&mut self.transaction, id, role, now).await?)
    }

    /// Removes an account and everything that hangs on it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_account(&mut self, id: UserId) -> Result<(), StoreError> {
        Ok(sql::delete(&mut self.transaction, id).await?)
    }
}
