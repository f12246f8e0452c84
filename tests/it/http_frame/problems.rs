//! Every error is a problem.

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = app();
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(20_000));
    for (method, path, headers, body, status, slug) in [
        ("GET", "/nowhere", &[][..], "", 404, "not-found"),
        ("GET", "/things/1", &[], "", 404, "not-found"),
        ("GET", "/names/a%00", &[], "", 404, "not-found"),
        ("GET", "/things/%ff", &[], "", 404, "not-found"),
        ("DELETE", "/shelf", &[], "", 405, "method-not-allowed"),
        ("GET", "/search?limit=0", &[], "", 422, "validation-failed"),
        ("GET", "/search?nonsense=1", &[], "", 422, "validation-failed"),
        ("GET", "/search?limit=%00", &[], "", 422, "validation-failed"),
        ("GET", "/search?limit=%ff", &[], "", 400, "malformed-request"),
        ("POST", "/shelf", &[], "{}", 415, "unsupported-media-type"),
        ("POST", "/shelf", &[("content-type", "text/plain")], "{}", 415, "unsupported-media-type"),
        ("POST", "/shelf", &[JSON], "{", 400, "malformed-request"),
        ("POST", "/shelf", &[JSON], "{}", 422, "validation-failed"),
        ("POST", "/shelf", &[JSON], "{\"name\": \"\\u0000\"}", 422, "validation-failed"),
        ("POST", "/shelf", &[JSON], &large, 413, "content-too-large"),
        ("POST", "/shelf", &[JSON, ("content-length", "20000")], "", 413, "content-too-large"),
        ("PUT", "/shelf", &[JSON], "{\"name\": \"a\"}", 428, "precondition-required"),
        ("PUT", "/shelf", &[JSON, ("if-match", "\"6.x\"")], "{\"name\": \"a\"}", 412, "precondition-failed"),
        ("GET", "/shelf", &[("accept-encoding", "identity;q=0")], "", 406, "not-acceptable"),
        ("GET", "/panic", &[], "", 500, "internal"),
        ("GET", "/slow", &[], "", 503, "timeout"),
        ("GET", "/bare/401", &[], "", 401, "unauthenticated"),
        ("GET", "/bare/503", &[], "", 503, "overloaded"),
        ("BREW", "/shelf", &[], "", 405, "method-not-allowed"),
    ] {
        let response = send(&app, method, path, headers, body.to_owned()).await;
        assert_eq!(response.status(), status, "{method} {path}");
        let sent = response.headers().clone();
        let problem = problem(response).await;
        assert_eq!(problem.r#type, format!("/problems/{slug}"), "{method} {path}");
        assert_eq!(problem.instance.as_deref(), path.split('?').next(), "{method} {path}");
        assert!(sent.contains_key("ratelimit") || status == 406, "{method} {path} has no RateLimit");
        assert_eq!(sent.contains_key(header::RETRY_AFTER), status == 503, "{method} {path}");
        assert_eq!(sent.contains_key(header::ALLOW), status == 405, "{method} {path}");
        assert_eq!(sent.contains_key(header::WWW_AUTHENTICATE), status == 401, "{method} {path}");
        assert_eq!(sent["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_panic_tells_nothing() {
    let body = bytes(get_path(&app(), "/panic").await).await;
    assert!(!String::from_utf8(body).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_head_has_the_head_of_a_get_and_no_body() {
    let app = app();
    for path in ["/shelf", "/things/1", "/panic", "/nowhere", "/livez"] {
        for encoding in ["identity", "gzip"] {
            let [got, head] = [
                send(&app, "GET", path, &[("accept-encoding", encoding)], "").await,
                send(&app, "HEAD", path, &[("accept-encoding", encoding)], "").await,
            ];
            assert_eq!(got.status(), head.status(), "{path}");
            for name in ["etag", "content-type", "cache-control", "vary", "content-encoding"] {
                assert_eq!(got.headers().get(name), head.headers().get(name), "{name} of {path} as {encoding}");
            }
            let (length, got) = (head.headers().get("content-length").cloned(), bytes(got).await);
            if encoding == "identity" {
                assert_eq!(length.unwrap().to_str().unwrap(), got.len().to_string());
            }
            assert!(bytes(head).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_process_that_drains_is_not_ready_and_says_so() {
    let health = Arc::new(Health::default());
    let app = Frame::new(routes(), Arc::clone(&health), &options());
    assert_eq!(get_path(&app, "/readyz").await.status(), 200);
    health.start_draining();
    let response = get_path(&app, "/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(bytes(response).await, br#"{"status":"draining","checks":[]}"#);
    assert_eq!(get_path(&app, "/livez").await.status(), 200, "draining is no reason to be killed");
}

#[tokio::test]
async fn the_import_has_bounds_of_its_own() {
    let app = app();
    let response = send(&app, "POST", IMPORT_ROUTE, &[], "x".repeat(50_000)).await;
    assert_eq!(bytes(response).await, b"50000");
    let chunks = futures::stream::iter([(); 2]).map(|()| Ok::<_, std::io::Error>("x".repeat(60_000)));
    let response = send(&app, "POST", IMPORT_ROUTE, &[], Body::from_stream(chunks)).await;
    assert_eq!(problem(response).await.r#type, "/problems/content-too-large");
}
