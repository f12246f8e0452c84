//! Days, weeks and months, to the microsecond.

use bookstore::model::clock::Clock as _;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, Time};

use super::ground::{QUICK, await_total, equal_a_recount, move_order, page, people, places, sell, write};
use crate::support::selling::shelve;
use crate::support::{Shop, eventually};
use bookstore::model::order::OrderState;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_turns_at_midnight_although_pages_are_kept() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 2, 10).await;
    let readers = people(&mut sql, 2).await;
    // The next first day of a month, at midnight.
    let now = shop.clock.now();
    let next = (now.date().replace_day(1).unwrap() + Duration::days(31)).replace_day(1).unwrap();
    let midnight = next.with_time(Time::MIDNIGHT).assume_utc();
    let before = midnight - Duration::MICROSECOND;
    write(&mut sql, books[0], readers[0], 5, before).await;
    write(&mut sql, books[1], readers[1], 4, midnight).await;
    sell(&mut sql, &[(books[0], 3)], before).await;
    let late = sell(&mut sql, &[(books[1], 2)], midnight).await;
    // An hour before: whatever this machine does meanwhile, it is not midnight.
    shop.clock.advance(midnight - now - Duration::HOUR);
    let only = |book| move |page: &serde_json::Value| places(page).iter().map(|place| place.0).eq([book]);
    for board in ["most_reviewed", "top_rated", "best_sellers"] {
        for period in ["day", "month"] {
            let path = format!("{board}?period={period}");
            await_total(&shop, &path, 1).await;
            eventually("it is read from Redis", async || page(&shop, &path).await["source"] == "redis").await;
            let page = page(&shop, &path).await;
            assert!(only(books[0])(&page), "{page}");
            assert_eq!(page["window"]["until"], json!(midnight.format(&Rfc3339).unwrap()));
        }
        await_total(&shop, &format!("{board}?period=all"), 2).await;
    }
    let kept = async || {
        let answer = shop.get("/leaderboards/most_reviewed?period=day").send().await.expect(200);
        answer.header("cache-status").contains("hit")
    };
    eventually("the page is kept", kept).await;
    shop.clock.advance(Duration::HOUR + Duration::SECOND);
    // At once: there is no moment at which the day before is still shown.
    for board in ["most_reviewed", "top_rated", "best_sellers"] {
        for period in ["day", "month"] {
            let page = page(&shop, &format!("{board}?period={period}")).await;
            assert!(only(books[1])(&page), "{page}");
            assert_eq!(page["window"]["from"], json!(midnight.format(&Rfc3339).unwrap()));
        }
    }
    // What is over can still be asked for.
    let past = page(&shop, &format!("most_reviewed?period=day&date={}", before.date())).await;
    assert!(only(books[0])(&past) && past["source"] == "database", "{past}");
    // A refund, much later, takes the copies out of the window in which they were paid for.
    shop.clock.advance(Duration::days(3));
    move_order(&mut sql, late, OrderState::Refunded, shop.clock.now()).await;
    let path = format!("best_sellers?period=day&date={}", midnight.date());
    await_total(&shop, &path, 0).await;
    let month = await_total(&shop, "best_sellers?period=month", 0).await;
    assert!(places(&month).is_empty());
    assert!(only(books[0])(&await_total(&shop, "best_sellers?period=all", 1).await));
    equal_a_recount(&shop, &shop.database().redis_url.clone(), shop.clock.now()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_counts_where_the_review_was_written() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 1, 10).await;
    let reader = people(&mut sql, 1).await[0];
    let long_ago = shop.clock.now() - Duration::days(400);
    let mut review = write(&mut sql, books[0], reader, 2, long_ago).await;
    let path = format!("top_rated?period=month&date={}", long_ago.date());
    let score = |page: &serde_json::Value| page["items"][0]["score"].as_f64();
    let page = await_total(&shop, &path, 1).await;
    assert_eq!(score(&page), Some((2.0 + 190.0) / 51.0));
    review.rate(&mut sql, 5).await;
    eventually("the change counts", async || {
        score(&super::ground::page(&shop, &path).await) == Some((5.0 + 190.0) / 51.0)
    })
    .await;
    review.toggle(&mut sql).await;
    await_total(&shop, &path, 0).await;
    review.toggle(&mut sql).await;
    await_total(&shop, &path, 1).await;
    review.remove(&mut sql).await;
    await_total(&shop, &path, 0).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM leaderboard_scores").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 0, "what comes to nothing is no row");
}
