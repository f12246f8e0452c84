//! The `Idempotency-Key` field (draft-ietf-httpapi-idempotency-key-header): a request may be sent again after a lost answer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::cache_policy::CachePolicy;
use super::problem::{FieldError, Kind, PROBLEM_JSON, Problem};
use crate::model::idempotency::{KeptAnswer, KeyedRequest};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Says that an answer is that to an earlier request under the same key.
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Most characters of a key.
const MAX_LENGTH: usize = 255;

/// The key that a request has to have.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The request that asks `owner`'s `operation` to do what `content` says to `target`.
    ///
    /// # Errors
    /// Where `content` cannot be written as JSON, which is a mistake in the code.
    pub fn of(
        self,
        owner: String,
        operation: &'static str,
        target: &str,
        content: &impl Serialize,
    ) -> Result<KeyedRequest, Problem> {
        let content = serde_json::to_vec(content).map_err(|error| Problem::internal(&error))?;
        let mut hash = Sha256::new();
        for part in [operation.as_bytes(), target.as_bytes(), &content] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(KeyedRequest { owner, operation, key: self.0, fingerprint: hash.finalize().into() })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refuse = |code, message| {
            Problem::new(Kind::MalformedRequest)
                .detail(
                    "Send an Idempotency-Key of your own with each new request, and the same one when you repeat it.",
                )
                .error(FieldError::header("Idempotency-Key", code, message))
        };
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(refuse("missing", "is required here, once"));
        };
        // The draft writes it as a quoted string; most clients send it bare.
        let key = value.to_str().unwrap_or_default().trim();
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        if key.is_empty() || key.len() > MAX_LENGTH || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("invalid", "must have 1 to 255 visible ASCII characters, such as a UUID"));
        }
        Ok(Self(key.to_owned()))
    }
}

/// An answer that is or was kept under a key: the same bytes each time.
#[must_use]
pub fn kept(answer: KeptAnswer, location: Option<String>, replayed: bool) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let media_type = if status.is_success() { "application/json" } else { PROBLEM_JSON };
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, CachePolicy::NoStore.cache_control());
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    if replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The key belongs to another request of the same sender.
#[must_use]
pub fn reused() -> Problem {
    Problem::invalid([FieldError::header("Idempotency-Key", "reused", "was used for another request")])
        .detail("Under this key another request was sent before. A new request needs a new key.")
}

/// The request is being worked on.
#[must_use]
pub fn running() -> Problem {
    Problem::conflict("A request with this Idempotency-Key is being worked on. Repeat it in a moment for its answer.")
        .retry_after(std::time::Duration::from_secs(1))
}
