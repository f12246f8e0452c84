//! The keys of requests that may be sent again.

use time::OffsetDateTime;
use uuid::Uuid;

use super::sql::idempotency as sql;
use super::{StoreError, WriteTx};
use crate::model::idempotency::{Claimed, KeptAnswer, KeyedRequest};

impl WriteTx {
    /// Takes the key of a request that is to make `resource`, or tells what became of the request that has it. Where another
    /// transaction has just taken it, waits for its end; where that takes too long, the request counts as running.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_key(
        &mut self,
        request: &KeyedRequest,
        resource: Uuid,
        now: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<Claimed, StoreError> {
        if sql::claim(&mut self.transaction, request, resource, now, expires_at).await? {
            return Ok(Claimed::New);
        }
        // It was removed in between where it is not there any more: the caller begins anew.
        let found = sql::find(&mut self.transaction, request).await?.ok_or(StoreError::Collision)?;
        Ok(if found.fingerprint != request.fingerprint {
            Claimed::Different
        } else if let (Some(status), Some(body)) = (found.status, found.answer) {
            Claimed::Kept(KeptAnswer { resource: found.resource_id, status: status.unsigned_abs(), body })
        } else {
            Claimed::Running(found.resource_id)
        })
    }

    /// Keeps the answer to a request whose key was claimed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_answer(&mut self, request: &KeyedRequest, status: u16, body: &[u8]) -> Result<(), StoreError> {
        Ok(sql::keep(&mut self.transaction, request, status, body).await?)
    }

    /// Removes at most `limit` keys that have expired by `now`. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_expired_keys(&mut self, now: OffsetDateTime, limit: i64) -> Result<u64, StoreError> {
        Ok(sql::delete_expired(&mut self.transaction, now, limit).await?)
    }
}
