//! The kinds of problem: for each its status, its name and what it means.

use axum::http::StatusCode;

use super::PROBLEMS_PATH;

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
