//! The rows.

use reqwest::Method;
use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::selling::checkout;

/// The pages that tell of the ratings of the book x, and those of whoever rated it.
const OF_A_REVIEW: &[&str] =
    &["detail of x", "reviews of x", "all", "alpha", "best of alpha", "worst of all", "search for x", "stats of ann"];

/// The pages of which a book that nobody had rated is a part, or becomes one by its first vote.
const OF_A_FIRST_REVIEW: &[&str] =
    &["all", "beta", "beta from 4 stars", "beta in stock", "best of alpha", "worst of all", "stats of ann"];

const PATCH: Method = Method::PATCH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews() {
    let scene = Scene::open().await;
    let Scene { ann, bob, x, .. } = &scene;
    let withdraw = async |path: &str| scene.send(Method::DELETE, path, &ann.token, Value::Null).await.expect(204);
    scene
        .row("a review is created", OF_A_REVIEW, async |round| {
            if round > 0 {
                let own = scene.send(Method::GET, "/users/me/reviews", &ann.token, Value::Null).await.expect(200);
                withdraw(&format!("/reviews/{}", own.json()["items"][0]["id"].as_str().unwrap())).await;
            }
            scene.review(*x, ann, 5).await.1
        })
        .await;
    let own = scene.send(Method::GET, "/users/me/reviews", &ann.token, Value::Null).await.expect(200).json();
    let path = format!("/reviews/{}", own["items"][0]["id"].as_str().unwrap());
    scene
        .row("a rating is changed", OF_A_REVIEW, async |round| {
            let rating = if round % 2 == 0 { 4 } else { 5 };
            scene.send(PATCH, &path, &ann.token, json!({ "rating": rating })).await.expect(200)
        })
        .await;
    // The ratings are the same, and so are lists that follow them; what shows the book is loaded all the same.
    let of_a_text: Vec<&str> = OF_A_REVIEW.iter().copied().filter(|page| *page != "worst of all").collect();
    scene
        .row("a text is changed", &of_a_text, async |round| {
            scene.send(PATCH, &path, &ann.token, json!({ "text": format!("Again, {round}.") })).await.expect(200)
        })
        .await;
    scene
        .row("a vote is cast", &["reviews of x"], async |round| {
            let vote = json!({ "helpful": round % 2 == 0 });
            let answer = scene.send(Method::PUT, &format!("{path}/vote"), &bob.token, vote).await;
            assert!(answer.status.is_success(), "{answer:?}");
            answer
        })
        .await;
    scene
        .row("a name is changed", &["reviews of x", "stats of ann"], async |round| {
            let name = json!({ "display_name": format!("Ann {round}") });
            scene.send(PATCH, "/users/me", &ann.token, name).await.expect(200)
        })
        .await;
    scene
        .row("a review is withdrawn", OF_A_REVIEW, async |round| {
            if round == 0 {
                return withdraw(&path).await;
            }
            let (path, _) = scene.review(*x, ann, 5).await;
            withdraw(&path).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_review_brings_a_book_into_lists_that_choose_by_ratings() {
    let scene = Scene::open().await;
    let Scene { ann, unrated, .. } = &scene;
    // The step of its score is that of a book without ratings, which the best of alpha, read to its end, could show.
    scene
        .row("a first review", OF_A_FIRST_REVIEW, async |round| {
            if round > 0 {
                let own = scene.send(Method::GET, "/users/me/reviews", &ann.token, Value::Null).await.expect(200);
                let path = format!("/reviews/{}", own.json()["items"][0]["id"].as_str().unwrap());
                scene.send(Method::DELETE, &path, &ann.token, Value::Null).await.expect(204);
            }
            scene.review(*unrated, ann, 5).await.1
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn favourites() {
    let scene = Scene::open().await;
    let Scene { ann, gamma, .. } = &scene;
    let path = format!("/users/me/favourites/{gamma}");
    let of_a_favourite = ["stats of ann", "for ann"];
    let remove = async || scene.send(Method::DELETE, &path, &ann.token, Value::Null).await.expect(204);
    let add = async || {
        let answer = scene.send(Method::PUT, &path, &ann.token, Value::Null).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer
    };
    scene
        .row("a favourite is added", &of_a_favourite, async |round| {
            if round > 0 {
                remove().await;
            }
            add().await
        })
        .await;
    scene
        .row("a favourite is removed", &of_a_favourite, async |round| {
            if round > 0 {
                add().await;
            }
            remove().await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders() {
    let scene = Scene::open().await;
    let Scene { ann, x, .. } = &scene;
    let place = async || {
        let item = json!({ "product_id": x, "quantity": 1 });
        let filled = scene.send(Method::POST, "/cart/items", &ann.token, item).await;
        assert!(filled.status.is_success(), "{filled:?}");
        scene.send(Method::POST, "/orders", &ann.token, checkout()).await.expect(201)
    };
    let of_an_order = ["stats of ann", "for ann", "orders of ann"];
    scene.row("an order is placed", &of_an_order, async |_| place().await).await;
    scene
        .row("an order is cancelled", &of_an_order, async |_| {
            let order = place().await.json();
            let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
            scene.send(Method::POST, &path, &ann.token, json!({})).await.expect(200)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue() {
    let scene = Scene::open().await;
    let Scene { ground, x, y, .. } = &scene;
    let everything_listed = [
        "detail of x",
        "reviews of x",
        "related to x",
        "genres",
        "all",
        "alpha",
        "beta",
        "beta from 4 stars",
        "beta in stock",
        "gamma in stock",
        "best of alpha",
        "best of gamma",
        "worst of all",
        "search for x",
        "search for y",
        "suggest",
        "stats of ann",
        "stats of bob",
    ];
    scene
        .row("a book is changed", &everything_listed, async |round| {
            let change = json!({ "subtitle": format!("In {round} movements") });
            scene.send(PATCH, &format!("/products/{x}"), &ground.admin, change).await.expect(200)
        })
        .await;
    let sold_out = ["detail of y", "all", "beta", "beta in stock", "gamma in stock", "worst of all", "search for y"];
    scene
        .row("the last copy is gone", &sold_out, async |round| {
            let change = if round % 2 == 0 { -1_000 } else { 1_000 };
            let reason = if change < 0 { "lost" } else { "received" };
            let path = format!("/products/{y}/inventory/adjustments");
            scene
                .send(Method::POST, &path, &ground.admin, json!({ "change": change, "reason": reason }))
                .await
                .expect(200)
        })
        .await;
    scene
        .row("a copy is gone, of many", &[], async |_| {
            let path = format!("/products/{x}/inventory/adjustments");
            scene.send(Method::POST, &path, &ground.admin, json!({ "change": -1, "reason": "lost" })).await.expect(200)
        })
        .await;
}
