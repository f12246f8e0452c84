//! The last word on every answer: errors are problems, and browsers are told to be careful.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use super::context::RequestContext;
use crate::http::problem::{Kind, NotAProblem, PROBLEM_JSON, Problem};

const SECURITY_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Nothing of an API is to be run or shown by a browser; the documentation says otherwise for itself.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Finishes the answer to the request for `path`.
pub(in crate::http) fn finish(mut response: Response, path: &str, context: &RequestContext) -> Response {
    if response.status().is_client_error() || response.status().is_server_error() {
        response = as_problem(response, path, context.request_id());
    }
    let headers = response.headers_mut();
    // These, and those of the frame after them.
    headers.reserve(8);
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(CONTENT_SECURITY_POLICY);
    // What nobody has thought about is not kept by anybody.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Writes the problem that the response carries; one that carries none gets that of its status.
fn as_problem(response: Response, path: &str, request_id: &str) -> Response {
    if response.extensions().get::<NotAProblem>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| {
        let problem = Problem::new(Kind::from_status(parts.status));
        for (name, value) in problem.clone().into_response().headers() {
            parts.headers.entry(name).or_insert(value.clone());
        }
        problem
    });
    // The kind decides, so that a status that has none of its own still is what its document says.
    parts.status = problem.status();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.remove(header::ETAG);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let document = problem.document(Some(path), Some(request_id));
    let body = serde_json::to_vec(&document).map_or_else(|_| Body::empty(), Body::from);
    Response::from_parts(parts, body)
}
