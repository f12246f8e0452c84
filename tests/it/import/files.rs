//! Files that are none, or not what they say, and clients that go away.

use std::time::Duration;

use bytes::Bytes;
use futures::stream;

use super::{OWN, counts, everything, send};
use crate::support::{Shop, eventually};

#[tokio::test]
async fn what_is_no_catalogue_is_refused_in_words() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    for (file, query, status, words) in [
        (&b""[..], "", 422, "is empty"),
        (b"title,authors\n", "", 200, ""),
        (b"<!doctype html><title>404</title>", "", 415, "HTML"),
        (b"PK\x03\x04\0\0", "", 415, "spreadsheet"),
        (b"\xFF\xFEt\0i\0t\0", "", 415, "UTF-16"),
        (b"[{\"title\":\"A\"}]", "?format=ndjson", 422, "JSON array"),
        (b"{\"title\":\"A\"}\n", "?format=csv", 415, "looks like NDJSON"),
        (b"title,authors\nA,B\n", "?format=ndjson", 415, "looks like CSV"),
        (b"name,writer\nA,B\n", "", 422, "expected are title"),
        (b"title,authors,author\nA,B,C\n", "", 422, "mean the same"),
        (b"t\xEFtle,authors\n", "", 422, "not UTF-8"),
        (b"\"title,authors\nA,B\n", "", 422, "never ends"),
    ] {
        let answer = send(&shop, &admin, query, file, status).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text.contains(words), "{text}");
    }
    let post = |kind: &'static str| shop.post("/products/import").token(&admin).header("content-type", kind);
    post("application/json").body("[]").send().await.expect(415);
    shop.post("/products/import").token(&admin).send().await.expect(415);
    shop.post("/products/import?format=pdf").token(&admin).body(OWN).send().await.expect(422);
    shop.post("/products/import?format=csv").token(&admin).body(OWN).send().await.expect(200);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_read_up_to_there() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let rows = "title,authors,source_id\nA,B,1\n";
    let quoted = send(&shop, &admin, "", format!("{rows}C,\"D,2\nE,F,3\n"), 200).await.json();
    assert_eq!((counts(&quoted), quoted["complete"].as_bool()), ([1, 0, 0, 1, 0], Some(false)));
    assert_eq!(quoted["errors"][0]["line"], 3);
    let short = send(&shop, &admin, "", format!("{rows}C,D"), 200).await.json();
    assert!(short["errors"][0]["reason"].as_str().unwrap().contains("cut off"), "{short}");
    // A quote that is never closed, in a file that goes on for long.
    let swallowed = format!("{rows}C,\"D,2\n{}", "E,F,3\n".repeat(400_000));
    let report = send(&shop, &admin, "", swallowed.clone(), 200).await.json();
    assert_eq!((report["received"].as_u64(), report["errors"][0]["line"].as_u64()), (Some(2), Some(3)));
    assert!(report["errors"][0]["reason"].as_str().unwrap().contains("longer than 1048576 bytes"));
    send(&shop, &admin, "?strict=true", swallowed, 422).await;
}

#[tokio::test]
async fn the_list_of_errors_is_bounded() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let file = format!("title,authors,source_id\n{}", ",B,1\n".repeat(1_500));
    let report = send(&shop, &admin, "", file.clone(), 200).await.json();
    assert_eq!((report["errors"].as_array().unwrap().len(), report["rejected"].as_u64()), (1_000, Some(1_500)));
    assert_eq!(report["errors_truncated"], true);
    let refused = send(&shop, &admin, "?strict=true", file, 422).await.json();
    assert!(refused["detail"].as_str().unwrap().starts_with("1500 of 1500 rows"), "{refused}");
}

#[tokio::test]
async fn a_file_may_be_too_large() {
    let shop = Shop::open_with(&[("http.import_body_limit", "64 KiB")]).await;
    let admin = shop.administrator().await;
    let file = format!("title,authors,source_id\n{}", "A,B,1\n".repeat(20_000));
    send(&shop, &admin, "", file.clone(), 413).await;
    // Without a length the limit shows on the way.
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        file.into_bytes().chunks(4096).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    send(&shop, &admin, "", reqwest::Body::wrap_stream(stream::iter(pieces)), 413).await;
    assert_eq!(shop.get("/products").send().await.json()["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_request_that_breaks_off_imports_nothing() {
    let shop = Shop::open_with(&[("http.idle_timeout", "300ms")]).await;
    let admin = shop.administrator().await;
    let mut sql = shop.sql().await;
    let before = everything(&mut sql).await;
    let rows: String = (0..5_000).map(|row| format!("Title {row},Author,{row}\n")).collect();
    let start = Bytes::from(format!("title,authors,source_id\n{rows}"));
    let broken = stream::iter(vec![Ok(start.clone()), Err(std::io::Error::other("gone"))]);
    let request = shop.post("/products/import").token(&admin).header("content-type", "text/csv");
    request.body(reqwest::Body::wrap_stream(broken)).try_send().await.unwrap_err();
    // A client that stops sending is not waited for.
    let stalled = stream::unfold(Some(start), |piece| async {
        if piece.is_none() {
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        piece.map(|piece| (Ok::<_, std::io::Error>(piece), None))
    });
    send(&shop, &admin, "", reqwest::Body::wrap_stream(stalled), 408).await;
    assert_eq!(everything(&mut sql).await, before);
    eventually("no transaction is left open", async || {
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .fetch_one(&mut sql)
        .await
        .unwrap();
        open == 0
    })
    .await;
}

#[tokio::test]
async fn two_imports_of_one_file_at_once_agree() {
    let shop = Shop::open().await;
    let admin = shop.administrator().await;
    let rows: String = (0..1_200).map(|row| format!("Title {row},Author,{row},Genre {}\n", row % 7)).collect();
    let file = format!("title,authors,source_id,genres\n{rows}");
    let reports = futures::future::join_all((0..3).map(|_| send(&shop, &admin, "", file.clone(), 200))).await;
    let created: u64 = reports.iter().map(|report| counts(&report.json())[0]).sum();
    assert_eq!(created, 1_200);
    for report in reports {
        let [created, updated, unchanged, rejected, _] = counts(&report.json());
        assert_eq!((created + unchanged, updated, rejected), (1_200, 0, 0), "whoever came second saw the book");
    }
}
