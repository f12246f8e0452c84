//! What is asked for wrongly, and what is kept.

use super::ground::{QUICK, await_total, noon, page, people, sell, write};
use crate::support::selling::shelve;
use crate::support::{Shop, eventually};

#[tokio::test]
async fn what_is_not_right_is_told_with_its_parameter() {
    let shop = Shop::open_with(&QUICK).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    sell(&mut sql, &[(books[0], 1), (books[1], 1)], now).await;
    await_total(&shop, "best_sellers?period=all", 2).await;
    let ask = async |path: &str| shop.get(path).send().await;
    let wrong = ask("/leaderboards/best_sellers?date=tomorrow&cursor=x&limit=0").await.expect(422);
    assert_eq!(wrong.complaints(), ["cursor", "date", "limit"]);
    assert_eq!(ask("/leaderboards/best_sellers?period=year").await.expect(422).complaints(), ["period"]);
    assert_eq!(ask("/leaderboards/best_sellers?from=1").await.expect(422).complaints(), ["from"]);
    ask("/leaderboards/worst_sellers").await.expect(404);
    ask("/products/00000000-0000-7000-8000-000000000000/ranks").await.expect(404);
    let cursor = page(&shop, "best_sellers?period=all&limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    for other in ["top_rated?period=all", "best_sellers?period=day", "best_sellers?period=day&date=2020-01-01"] {
        let refused = ask(&format!("/leaderboards/{other}&cursor={cursor}")).await.expect(422);
        assert_eq!(refused.complaints(), ["cursor"]);
    }
    let far = page(&shop, "best_sellers?period=month&date=0000-01-01").await;
    assert_eq!((far["total"].as_i64(), &far["source"]), (Some(0), &"database".into()));
    page(&shop, "best_sellers?period=week&date=9999-12-31").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_kept_until_its_board_moves_and_no_other_board() {
    let shop = Shop::open_with(&QUICK).await;
    let beside = shop.beside(&QUICK).await;
    let now = noon(&shop);
    beside.clock.advance(
        now - {
            use bookstore::model::clock::Clock as _;
            beside.clock.now()
        },
    );
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    let readers = people(&mut sql, 12).await;
    write(&mut sql, books[0], readers[11], 3, now).await;
    let is_hit = async |path: &str| {
        let answer = beside.get(path).send().await.expect(200);
        answer.header("cache-status").contains("hit")
    };
    let (sold, reviewed) = ("/leaderboards/best_sellers?period=day", "/leaderboards/most_reviewed?period=day");
    await_total(&beside, "most_reviewed?period=day", 1).await;
    let (mut sold_stayed, mut reviewed_stayed) = (false, false);
    // A busy machine may lose the feed for a moment, and then nothing is a hit: it must stay one in one of a few rounds.
    for round in 1..7 {
        for path in [sold, reviewed] {
            eventually("the page is kept", async || is_hit(path).await).await;
        }
        sell(&mut sql, &[(books[0], 1)], now).await;
        eventually("the sale is shown", async || {
            page(&beside, "best_sellers?period=day").await["items"][0]["score"] == f64::from(round)
        })
        .await;
        reviewed_stayed |= is_hit(reviewed).await;
        eventually("the page is kept", async || is_hit(sold).await).await;
        write(&mut sql, books[0], readers[round as usize], 4, now).await;
        eventually("the review is shown", async || {
            page(&beside, "most_reviewed?period=day").await["items"][0]["score"] == f64::from(round + 1)
        })
        .await;
        sold_stayed |= is_hit(sold).await;
    }
    assert!(reviewed_stayed, "a sale makes the reviews' board out of date");
    assert!(sold_stayed, "a review makes the sales' board out of date");
}
