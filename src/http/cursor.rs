//! The cursors of lists that go by ids: the id of the last item, in base64url.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::problem::{FieldError, Problem};

/// The cursor of what comes after this item.
#[must_use]
pub fn after(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// The item that a cursor names.
///
/// # Errors
/// 422 where it names none.
pub fn read(cursor: &str) -> Result<Uuid, Problem> {
    let id = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
    id.ok_or_else(invalid)
}

/// 422 for a text that is no cursor of the list that is asked for.
#[must_use]
pub fn invalid() -> Problem {
    Problem::invalid([FieldError::parameter("cursor", "invalid", "is no cursor of this list")])
}
