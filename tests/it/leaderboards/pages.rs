//! Order, ties, pages, places and neighbours: the same from Redis and from the database.

use serde_json::Value;
use uuid::Uuid;

use super::ground::{QUICK, await_total, noon, page, people, places, sell, truth, write};
use crate::support::selling::shelve;
use crate::support::{Shop, eventually, settle};

/// A second process without Redis.
async fn without_redis(shop: &Shop) -> Shop {
    let other = shop.beside(&[("redis.url", "redis://127.0.0.1:1/0")]).await;
    use bookstore::model::clock::Clock as _;
    other.clock.advance(shop.clock.now() - other.clock.now());
    other
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_scores_stand_by_their_ids_and_one_vote_fools_nobody() {
    let shop = Shop::open_with(&QUICK).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 5, 100).await;
    let readers = people(&mut sql, 12).await;
    sell(&mut sql, &[(books[3], 2), (books[1], 2), (books[4], 2), (books[0], 1), (books[2], 3)], now).await;
    // One perfect vote; eleven good ones; one bad one.
    write(&mut sql, books[0], readers[0], 5, now).await;
    for reader in &readers[1..] {
        write(&mut sql, books[1], *reader, if *reader == readers[1] { 4 } else { 5 }, now).await;
    }
    write(&mut sql, books[2], readers[0], 1, now).await;
    let offline = without_redis(&shop).await;
    let sold = vec![(books[2], 1, 3.0), (books[1], 2, 2.0), (books[3], 3, 2.0), (books[4], 4, 2.0), (books[0], 5, 1.0)];
    let rated = vec![
        (books[1], 1, (54.0 + 190.0) / 61.0),
        (books[0], 2, (5.0 + 190.0) / 51.0),
        (books[2], 3, (1.0 + 190.0) / 51.0),
    ];
    for (shop, source) in [(&shop, "redis"), (&offline, "database")] {
        for (path, expected) in [("best_sellers?period=day", &sold), ("top_rated?period=day", &rated)] {
            await_total(shop, path, expected.len() as i64).await;
            eventually("the board is there", async || {
                let page = page(shop, path).await;
                page["source"] == source && &places(&page) == expected
            })
            .await;
        }
    }
    let reviewers = page(&shop, "top_reviewers?period=week").await;
    assert_eq!(reviewers["items"][0]["reviewer"]["id"], readers[0].to_string());
    assert_eq!(reviewers["items"][0]["score"], 2.0);
    // What is withdrawn keeps its place, and what is being prepared again is not shown.
    let admin = shop.administrator().await;
    shop.delete(&format!("/products/{}", books[1])).token(&admin).header("if-match", "*").send().await.expect(204);
    let draft = serde_json::json!({"status": "draft"});
    let patch = shop.patch(&format!("/products/{}", books[3])).token(&admin).header("if-match", "*");
    patch.header("content-type", "application/merge-patch+json").body(draft.to_string()).send().await.expect(200);
    for shop in [&shop, &offline] {
        eventually("both are seen", async || {
            let page = page(shop, "best_sellers?period=day").await;
            let ranks: Vec<i64> = places(&page).iter().map(|place| place.1).collect();
            ranks == [1, 2, 4, 5] && page["items"][1]["product"]["status"] == "retired"
        })
        .await;
    }
    shop.get(&format!("/products/{}/ranks", books[3])).send().await.expect(404);
    let ranks = shop.get(&format!("/products/{}/ranks", books[4])).send().await.expect(200).json();
    assert_eq!((&ranks["items"][0]["rank"], &ranks["items"][0]["total"]), (&Value::from(4), &Value::from(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_places_are_those_of_a_recount() {
    let shop = Shop::open_with(&QUICK).await;
    let now = noon(&shop);
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 57, 1_000).await;
    let readers = people(&mut sql, 9).await;
    let me = shop.customer().await;
    let own: Uuid =
        shop.get("/users/me").token(&me).send().await.expect(200).json()["id"].as_str().unwrap().parse().unwrap();
    for (n, book) in books.iter().enumerate() {
        // Many ties: scores from 1 to 6.
        sell(&mut sql, &[(*book, (n * 7 % 6 + 1) as i32)], now).await;
    }
    for (n, reader) in readers.iter().chain([&own]).enumerate() {
        for book in books.iter().take(n / 2 + 1) {
            write(&mut sql, *book, *reader, (n % 5 + 1) as u8, now).await;
        }
    }
    let offline = without_redis(&shop).await;
    let truth = truth(&mut sql).await;
    let on = |board: &str, period: &str| {
        let found = truth.iter().find(|((b, p, _), _)| b == board && p == period);
        found.map(|(_, members)| members.clone()).unwrap_or_default()
    };
    settle().await;
    for (shop, source) in [(&shop, "redis"), (&offline, "database")] {
        await_total(shop, "best_sellers?period=week", 57).await;
        eventually("reviewers are counted", async || {
            let page = page(shop, "top_reviewers?period=week").await;
            page["source"] == source
                && places(&page).iter().map(|place| (place.0, place.2)).eq(on("top_reviewers", "week"))
        })
        .await;
        let mut path = "/leaderboards/best_sellers?period=week&limit=10".to_owned();
        let mut all = Vec::new();
        loop {
            let answer = shop.get(&path).send().await.expect(200);
            let page = answer.json();
            assert_eq!(page["source"], source);
            all.extend(places(&page));
            if page["next_cursor"].is_null() {
                assert!(answer.headers.get("link").is_none());
                break;
            }
            let link = answer.header("link");
            path = link[link.find("/leaderboards").unwrap()..link.find('>').unwrap()].to_owned();
        }
        let ranks: Vec<i64> = all.iter().map(|place| place.1).collect();
        assert_eq!(ranks, (1..=57).collect::<Vec<_>>());
        assert_eq!(all.iter().map(|place| (place.0, place.2)).collect::<Vec<_>>(), on("best_sellers", "week"));
        for book in [books[0], books[5], books[56]] {
            let ranks = shop.get(&format!("/products/{book}/ranks")).send().await.expect(200).json();
            assert_eq!((&ranks["source"], ranks["items"].as_array().unwrap().len()), (&Value::from(source), 12));
            for item in ranks["items"].as_array().unwrap() {
                let members = on(item["board"].as_str().unwrap(), item["period"].as_str().unwrap());
                let place = members.iter().position(|member| member.0 == book);
                assert_eq!(item["rank"].as_i64(), place.map(|place| place as i64 + 1), "{item}");
                assert_eq!(item["score"].as_f64(), place.map(|place| members[place].1), "{item}");
                assert_eq!(item["total"].as_i64(), Some(members.len() as i64));
            }
        }
        let members = on("top_reviewers", "all");
        let place = members.iter().position(|member| member.0 == own).unwrap();
        for neighbours in [0, 1, 3, 25] {
            let path = format!("/users/me/ranks/top_reviewers?period=all&neighbours={neighbours}");
            let found = shop.get(&path).token(&me).send().await.expect(200).json();
            assert_eq!((found["rank"].as_i64(), &found["source"]), (Some(place as i64 + 1), &Value::from(source)));
            let (first, end) = (place.saturating_sub(neighbours), (place + neighbours + 1).min(members.len()));
            let expected = (first..end).map(|n| (members[n].0, n as i64 + 1, members[n].1));
            assert_eq!(places(&found), expected.collect::<Vec<_>>());
        }
        let stranger = shop.customer().await;
        let found = shop.get("/users/me/ranks/top_reviewers").token(&stranger).send().await.expect(200).json();
        assert!(found["rank"].is_null() && found["items"] == serde_json::json!([]) && found["total"] == 10, "{found}");
    }
}
