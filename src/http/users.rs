//! Accounts and their owners' rights.

mod documents;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use documents::{ExportDocument, PasswordInput, RegistrationInput, RoleDocument, UserDocument, UserPatch};

use super::API_PREFIX;
use super::auth::Caller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, IfMatch, Representation};
use super::extract::{Json, MergePatch};
use super::middleware::context::RequestContext;
use super::problem::{FieldError, Kind, Problem, ProblemDocument};
use super::state::AppState;
use crate::domain::credentials::CredentialsError;
use crate::domain::passwords::{Password, PasswordError};
use crate::domain::users::{ProfileChange, Registration, UserError};
use crate::model::identity::User;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(read, patch, close))
        .routes(routes!(change_password))
        .routes(routes!(export))
}

/// Open an account
///
/// Then sign in with `POST /sessions`.
#[utoipa::path(
    post, path = "/users", operation_id = "registerUser", tag = "users", request_body = RegistrationInput,
    responses(
        (status = 201, description = "The new account", body = UserDocument,
         headers(("Location" = String, description = "Where its owner finds it"))),
        (status = 409, description = "An account has this address",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
async fn register(State(state): State<AppState>, Json(input): Json<RegistrationInput>) -> Result<Response, Problem> {
    let registration =
        Registration { email: input.email, password: Password::new(&input.password), display_name: input.display_name };
    let user = state.users.register(registration).await?;
    let response = representation(&user)?.respond_written(StatusCode::CREATED);
    Ok(([(header::LOCATION, format!("{API_PREFIX}/users/me"))], response).into_response())
}

/// Read one's own account
#[utoipa::path(
    get, path = "/users/me", operation_id = "getCurrentUser", tag = "users",
    responses((status = 200, description = "The account", body = UserDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(State(state): State<AppState>, caller: Caller, conditions: Conditions) -> Result<Response, Problem> {
    let user = state.users.get(caller.user).await?;
    Ok(representation(&user)?.respond(&conditions))
}

/// Change one's own account
///
/// A JSON merge patch (RFC 7396). A new address needs the password as well.
#[utoipa::path(
    patch, path = "/users/me", operation_id = "patchCurrentUser", tag = "users",
    request_body(content = UserPatch, content_type = "application/merge-patch+json"),
    params(("If-Match" = String, Header, description = "The ETag that the change is based on")),
    responses(
        (status = 200, description = "The account as it is now", body = UserDocument),
        (status = 409, description = "Another account has this address",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn patch(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    if_match: IfMatch,
    MergePatch(input): MergePatch<UserPatch>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let change = ProfileChange {
        display_name: input.display_name,
        email: input.email,
        current_password: input.current_password.as_deref().map(Password::new),
    };
    let user = state.users.change(caller.user, &expected, change, context.client()).await?;
    Ok(representation(&user)?.respond_written(StatusCode::OK))
}

/// Close one's own account
///
/// Removes everything that the shop has about its owner; see `GET /users/me/export` for what that is. Reviews stay, without a
/// name, and the audit log keeps what they did as an administrator. The password must have been given in this session within
/// the last ten minutes, by signing in or by `POST /sessions/current/confirmation`; else the answer is 403
/// `confirmation-required`.
#[utoipa::path(
    delete, path = "/users/me", operation_id = "deleteCurrentUser", tag = "users",
    params(("If-Match" = String, Header, description = "The ETag of the account that is meant")),
    responses((status = 204, description = "It is closed")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn close(
    State(state): State<AppState>,
    caller: Caller,
    if_match: IfMatch,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    state.users.close(&caller.identity(), &if_match.require()?).await?;
    Ok((state.cookies.cleared(&headers), StatusCode::NO_CONTENT).into_response())
}

/// Change one's password
///
/// Ends all other sessions.
#[utoipa::path(
    put, path = "/users/me/password", operation_id = "changePassword", tag = "users", request_body = PasswordInput,
    responses((status = 204, description = "It is changed")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    context: RequestContext,
    Json(input): Json<PasswordInput>,
) -> Result<StatusCode, Problem> {
    let (current, new) = (Password::new(&input.current_password), Password::new(&input.new_password));
    state.users.change_password(&caller.identity(), &current, &new, context.client()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Export one's data
///
/// Everything that the shop has about the asker, as a file.
#[utoipa::path(
    get, path = "/users/me/export", operation_id = "exportCurrentUser", tag = "users",
    responses((status = 200, description = "The data", body = ExportDocument,
               headers(("Content-Disposition" = String, description = "Suggests a file name")))),
    security(("bearer" = []), ("cookie" = [])),
    extensions(("x-unconditional" = json!(true))),
)]
async fn export(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let user = state.users.get(caller.user).await?;
    let export = state.users.export(&user).await?;
    let mut response =
        Representation::json(&ExportDocument::from(export), CachePolicy::NoStore)?.respond_written(StatusCode::OK);
    let headers = response.headers_mut();
    headers.remove(header::ETAG);
    let disposition = HeaderValue::from_static("attachment; filename=\"bookstore-export.json\"");
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

fn representation(user: &User) -> Result<Representation, Problem> {
    Ok(Representation::json(&UserDocument::from(user), CachePolicy::Private)?
        .version(user.version)
        .last_modified(user.updated_at))
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound => Self::new(Kind::Unauthenticated).detail("The account is closed."),
            UserError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            UserError::EmailTaken => Self::conflict("An account has this address.").error(FieldError::body(
                "/email",
                "taken",
                "belongs to another account",
            )),
            UserError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The account is at version {current} by now; read it again.")),
            UserError::OpenOrders => {
                Self::conflict("Some of your orders are not over. Cancel them, or wait until they have arrived.")
            }
            UserError::ConfirmationNeeded => Self::new(Kind::ConfirmationRequired)
                .detail("Confirm the password with POST /sessions/current/confirmation, then try again."),
            UserError::Credentials(error) => refused_proof(error, "/current_password"),
            UserError::Export(_) => Self::internal(&error),
            UserError::Store(error) => error.into(),
        }
    }
}

/// A password that somebody who is signed in gave once more, at `pointer`. A wrong one is no 401: the session is good.
pub(super) fn refused_proof(error: CredentialsError, pointer: &'static str) -> Problem {
    match error {
        CredentialsError::Wrong => Problem::invalid([FieldError::body(pointer, "wrong", "is not the password")]),
        other => other.into(),
    }
}

impl From<CredentialsError> for Problem {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Wrong => {
                Self::new(Kind::InvalidCredentials).detail("No account has this address and this password.")
            }
            CredentialsError::TooMany { retry_after } => {
                Self::new(Kind::TooManyRequests).detail("Too many attempts with passwords.").retry_after(retry_after)
            }
            CredentialsError::Password(PasswordError::Busy) => {
                Self::new(Kind::Overloaded).detail("Too many people sign in at once.")
            }
            CredentialsError::Password(error) => Self::internal(&error),
            CredentialsError::Store(error) => error.into(),
        }
    }
}
