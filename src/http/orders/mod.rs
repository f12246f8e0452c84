//! Orders: checkout, reading, and what happens to them afterwards.

mod documents;
mod moves;

use axum::extract::State;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use documents::{OrderDocument, OrderInput, OrderPageDocument};

use documents::{AllOrdersQuery, HistoryDocument, HistoryEntryDocument, OrdersQuery};

use super::API_PREFIX;
use super::auth::{Administrator, MaybeCaller};
use super::buyer::Buying;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation, finished, respond};
use super::cursor;
use super::extract::{Json, Path, Query};
use super::idempotency::{self, IdempotencyKey};
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::orders::{CheckoutDraft, LineRefusal, OrderError, OrderFilter, OrderPage, Pages, Sees};
use crate::domain::pricing::PricingError;
use crate::domain::users::normalize;
use crate::model::answer::RenderError;
use crate::model::cart::Buyer;
use crate::model::ids::OrderId;
use crate::model::order::{Order, OrderMove};
use crate::model::representation::{Particulars, Representation as Finished};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, place))
        .routes(routes!(read))
        .routes(routes!(history))
        .routes(routes!(list_all))
        .merge(moves::router())
}

/// Order what is in the cart
///
/// Reserves the books, takes today's prices and the cart's coupon, and empties the cart: all of it or nothing. The order
/// then waits to be paid for; after a while its books go back. Send an `Idempotency-Key` of your own: the same request
/// under the same key gives the same answer and no second order, however often it is sent. What was refused may be sent
/// again under its key.
#[utoipa::path(
    post, path = "/orders", operation_id = "placeOrder", tag = "orders", request_body = OrderInput,
    params(("Idempotency-Key" = String, Header, description = "A new text of up to 255 characters for each new order")),
    responses(
        (status = 201, description = "The order", body = OrderDocument,
         headers(("Location" = String, description = "Where the order is"),
                 ("Idempotent-Replayed" = String, description = "`true` where this is the answer to an earlier request"))),
        (status = 409, description = "The cart is empty, a book cannot be had, the coupon does not count, or the total is \
                                      another one",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn place(
    State(state): State<AppState>,
    Buying(buyer): Buying,
    key: IdempotencyKey,
    Json(input): Json<OrderInput>,
) -> Result<Response, Problem> {
    let request = key.of(buyer.to_string(), "orders.place", "", &input)?;
    let checkout = CheckoutDraft::try_from(input)?.check();
    let checkout = checkout.map_err(|violations| Problem::from(OrderError::Invalid(violations)))?;
    let placed = state.orders.place(&buyer, &request, &checkout).await?;
    Ok(idempotency::kept(placed.answer, Some(location(placed.order)), placed.replayed))
}

/// List one's orders
///
/// The newest first. A guest sees what was ordered with their cart's token.
#[utoipa::path(
    get, path = "/orders", operation_id = "listOrders", tag = "orders", params(OrdersQuery),
    responses((status = 200, description = "A page of orders", body = OrderPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    Buying(buyer): Buying,
    Query(query): Query<OrdersQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(OrderId)).transpose()?;
    match buyer {
        Buyer::User(user) => {
            let answer = state.orders.list(user, before, query.limit).await?;
            Ok(respond(&answer, CachePolicy::Private, &conditions))
        }
        Buyer::Guest(guest) => {
            let page = state.orders.list_of_guest(guest, before, query.limit).await?;
            Ok(representation_of(page, "/orders", "")?.respond(&conditions))
        }
    }
}

/// Read an order
#[utoipa::path(
    get, path = "/orders/{id}", operation_id = "getOrder", tag = "orders",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "The order", body = OrderDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let order = state.orders.get(OrderId(id), sees(&caller, buyer)).await?;
    Ok(representation(order)?.respond(&conditions))
}

/// Tell what has happened to an order
#[utoipa::path(
    get, path = "/orders/{id}/history", operation_id = "getOrderHistory", tag = "orders",
    params(("id" = Uuid, Path, description = "The order's id")),
    responses((status = 200, description = "The states that it has had", body = HistoryDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn history(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Buying(buyer): Buying,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let entries = state.orders.history(OrderId(id), sees(&caller, buyer)).await?;
    let document = HistoryDocument { items: entries.into_iter().map(HistoryEntryDocument::from).collect() };
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

/// List everybody's orders
#[utoipa::path(
    get, path = "/admin/orders", operation_id = "listAllOrders", tag = "admin", params(AllOrdersQuery),
    responses((status = 200, description = "A page of orders", body = OrderPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list_all(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<AllOrdersQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(OrderId)).transpose()?;
    let filter = OrderFilter {
        state: query.state.map(Into::into),
        email: query.email.as_deref().map(normalize),
        number: query.number,
    };
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let parameters = [
        filter.state.map(|state| format!("state={state}")),
        filter.email.as_deref().map(|email| format!("email={}", encode(email))),
        filter.number.map(|number| format!("number={number}")),
    ];
    let parameters: Vec<String> = parameters.into_iter().flatten().collect();
    let page = state.orders.list_all(&filter, before, query.limit).await?;
    Ok(representation_of(page, "/admin/orders", &parameters.join("&"))?.respond(&conditions))
}

/// Administrators see everything, everybody else what is theirs.
pub(super) fn sees(caller: &MaybeCaller, buyer: Buyer) -> Sees {
    if caller.is_admin() { Sees::All } else { Sees::Own(buyer) }
}

/// How orders become answers.
pub const PAGES: Pages = Pages { order: render, page: render_page };

fn render(order: Order) -> Result<Finished, RenderError> {
    let (version, updated_at) = (order.version, order.updated_at);
    finished(&OrderDocument::from(order), Some(version), Some(updated_at), Particulars::default())
}

fn render_page(page: OrderPage) -> Result<Finished, RenderError> {
    let (document, link) = document_of(page, "/orders", "");
    finished(&document, None, None, Particulars { link, ..Particulars::default() })
}

/// A page with its own address, for the `Link` to the next one.
fn document_of(page: OrderPage, path: &str, parameters: &str) -> (OrderPageDocument, Option<String>) {
    let OrderPage { orders, next, limit } = page;
    let next_cursor = next.map(|id| cursor::after(id.0));
    let link = next_cursor.as_ref().map(|cursor| {
        let separator = if parameters.is_empty() { "" } else { "&" };
        format!("<{API_PREFIX}{path}?{parameters}{separator}limit={limit}&cursor={cursor}>; rel=\"next\"")
    });
    (OrderPageDocument { items: orders.into_iter().map(OrderDocument::from).collect(), next_cursor }, link)
}

fn representation_of(page: OrderPage, path: &str, parameters: &str) -> Result<Representation, Problem> {
    let (document, link) = document_of(page, path, parameters);
    let representation = Representation::json(&document, CachePolicy::Private)?;
    Ok(match link {
        Some(link) => representation.link(&link),
        None => representation,
    })
}

fn representation(order: Order) -> Result<Representation, Problem> {
    let (version, updated_at) = (order.version, order.updated_at);
    let representation = Representation::json(&OrderDocument::from(order), CachePolicy::Private)?;
    Ok(representation.version(version).last_modified(updated_at))
}

fn location(id: OrderId) -> String {
    format!("{API_PREFIX}/orders/{id}")
}

/// The lines that cannot be sold, for programs and for people.
fn refused(lines: &[LineRefusal]) -> Problem {
    let errors = lines.iter().map(|line| {
        let pointer = format!("/items/{}", line.position);
        match line.available {
            None => {
                FieldError::body(pointer, "not_sold", format!("\u{201c}{}\u{201d} is not sold any more", line.title))
            }
            Some(0) => {
                FieldError::body(pointer, "out_of_stock", format!("\u{201c}{}\u{201d} is out of stock", line.title))
            }
            Some(left) => FieldError::body(
                pointer,
                "too_few_left",
                format!("of \u{201c}{}\u{201d} {left} are left, and {} are wanted", line.title, line.wanted),
            ),
        }
    });
    let members: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "product_id": line.product,
                "title": line.title,
                "wanted": line.wanted,
                "available": line.available.unwrap_or(0),
            })
        })
        .collect();
    Problem::new(Kind::OutOfStock)
        .detail("Nothing was ordered. Change these lines of the cart, and order again.")
        .errors(errors)
        .member("lines", members)
}

/// Why an order cannot be priced, by what its buyer filled in.
fn unpriced(error: PricingError) -> Problem {
    let error = match error {
        PricingError::UnknownCountry => {
            FieldError::body("/shipping_address/country", "not_served", "is none that the shop sells to")
        }
        PricingError::UnknownMethod { offered } => FieldError::body(
            "/shipping_method",
            "unknown",
            format!("is none of {}, which there are for this country", offered.join(", ")),
        ),
        PricingError::Overflow(error) => FieldError::body("", "too_large", error.to_string()),
    };
    Problem::invalid([error])
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::NotFound => Self::not_found("You have no such order."),
            OrderError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            OrderError::EmptyCart => Self::conflict("There is nothing in the cart."),
            OrderError::Refused(lines) => refused(&lines),
            OrderError::Coupon { code, refusal } => Self::conflict(format!(
                "The coupon {code} stops the order. {refusal}"
            ))
            .error(FieldError::body("/coupon", refusal.code(), refusal.to_string())),
            OrderError::PriceChanged { total } => {
                let message = format!("is {} {} by now", total.amount, total.currency);
                Self::conflict("The total is another one by now. Nothing was ordered.")
                    .error(FieldError::body("/expected_total", "changed", message))
                    .member("total", json!({ "amount": total.amount, "currency": total.currency }))
            }
            OrderError::Pricing(error) => unpriced(error),
            OrderError::Move(error) => {
                let allowed: Vec<&str> = error.state.moves().map(OrderMove::as_str).collect();
                Self::new(Kind::OrderState)
                    .detail(format!("{error}."))
                    .member("state", error.state.as_str())
                    .member("allowed", allowed)
            }
            OrderError::BeingRefunded => Self::conflict("All that was paid is on its way back. The books stay."),
            OrderError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The order is at version {current} by now; read it again.")),
            OrderError::KeyReused => idempotency::reused(),
            OrderError::KeyRunning => idempotency::running(),
            OrderError::AccountClosed => Self::new(Kind::Unauthenticated).detail("The account is closed."),
            OrderError::Store(error) => error.into(),
            OrderError::Stock(_) | OrderError::Render(_) => Self::internal(&error),
        }
    }
}
