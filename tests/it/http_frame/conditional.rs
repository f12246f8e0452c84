//! Entity tags and content codings.

use super::*;

#[tokio::test]
async fn each_coding_has_its_own_tag() {
    let app = app();
    let plain = send(&app, "GET", "/shelf", &[], "").await;
    let etag = plain.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert!(etag.starts_with("\"7.") && plain.headers().get(header::CONTENT_ENCODING).is_none());
    let plain = bytes(plain).await;
    for coding in ["gzip", "br", "zstd"] {
        let response = send(&app, "GET", "/shelf", &[("accept-encoding", coding)], "").await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], coding);
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        let coded = response.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(coded, format!("{}-{coding}\"", etag.trim_end_matches('"')));
        assert!(bytes(response).await.len() < plain.len() / 10);

        for (asked, accepted, expected, confirmed) in [
            (&coded, coding, 304, Some(&coded)),
            (&etag, coding, 304, Some(&etag)),
            (&etag, "identity", 304, Some(&etag)),
            // The client's copy is of a coding that it does not accept now: it is no copy of what would be sent.
            (&coded, "identity", 200, None),
            (&format!("W/{coded}"), coding, 304, Some(&coded)),
            (&format!("\"a\", {coded}"), coding, 304, Some(&coded)),
            (&"*".to_owned(), coding, 304, None),
        ] {
            let headers = [("accept-encoding", accepted), ("if-none-match", asked.as_str())];
            let response = send(&app, "GET", "/shelf", &headers, "").await;
            assert_eq!(response.status(), expected, "{asked} with {accepted}");
            if let Some(confirmed) = confirmed {
                assert_eq!(response.headers()[header::ETAG], confirmed.as_str(), "{asked} with {accepted}");
                assert!(bytes(response).await.is_empty());
            }
        }

        let headers = [("content-type", "application/json"), ("if-match", coded.as_str())];
        let response = send(&app, "PUT", "/shelf", &headers, "{\"name\": \"a\"}").await;
        assert_eq!(response.status(), 200, "{coded} in If-Match");
        assert!(response.headers()[header::ETAG].to_str().unwrap().starts_with("\"8."));
    }
}

#[tokio::test]
async fn a_short_answer_is_not_compressed() {
    let response = send(&app(), "GET", "/livez", &[("accept-encoding", "gzip")], "").await;
    assert!(response.headers().get(header::CONTENT_ENCODING).is_none());
}

#[tokio::test]
async fn an_answer_that_is_coded_is_not_coded_again_and_its_tag_says_so() {
    // With a weight, all layers are passed; without one, those that would have nothing to do are not.
    for accepted in ["gzip", "gzip, br;q=0.5"] {
        let response = send(&app(), "GET", "/coded", &[("accept-encoding", accepted)], "").await;
        assert_eq!(response.headers()[header::ETAG], "\"1.a-gzip\"", "{accepted}");
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip", "{accepted}");
        assert_eq!(bytes(response).await, "x".repeat(LONG).as_bytes(), "{accepted}");
    }
}
