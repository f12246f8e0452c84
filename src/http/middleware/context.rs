//! Who asks: what is known of a request beside its content.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use uuid::Uuid;

use super::ids::RequestId;
use crate::{
    http::problem::{Kind, Problem},
    telemetry,
};

/// The header with the request's id, in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request. Found in the request's extensions, and an extractor.
#[derive(Debug, Clone)]
pub struct RequestContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    request_id: RequestId,
    client: IpAddr,
    route: OnceLock<MatchedPath>,
    user: OnceLock<Uuid>,
}

impl telemetry::request::Request for Inner {
    fn id(&self) -> &str {
        self.request_id.as_str()
    }
}

impl RequestContext {
    /// Reads it from a request that came from `peer` at `at` (since 1970); `trusted_proxies` is the number of proxies in
    /// front whose word is taken.
    pub(in crate::http) fn of(headers: &HeaderMap, peer: Option<IpAddr>, at: Duration, trusted_proxies: u8) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|id| RequestId::given(id.to_str().ok()?));
        Self(Arc::new(Inner {
            request_id: given.unwrap_or_else(|| RequestId::new(at)),
            client: client_address(headers, peer, trusted_proxies),
            route: OnceLock::new(),
            user: OnceLock::new(),
        }))
    }

    /// Itself, as far as the log is concerned.
    pub(in crate::http) fn for_the_log(&self) -> Arc<dyn telemetry::request::Request> {
        Arc::<Inner>::clone(&self.0)
    }

    /// The pattern of the route that the request took, once it has taken one.
    pub(in crate::http) fn route(&self) -> Option<&str> {
        self.0.route.get().map(MatchedPath::as_str)
    }

    pub(in crate::http) fn set_route(&self, route: MatchedPath) {
        // A request takes one route.
        let _ = self.0.route.set(route);
    }

    /// The request's id: the client's, if it sent a sane one.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.0.request_id.as_str()
    }

    /// The request's id as a header's value.
    pub(in crate::http) fn id_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.request_id()).ok()
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
    use super::*;

    fn context(headers: &[(&str, &str)], trusted_proxies: u8) -> RequestContext {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        RequestContext::of(&map, Some(IpAddr::from([10, 0, 0, 9])), Duration::from_secs(1), trusted_proxies)
    }

    #[test]
    fn the_clients_request_id_is_kept_where_it_is_sane() {
        assert_eq!(context(&[("x-request-id", "abc-1.2_3:4")], 0).request_id(), "abc-1.2_3:4");
        let id = context(&[("x-request-id", "a b")], 0).request_id().to_owned();
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7);
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
