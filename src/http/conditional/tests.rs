use axum::http::Request;
use time::macros::datetime;

use super::*;

fn representation() -> Representation {
    Representation::new(Bytes::from_static(b"body"), HeaderValue::from_static("text/plain"), CachePolicy::BookDetail)
        .version(7)
        .last_modified(datetime!(2026-01-02 03:04:05.6 UTC))
        .surrogate_keys(["book:1", "books"])
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_read_is_conditional() {
    let representation = representation();
    let strong = format!("\"{}\"", representation.etag());
    let weak = format!("W/{strong}");
    let list = format!("\"a\", {weak} ,\"b\"");
    let same_second = "Fri, 02 Jan 2026 03:04:05 GMT";
    let second_before = "Fri, 02 Jan 2026 03:04:04 GMT";
    for (headers, expected) in [
        (&[][..], 200),
        (&[("if-none-match", strong.as_str())], 304),
        (&[("if-none-match", weak.as_str())], 304),
        (&[("if-none-match", list.as_str())], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", "\"other\"")], 200),
        (&[("if-none-match", "\"other\""), ("if-none-match", strong.as_str())], 304),
        (&[("if-none-match", "not quoted")], 200),
        (&[("if-modified-since", same_second)], 304),
        (&[("if-modified-since", second_before)], 200),
        (&[("if-modified-since", "yesterday")], 200),
        // If-None-Match alone decides where it is given.
        (&[("if-none-match", "\"other\""), ("if-modified-since", same_second)], 200),
        (&[("if-none-match", strong.as_str()), ("if-modified-since", second_before)], 304),
    ] {
        let conditions = Conditions::from_request_parts(&mut parts(headers), &()).await.unwrap();
        let response = representation.respond(&conditions);
        assert_eq!(response.status(), expected, "{headers:?}");
        let sent = response.headers();
        assert_eq!(sent[header::ETAG], strong.as_str());
        assert_eq!(sent[header::LAST_MODIFIED], same_second);
        assert_eq!(sent[header::VARY], "accept-encoding");
        assert_eq!(sent["surrogate-key"], "book:1 books");
        assert!(sent[header::CACHE_CONTROL].to_str().unwrap().contains("stale-while-revalidate"));
        assert_eq!(sent.contains_key(header::CONTENT_TYPE), expected == 200);
    }
}

#[tokio::test]
async fn a_write_is_conditional_on_its_version() {
    for (value, accepts) in [
        ("\"7.abc\"", true),
        ("\"7.other-hash\"", true),
        ("\"6.abc\", \"7.abc\"", true),
        ("*", true),
        ("\"6.abc\"", false),
        ("W/\"7.abc\"", false),
        ("\"7\"", false),
        ("\"abc\"", false),
        ("\"\"", false),
    ] {
        let if_match = IfMatch::from_request_parts(&mut parts(&[("if-match", value)]), &()).await.unwrap();
        assert_eq!(if_match.require().unwrap().accepts(7), accepts, "{value}");
    }
    let missing = IfMatch::from_request_parts(&mut parts(&[]), &()).await.unwrap();
    assert_eq!(missing.require().unwrap_err().status(), 428);
    assert_eq!(missing.optional(), None);
    for malformed in ["abc", "\"a", "\"a\" \"b\"", ""] {
        let problem = IfMatch::from_request_parts(&mut parts(&[("if-match", malformed)]), &()).await.unwrap_err();
        assert_eq!(problem.status(), 400, "{malformed:?}");
    }
}

#[test]
fn private_representations_vary_by_who_asks() {
    let response = Representation::json(&1, CachePolicy::Private).unwrap().respond(&Conditions::default());
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-cache");
    assert_eq!(response.headers()[header::VARY], "accept-encoding, authorization, cookie");
}

#[test]
fn the_answer_to_a_write_is_not_kept() {
    let response = representation().respond_written(StatusCode::CREATED);
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(response.headers().contains_key(header::ETAG) && !response.headers().contains_key("surrogate-key"));
}
