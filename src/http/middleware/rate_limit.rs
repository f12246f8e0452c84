//! Limits as HTTP tells them: `RateLimit` and `RateLimit-Policy` on every answer
//! (draft-ietf-httpapi-ratelimit-headers-10), and 429 for what is too much. The counting is [`crate::domain::limits`]'.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

use super::context::RequestContext;
use crate::{
    domain::limits::{Class, Policy, RateLimiter, TokenHash, Verdict},
    http::{
        openapi::SESSION_COOKIE,
        problem::{Kind, Problem},
    },
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The routes of the class [`Class::SignIn`].
const SIGN_IN_ROUTES: [(Method, &str); 4] = [
    (Method::POST, "/api/v1/users"),
    (Method::PUT, "/api/v1/users/me/password"),
    (Method::POST, "/api/v1/sessions"),
    (Method::POST, "/api/v1/sessions/current/confirmation"),
];

/// The class of a request. A path of the routes that has another spelling leads nowhere.
fn class_of(method: &Method, path: &str) -> Class {
    if method.is_safe() {
        Class::Read
    } else if SIGN_IN_ROUTES.iter().any(|(of, route)| of == method && *route == path) {
        Class::SignIn
    } else {
        Class::Write
    }
}

/// The limits of the API.
pub struct Limits {
    limiter: RateLimiter,
    /// `RateLimit-Policy` of each policy.
    fields: [Option<HeaderValue>; Policy::ALL.len()],
}

impl Limits {
    /// The limits that this limiter counts against.
    #[must_use]
    pub fn new(limiter: RateLimiter) -> Self {
        let field = |policy: Policy| {
            let quota = limiter.quota(policy);
            let (name, requests, window) = (policy.name(), quota.requests, seconds(quota.window));
            HeaderValue::try_from(format!("\"{name}\";q={requests};w={window}")).ok()
        };
        Self { fields: Policy::ALL.map(field), limiter }
    }

    /// Counts a request.
    pub(in crate::http) async fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        context: &RequestContext,
    ) -> Counted {
        let token = token_of(headers);
        let verdict = self.limiter.count(class_of(method, path), token.as_ref(), context.client()).await;
        Counted { token, verdict }
    }

    /// The answer to a request that is one too many.
    pub(in crate::http) fn refusal(&self, counted: &Counted) -> Option<Response> {
        let Verdict { allowed, policy, reset, .. } = counted.verdict;
        if allowed {
            return None;
        }
        let quota = self.limiter.quota(policy);
        let detail = format!("The limit is {} requests in {} s.", quota.requests, seconds(quota.window));
        Some(Problem::new(Kind::TooManyRequests).detail(detail).retry_after(reset).into_response())
    }

    /// Tells what is left in the answer to a request, and remembers who turned out to have asked.
    pub(in crate::http) fn tell(&self, counted: &Counted, context: &RequestContext, headers: &mut HeaderMap) {
        let Verdict { allowed, policy, remaining, reset } = counted.verdict;
        if allowed && let (Some(token), Some(user)) = (counted.token, context.user()) {
            self.limiter.remember(token, user);
        }
        if let Some(field) = &self.fields[policy as usize] {
            headers.insert(RATE_LIMIT_POLICY, field.clone());
        }
        if let Ok(field) = HeaderValue::try_from(format!("\"{}\";r={remaining};t={}", policy.name(), seconds(reset))) {
            headers.insert(RATE_LIMIT, field);
        }
    }
}

/// A request that has been counted.
pub(in crate::http) struct Counted {
    token: Option<TokenHash>,
    verdict: Verdict,
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The hash of the session token that a request presents. It is not verified.
fn token_of(headers: &HeaderMap) -> Option<TokenHash> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let token = bearer.or_else(|| {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|value| value.split(';')).find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == SESSION_COOKIE).then_some(value)
        })
    })?;
    Sha256::digest(token.as_bytes()).get(..16)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_token_is_found_in_either_place() {
        let with = |name: HeaderName, value: &'static str| {
            token_of(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
        };
        let token = with(header::AUTHORIZATION, "bearer abc");
        assert!(token.is_some());
        assert_eq!(with(header::COOKIE, "a=b; bookstore_session=abc"), token);
        assert_eq!(with(header::AUTHORIZATION, "Basic abc"), None);
    }

    /// Whether a document's schema has a property in whose name there is a password.
    fn takes_password(api: &Value, operation: &Value) -> bool {
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        contents.filter_map(|(_, content)| content["schema"]["$ref"].as_str()).any(|reference| {
            let schema = api.pointer(reference.trim_start_matches('#')).unwrap();
            schema["properties"].as_object().unwrap().keys().any(|name| name.contains("password"))
        })
    }

    #[test]
    fn what_takes_a_password_is_of_the_strict_class() {
        let api = serde_json::to_value(crate::http::document()).unwrap();
        let mut strict = 0;
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let class = class_of(&method, path);
                strict += usize::from(class == Class::SignIn);
                // It takes one for a new address alone, and counts it there.
                if operation["operationId"] != "patchCurrentUser" {
                    assert_eq!(class == Class::SignIn, takes_password(&api, operation), "{method} {path}");
                }
                assert_eq!(class == Class::Read, method == Method::GET, "{method} {path}");
            }
        }
        assert_eq!(strict, SIGN_IN_ROUTES.len(), "a route is not there");
    }
}
