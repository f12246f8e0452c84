//! Sessions as JSON.

use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::cart::MergeDocument;
use crate::http::users::UserDocument;
use crate::model::identity::Session;
use crate::model::ids::SessionId;

/// What a person fills in to sign in.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SignInInput {
    /// The account's address.
    #[garde(length(chars, min = 1, max = 320))]
    #[schema(min_length = 1, max_length = 320, example = "ada@example.org")]
    pub email: String,
    /// Its password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(format = "password", min_length = 1, max_length = 1024, example = "correct horse battery")]
    pub password: String,
    /// Whether the token shall come in a cookie that scripts cannot read, and not in the answer.
    #[serde(default)]
    #[garde(skip)]
    pub cookie: bool,
}

/// A session that has just begun.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub struct SignedInDocument {
    /// The secret to send as `Authorization: Bearer …`; `null` where it came in a cookie. It is told once.
    #[schema(example = "u0R9kX1rF7oJ8qv0b2mY3c4w5n6z7a8s9d0f1g2h3j4")]
    pub token: Option<String>,
    /// What changes by cookie must send as `X-CSRF-Token`; also in the cookie `bookstore_csrf`. Not needed with the token.
    #[schema(example = "Zm9yIHRoZSBzaG9wJ3Mgb3duIHBhZ2VzIG9ubHkgLi4")]
    pub csrf_token: String,
    /// When the session ends unless it is used before; every use moves it on, up to a limit.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The session.
    pub session: SessionDocument,
    /// Who signed in.
    pub user: UserDocument,
    /// What became of the guest's cart; `null` where there was none.
    pub cart: Option<MergeDocument>,
}

/// One signed-in device.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionDocument {
    /// The identifier; it is no secret.
    #[schema(example = "0198c0de-7a11-7000-8000-000000000000")]
    id: Uuid,
    /// When it signed in.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last used, to within five minutes.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// When it ends unless it is used before.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// What the device calls itself.
    #[schema(example = "curl/8.5.0")]
    user_agent: Option<String>,
    /// The address that it signed in from.
    #[schema(example = "192.0.2.17")]
    address: String,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionDocument {
    /// A session as the one with the id `current` sees it.
    #[must_use]
    pub fn new(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.0,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            user_agent: session.user_agent,
            address: session.address,
            current: session.id == current,
        }
    }
}

/// All devices of one person; there are at most a hundred, so the list has no pages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionList)]
pub struct SessionsDocument {
    /// The newest first.
    #[schema(max_items = 100)]
    pub items: Vec<SessionDocument>,
}

/// Which sessions to end.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndSessionsQuery {
    /// Whether the session that asks stays.
    #[serde(default)]
    #[garde(skip)]
    #[param(required = false, default = false)]
    pub except_current: bool,
}

/// The password, once more.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationInput {
    /// The account's password.
    #[garde(length(chars, min = 1, max = 1024))]
    #[schema(format = "password", min_length = 1, max_length = 1024, example = "correct horse battery")]
    pub password: String,
}
