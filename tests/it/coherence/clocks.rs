//! Wall clocks that differ make no difference.

use std::path::PathBuf;
use std::time::Instant;

use bookstore::dev::Node;

use futures::future::join3;

use super::ground::{Ground, LEASE, PATIENCE, follow, stays, warm};

/// The library of the package `faketime`, where that is installed.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|folder| folder.path());
    let places = folders.chain(["/usr/lib".into(), "/usr/local/lib".into()]);
    places.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_a_quarter_of_an_hour_apart_make_no_difference() {
    let Some(library) = faketime() else {
        println!("skipped: the package faketime is not installed");
        return;
    };
    let ground = Ground::take().await;
    let library = library.display().to_string();
    let at = |offset| {
        let variables = [("LD_PRELOAD", library.as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let ground = &ground;
        async move { ground.process_in(&[], &variables).await }
    };
    let (slow, right, fast) = join3(at("-15m"), at("+0m"), at("+15m")).await;
    let mut date = Vec::new();
    for process in [&slow, &right, &fast] {
        let answer = process.get("//livez").await;
        date.push(httpdate::parse_http_date(answer.header("date")).unwrap());
    }
    let apart = date[2].duration_since(date[0]).unwrap().as_secs();
    assert!((1_790..1_900).contains(&apart), "the clocks are {apart} s apart");

    let mut title = "Round 0".to_owned();
    let book = ground.book(&slow, &title).await;
    for round in 1..=5 {
        follow(&[&slow, &right, &fast], &book.pages, &title, Instant::now(), PATIENCE).await;
        warm(&[&slow, &right, &fast], &book.pages, &title).await;
        title = format!("Round {round}");
        let (writer, others) = match round % 2 {
            0 => (&slow, [&right, &fast]),
            _ => (&fast, [&right, &slow]),
        };
        if round == 5 {
            ground.stack.kill(Node::Redis).await.unwrap();
        }
        ground.retitle(writer, &book, &title).await;
        let limit = if round >= 5 { LEASE } else { PATIENCE };
        follow(&others, &book.pages, &title, Instant::now(), limit).await;
    }
    stays(&[&slow, &right, &fast], &book.pages, &title, LEASE).await;
}
