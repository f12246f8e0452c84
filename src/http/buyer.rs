//! Who buys, as extractors: [`Buying`] and [`MaybeBuying`].
//!
//! Somebody who is signed in buys as themselves. Everybody else is a guest, known by the token that came with the first
//! answer of their cart: in the header `Cart-Token`, or in a cookie. With both, the header counts. A cookie is sent by the
//! browser whoever made it send, so changes by it must come from this site.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, request::Parts};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use super::auth::MaybeCaller;
use super::csrf;
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::config;
use crate::domain::access::Token;
use crate::model::cart::Buyer;

/// The header that carries a guest's token, both ways.
pub const CART_TOKEN: HeaderName = HeaderName::from_static("cart-token");

/// The cookie that carries it.
pub const CART_COOKIE: &str = "bookstore_cart";

/// Who buys; 401 where the request says neither who is signed in nor which guest it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buying(pub Buyer);

/// Who buys, if the request says so. A wrong header is refused, since its sender believes to be known by it; a cookie that
/// holds no token is no reason to keep a browser from a new cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaybeBuying(pub Option<Buyer>);

/// What a request brings as a guest's token.
enum GuestToken {
    /// None.
    Absent,
    /// By header, or by cookie.
    Good(Token, Bearer),
    /// Something that is none.
    Malformed(Bearer),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bearer {
    Header,
    Cookie,
}

fn guest_token(headers: &HeaderMap) -> GuestToken {
    let read = |text: Option<&str>, bearer| match text.and_then(Token::read) {
        Some(token) => GuestToken::Good(token, bearer),
        None => GuestToken::Malformed(bearer),
    };
    let mut given = headers.get_all(CART_TOKEN).iter();
    if let Some(value) = given.next() {
        let alone = given.next().is_none();
        return read(value.to_str().ok().filter(|_| alone), Bearer::Header);
    }
    match CookieJar::from_headers(headers).get(CART_COOKIE).map(Cookie::value) {
        None | Some("") => GuestToken::Absent,
        Some(text) => read(Some(text), Bearer::Cookie),
    }
}

/// The guest that a request names beside who is signed in: whose cart a sign-in takes over. Nobody where it names none, or
/// where only a cookie does and the request may come from another site.
#[must_use]
pub fn guest_of(uri: &Uri, headers: &HeaderMap) -> Option<Buyer> {
    match guest_token(headers) {
        GuestToken::Good(token, Bearer::Header) => Some(Buyer::Guest(token.hash())),
        GuestToken::Good(token, Bearer::Cookie) => {
            csrf::require_same_origin(uri, headers).is_ok().then(|| Buyer::Guest(token.hash()))
        }
        GuestToken::Absent | GuestToken::Malformed(_) => None,
    }
}

fn malformed(bearer: Bearer) -> Problem {
    let problem = Problem::new(Kind::Unauthenticated);
    match bearer {
        Bearer::Header => problem
            .detail("Cart-Token must be the token that came with the first answer of the cart.")
            .error(FieldError::header("Cart-Token", "malformed", "must be 43 characters of base64url")),
        Bearer::Cookie => problem.detail(format!("The cookie {CART_COOKIE} holds no token of a cart.")),
    }
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Who buys, or why that is not known; nobody where the request does not say.
async fn identify(parts: &mut Parts, state: &AppState) -> Result<Result<Option<Buyer>, Bearer>, Problem> {
    if let MaybeCaller(Some(caller)) = MaybeCaller::from_request_parts(parts, state).await? {
        return Ok(Ok(Some(Buyer::User(caller.user))));
    }
    Ok(match guest_token(&parts.headers) {
        GuestToken::Absent => Ok(None),
        GuestToken::Malformed(bearer) => Err(bearer),
        GuestToken::Good(token, bearer) => {
            if bearer == Bearer::Cookie && changes_something(&parts.method) {
                csrf::require_same_origin(&parts.uri, &parts.headers)?;
            }
            Ok(Some(Buyer::Guest(token.hash())))
        }
    })
}

impl FromRequestParts<AppState> for Buying {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match identify(parts, state).await? {
            Ok(Some(buyer)) => Ok(Self(buyer)),
            Ok(None) => Err(Problem::new(Kind::Unauthenticated).detail(
                "Sign in, or send the token of a guest's cart as Cart-Token: it comes with the first book that is put \
                 into the cart.",
            )),
            Err(bearer) => Err(malformed(bearer)),
        }
    }
}

impl FromRequestParts<AppState> for MaybeBuying {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match identify(parts, state).await? {
            Ok(buyer) => Ok(Self(buyer)),
            Err(Bearer::Header) => Err(malformed(Bearer::Header)),
            Err(Bearer::Cookie) => Ok(Self(None)),
        }
    }
}

/// How the cookie of guests' carts is set.
#[derive(Clone, Copy, Debug)]
pub struct CartCookies {
    secure: bool,
    lifetime: Duration,
}

impl CartCookies {
    /// Over HTTPS alone where sessions' cookies are, and for as long as carts live.
    #[must_use]
    pub fn new(auth: &config::Auth, lifetime: Duration) -> Self {
        Self { secure: auth.cookie_secure, lifetime }
    }

    /// The cookie of a cart that has just begun. No script can read it.
    pub fn of(&self, token: &str) -> CookieJar {
        CookieJar::new().add(self.cookie(token.to_owned(), self.lifetime))
    }

    /// Empties the cookie where the request came with one.
    pub fn cleared(&self, headers: &HeaderMap) -> CookieJar {
        let cleared = CookieJar::new();
        match CookieJar::from_headers(headers).get(CART_COOKIE) {
            Some(_) => cleared.add(self.cookie(String::new(), Duration::ZERO)),
            None => cleared,
        }
    }

    /// `Lax` sends it along when a link leads to the shop, and with no request that another site makes by itself.
    fn cookie(&self, value: String, max_age: Duration) -> Cookie<'static> {
        let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((CART_COOKIE, value))
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(time::Duration::seconds(seconds))
            .build()
    }
}
