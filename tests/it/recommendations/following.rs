//! That following what readers do comes to the same as counting it, whoever dies meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bookstore::app;
use bookstore::db::Db;
use bookstore::model::ids::ProductId;
use bookstore::model::recommendation::{Neighbour, NeighbourList};
use bookstore::store::Store;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ground::{QUICK, all_counted, books, buy, favour, leave, rate, seeded, strangers, turn};
use crate::support::{Shop, eventually};

type Pair = (Uuid, Uuid);

/// Who likes what, as it is kept: user, book, and by which signs.
async fn kept(sql: &mut PgConnection) -> BTreeSet<(Uuid, Uuid, bool, bool, bool)> {
    let rows: Vec<(Uuid, Uuid, bool, bool, bool)> = sqlx::query_as(
        "SELECT user_id, product_id, bought_at IS NOT NULL, favourite_at IS NOT NULL, liked_at IS NOT NULL FROM tastes",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// The same, counted from what they did.
async fn counted(sql: &mut PgConnection) -> BTreeSet<(Uuid, Uuid, bool, bool, bool)> {
    let rows: Vec<(Uuid, Uuid, bool, bool, bool)> = sqlx::query_as(
        "SELECT * FROM (
             SELECT u.id, p.id,
                    EXISTS (SELECT FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.user_id = u.id
                            AND l.product_id = p.id AND o.state IN ('paid', 'shipped', 'delivered')) AS bought,
                    EXISTS (SELECT FROM favourites f WHERE f.user_id = u.id AND f.product_id = p.id) AS favourite,
                    EXISTS (SELECT FROM reviews r WHERE r.user_id = u.id AND r.product_id = p.id AND r.rating >= 4
                            AND NOT r.hidden) AS liked
             FROM users u CROSS JOIN products p
             WHERE NOT EXISTS (SELECT FROM reviews r WHERE r.user_id = u.id AND r.product_id = p.id AND r.rating <= 2
                               AND NOT r.hidden)) t
         WHERE bought OR favourite OR liked",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// How many readers books share by their lists, and their scores.
async fn listed(sql: &mut PgConnection) -> BTreeMap<Pair, (i64, f64)> {
    let rows: Vec<(Uuid, Uuid, i64, f64)> = sqlx::query_as(
        "SELECT product_id, neighbour_id, together::bigint, score::double precision FROM book_neighbours",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    rows.into_iter().map(|(book, other, together, score)| ((book, other), (together, score))).collect()
}

/// The same by everybody's tastes.
async fn shared(sql: &mut PgConnection) -> BTreeMap<Pair, (i64, f64)> {
    let rows: Vec<(Uuid, Uuid, i64, f64)> = sqlx::query_as(
        "WITH readers AS (SELECT product_id, count(*) AS n FROM tastes GROUP BY product_id),
              pairs AS (SELECT a.product_id AS book, b.product_id AS other, count(*) AS n
                        FROM tastes a JOIN tastes b ON b.user_id = a.user_id
                        JOIN products p ON p.id = a.product_id JOIN products q ON q.id = b.product_id
                        WHERE p.work_id <> q.work_id GROUP BY 1, 2)
         SELECT book, other, pairs.n, pairs.n / sqrt(r.n * s.n) * (pairs.n / (pairs.n + 10.0))
         FROM pairs JOIN readers r ON r.product_id = book JOIN readers s ON s.product_id = other",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    rows.into_iter().map(|(book, other, together, score)| ((book, other), (together, score))).collect()
}

fn together(lists: BTreeMap<Pair, (i64, f64)>) -> BTreeMap<Pair, i64> {
    lists.into_iter().map(|(pair, (together, _))| (pair, together)).collect()
}

/// Somebody does something.
async fn act(
    sql: &mut PgConnection,
    random: &mut SmallRng,
    people: &mut Vec<Uuid>,
    shelf: &[Uuid],
    orders: &mut Vec<Uuid>,
) {
    let person = people[random.random_range(0..people.len())];
    let book = shelf[random.random_range(0..shelf.len())];
    match random.random_range(0..20) {
        0..7 => orders.push(buy(sql, person, &[book, shelf[random.random_range(0..shelf.len())]]).await),
        7..9 if !orders.is_empty() => {
            let states = ["shipped", "cancelled", "refunded"];
            turn(sql, orders[random.random_range(0..orders.len())], states[random.random_range(0..3)]).await;
        }
        9..14 => favour(sql, person, book, random.random_range(0..3) > 0).await,
        14..19 => rate(sql, person, book, random.random_range(1..=5), random.random_range(0..5) == 0).await,
        _ if people.len() > 10 => {
            let at = random.random_range(0..people.len());
            leave(sql, people.swap_remove(at)).await;
        }
        _ => {}
    }
}

/// Requires that tastes, counts of readers and shared readers are what counting gives.
async fn assert_counted(sql: &mut PgConnection) {
    assert_eq!(kept(sql).await, counted(sql).await, "left: followed, right: counted");
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM neighbour_lists l
         WHERE readers <> (SELECT count(*) FROM tastes t WHERE t.product_id = l.product_id)",
    )
    .fetch_one(&mut *sql)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "books have other numbers of readers");
    let (listed, shared) = (together(listed(sql).await), together(shared(sql).await));
    assert!(!shared.is_empty(), "nothing was tried");
    assert_eq!(listed, shared, "left: followed, right: counted");
}

#[tokio::test]
async fn following_comes_to_the_same_as_counting() {
    let shop = Shop::open_with(&QUICK).await;
    let _beside = shop.beside(&QUICK).await;
    let mut sql = shop.sql().await;
    // No list is as long as to be cut.
    let shelf = books(&mut sql, 40, 2).await;
    let mut people = strangers(&mut sql, 30).await;
    let (mut random, mut orders) = (SmallRng::seed_from_u64(5), Vec::new());
    for round in 0..3 {
        for _ in 0..100 {
            act(&mut sql, &mut random, &mut people, &shelf, &mut orders).await;
        }
        all_counted(&mut sql).await;
        assert_counted(&mut sql).await;
        println!("round {round}: {} people are left", people.len());
    }
    // The scores of the others follow when everything is computed anew, though nobody did anything.
    shop.clock.advance(time::Duration::days(2));
    eventually("the scores are what counting gives", async || {
        let (listed, shared) = (listed(&mut sql).await, shared(&mut sql).await);
        listed.len() == shared.len()
            && listed.iter().zip(&shared).all(|((pair, (n, score)), (other, (m, wanted)))| {
                pair == other && n == m && (score - wanted).abs() < 1e-5
            })
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_with_a_process_that_is_killed() {
    // It does nothing by itself: it is there for its database.
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 40, 1).await;
    let mut people = strangers(&mut sql, 30).await;
    let (mut random, mut orders) = (SmallRng::seed_from_u64(6), Vec::new());
    // So that the death meets work that is under way: one book at a time, and much of it.
    let slow = [QUICK[0], QUICK[1], ("recommendations.batch", "1")];
    for _ in 0..3 {
        let process = shop.process(&slow).await;
        for _ in 0..40 {
            act(&mut sql, &mut random, &mut people, &shelf, &mut orders).await;
        }
        eventually("something was computed", async || {
            process.metric("recommendation_lists_computed_total", &[]).await > 3.0
        })
        .await;
        process.kill();
    }
    let _last = shop.process(&QUICK).await;
    all_counted(&mut sql).await;
    assert_counted(&mut sql).await;
}

#[tokio::test]
async fn seeded_readers_are_counted_from_what_they_did() {
    let shop = Shop::open_with(&QUICK).await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 20, 1).await;
    let people = strangers(&mut sql, 20).await;
    favour(&mut sql, people[0], shelf[0], true).await;
    all_counted(&mut sql).await;
    // Behind the followers' back, as a bulk load does it.
    for statement in [
        "DELETE FROM favourites",
        "INSERT INTO favourites SELECT u.id, p.id, now() FROM users u CROSS JOIN products p
         WHERE p.popularity > 1 AND hashtext(u.id::text || p.id) % 3 = 0",
        "INSERT INTO reviews (id, product_id, user_id, rating, created_at, updated_at)
         SELECT gen_random_uuid(), p.id, u.id, 1 + abs(hashtext(p.id || u.id::text)) % 5, now(), now()
         FROM users u CROSS JOIN products p WHERE hashtext(u.id::text || p.id) % 4 = 0",
    ] {
        sqlx::query(statement).execute(&mut sql).await.unwrap();
    }
    assert_ne!(kept(&mut sql).await, counted(&mut sql).await);
    seeded(&mut sql).await;
    all_counted(&mut sql).await;
    assert_counted(&mut sql).await;
}

/// The repositories of a process beside a shop.
async fn store(shop: &Shop) -> Store {
    let config = shop.config(&[]);
    let db = Db::new(&config.database).unwrap();
    db.probe_once().await;
    app::store(&config, &db).unwrap()
}

#[tokio::test]
async fn a_list_that_has_seen_less_neither_replaces_another_nor_ends_the_wait() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let shelf = books(&mut sql, 3, 1).await;
    let mark =
        "INSERT INTO neighbour_lists (product_id, readers, marks, due_at) VALUES ($1, 1, 3, now() - interval '1 s')";
    sqlx::query(mark).bind(shelf[0]).execute(&mut sql).await.unwrap();
    let store = store(&shop).await;
    let now = OffsetDateTime::now_utc();
    let again = now + Duration::from_secs(3_600);
    let write = async |marks: i64, other: Uuid| {
        let neighbour = Neighbour { book: ProductId(other), score: 0.5, together: 1 };
        let list = NeighbourList { book: ProductId(shelf[0]), marks, neighbours: vec![neighbour] };
        let mut tx = store.begin("test").await.unwrap();
        let changed = tx.write_neighbours(&[list], now, again).await.unwrap();
        tx.commit_bookkeeping().await.unwrap();
        changed.len()
    };
    let due = async || store.due_neighbour_lists(now, 10).await.unwrap().len();
    assert_eq!((write(2, shelf[1]).await, due().await), (1, 1), "the third change is not in it");
    assert_eq!((write(3, shelf[2]).await, due().await), (1, 0));
    assert_eq!((write(2, shelf[1]).await, due().await), (0, 0), "a slow process comes with what is old");
    assert_eq!(write(3, shelf[2]).await, 0, "and what is the same is no news");
    let kept: Vec<Uuid> =
        sqlx::query_scalar("SELECT neighbour_id FROM book_neighbours").fetch_all(&mut sql).await.unwrap();
    assert_eq!(kept, [shelf[2]]);
}

#[tokio::test]
async fn one_process_computes_at_a_time() {
    let shop = Shop::open().await;
    let store = Arc::new(store(&shop).await);
    let mut one = store.begin("test").await.unwrap();
    let mut two = store.begin("test").await.unwrap();
    assert!(one.try_lock_neighbours().await.unwrap());
    assert!(!two.try_lock_neighbours().await.unwrap());
    one.rollback().await.unwrap();
    assert!(two.try_lock_neighbours().await.unwrap());
}
