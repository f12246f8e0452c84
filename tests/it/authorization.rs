//! Who may do what: one table, held against every operation of the OpenAPI document.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Shop, eventually};

/// Who may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum May {
    /// Whoever asks.
    Anybody,
    /// Whoever is signed in.
    Customer,
    /// Administrators.
    Admin,
}
use May::{Admin, Anybody, Customer};

/// Every operation, by its `operationId`. A new operation needs a line here.
const TABLE: &[(&str, May)] = &[
    // operations
    ("getLiveness", Anybody),
    ("getReadiness", Anybody),
    ("getOpenApi", Anybody),
    ("getProblemKind", Anybody),
    // products
    ("listProducts", Anybody),
    ("searchProducts", Anybody),
    ("suggestProducts", Anybody),
    ("listRelatedProducts", Anybody),
    ("listRecommendations", Customer),
    ("listTrendingProducts", Anybody),
    ("listGenres", Anybody),
    ("getProduct", Anybody),
    ("getProductByIsbn", Anybody),
    ("getProducts", Anybody),
    ("createProduct", Admin),
    ("replaceProduct", Admin),
    ("patchProduct", Admin),
    ("retireProduct", Admin),
    ("importProducts", Admin),
    // reviews
    ("listReviews", Anybody),
    ("createReview", Customer),
    ("getReview", Anybody),
    ("replaceReview", Customer),
    ("patchReview", Customer),
    ("deleteReview", Customer),
    ("voteOnReview", Customer),
    ("withdrawReviewVote", Customer),
    ("reportReview", Customer),
    ("listOwnReviews", Customer),
    ("listModeratedReviews", Admin),
    ("hideReview", Admin),
    ("restoreReview", Admin),
    // inventory
    ("getInventory", Anybody),
    ("watchInventory", Anybody),
    ("adjustInventory", Admin),
    ("listStockChanges", Admin),
    // leaderboards
    ("getLeaderboard", Anybody),
    ("getProductRanks", Anybody),
    ("getOwnRank", Customer),
    // cart
    ("getCart", Anybody),
    ("clearCart", Customer),
    ("addCartItem", Anybody),
    ("putCartItem", Anybody),
    ("deleteCartItem", Customer),
    ("putCartCoupon", Customer),
    ("deleteCartCoupon", Customer),
    ("listShippingMethods", Anybody),
    // orders
    ("placeOrder", Customer),
    ("listOrders", Customer),
    ("getOrder", Customer),
    ("getOrderHistory", Customer),
    ("cancelOrder", Customer),
    ("shipOrder", Admin),
    ("deliverOrder", Admin),
    ("listAllOrders", Admin),
    // payments
    ("payOrder", Customer),
    ("listPayments", Customer),
    ("refundOrder", Admin),
    ("listRefunds", Customer),
    ("receiveProviderEvent", Anybody),
    // coupons
    ("listCoupons", Admin),
    ("createCoupon", Admin),
    ("getCoupon", Admin),
    ("patchCoupon", Admin),
    // users
    ("registerUser", Anybody),
    ("getCurrentUser", Customer),
    ("patchCurrentUser", Customer),
    ("deleteCurrentUser", Customer),
    ("changePassword", Customer),
    ("exportCurrentUser", Customer),
    ("listFavourites", Customer),
    ("getFavourite", Customer),
    ("putFavourite", Customer),
    ("deleteFavourite", Customer),
    ("getUserStats", Customer),
    // sessions
    ("signIn", Anybody),
    ("listSessions", Customer),
    ("endSessions", Customer),
    ("signOut", Customer),
    ("confirmSession", Customer),
    ("endSession", Customer),
    // admin
    ("listAuditRecords", Admin),
    ("getCache", Admin),
    ("getCacheEntry", Admin),
    ("clearCache", Admin),
    ("warmCache", Admin),
    ("getProductViews", Admin),
    ("checkInventory", Admin),
    // webhooks
    ("listWebhookEndpoints", Admin),
    ("createWebhookEndpoint", Admin),
    ("getWebhookEndpoint", Admin),
    ("patchWebhookEndpoint", Admin),
    ("deleteWebhookEndpoint", Admin),
    ("rotateWebhookSecret", Admin),
    ("testWebhookEndpoint", Admin),
    ("replayWebhookEndpoint", Admin),
    ("listWebhookDeliveries", Admin),
    ("getWebhookDelivery", Admin),
    ("replayWebhookDelivery", Admin),
];

/// One operation of the document.
#[derive(Debug)]
struct Operation {
    id: String,
    method: Method,
    path: String,
    media_type: Option<String>,
    is_secured: bool,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(bookstore::http::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let content = operation["requestBody"]["content"].as_object();
            operations.push(Operation {
                id: id.to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                media_type: content.and_then(|content| content.keys().next().cloned()),
                // An empty alternative says that nothing is needed, and that something may be given.
                is_secured: operation["security"]
                    .as_array()
                    .is_some_and(|schemes| !schemes.is_empty() && !schemes.contains(&json!({}))),
            });
        }
    }
    operations
}

/// Asks for an operation with as little as gets past the router, and gives the status.
async fn ask(shop: &Shop, operation: &Operation, token: Option<&str>) -> u16 {
    // Whatever a parameter means, there is nothing of this name.
    let mut path = operation.path.clone();
    while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        path.replace_range(start..=end, "00000000-0000-7000-8000-000000000000");
    }
    let path = path.strip_prefix("/api/v1").map_or_else(|| format!("/{path}"), str::to_owned);
    let mut request = shop.request(operation.method.clone(), &path).header("if-match", "*");
    if let Some(media_type) = &operation.media_type {
        request = request.header("content-type", media_type);
        request = request.body(if media_type.contains("json") { json!({}).to_string() } else { String::new() });
    }
    if let Some(token) = token {
        request = request.token(token);
    }
    request.status().await.as_u16()
}

#[test]
fn the_table_names_every_operation() {
    let mut known: Vec<&str> = TABLE.iter().map(|(id, _)| *id).collect();
    let mut there: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    known.sort_unstable();
    there.sort_unstable();
    assert_eq!(known, there, "left: the table, right: the document");
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_no_more() {
    let table: BTreeMap<&str, May> = TABLE.iter().copied().collect();
    let shop = Shop::with_quick_hashes(&[]).await;
    let mut wrong = Vec::new();
    for operation in operations() {
        let Some(needed) = table.get(operation.id.as_str()).copied() else {
            wrong.push(format!("{} is not in the table", operation.id));
            continue;
        };
        if operation.is_secured != (needed != Anybody) {
            wrong.push(format!("{}: the document says secured = {}", operation.id, operation.is_secured));
        }
        // People of their own for each operation: some of them end sessions and accounts.
        let people =
            [(Anybody, None), (Customer, Some(shop.customer().await)), (Admin, Some(shop.administrator().await))];
        for (who, token) in people {
            let status = ask(&shop, &operation, token.as_deref()).await;
            let as_it_should_be = if who >= needed {
                status != 401 && status != 403 && status < 500
            } else {
                status == if who == Anybody { 401 } else { 403 }
            };
            if !as_it_should_be {
                wrong.push(format!("{} as {who:?}, which needs {needed:?}: {status}", operation.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_demoted_administrator_is_none_at_once() {
    let shop = Shop::with_quick_hashes(&[]).await;
    let admin = shop.administrator().await;
    shop.get("/admin/audit").token(&admin).send().await.expect(200);
    shop.change_roles("customer").await;
    eventually("it is heard", async || shop.get("/admin/audit").token(&admin).send().await.status == 403).await;
    let refused = shop.get("/admin/audit").token(&admin).send().await.expect(403);
    assert_eq!(refused.json()["type"], Value::from("/problems/forbidden"));
}
