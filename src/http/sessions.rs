//! Signing in, looking after one's devices, signing out.

mod cookies;
mod documents;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use cookies::{CSRF_COOKIE, SessionCookies};
pub use documents::{
    ConfirmationInput, EndSessionsQuery, SessionDocument, SessionsDocument, SignInInput, SignedInDocument,
};

use super::API_PREFIX;
use super::auth::Caller;
use super::buyer;
use super::cache_policy::CachePolicy;
use super::cart::MergeDocument;
use super::conditional::{Conditions, Representation};
use super::csrf;
use super::extract::{Json, Path, Query};
use super::middleware::context::RequestContext;
use super::problem::{Kind, Problem};
use super::state::AppState;
use super::users::{UserDocument, refused_proof};
use crate::domain::carts::TakenOver;
use crate::domain::passwords::Password;
use crate::domain::sessions::{SessionError, SignIn};
use crate::model::ids::SessionId;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, list, end_all))
        .routes(routes!(sign_out))
        .routes(routes!(confirm))
        .routes(routes!(end))
}

/// Sign in
///
/// Send the token of the answer as `Authorization: Bearer …`. With `"cookie": true` it comes in an `HttpOnly` cookie
/// instead; then changes need the CSRF token in `X-CSRF-Token`. Failed attempts are slowed down per account and address.
/// With the token of a guest's cart, in `Cart-Token` or its cookie, that cart is merged into the person's own.
#[utoipa::path(
    post, path = "/sessions", operation_id = "signIn", tag = "sessions", request_body = SignInInput,
    responses(
        (status = 201, description = "The new session", body = SignedInDocument,
         headers(("Location" = String, description = "Where the session can be ended"),
                 ("Set-Cookie" = String, description = "The session's cookies, where they were asked for"))),
        (status = 401, description = "The address and the password do not belong together",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "A page of another site asks for a cookie",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn sign_in(
    State(state): State<AppState>,
    context: RequestContext,
    uri: Uri,
    headers: HeaderMap,
    Json(input): Json<SignInInput>,
) -> Result<Response, Problem> {
    if input.cookie {
        // Else another site could sign a browser in to an account of its own, and read there what its user does.
        csrf::require_same_origin(&uri, &headers)?;
    }
    let request = SignIn {
        email: input.email,
        password: Password::new(&input.password),
        user_agent: headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok()).map(str::to_owned),
        address: context.client(),
    };
    let signed_in = state.sessions.sign_in(request).await?;
    context.set_user(signed_in.user.id.0);
    let mut guest_cookies = CookieJar::new();
    let mut cart = None;
    if let Some(guest) = buyer::guest_of(&uri, &headers) {
        let taken = state.carts.take_over(signed_in.user.id, &guest).await;
        if taken != TakenOver::Failed {
            guest_cookies = state.cart_cookies.cleared(&headers);
        }
        cart = MergeDocument::of(taken);
    }
    let token = signed_in.token.reveal();
    let location = format!("{API_PREFIX}/sessions/{}", signed_in.session.id);
    let cookies = if input.cookie { state.cookies.of(token) } else { CookieJar::new() };
    let document = SignedInDocument {
        token: (!input.cookie).then(|| token.to_owned()),
        csrf_token: csrf::token_of(token),
        expires_at: signed_in.session.expires_at,
        user: UserDocument::from(&signed_in.user),
        session: SessionDocument::new(signed_in.session.clone(), signed_in.session.id),
        cart,
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, cookies, guest_cookies, headers, Json(document)).into_response())
}

/// List one's devices
#[utoipa::path(
    get, path = "/sessions", operation_id = "listSessions", tag = "sessions",
    responses((status = 200, description = "The sessions that have not ended", body = SessionsDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(State(state): State<AppState>, caller: Caller, conditions: Conditions) -> Result<Response, Problem> {
    let sessions = state.sessions.list(caller.user).await?;
    let items = sessions.into_iter().map(|session| SessionDocument::new(session, caller.session)).collect();
    Ok(Representation::json(&SessionsDocument { items }, CachePolicy::Private)?.respond(&conditions))
}

/// End all sessions
///
/// With `except_current=true` the one that asks stays.
#[utoipa::path(
    delete, path = "/sessions", operation_id = "endSessions", tag = "sessions", params(EndSessionsQuery),
    responses((status = 204, description = "They are ended")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn end_all(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<EndSessionsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    state.sessions.end_all(caller.user, query.except_current.then_some(caller.session)).await?;
    let cookies = if query.except_current { CookieJar::new() } else { state.cookies.cleared(&headers) };
    Ok((cookies, StatusCode::NO_CONTENT).into_response())
}

/// Sign out
///
/// Ends the session that asks.
#[utoipa::path(
    delete, path = "/sessions/current", operation_id = "signOut", tag = "sessions",
    responses((status = 204, description = "It is ended")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn sign_out(State(state): State<AppState>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    state.sessions.end(caller.user, caller.session).await?;
    Ok((state.cookies.cleared(&headers), StatusCode::NO_CONTENT).into_response())
}

/// Confirm one's password
///
/// For ten minutes the session may then do what a session alone may not, such as closing the account.
#[utoipa::path(
    post, path = "/sessions/current/confirmation", operation_id = "confirmSession", tag = "sessions",
    request_body = ConfirmationInput,
    responses((status = 204, description = "It is confirmed")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn confirm(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    Json(input): Json<ConfirmationInput>,
) -> Result<StatusCode, Problem> {
    let confirmed = state.sessions.confirm(&caller.identity(), &Password::new(&input.password), context.client()).await;
    match confirmed {
        Err(SessionError::Credentials(error)) => Err(refused_proof(error, "/password")),
        // The session ended while this was asked.
        Err(SessionError::NotFound) => Err(Problem::new(Kind::Unauthenticated).detail("The session has ended.")),
        done => Ok(done.map(|()| StatusCode::NO_CONTENT)?),
    }
}

/// End a session
#[utoipa::path(
    delete, path = "/sessions/{id}", operation_id = "endSession", tag = "sessions",
    params(("id" = Uuid, Path, description = "The session's id")),
    responses((status = 204, description = "It is ended")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    state.sessions.end(caller.user, SessionId(id)).await?;
    let cookies = if caller.session.0 == id { state.cookies.cleared(&headers) } else { CookieJar::new() };
    Ok((cookies, StatusCode::NO_CONTENT).into_response())
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotFound => Self::not_found("You have no such session."),
            SessionError::Credentials(error) => error.into(),
            SessionError::Random(_) => Self::internal(&error),
            SessionError::Store(error) => error.into(),
        }
    }
}
