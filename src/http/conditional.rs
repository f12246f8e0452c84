//! Finished representations, and the requests that are conditional on them (RFC 9110, section 13).

use std::{convert::Infallible, time::SystemTime};

use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{
    cache_policy::CachePolicy,
    frame::AsItIs,
    middleware::coding::Accepted,
    problem::{FieldError, Kind, Problem},
};
use crate::model::answer::{Answer, RenderError, Source};
use crate::model::precondition::ExpectedVersion;
use crate::model::representation::{Fields, Particulars, Representation as Finished};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// A representation that is ready to be sent to anybody who asks for it. It does not depend on the request, so that it
/// can be kept.
#[derive(Debug, Clone)]
pub struct Representation {
    body: Bytes,
    content_type: HeaderValue,
    etag: String,
    last_modified: Option<OffsetDateTime>,
    policy: CachePolicy,
    surrogate_keys: Vec<String>,
    links: Option<HeaderValue>,
}

impl Representation {
    /// `value` as JSON, with an `ETag` that is the body's hash.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON, which is a mistake in the code.
    pub fn json(value: &impl Serialize, policy: CachePolicy) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        Ok(Self::new(body.into(), HeaderValue::from_static("application/json"), policy))
    }

    /// Bytes of any media type, with an `ETag` that is their hash.
    #[must_use]
    pub fn new(body: Bytes, content_type: HeaderValue, policy: CachePolicy) -> Self {
        let etag = hash(&body);
        Self { body, content_type, etag, last_modified: None, policy, surrogate_keys: Vec::new(), links: None }
    }

    /// Makes the `ETag` `"<version>.<hash>"`, which `If-Match` understands.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.etag = format!("{version}.{}", self.etag);
        self
    }

    /// Adds `Last-Modified`.
    #[must_use]
    pub fn last_modified(mut self, at: OffsetDateTime) -> Self {
        self.last_modified = Some(at);
        self
    }

    /// Adds `Surrogate-Key`: the tags by which a CDN can be told to forget it.
    #[must_use]
    pub fn surrogate_keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.surrogate_keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Adds `Link` (RFC 8288), such as `<…>; rel="next"`. Text that is no header value is left out.
    #[must_use]
    pub fn link(mut self, link: &str) -> Self {
        self.links = HeaderValue::from_str(link).ok();
        self
    }

    /// The `ETag` without its quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The answer to a read: 200 with the body, or 304 without.
    #[must_use]
    pub fn respond(&self, conditions: &Conditions) -> Response {
        let not_modified = conditions.hold_for(&self.etag, self.last_modified);
        let status = if not_modified { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let body = if not_modified { Body::empty() } else { Body::from(self.body.clone()) };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        self.write_headers(headers);
        if !not_modified {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            headers.insert(header::CONTENT_LENGTH, self.body.len().into());
        }
        response
    }

    /// The answer to a write that gives back what it made: this status, the body, its `ETag`, and `no-store`.
    #[must_use]
    pub fn respond_written(&self, status: StatusCode) -> Response {
        let mut response = (status, Body::from(self.body.clone())).into_response();
        let headers = response.headers_mut();
        self.write_headers(headers);
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        headers.insert(header::CACHE_CONTROL, CachePolicy::NoStore.cache_control());
        headers.remove(SURROGATE_KEY);
        response
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        if let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", self.etag)) {
            headers.insert(header::ETAG, etag);
        }
        if let Some(at) = self.last_modified
            && let Ok(value) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::from(at)))
        {
            headers.insert(header::LAST_MODIFIED, value);
        }
        headers.insert(header::CACHE_CONTROL, self.policy.cache_control());
        headers.insert(header::VARY, self.policy.vary());
        if !self.surrogate_keys.is_empty()
            && let Ok(value) = HeaderValue::try_from(self.surrogate_keys.join(" "))
        {
            headers.insert(SURROGATE_KEY, value);
        }
        if let Some(links) = &self.links {
            headers.insert(header::LINK, links.clone());
        }
    }
}

/// `value` as JSON, finished: with a version, the `ETag` is one that `If-Match` understands.
///
/// # Errors
/// When `value` cannot be written as JSON, which is a mistake in the code.
pub fn finished(
    value: &impl Serialize,
    version: Option<i64>,
    last_modified: Option<OffsetDateTime>,
    more: Particulars,
) -> Result<Finished, RenderError> {
    let body = Bytes::from(serde_json::to_vec(value)?);
    let hash = hash(&body);
    let etag = version.map_or_else(|| hash.clone(), |version| format!("{version}.{hash}"));
    let last_modified = last_modified.map(OffsetDateTime::unix_timestamp);
    Ok(Finished::new(body, Particulars { etag, last_modified, ..more }))
}

/// The answer to a read that the cache has: 200 with the body in a coding that the client takes, or 304 without.
#[must_use]
pub fn respond(answer: &Answer, policy: CachePolicy, conditions: &Conditions) -> Response {
    let Answer { representation, surrogate_keys, source } = answer;
    let not_modified = conditions.hold_for(&representation.particulars.etag, representation.last_modified());
    let mut response = if not_modified {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (body, coding) = conditions.coding.choose(representation);
        let length = body.len();
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, length.into());
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let headers = response.headers_mut();
    let Fields { etag, last_modified, link, content_location } = &*representation.fields;
    let mut write = |name: HeaderName, value: &Bytes| {
        // Written once, and copied by reference.
        if let Ok(value) = HeaderValue::from_maybe_shared(value.clone()) {
            headers.insert(name, value);
        }
    };
    write(header::ETAG, etag);
    // No CDN keeps what belongs to one person.
    if policy != CachePolicy::Private {
        write(SURROGATE_KEY, surrogate_keys);
    }
    for (name, value) in
        [(header::LAST_MODIFIED, last_modified), (header::LINK, link), (header::CONTENT_LOCATION, content_location)]
    {
        if let Some(value) = value {
            write(name, value);
        }
    }
    write(CACHE_STATUS, &cache_status(*source).into());
    if let Source::Cache { fresh_for: None, age, .. } = source {
        headers.insert(header::AGE, age.as_secs().into());
    }
    headers.insert(header::CACHE_CONTROL, policy.cache_control());
    headers.insert(header::VARY, policy.vary());
    response.extensions_mut().insert(AsItIs);
    response
}

/// `Cache-Status` (RFC 9211): whether the shop's own cache had the answer, which level of it, and for how much longer it is
/// fresh. A stale answer was served while it was being loaded again, or because it could not be.
fn cache_status(source: Source) -> String {
    match source {
        Source::Cache { level, fresh_for: Some(left), .. } => {
            format!("bookstore; hit; ttl={}; detail={level}", left.as_secs())
        }
        Source::Cache { level, fresh_for: None, .. } => format!("bookstore; hit; ttl=-1; detail={level}-stale"),
        Source::Origin => "bookstore; fwd=miss".to_owned(),
    }
}

/// 128 bits of SHA-256, as text.
fn hash(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or(&digest))
}

/// The entity tags of `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tags {
    /// `*`
    Any,
    /// Each tag, and whether it is weak.
    List(Vec<Tag>),
}

/// One entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// What stands between the quotes.
    pub opaque: String,
    /// Whether it began with `W/`.
    pub weak: bool,
}

impl Tags {
    /// Reads every field of this name; `None` when there is none, an error when one is no list of entity tags.
    pub(super) fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Result<Self, ()>> {
        let mut tags = None;
        for value in headers.get_all(name) {
            let Some(read) = value.to_str().ok().and_then(Self::parse) else { return Some(Err(())) };
            tags = Some(match (tags, read) {
                (None, read) => read,
                (Some(Self::List(mut before)), Self::List(read)) => {
                    before.extend(read);
                    Self::List(before)
                }
                _ => Self::Any,
            });
        }
        tags.map(Ok)
    }

    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = text.trim_matches([' ', '\t', ',']);
        while !rest.is_empty() {
            let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
            let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
            tags.push(Tag { opaque: opaque.to_owned(), weak });
            let next = after.trim_start_matches([' ', '\t', ',']);
            if !next.is_empty() && !after.contains(',') {
                return None;
            }
            rest = next;
        }
        (!tags.is_empty()).then_some(Self::List(tags))
    }

    /// Weak comparison, for `If-None-Match`.
    fn match_weakly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| tag.opaque == etag),
        }
    }
}

/// The conditions of a read: extract it in every GET handler, and hand it to [`Representation::respond`].
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    if_none_match: Option<Tags>,
    if_modified_since: Option<SystemTime>,
    coding: Accepted,
}

impl Conditions {
    /// Whether the client's copy is still good.
    fn hold_for(&self, etag: &str, last_modified: Option<OffsetDateTime>) -> bool {
        if let Some(tags) = &self.if_none_match {
            return tags.match_weakly(etag);
        }
        match (self.if_modified_since, last_modified) {
            // HTTP dates have whole seconds.
            (Some(since), Some(modified)) => {
                SystemTime::from(modified.replace_nanosecond(0).unwrap_or(modified)) <= since
            }
            _ => false,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let since = parts.headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        Ok(Self {
            // A condition that cannot be read is not applied; the full answer is never wrong.
            if_none_match: Tags::read(&parts.headers, &header::IF_NONE_MATCH).and_then(Result::ok),
            if_modified_since: since.and_then(|text| httpdate::parse_http_date(text).ok()),
            coding: Accepted::read(&parts.headers),
        })
    }
}

/// The `If-Match` of a write.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// The version that the change is based on.
    ///
    /// # Errors
    /// 428 when the request does not say.
    pub fn require(&self) -> Result<ExpectedVersion, Problem> {
        self.optional().ok_or_else(|| {
            Problem::new(Kind::PreconditionRequired)
                .detail("Send If-Match with the ETag of the version that this change is based on.")
                .error(FieldError::header("If-Match", "missing", "is required here"))
        })
    }

    /// The version that the change is based on, if the request says. Weak tags and tags of another form match nothing,
    /// as strong comparison wants.
    #[must_use]
    pub fn optional(&self) -> Option<ExpectedVersion> {
        self.0.as_ref().map(|tags| match tags {
            Tags::Any => ExpectedVersion::Any,
            Tags::List(tags) => ExpectedVersion::OneOf(
                tags.iter()
                    .filter(|tag| !tag.weak)
                    .filter_map(|tag| tag.opaque.split_once('.')?.0.parse().ok())
                    .collect(),
            ),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Tags::read(&parts.headers, &header::IF_MATCH) {
            None => Ok(Self(None)),
            Some(Ok(tags)) => Ok(Self(Some(tags))),
            Some(Err(())) => Err(Problem::new(Kind::MalformedRequest)
                .detail("If-Match holds no list of entity tags.")
                .error(FieldError::header("If-Match", "malformed", "must be a list of quoted tags, or *"))),
        }
    }
}

#[cfg(test)]
mod tests;
