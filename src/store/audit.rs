//! The audit log.

use super::sql::audit as sql;
use super::{Store, StoreError, WriteTx};
use crate::db::Consistency;
use crate::model::audit::AuditRecord;
use crate::model::ids::{AuditId, UserId};

impl Store {
    /// The newest records, those before `before` where it is given, of one thing where `resource_id` is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_records(
        &self,
        resource_id: Option<&str>,
        before: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        self.read("audit.list", Consistency::PreferLatest, |mut c| async move {
            sql::list(&mut c, resource_id, before, limit).await
        })
        .await
    }

    /// Everything that one person did, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_records_of(&self, actor: UserId) -> Result<Vec<AuditRecord>, StoreError> {
        self.read(
            "audit.of_actor",
            Consistency::PreferLatest,
            |mut c| async move { sql::of_actor(&mut c, actor).await },
        )
        .await
    }
}

impl WriteTx {
    /// Records a deed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_audit(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        Ok(sql::insert(&mut self.transaction, record).await?)
    }
}
