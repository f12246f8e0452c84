//! Extractors that check what they extract, and refuse it with a [`Problem`] that names the offending parts.
//!
//! What passes holds no NUL character and no invalid UTF-8 (PostgreSQL's `text` takes neither), no unknown field or
//! parameter (the types say `deny_unknown_fields`), and satisfies the type's `garde` rules.

mod strict;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use garde::Validate;
use http_body_util::{BodyExt as _, Collected};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    middleware::bounds::body_problem,
    problem::{FieldError, Kind, Problem},
};

use strict::Strict;

/// A JSON body, and as a response: JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> axum::response::IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self.0).into_response()
    }
}

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), &["application/json"])?;
        checked_json(&read_body(request).await?).map(Json)
    }
}

/// A JSON merge patch (RFC 7396). A field that is left out stays; `null` clears it: give such fields the type
/// `Option<Option<T>>` and [`double_option`].
#[derive(Debug, Clone, Copy)]
pub struct MergePatch<T>(pub T);

impl<T, S> FromRequest<S> for MergePatch<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), &["application/merge-patch+json", "application/json"])?;
        checked_json(&read_body(request).await?).map(MergePatch)
    }
}

/// Tells `null` (`Some(None)`) from a field that is left out (`None`), together with `#[serde(default)]`.
///
/// # Errors
/// Those of `T`.
pub fn double_option<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// The parameters of the query. A parameter may be given several times where its field is a `Vec`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        checked_query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

/// The parameters of the path. One that cannot be read, such as an id that is no UUID, names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Ok(raw) = RawPathParams::from_request_parts(parts, state).await
            && raw.iter().any(|(_, value)| value.contains('\0'))
        {
            return Err(Problem::not_found("The path holds a NUL character, which no name here does."));
        }
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::BAD_REQUEST => {
                Err(Problem::not_found("The path has a part that is no id of anything here."))
            }
            Err(rejection) => Err(Problem::internal(&rejection)),
        }
    }
}

/// Reads the whole body.
///
/// # Errors
/// Where it is too large, too slow or broken off.
pub(super) async fn read_body(request: Request) -> Result<Bytes, Problem> {
    let collected = request.into_body().collect().await;
    collected.map(Collected::to_bytes).map_err(|error| body_problem(&error))
}

/// Requires one of these media types; parameters such as `charset=utf-8` are ignored.
///
/// # Errors
/// 415.
pub fn require_media_type(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = given.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if allowed.iter().any(|allowed| essence.eq_ignore_ascii_case(allowed)) {
        return Ok(());
    }
    let is = if given.is_some() { "is not" } else { "is missing; it should be" };
    Err(Problem::new(Kind::UnsupportedMediaType)
        .detail(format!("The Content-Type {is} {}.", allowed.join(" or ")))
        .error(FieldError::header("Content-Type", "unsupported", format!("must be {}", allowed.join(" or ")))))
}

/// Reads a checked value from JSON text.
///
/// # Errors
/// 400 with line and column for text that is no JSON, 422 with JSON pointers otherwise.
pub fn checked_json<T>(text: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| Problem::new(Kind::MalformedRequest).detail(format!("The body is not JSON: {error}.")))?;
    if let Some(pointer) = nul_in(&value) {
        let error = FieldError::body(pointer, "nul_character", "must not hold a NUL character");
        return Err(Problem::invalid([error]).detail("The body holds a NUL character."));
    }
    let parsed: T = typed(value).map_err(|error| Problem::invalid([error]))?;
    parsed.validate().map_err(|report| {
        Problem::invalid(report.iter().map(|(path, error)| {
            let path = path.to_string();
            let segments = path.split(['.', '[']).map(|segment| segment.trim_end_matches(']').to_owned());
            FieldError::body(pointer_of(segments.filter(|segment| !segment.is_empty())), "invalid", error.message())
        }))
    })?;
    Ok(parsed)
}

/// Reads a value from JSON that was parsed before.
///
/// # Errors
/// The first part that has the wrong type, is missing or is unknown.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let path = pointer_of(error.path().iter().filter_map(segment));
        body_error(path, error.inner().to_string())
    })
}

/// Reads checked parameters from a query string.
///
/// # Errors
/// 400 for text that is no UTF-8, 422 with the parameter's name otherwise.
pub fn checked_query<T>(query: &str) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    for pair in query.split('&') {
        let (kind, code, reason) = match percent_decode_str(pair).decode_utf8() {
            Ok(text) if text.contains('\0') => {
                (Kind::ValidationFailed, "nul_character", "must not hold a NUL character")
            }
            Ok(_) => continue,
            Err(_) => (Kind::MalformedRequest, "malformed", "must be UTF-8"),
        };
        let name = percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy().into_owned();
        let error = FieldError::parameter(name.replace('\0', "\u{fffd}"), code, reason);
        return Err(Problem::new(kind).detail("The query cannot be read.").error(error));
    }
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    let parsed: T = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().iter().filter_map(segment).next();
        let message = error.into_inner().to_string();
        let name = path.or_else(|| quoted(&message)).unwrap_or_default();
        Problem::invalid([FieldError::parameter(name, code_of(&message), message)])
    })?;
    parsed.validate().map_err(|report| {
        Problem::invalid(report.iter().map(|(path, error)| {
            let path = path.to_string();
            let name = path.split(['.', '[']).next().unwrap_or_default();
            FieldError::parameter(name, "invalid", error.message())
        }))
    })?;
    Ok(parsed)
}

/// An error of deserialization, whose path ends at the parent where a field is missing or unknown.
fn body_error(mut pointer: String, message: String) -> FieldError {
    let code = code_of(&message);
    if code != "invalid_type"
        && let Some(name) = quoted(&message)
    {
        let token = pointer_of([name]);
        if !pointer.ends_with(&token) {
            pointer.push_str(&token);
        }
    }
    FieldError::body(pointer, code, message)
}

fn code_of(message: &str) -> &'static str {
    if message.starts_with("missing field") {
        "missing"
    } else if message.starts_with("unknown field") {
        "unknown"
    } else {
        "invalid_type"
    }
}

/// The first text in backquotes: the name in serde's "unknown field `x`, expected …".
fn quoted(message: &str) -> Option<String> {
    message.split('`').nth(1).map(str::to_owned)
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// A JSON pointer (RFC 6901) of these segments.
fn pointer_of(segments: impl IntoIterator<Item = String>) -> String {
    segments.into_iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Where a NUL character stands in a name or a text, if anywhere.
fn nul_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(values) => {
            values.iter().enumerate().find_map(|(index, value)| nul_in(value).map(|rest| format!("/{index}{rest}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(pointer_of([name.replace('\0', "\u{fffd}")]));
            }
            nul_in(value).map(|rest| pointer_of([name.clone()]) + &rest)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests;
