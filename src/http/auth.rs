//! Who asks, as extractors: [`Caller`], [`Administrator`] and [`MaybeCaller`].
//!
//! A session's token comes as `Authorization: Bearer` or in a cookie; with both, the header counts. A cookie is sent by
//! the browser whoever made it send, so changes by cookie are checked in `csrf.rs`; that happens here, in the one way to
//! a caller, so that no handler can forget it.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use axum_extra::extract::CookieJar;

use super::csrf;
use super::middleware::context::RequestContext;
use super::openapi::SESSION_COOKIE;
use super::problem::{Kind, Problem};
use super::state::AppState;
use crate::domain::access::AccessError;
use crate::model::audit::Actor;
use crate::model::identity::{Identity, Role};
use crate::model::ids::{SessionId, UserId};

/// The signed-in person who asks; 401 where nobody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// By which session.
    pub session: SessionId,
    /// What they may do.
    pub role: Role,
}

impl Caller {
    /// Whether they look after the shop.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Them, for the domain.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { user: self.user, session: self.session, role: self.role }
    }
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { user: identity.user, session: identity.session, role: identity.role }
    }
}

/// The administrator who asks; 401 where nobody is signed in, 403 where it is somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Administrator(pub Caller);

impl Administrator {
    /// Them, for the audit log, in the request with this id.
    #[must_use]
    pub fn actor(&self, request_id: &str) -> Actor {
        Actor { user: Some(self.0.user), request_id: Some(request_id.to_owned()) }
    }
}

/// Whoever asks. A wrong bearer token is refused, since its sender believes to be signed in; a cookie that has ended is
/// no reason to keep a browser out of what is public.
#[derive(Clone, Copy, Debug)]
pub struct MaybeCaller(pub Option<Caller>);

impl MaybeCaller {
    /// Whether an administrator asks.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.0.is_some_and(|caller| caller.is_admin())
    }
}

/// What a request shows to prove who sends it.
enum Credential {
    Bearer(String),
    Cookie(String),
}

/// Finds it. An `Authorization` of another scheme is refused rather than passed over.
fn credential(headers: &HeaderMap) -> Result<Option<Credential>, Problem> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = authorizations.next() {
        let token = value.to_str().ok().filter(|_| authorizations.next().is_none()).and_then(bearer);
        return token.map(|token| Some(Credential::Bearer(token.to_owned()))).ok_or_else(|| {
            Problem::new(Kind::Unauthenticated).detail("Authorization must be Bearer with a session's token.")
        });
    }
    let cookie = CookieJar::from_headers(headers).get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned());
    Ok(cookie.filter(|token| !token.is_empty()).map(Credential::Cookie))
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

async fn identify(parts: &mut Parts, state: &AppState) -> Result<Option<Caller>, Problem> {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(Some(*caller));
    }
    let Some(credential) = credential(&parts.headers)? else { return Ok(None) };
    let (Credential::Bearer(token) | Credential::Cookie(token)) = &credential;
    let caller = Caller::from(state.access.authenticate(token).await?);
    if let Credential::Cookie(token) = &credential {
        csrf::check(&parts.method, &parts.uri, &parts.headers, token)?;
    }
    if let Some(context) = parts.extensions.get::<RequestContext>() {
        context.set_user(caller.user.0);
    }
    parts.extensions.insert(caller);
    Ok(Some(caller))
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        identify(parts, state).await?.ok_or_else(|| Problem::new(Kind::Unauthenticated).detail("Sign in first."))
    }
}

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.is_admin() {
            Ok(Self(caller))
        } else {
            Err(Problem::new(Kind::Forbidden).detail("This is for administrators."))
        }
    }
}

impl FromRequestParts<AppState> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let by_header = parts.headers.contains_key(header::AUTHORIZATION);
        match identify(parts, state).await {
            Err(problem) if problem.kind() == Kind::Unauthenticated && !by_header => Ok(Self(None)),
            outcome => outcome.map(Self),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Refused => {
                Self::new(Kind::Unauthenticated).detail("The token is wrong, or its session has ended.")
            }
            AccessError::Store(error) => error.into(),
        }
    }
}
