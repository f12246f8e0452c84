//! Requests that may be sent again without being done again (draft-ietf-httpapi-idempotency-key-header).

use uuid::Uuid;

/// A request under the key that its sender gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Whose key it is: two people may choose the same one.
    pub owner: String,
    /// For which operation.
    pub operation: &'static str,
    /// The key.
    pub key: String,
    /// SHA-256 of what is asked: another request under the same key is a mistake of its sender.
    pub fingerprint: [u8; 32],
}

/// What was answered to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// What the request made.
    pub resource: Uuid,
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: the request is to be done, and the key is its own from now on.
    New,
    /// The request was done.
    Kept(KeptAnswer),
    /// The key belongs to another request.
    Different,
    /// The request is being done, and makes this.
    Running(Uuid),
}
