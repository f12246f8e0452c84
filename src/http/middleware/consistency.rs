//! `Consistency-Token`: how the client of a write reads what it wrote, whichever process it asks next.
//!
//! The answer to a write carries a token. A read that presents it, in the field or, for browsers, in the cookie that came with
//! it, is answered from an entry or a node that has the write. Without it another process may need some milliseconds to hear
//! of a write, and while Redis is away as long as a lease.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum_extra::extract::CookieJar;

use crate::http::openapi::SESSION_COOKIE;
use crate::http::problem::{FieldError, Kind, Problem};
use crate::model::consistency::ConsistencyToken;

/// The field.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// The cookie of those who are signed in by a cookie.
const COOKIE: &str = "bookstore_consistency";

/// For how long a browser keeps it, in seconds: far longer than any process needs to hear of a write.
const KEPT_FOR: u32 = 60;

/// The token that a request presents.
///
/// # Errors
/// 400 where the field holds something else. A cookie that does is passed over: nobody wrote it by hand.
pub fn presented(headers: &HeaderMap) -> Result<Option<ConsistencyToken>, Problem> {
    if let Some(value) = headers.get(&CONSISTENCY_TOKEN) {
        let token = value.to_str().ok().and_then(|text| text.parse().ok());
        return token.map(Some).ok_or_else(|| {
            Problem::new(Kind::MalformedRequest)
                .detail("Consistency-Token holds no token of this shop.")
                .error(FieldError::header("Consistency-Token", "malformed", "must be the value of an earlier answer"))
        });
    }
    if !headers.contains_key(header::COOKIE) {
        return Ok(None);
    }
    Ok(CookieJar::from_headers(headers).get(COOKIE).and_then(|cookie| cookie.value().parse().ok()))
}

/// Whether a request is signed in by a cookie.
pub fn is_by_cookie(headers: &HeaderMap) -> bool {
    headers.contains_key(header::COOKIE) && CookieJar::from_headers(headers).get(SESSION_COOKIE).is_some()
}

/// Writes the token of a request's writes into its answer.
pub fn tell(token: &ConsistencyToken, by_cookie: bool, headers: &mut HeaderMap) {
    let Ok(value) = HeaderValue::try_from(token.to_string()) else { return };
    headers.insert(CONSISTENCY_TOKEN, value);
    // An answer with cookies of its own ends a session: nothing of it is to be left behind.
    let by_cookie = by_cookie && !headers.contains_key(header::SET_COOKIE);
    // It is no secret and opens nothing; scripts have no use for it.
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={KEPT_FOR}; HttpOnly; SameSite=Lax");
    if by_cookie && let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}
