//! Errors as RFC 9457 problem details: the one way in which this API says no.
//!
//! A handler returns `Result<_, Problem>`. The response carries the [`Problem`] itself in its extensions; the finishing
//! middleware (`middleware/finish.rs`) writes it out with the request's path and id.

mod kinds;

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use kinds::Kind;

use crate::domain::{StoreError, UnavailableReason, violation::Violation};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Where the descriptions of the kinds of problem are served; a `type` is this with the slug.
pub const PROBLEMS_PATH: &str = "/problems";

/// One offending part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where in the body, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/authors/0")]
    pub pointer: Option<String>,
    /// Which parameter of the path or query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Which header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A stable code for programs.
    #[schema(example = "invalid")]
    pub code: Cow<'static, str>,
    /// What is wrong, for people.
    #[schema(example = "must not be empty")]
    pub message: String,
}

impl FieldError {
    /// A part of the body, by its JSON pointer.
    pub fn body(pointer: impl Into<String>, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            header: None,
            code: code.into(),
            message: message.into(),
        }
    }

    /// A parameter of the path or the query.
    pub fn parameter(name: impl Into<String>, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), header: None, code: code.into(), message: message.into() }
    }

    /// A header.
    pub fn header(name: impl Into<String>, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { pointer: None, parameter: None, header: Some(name.into()), code: code.into(), message: message.into() }
    }
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        Self::body(violation.pointer, "invalid", violation.message)
    }
}

/// An error as it is answered. Made with [`Problem::new`] or one of the short forms.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    members: BTreeMap<&'static str, Value>,
}

impl Problem {
    /// A problem of this kind without further words.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let retry_after = (kind.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(Duration::from_secs(1));
        Self(Box::new(Inner { kind, detail: None, errors: Vec::new(), retry_after, members: BTreeMap::new() }))
    }

    /// Says what is the matter this time. It must hold nothing secret and nothing about the inside.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an offending part.
    #[must_use]
    pub fn error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// Adds offending parts.
    #[must_use]
    pub fn errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// Adds a member of the kind's own (RFC 9457, section 3.2), for programs.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name, value.into());
        self
    }

    /// Says after which time another try makes sense; rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// 404 with these words.
    #[must_use]
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::NotFound).detail(detail)
    }

    /// 409 with these words.
    #[must_use]
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict).detail(detail)
    }

    /// 422 with its offending parts.
    #[must_use]
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        Self::new(Kind::ValidationFailed).errors(errors)
    }

    /// 500. The cause is logged here, with the request's span, and not told to the client.
    #[must_use]
    pub fn internal(cause: &(impl std::error::Error + ?Sized)) -> Self {
        tracing::error!(error = %chain(cause), "a request failed");
        Self::new(Kind::Internal)
    }

    /// 503 for a part that cannot be reached. The cause is logged here and not told to the client.
    #[must_use]
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, cause: &(impl std::error::Error + ?Sized)) -> Self {
        tracing::warn!(error = %chain(cause), "a request could not be served");
        Self::new(Kind::Unavailable).detail(detail)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// Its offending parts.
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What is sent, for the request to `instance` with `request_id`.
    #[must_use]
    pub fn document(&self, instance: Option<&str>, request_id: Option<&str>) -> ProblemDocument {
        let inner = &self.0;
        ProblemDocument {
            r#type: inner.kind.type_uri(),
            title: inner.kind.title().to_owned(),
            status: inner.kind.status().as_u16(),
            detail: inner.detail.as_deref().map(str::to_owned),
            instance: instance.map(str::to_owned),
            errors: inner.errors.clone(),
            request_id: request_id.map(str::to_owned),
            members: inner.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }
}

/// Put into the extensions of an error response that shall stay as it is.
#[derive(Debug, Clone, Copy)]
pub struct NotAProblem;

/// An error and its causes in one line.
fn chain(error: &(impl std::error::Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The kind of problem: stable, and the address of its description.
    #[schema(example = "/problems/validation-failed", format = "uri-reference")]
    pub r#type: String,
    /// The kind in words; the same for every problem of the kind.
    #[schema(example = "The request is not valid")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is the matter this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/api/v1/products", format = "uri-reference")]
    pub instance: Option<String>,
    /// Every offending part of the request, where that can be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request's id, to quote to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    pub request_id: Option<String>,
    /// More that the kind of problem tells.
    #[serde(flatten)]
    pub members: BTreeMap<String, Value>,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { reason, retry_after } => {
                let kind = match reason {
                    UnavailableReason::Primary | UnavailableReason::AllNodes => Kind::Unavailable,
                    UnavailableReason::Busy => Kind::Overloaded,
                    UnavailableReason::Timeout => Kind::Timeout,
                };
                tracing::warn!(%reason, "a request could not be served");
                Self::new(kind).detail(format!("Just now {reason}.")).retry_after(retry_after)
            }
            // The domain turns the constraints and collisions that it expects into errors of its own.
            StoreError::Collision => Self::new(Kind::Overloaded).detail("Others were changing the same things."),
            StoreError::Constraint(_) | StoreError::Unexpected(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        if self.0.kind == Kind::Unauthenticated || self.0.kind == Kind::InvalidCredentials {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_lead_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_slug(kind.slug()), Some(*kind));
            assert!(kind.description().len() > 10 && kind.status().as_u16() >= 400);
        }
    }

    #[test]
    fn an_unknown_status_has_a_kind() {
        assert_eq!(Kind::from_status(StatusCode::NOT_FOUND), Kind::NotFound);
        assert_eq!(Kind::from_status(StatusCode::IM_A_TEAPOT), Kind::MalformedRequest);
        assert_eq!(Kind::from_status(StatusCode::LOOP_DETECTED), Kind::Internal);
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let response = Problem::new(Kind::TooManyRequests).retry_after(Duration::from_millis(1001)).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(Problem::new(Kind::Overloaded).into_response().headers().contains_key(header::RETRY_AFTER));
        assert!(!Problem::new(Kind::Internal).into_response().headers().contains_key(header::RETRY_AFTER));
    }
}
