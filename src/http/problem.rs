//! Errors as RFC 9457 problem details: the one way in which this API says no.
//!
//! A handler returns `Result<_, Problem>`. The response carries the [`Problem`] itself in its extensions; the finishing
//! middleware (`middleware/finish.rs`) writes it out with the request's path and id.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{StoreError, UnavailableReason, violation::Violation};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Where the descriptions of the kinds of problem are served; a `type` is this with the slug.
pub const PROBLEMS_PATH: &str = "/problems";

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $status:ident, $slug:literal, $title:literal;)+) => {
        /// The kinds of problem that this API knows. Their slugs are stable: clients branch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {$($(#[doc = $doc])+ $name,)+}

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The last segment of its `type`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self {$(Self::$name => $slug,)+}
            }

            /// Its short, unchanging summary.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {$(Self::$name => $title,)+}
            }

            /// What it means and what to do about it.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {$(Self::$name => concat!($($doc),+).trim_ascii(),)+}
            }

            /// The status that it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {$(Self::$name => StatusCode::$status,)+}
            }
        }
    };
}

kinds! {
    /// The request is not well-formed: broken JSON, broken percent-encoding, a header that cannot be read.
    MalformedRequest = BAD_REQUEST, "malformed-request", "The request is malformed";
    /// The request is well-formed, but what it says is not acceptable. Every offending part is listed in `errors`.
    ValidationFailed = UNPROCESSABLE_ENTITY, "validation-failed", "The request is not valid";
    /// The operation needs a session, and the request has none, or one that has ended. Sign in and try again.
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "A session is needed";
    /// The e-mail address and the password do not belong together, or the account does not exist.
    InvalidCredentials = UNAUTHORIZED, "invalid-credentials", "The credentials are wrong";
    /// The session's user may not do this.
    Forbidden = FORBIDDEN, "forbidden", "This is not allowed";
    /// A change by cookie lacks the right CSRF token in its header.
    CsrfRejected = FORBIDDEN, "csrf-rejected", "The CSRF token is missing or wrong";
    /// This needs more than a session: the password must have been given in it within the last minutes. Confirm it with
    /// `POST /sessions/current/confirmation`, and try again.
    ConfirmationRequired = FORBIDDEN, "confirmation-required", "The password must be confirmed";
    /// There is nothing at this address.
    NotFound = NOT_FOUND, "not-found", "There is nothing here";
    /// The resource exists, but not this method; `Allow` lists those that do.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    /// No representation fits the request's `Accept` or `Accept-Encoding`.
    NotAcceptable = NOT_ACCEPTABLE, "not-acceptable", "No representation is acceptable";
    /// The request's body came too slowly, and was not waited for any longer.
    RequestTimeout = REQUEST_TIMEOUT, "request-timeout", "The request came too slowly";
    /// The change does not fit the present state of things, for instance because something of that name exists.
    Conflict = CONFLICT, "conflict", "The request conflicts with the present state";
    /// Some of the books cannot be had, or not so many of them. `lines` names them and tells how many are left.
    OutOfStock = CONFLICT, "out-of-stock", "Some books cannot be had";
    /// The state of the order does not allow this. `state` tells it, and `allowed` what is possible.
    OrderState = CONFLICT, "order-state", "The order's state does not allow this";
    /// The payment did not come about. `code` is the provider's reason; the order still waits, and may be paid for in another
    /// way, under another `Idempotency-Key`.
    PaymentDeclined = PAYMENT_REQUIRED, "payment-declined", "The payment was declined";
    /// `If-Match` does not name the present version: somebody else changed it. Read it again, then decide.
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "It has changed meanwhile";
    /// This change needs `If-Match` with the `ETag` that it is based on, so that no update is lost.
    PreconditionRequired = PRECONDITION_REQUIRED, "precondition-required", "If-Match is required";
    /// The body is larger than this operation takes.
    ContentTooLarge = PAYLOAD_TOO_LARGE, "content-too-large", "The body is too large";
    /// The body's media type is not one that this operation reads.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The media type is not supported";
    /// The address is longer than the server reads.
    UriTooLong = URI_TOO_LONG, "uri-too-long", "The address is too long";
    /// Too many requests in too short a time. `Retry-After` says when to come back.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// Something failed that should not. It has been logged under the `request_id`.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong";
    /// The server has more to do than it can. `Retry-After` says when to come back.
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", "The server is busy";
    /// A part that this operation needs, such as the primary database, cannot be reached for now.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "This cannot be done for now";
    /// The work took longer than a request may take, and was given up.
    Timeout = SERVICE_UNAVAILABLE, "timeout", "It took too long";
}

impl Kind {
    /// Its `type`, a reference that is resolved against the address of the API.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{PROBLEMS_PATH}/{}", self.slug())
    }

    /// The kind with this slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// The kind for an error response that says no more than its status.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.status() == status).unwrap_or(if status.is_server_error() {
            Self::Internal
        } else {
            Self::MalformedRequest
        })
    }
}

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
