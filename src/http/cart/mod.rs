//! The cart of whoever asks.

mod documents;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use documents::{CappedDocument, CartDocument, MergeDocument};
use documents::{CartQuery, CouponCodeInput, ItemInput, QuantityInput};

use super::buyer::{Buying, CART_TOKEN, MaybeBuying};
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation, finished, respond};
use super::csrf;
use super::extract::{Json, Path, Query};
use super::problem::{FieldError, Kind, Problem};
use super::shipping;
use super::state::AppState;
use crate::domain::access::Token;
use crate::domain::carts::{CartError, CartView, Carts, Choice, TakenOver, micros};
use crate::model::answer::{Answer, RenderError};
use crate::model::cart::Buyer;
use crate::model::coupon::CouponRefusal;
use crate::model::ids::ProductId;
use crate::model::representation::{Particulars, Representation as Finished};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read, clear))
        .routes(routes!(add))
        .routes(routes!(put, remove))
        .routes(routes!(put_coupon, remove_coupon))
}

/// How carts become answers.
///
/// # Errors
/// When the cart cannot be written as JSON, which is a mistake in the code.
pub fn render(view: CartView) -> Result<Finished, RenderError> {
    let (version, valid_until) = (view.cart.version, micros(view.valid_until));
    let particulars = Particulars { valid_until: Some(valid_until), ..Particulars::default() };
    finished(&CartDocument::from(&view), Some(version), None, particulars)
}

/// Read the cart
///
/// Of whoever is signed in, else of the guest whose token it is, in `Cart-Token` or a cookie; a guest without a token gets
/// an empty one. Each book tells whether its price or availability has changed since it was put there.
#[utoipa::path(
    get, path = "/cart", operation_id = "getCart", tag = "cart", params(CartQuery),
    responses((status = 200, description = "The cart", body = CartDocument)),
    security((), ("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    MaybeBuying(buyer): MaybeBuying,
    Query(query): Query<CartQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let choice = Choice::from(query);
    let answer = match &buyer {
        Some(buyer) => state.carts.get(buyer, &choice).await?,
        None => None,
    };
    let mut response = match answer {
        Some(answer) => respond(&answer, CachePolicy::Private, &conditions),
        None => empty(&state, buyer.as_ref(), &choice)?.respond(&conditions),
    };
    vary_by_token(&mut response);
    Ok(response)
}

/// A cart is its owner's own: no CDN keeps it, and none has to be told of the tags of all its books.
fn vary_by_token(response: &mut Response) {
    let headers = response.headers_mut();
    headers.remove("surrogate-key");
    headers.append(header::VARY, HeaderValue::from_static("cart-token"));
}

fn empty(state: &AppState, buyer: Option<&Buyer>, choice: &Choice) -> Result<Representation, Problem> {
    let view = state.carts.empty(buyer, choice)?;
    Ok(Representation::json(&CartDocument::from(&view), CachePolicy::Private)?.version(0))
}

/// The answer to a write: the cart as it is now, which is read where the write did not bring it along.
async fn written(state: &AppState, buyer: &Buyer, answer: Option<Answer>) -> Result<Response, Problem> {
    let answer = match answer {
        Some(answer) => Some(answer),
        None => state.carts.written(buyer).await?,
    };
    let mut response = match answer {
        Some(answer) => respond(&answer, CachePolicy::NoStore, &Conditions::default()),
        None => empty(state, Some(buyer), &Choice::default())?.respond_written(StatusCode::OK),
    };
    vary_by_token(&mut response);
    Ok(response)
}

/// Puts a book into the cart of whoever asks. A guest without a token gets one, with the cart.
async fn write_item(
    state: &AppState,
    buyer: Option<Buyer>,
    uri: &Uri,
    headers: &HeaderMap,
    product: ProductId,
    quantity: i64,
    adds: bool,
) -> Result<Response, Problem> {
    if let Some(buyer) = buyer {
        let answer = state.carts.put(&buyer, product, quantity, adds).await?;
        return written(state, &buyer, answer).await;
    }
    // The answer sets a cookie: no page of another site shall replace the cart that a browser has.
    csrf::require_same_origin(uri, headers)?;
    let token = Carts::new_guest()?;
    let buyer = Buyer::Guest(token.hash());
    let answer = state.carts.put(&buyer, product, quantity, adds).await?;
    let response = written(state, &buyer, answer).await?;
    Ok(with_token(state, &token, response))
}

fn with_token(state: &AppState, token: &Token, response: Response) -> Response {
    let mut response = (state.cart_cookies.of(token.reveal()), response).into_response();
    if let Ok(value) = HeaderValue::try_from(token.reveal()) {
        response.headers_mut().insert(CART_TOKEN, value);
    }
    response
}

/// Add copies to the cart
///
/// They come to those that are there. The first book of a guest makes a cart, and the answer tells its token.
#[utoipa::path(
    post, path = "/cart/items", operation_id = "addCartItem", tag = "cart", request_body = ItemInput,
    responses(
        (status = 200, description = "The cart as it is now", body = CartDocument,
         headers(("Cart-Token" = String, description = "The token of a guest's new cart; also in a cookie"),
                 ("Set-Cookie" = String, description = "The same, for browsers"))),
        (status = 409, description = "There are fewer copies, the book is not sold, or the cart is full",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn add(
    State(state): State<AppState>,
    MaybeBuying(buyer): MaybeBuying,
    uri: Uri,
    headers: HeaderMap,
    Json(input): Json<ItemInput>,
) -> Result<Response, Problem> {
    let product = ProductId(input.product_id);
    // The address of a cart says nothing of its book here: a book that is none is a mistake in the body.
    write_item(&state, buyer, &uri, &headers, product, input.quantity, true).await.map_err(|problem| {
        if problem.kind() == Kind::NotFound {
            Problem::invalid([FieldError::body("/product_id", "unknown", "is no book of this shop")])
        } else {
            problem
        }
    })
}

/// Put a book into the cart
///
/// Or change how many copies are wanted. The first book of a guest makes a cart, and the answer tells its token.
#[utoipa::path(
    put, path = "/cart/items/{product_id}", operation_id = "putCartItem", tag = "cart", request_body = QuantityInput,
    params(("product_id" = Uuid, Path, description = "The book's id")),
    responses(
        (status = 200, description = "The cart as it is now", body = CartDocument,
         headers(("Cart-Token" = String, description = "The token of a guest's new cart; also in a cookie"),
                 ("Set-Cookie" = String, description = "The same, for browsers"))),
        (status = 409, description = "There are fewer copies, the book is not sold, or the cart is full",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn put(
    State(state): State<AppState>,
    MaybeBuying(buyer): MaybeBuying,
    uri: Uri,
    headers: HeaderMap,
    Path(product): Path<Uuid>,
    Json(input): Json<QuantityInput>,
) -> Result<Response, Problem> {
    write_item(&state, buyer, &uri, &headers, ProductId(product), input.quantity, false).await
}

/// Drop a book from the cart
#[utoipa::path(
    delete, path = "/cart/items/{product_id}", operation_id = "deleteCartItem", tag = "cart",
    params(("product_id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "The cart as it is now", body = CartDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn remove(
    State(state): State<AppState>,
    Buying(buyer): Buying,
    Path(product): Path<Uuid>,
) -> Result<Response, Problem> {
    state.carts.remove(&buyer, ProductId(product)).await?;
    written(&state, &buyer, None).await
}

/// Clear the cart
///
/// Of its books and its coupon.
#[utoipa::path(
    delete, path = "/cart", operation_id = "clearCart", tag = "cart",
    responses((status = 200, description = "The cart as it is now", body = CartDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn clear(State(state): State<AppState>, Buying(buyer): Buying) -> Result<Response, Problem> {
    state.carts.clear(&buyer).await?;
    written(&state, &buyer, None).await
}

/// Put a coupon into the cart
///
/// Instead of the one that is there. One that the books are not worth enough for is taken, and says so.
#[utoipa::path(
    put, path = "/cart/coupon", operation_id = "putCartCoupon", tag = "cart", request_body = CouponCodeInput,
    responses(
        (status = 200, description = "The cart as it is now", body = CartDocument),
        (status = 409, description = "The coupon does not count, or not any more",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn put_coupon(
    State(state): State<AppState>,
    Buying(buyer): Buying,
    Json(input): Json<CouponCodeInput>,
) -> Result<Response, Problem> {
    state.carts.put_coupon(&buyer, &input.code).await?;
    written(&state, &buyer, None).await
}

/// Drop the coupon from the cart
#[utoipa::path(
    delete, path = "/cart/coupon", operation_id = "deleteCartCoupon", tag = "cart",
    responses((status = 200, description = "The cart as it is now", body = CartDocument)),
    security(("bearer" = []), ("cookie" = []), ("cart_token" = []), ("cart_cookie" = [])),
)]
async fn remove_coupon(State(state): State<AppState>, Buying(buyer): Buying) -> Result<Response, Problem> {
    state.carts.remove_coupon(&buyer).await?;
    written(&state, &buyer, None).await
}

impl MergeDocument {
    /// What a sign-in tells of the guest's cart; nothing where there was none.
    #[must_use]
    pub fn of(taken: TakenOver) -> Option<Self> {
        match taken {
            TakenOver::Nothing => None,
            TakenOver::Merged(capped) => {
                Some(Self { merged: true, capped: capped.into_iter().map(CappedDocument::from).collect() })
            }
            TakenOver::Failed => Some(Self { merged: false, capped: Vec::new() }),
        }
    }
}

impl From<CartError> for Problem {
    fn from(error: CartError) -> Self {
        match error {
            CartError::NoSuchBook => Self::not_found("There is no such book."),
            CartError::NotInCart => Self::not_found("The book is not in the cart."),
            CartError::NotSold => Self::conflict("The book is not sold.").error(FieldError::body(
                "",
                "not_sold",
                "is about a book that is not sold",
            )),
            CartError::TooFew { available, before } => {
                let left = match (available, before) {
                    (0, _) => "There are no copies left.".to_owned(),
                    (left, 0) => format!("Only {left} can be had."),
                    (left, before) => format!("Only {left} can be had, and {before} are in the cart."),
                };
                Self::conflict(left).error(FieldError::body(
                    "/quantity",
                    if available == 0 { "out_of_stock" } else { "fewer_available" },
                    format!("is more than the {available} that can be had"),
                ))
            }
            CartError::Full { max_lines } => {
                Self::conflict(format!("A cart takes {max_lines} books; drop one of them first.")).error(
                    FieldError::body("", "cart_full", format!("is one more than the {max_lines} books of a cart")),
                )
            }
            CartError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            CartError::Coupon(refusal) => refused_coupon(refusal),
            CartError::AccountClosed => Self::new(Kind::Unauthenticated).detail("The account has been closed."),
            CartError::Pricing(error) => shipping::in_query(error),
            CartError::Store(error) => error.into(),
            CartError::Random | CartError::Render(_) => Self::internal(&error),
        }
    }
}

/// A code that is none is a mistake of whoever typed it; one that does not count is a matter of time and of others.
fn refused_coupon(refusal: CouponRefusal) -> Problem {
    let error = FieldError::body("/code", refusal.code(), refusal.to_string());
    match refusal {
        CouponRefusal::Unknown => Problem::invalid([error]),
        _ => Problem::conflict(refusal.to_string()).error(error),
    }
}
