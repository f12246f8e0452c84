//! What is counted of people: kept in the cache, fresh by rule, and equal to a recount.

use std::sync::atomic::{AtomicU32, Ordering};

use bookstore::model::cart::Buyer;
use bookstore::model::events::DomainEvent;
use bookstore::model::ids::{ProductId, ReviewId, UserId};
use bookstore::model::rating::{RatingMove, Standing};
use bookstore::model::review::ReviewFacts;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::selling::{checkout, fill_cart, shelve};
use crate::support::{Answer, Shop, eventually};

fn is_hit(answer: &Answer) -> bool {
    answer.header("cache-status").contains("hit")
}

async fn stats(shop: &Shop, token: &str) -> Answer {
    shop.get("/users/me/stats").token(token).send().await.expect(200)
}

async fn user_of(shop: &Shop, token: &str) -> UserId {
    let me = shop.get("/users/me").token(token).send().await.expect(200).json();
    UserId(me["id"].as_str().unwrap().parse().unwrap())
}

/// Somebody of a shop.
struct Person {
    token: String,
    user: UserId,
}

impl Person {
    async fn new(shop: &Shop) -> Self {
        let token = shop.customer().await;
        Self { user: user_of(shop, &token).await, token }
    }

    async fn favour(&self, shop: &Shop, book: Uuid) {
        let answer = shop.put(&format!("/users/me/favourites/{book}")).token(&self.token).send().await;
        assert!(answer.status.is_success());
    }

    /// Places an order, and gives its path.
    async fn order(&self, shop: &Shop, lines: &[(Uuid, i32)]) -> String {
        static KEYS: AtomicU32 = AtomicU32::new(0);
        fill_cart(&mut shop.sql().await, &Buyer::User(self.user), lines).await;
        let key = KEYS.fetch_add(1, Ordering::Relaxed).to_string();
        let request = shop.post("/orders").token(&self.token).header("idempotency-key", &key).json(&checkout());
        let order = request.send().await.expect(201).json();
        format!("/orders/{}", order["id"].as_str().unwrap())
    }

    async fn pay(&self, shop: &Shop, order: &str) {
        let request = shop.post(&format!("{order}/payments")).token(&self.token).header("idempotency-key", order);
        request.json(&json!({"method": "tok_success"})).send().await.expect(201);
    }

    async fn cancel(&self, shop: &Shop, order: &str) {
        shop.post(&format!("{order}/cancel")).token(&self.token).json(&json!({})).send().await.expect(200);
    }

    /// Writes a review as a writer would that died before it could tell anybody.
    async fn review(&self, sql: &mut PgConnection, book: Uuid, rating: u8) {
        let (id, created_at) = (ReviewId::generate(), time::OffsetDateTime::now_utc());
        let review = ReviewFacts { review: id, product: ProductId(book), user: Some(self.user), rating, created_at };
        let moved = RatingMove { before: Standing::of(0.0, 0), after: Standing::of(f64::from(rating), 1) };
        let event = DomainEvent::ReviewCreated { review, moved };
        sqlx::query(
            "WITH review AS (
                 INSERT INTO reviews (id, product_id, user_id, rating, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, now(), now())
             )
             INSERT INTO outbox (kind, payload) VALUES ('review_created', $5)",
        )
        .bind(id.0)
        .bind(book)
        .bind(self.user.0)
        .bind(i16::from(rating))
        .bind(serde_json::to_value(event).unwrap())
        .execute(sql)
        .await
        .unwrap();
    }
}

async fn set_genres(sql: &mut PgConnection, books: &[Uuid], genres: &[&str]) {
    for genre in genres {
        let insert = "INSERT INTO genres (slug, name) VALUES ($1, initcap($1)) ON CONFLICT DO NOTHING";
        sqlx::query(insert).bind(*genre).execute(&mut *sql).await.unwrap();
    }
    let genres: Vec<String> = genres.iter().map(|genre| (*genre).to_owned()).collect();
    let update = sqlx::query("UPDATE products SET genres = $2 WHERE id = ANY($1)").bind(books).bind(genres);
    update.execute(sql).await.unwrap();
    crate::support::settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_has_done_nothing() {
    let shop = Shop::open().await;
    let token = shop.customer().await;
    let answer = stats(&shop, &token).await;
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let nothing = json!({"reviews": 0, "average_rating": null, "favourites": 0, "orders": 0, "books": 0, "copies": 0,
                         "genres": []});
    assert_eq!(answer.json(), nothing);
    let etag = answer.header("etag").to_owned();
    let kept = shop.get("/users/me/stats").token(&token).header("if-none-match", &etag).send().await;
    assert_eq!(kept.status, 304);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_deed_is_seen_at_the_other_process_and_leaves_the_rest_in_its_cache() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 12, 100).await;
    set_genres(&mut sql, &books, &["fantasy"]).await;
    let (one, other) = (Person::new(&shop).await, Person::new(&shop).await);
    other.favour(&shop, books[0]).await;
    let detail = format!("/products/{}", books[1]);
    let rest = async || {
        [
            stats(&beside, &other.token).await,
            beside.get(&detail).send().await.expect(200),
            beside.get("/products?limit=5").send().await.expect(200),
            beside.get("/genres").send().await.expect(200),
        ]
    };
    // A busy machine may lose the feed for a moment, and then nothing is a hit: it must stay one in one of a few rounds.
    for deed in ["favourite", "order", "pay", "cancel", "review", "unfavourite"] {
        let mut stayed = false;
        for round in 0..4 {
            let book = books[1 + 2 * round];
            let prepared = match deed {
                "pay" | "cancel" => one.order(&shop, &[(books[11], 1)]).await,
                "unfavourite" => {
                    one.favour(&shop, book).await;
                    String::new()
                }
                _ => String::new(),
            };
            eventually("all of it is kept", async || {
                is_hit(&stats(&beside, &one.token).await) && rest().await.iter().all(is_hit)
            })
            .await;
            let before = stats(&beside, &one.token).await.json();
            match deed {
                "favourite" => one.favour(&shop, book).await,
                "unfavourite" => {
                    let path = format!("/users/me/favourites/{book}");
                    shop.delete(&path).token(&one.token).send().await.expect(204);
                }
                "order" => drop(one.order(&shop, &[(books[2], 1)]).await),
                "pay" => one.pay(&shop, &prepared).await,
                "cancel" => {
                    one.pay(&shop, &prepared).await;
                    eventually("it is bought", async || {
                        stats(&beside, &one.token).await.json()["copies"] != before["copies"]
                    })
                    .await;
                    one.cancel(&shop, &prepared).await;
                    eventually("it is given back", async || stats(&beside, &one.token).await.json() == before).await;
                    break;
                }
                _ => one.review(&mut sql, book, 4).await,
            }
            eventually(deed, async || stats(&beside, &one.token).await.json() != before).await;
            let left = rest().await;
            // A review concerns its book and the lists that show it; whatever is done, the statistics of others are theirs.
            stayed |= if deed == "review" { is_hit(&left[0]) && is_hit(&left[3]) } else { left.iter().all(is_hit) };
            if stayed {
                break;
            }
        }
        assert!(stayed || deed == "cancel", "{deed}: what it does not concern is loaded again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_and_other_sales_concern_nobodys_numbers() {
    let shop = Shop::open().await;
    let mut sql = shop.sql().await;
    let book = shelve(&mut sql, 1, 100).await[0];
    let (one, other) = (Person::new(&shop).await, Person::new(&shop).await);
    one.favour(&shop, book).await;
    let mut stayed = false;
    for _ in 0..5 {
        eventually("it is kept", async || is_hit(&stats(&shop, &one.token).await)).await;
        let voted = DomainEvent::ReviewVoted { review: ReviewId::generate(), product: ProductId(book) };
        let tell = sqlx::query("INSERT INTO outbox (kind, payload) VALUES ('review_voted', $1)");
        tell.bind(serde_json::to_value(voted).unwrap()).execute(&mut sql).await.unwrap();
        let order = other.order(&shop, &[(book, 1)]).await;
        other.pay(&shop, &order).await;
        stayed = is_hit(&stats(&shop, &one.token).await);
        if stayed {
            break;
        }
    }
    assert!(stayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn genres_are_those_of_the_books_as_they_are() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let admin = shop.administrator().await;
    let books = shelve(&mut sql, 3, 100).await;
    set_genres(&mut sql, &books[..2], &["fantasy", "humor"]).await;
    set_genres(&mut sql, &books[2..], &["fantasy"]).await;
    let one = Person::new(&shop).await;
    let order = one.order(&shop, &[(books[0], 2), (books[1], 1), (books[2], 1)]).await;
    one.pay(&shop, &order).await;
    let genre = |slug: &str, name: &str, books: i64| json!({"slug": slug, "name": name, "books": books});
    eventually("it is told", async || stats(&beside, &one.token).await.json()["books"] == 3).await;
    let told = stats(&beside, &one.token).await.json();
    assert_eq!(told["copies"], 4);
    assert_eq!(told["genres"], json!([genre("fantasy", "Fantasy", 3), genre("humor", "Humor", 2)]));
    let path = format!("/products/{}", books[0]);
    let patch =
        shop.patch(&path).token(&admin).header("if-match", "*").header("content-type", "application/merge-patch+json");
    patch.body(json!({"genres": ["humor"]}).to_string()).send().await.expect(200);
    eventually("the book has other genres", async || {
        stats(&beside, &one.token).await.json()["genres"]
            == json!([genre("fantasy", "Fantasy", 2), genre("humor", "Humor", 2)])
    })
    .await;
}

/// The numbers, counted one by one, by other queries than those of the shop.
async fn recount(sql: &mut PgConnection, user: UserId) -> Value {
    let number = async |sql: &mut PgConnection, query: &'static str| {
        sqlx::query_scalar::<_, i64>(query).bind(user.0).fetch_one(sql).await.unwrap()
    };
    let ratings: Vec<i16> = sqlx::query_scalar("SELECT rating FROM reviews WHERE user_id = $1")
        .bind(user.0)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
    let average = ratings.iter().map(|rating| f64::from(*rating)).sum::<f64>() / ratings.len() as f64;
    let kept = "state NOT IN ('pending', 'cancelled', 'expired', 'refunded')";
    let copies: Vec<(Uuid, i32)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT product_id, quantity FROM order_lines JOIN orders ON orders.id = order_id WHERE user_id = $1 AND {kept}"
    )))
    .bind(user.0)
    .fetch_all(&mut *sql)
    .await
    .unwrap();
    let books: std::collections::BTreeSet<Uuid> = copies.iter().map(|(book, _)| *book).collect();
    json!({
        "reviews": ratings.len(),
        "average_rating": (!ratings.is_empty()).then_some(average),
        "favourites": number(sql, "SELECT count(*) FROM favourites WHERE user_id = $1").await,
        "orders": number(sql, "SELECT count(*) FROM orders WHERE user_id = $1").await,
        "books": books.len(),
        "copies": copies.iter().map(|(_, quantity)| quantity).sum::<i32>(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_people_do_the_numbers_equal_a_recount() {
    let shop = Shop::open().await;
    let beside = shop.beside(&[]).await;
    let mut sql = shop.sql().await;
    let books = shelve(&mut sql, 20, 1_000).await;
    let people = [Person::new(&shop).await, Person::new(&shop).await, Person::new(&shop).await];
    // The same numbers each time (Knuth's linear congruential generator).
    let mut state = 17_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let mut open: Vec<(usize, String, bool)> = Vec::new();
    for step in 0..150 {
        let (who, book) = (below(people.len()), books[below(books.len())]);
        let (person, at) = (&people[who], if step % 2 == 0 { &shop } else { &beside });
        let chosen = (!open.is_empty()).then(|| below(open.len()));
        match (below(10), chosen) {
            (0..3, _) => person.favour(at, book).await,
            (3, _) => {
                let path = format!("/users/me/favourites/{book}");
                at.delete(&path).token(&person.token).send().await.expect(204);
            }
            (4..6, Some(place)) if !open[place].2 => {
                people[open[place].0].pay(at, &open[place].1).await;
                open[place].2 = true;
            }
            (6, Some(place)) => {
                let (who, order, _) = open.swap_remove(place);
                people[who].cancel(at, &order).await;
            }
            (7, _) => {
                let there: bool =
                    sqlx::query_scalar("SELECT EXISTS (SELECT FROM reviews WHERE user_id = $1 AND product_id = $2)")
                        .bind(person.user.0)
                        .bind(book)
                        .fetch_one(&mut sql)
                        .await
                        .unwrap();
                if !there {
                    person.review(&mut sql, book, 1 + below(5) as u8).await;
                }
            }
            _ => {
                let other = books[below(books.len())];
                let lines = if other == book { vec![(book, 1)] } else { vec![(book, 1), (other, 2)] };
                open.push((who, person.order(at, &lines).await, false));
            }
        }
        // Some of the answers are read while things change, so that there is something in the cache to be wrong.
        stats(at, &people[below(people.len())].token).await;
    }
    for person in &people {
        let expected = recount(&mut sql, person.user).await;
        for process in [&shop, &beside] {
            eventually("the numbers are right", async || {
                let mut told = stats(process, &person.token).await.json();
                told.as_object_mut().unwrap().remove("genres");
                let average = |numbers: &Value| numbers["average_rating"].as_f64();
                let near = match (average(&told), average(&expected)) {
                    (Some(told), Some(expected)) => (told - expected).abs() < 1e-9,
                    (told, expected) => told == expected,
                };
                told["average_rating"] = expected["average_rating"].clone();
                near && told == expected
            })
            .await;
        }
        assert!(expected["favourites"] != 0 && expected["copies"] != 0 && expected["reviews"] != 0, "{expected}");
    }
}
