//! Who asks: what is known of a request beside its content.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, request::Parts},
};
use uuid::Uuid;

use crate::http::problem::{Kind, Problem};

/// The header with the request's id, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request. Found in the request's extensions, and an extractor.
#[derive(Debug, Clone)]
pub struct RequestContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    request_id: String,
    client: IpAddr,
    user: OnceLock<Uuid>,
}

impl RequestContext {
    /// Reads it from the request; `trusted_proxies` is the number of proxies in front whose word is taken.
    pub(super) fn of(request: &Request, trusted_proxies: u8) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Self(Arc::new(Inner {
            request_id: given_id(headers).unwrap_or_else(new_id),
            client: client_address(headers, peer, trusted_proxies),
            user: OnceLock::new(),
        }))
    }

    /// The request's id: the client's, if it sent a sane one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The client's address, as far as the trusted proxies tell.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.0.client
    }

    /// The user whose session the request presented, once that has been verified.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        self.0.user.get().copied()
    }

    /// Tells the frame whose session this is, after it has been verified: for the log and the user's rate limit.
    pub fn set_user(&self, user: Uuid) {
        // A request has one user; a second call changes nothing.
        let _ = self.0.user.set(user);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(Kind::Internal))
    }
}

/// The client's own id, when it is short and harmless in a log.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let sane =
        (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    sane.then(|| id.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the home of request ids, which are not part of the shop's data")]
fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// With n trusted proxies the client is the n-th address from the right of `X-Forwarded-For`: each of them appended the
/// address that it saw, and whatever stands further left can be made up.
fn client_address(headers: &HeaderMap, peer: Option<IpAddr>, trusted_proxies: u8) -> IpAddr {
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if trusted_proxies == 0 {
        return peer.to_canonical();
    }
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let place = forwarded.len().saturating_sub(usize::from(trusted_proxies));
    forwarded.get(place).and_then(|text| text.parse().ok()).unwrap_or(peer).to_canonical()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn context(headers: &[(&str, &str)], trusted_proxies: u8) -> RequestContext {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 9], 1234))));
        RequestContext::of(&request, trusted_proxies)
    }

    #[test]
    fn a_sane_request_id_is_kept() {
        assert_eq!(context(&[("x-request-id", "abc-1.2_3:4")], 0).request_id(), "abc-1.2_3:4");
        for odd in ["", "a b", "a\"b", "a,b", &"x".repeat(129)] {
            let id = context(&[("x-request-id", odd)], 0).request_id().to_owned();
            assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{odd:?} was taken over");
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forwarded = [("x-forwarded-for", "6.6.6.6, 1.2.3.4"), ("x-forwarded-for", "10.0.0.1")];
        for (trusted, expected) in [(0, "10.0.0.9"), (1, "10.0.0.1"), (2, "1.2.3.4"), (3, "6.6.6.6"), (9, "6.6.6.6")] {
            assert_eq!(context(&forwarded, trusted).client().to_string(), expected, "{trusted} proxies");
        }
        assert_eq!(context(&[("x-forwarded-for", "nonsense")], 1).client().to_string(), "10.0.0.9");
        assert_eq!(context(&[], 1).client().to_string(), "10.0.0.9");
    }
}
