//! Protection against requests that another site makes a signed-in browser send (OWASP, "Cross-Site Request Forgery
//! Prevention"): a change by cookie needs a token in a header, which only the shop's own pages can know, and must not
//! say that it comes from elsewhere.
//!
//! The CSRF token is a hash of the session's token, so the server keeps nothing, it ends with its session, and a
//! cookie planted by a neighbouring domain does not help.

use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::problem::{FieldError, Kind, Problem};

/// The header that carries the CSRF token.
pub const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Keeps this hash apart from the one by which the session is looked up.
const DOMAIN: &[u8] = b"bookstore csrf token v1\0";

/// The CSRF token of a session.
#[must_use]
pub fn token_of(session_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(DOMAIN).chain_update(session_token).finalize())
}

/// Checks a request that a cookie authenticates. Safe methods pass.
///
/// # Errors
/// 403 where the request may come from another site.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap, session_token: &str) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE) {
        return Ok(());
    }
    require_same_origin(uri, headers)?;
    let given = headers.get(X_CSRF_TOKEN).ok_or_else(|| rejected("X-CSRF-Token", "missing", "is missing"))?;
    if bool::from(given.as_bytes().ct_eq(token_of(session_token).as_bytes())) {
        Ok(())
    } else {
        Err(rejected("X-CSRF-Token", "wrong", "is not the token of this session"))
    }
}

/// Where the browser says which site a request comes from, it must be this one.
///
/// # Errors
/// 403 where it is another one.
pub fn require_same_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(site) = headers.get(SEC_FETCH_SITE)
        && site.as_bytes() != b"same-origin"
    {
        return Err(rejected("Sec-Fetch-Site", "cross_site", "must be same-origin"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = uri.authority().map(axum::http::uri::Authority::as_str).or(host);
        let same = origin.to_str().ok().zip(host).is_some_and(|(origin, host)| is_origin_of(origin, host));
        if !same {
            return Err(rejected("Origin", "cross_origin", "must be the origin of this server"));
        }
    }
    Ok(())
}

/// Whether an origin such as `https://shop.example` is that of a host such as `shop.example:443`. The scheme is not
/// compared: a proxy in front may end TLS. It must pass `Host` on as it is.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let bare = |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase();
    bare(authority) == bare(host)
}

fn rejected(header: &'static str, code: &'static str, message: &'static str) -> Problem {
    Problem::new(Kind::CsrfRejected)
        .detail("A change by cookie needs the session's CSRF token in X-CSRF-Token, and must come from this site.")
        .error(FieldError::header(header, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_with_the_host() {
        for (origin, host, same) in [
            ("https://shop.example", "shop.example", true),
            ("https://shop.example", "Shop.Example:443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", false),
            ("https://evil.example", "shop.example", false),
            ("https://shop.example.evil.example", "shop.example", false),
            ("https://shop.example", "shop.example:80", false),
            ("null", "null", false),
        ] {
            assert_eq!(is_origin_of(origin, host), same, "{origin} at {host}");
        }
    }

    #[test]
    fn the_token_is_neither_the_sessions_nor_its_hash() {
        let session = "A".repeat(43);
        let token = token_of(&session);
        assert_ne!(token, session);
        assert_ne!(token, URL_SAFE_NO_PAD.encode(Sha256::digest(&session)));
        assert_ne!(token, token_of(&"B".repeat(43)));
    }
}
