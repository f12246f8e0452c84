//! Reading the audit log.

use crate::model::audit::AuditRecord;
use crate::model::ids::AuditId;
use crate::store::{Store, StoreError};

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service for the audit log.
#[derive(Clone)]
pub struct Audit {
    store: Store,
}

impl Audit {
    /// The service over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The newest records first: those before `before`, and of one thing alone where `resource_id` names it.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &self,
        resource_id: Option<&str>,
        before: Option<AuditId>,
        limit: u16,
    ) -> Result<Vec<AuditRecord>, AuditError> {
        Ok(self.store.audit_records(resource_id, before, i64::from(limit)).await?)
    }
}
