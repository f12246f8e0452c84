//! Who did what with an administrator's rights.

use serde_json::Value;
use time::OffsetDateTime;

use super::ids::{AuditId, UserId};

/// Who asks, and in which request: what an audit record says beside the deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The administrator; nobody where the command line did it.
    pub user: Option<UserId>,
    /// The request, as its `X-Request-Id` names it.
    pub request_id: Option<String>,
}

/// One deed.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// The identifier; later records have greater ones.
    pub id: AuditId,
    /// When.
    pub occurred_at: OffsetDateTime,
    /// Who.
    pub actor: Actor,
    /// What was done, such as `product.patch`.
    pub action: String,
    /// To what kind of thing, such as `product`.
    pub resource: String,
    /// To which one.
    pub resource_id: Option<String>,
    /// What changed: the fields before and after.
    pub details: Value,
}
