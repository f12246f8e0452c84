//! Favourites.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::API_PREFIX;
use super::auth::Caller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::cursor;
use super::extract::{Path, Query};
use super::listing::SummaryDocument;
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::AppState;
use crate::domain::favourites::{FavouriteError, MOST};
use crate::model::favourite::{Favourite, FavouriteBook};
use crate::model::ids::ProductId;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read, add, remove))
}

/// Which favourites to list.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FavouritesQuery {
    /// How many at most.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: u16,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    cursor: Option<String>,
}

fn default_limit() -> u16 {
    50
}

/// Since when somebody keeps a book in mind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Favourite)]
struct FavouriteDocument {
    /// The book.
    product_id: Uuid,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    added_at: OffsetDateTime,
}

impl From<Favourite> for FavouriteDocument {
    fn from(Favourite { product, added_at }: Favourite) -> Self {
        Self { product_id: product.0, added_at }
    }
}

/// A book that somebody keeps in mind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FavouriteProduct)]
struct FavouriteBookDocument {
    /// The book.
    product: SummaryDocument,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    added_at: OffsetDateTime,
}

impl From<FavouriteBook> for FavouriteBookDocument {
    fn from(FavouriteBook { book, added_at }: FavouriteBook) -> Self {
        Self { product: book.into(), added_at }
    }
}

/// A page of favourites.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FavouritePage)]
struct FavouritePageDocument {
    /// The newest first.
    items: Vec<FavouriteBookDocument>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
    /// How many there are in all.
    #[schema(minimum = 0, example = 12)]
    total: i64,
}

/// The cursor of what comes after this one: the microseconds of its time and the book's id, in base64url.
fn cursor_after(favourite: &Favourite) -> String {
    let micros = (favourite.added_at.unix_timestamp_nanos() / 1_000) as i64;
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes[8..].copy_from_slice(favourite.product.0.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(cursor: &str) -> Result<Favourite, Problem> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (micros, id) = bytes.split_first_chunk::<8>()?;
        let added_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(i64::from_be_bytes(*micros)) * 1_000);
        // Before this nobody has kept anything in mind, and Postgres knows no times from far before.
        let added_at = added_at.ok().filter(|at| at.year() > 1970)?;
        Some(Favourite { product: ProductId(Uuid::from_slice(id).ok()?), added_at })
    };
    read().ok_or_else(cursor::invalid)
}

/// List one's favourites
///
/// The newest first, each as lists of books show it. Nobody else sees them.
#[utoipa::path(
    get, path = "/users/me/favourites", operation_id = "listFavourites", tag = "users", params(FavouritesQuery),
    responses((status = 200, description = "A page of favourites", body = FavouritePageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<FavouritesQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let page = state.favourites.list(caller.user, after, query.limit).await?;
    let next_cursor = page.next.as_ref().map(cursor_after);
    let link = next_cursor.as_ref().map(|cursor| {
        format!("<{API_PREFIX}/users/me/favourites?limit={}&cursor={cursor}>; rel=\"next\"", query.limit)
    });
    let items = page.items.into_iter().map(FavouriteBookDocument::from).collect();
    let document = FavouritePageDocument { items, next_cursor, total: page.total };
    let mut representation = Representation::json(&document, CachePolicy::Private)?;
    if let Some(link) = link {
        representation = representation.link(&link);
    }
    Ok(representation.respond(&conditions))
}

/// Tell whether a book is a favourite
#[utoipa::path(
    get, path = "/users/me/favourites/{product_id}", operation_id = "getFavourite", tag = "users",
    params(("product_id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "It is, since then", body = FavouriteDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(product): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let favourite = state.favourites.get(caller.user, ProductId(product)).await?;
    Ok(representation(favourite)?.respond(&conditions))
}

/// Make a book a favourite
///
/// Whoever does so again changes nothing.
#[utoipa::path(
    put, path = "/users/me/favourites/{product_id}", operation_id = "putFavourite", tag = "users",
    params(("product_id" = Uuid, Path, description = "The book's id")),
    responses(
        (status = 201, description = "It is one now", body = FavouriteDocument,
         headers(("Location" = String, description = "Where it is found"))),
        (status = 200, description = "It was one before", body = FavouriteDocument),
        (status = 409, description = "There are 10,000 favourites already",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn add(State(state): State<AppState>, caller: Caller, Path(product): Path<Uuid>) -> Result<Response, Problem> {
    let (favourite, is_new) = state.favourites.add(caller.user, ProductId(product)).await?;
    let representation = representation(favourite)?;
    if !is_new {
        return Ok(representation.respond_written(StatusCode::OK));
    }
    let location = format!("{API_PREFIX}/users/me/favourites/{product}");
    Ok(([(header::LOCATION, location)], representation.respond_written(StatusCode::CREATED)).into_response())
}

/// Make a book no favourite
///
/// It need not have been one.
#[utoipa::path(
    delete, path = "/users/me/favourites/{product_id}", operation_id = "deleteFavourite", tag = "users",
    params(("product_id" = Uuid, Path, description = "The book's id")),
    responses((status = 204, description = "It is none")),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(product): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.favourites.remove(caller.user, ProductId(product)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn representation(favourite: Favourite) -> Result<Representation, Problem> {
    Representation::json(&FavouriteDocument::from(favourite), CachePolicy::Private)
}

impl From<FavouriteError> for Problem {
    fn from(error: FavouriteError) -> Self {
        match error {
            FavouriteError::NoBook => Self::not_found("There is no such book."),
            FavouriteError::NotFound => Self::not_found("The book is no favourite."),
            FavouriteError::TooMany => {
                Self::conflict(format!("You have {MOST} favourites, and there cannot be more. Remove some."))
            }
            FavouriteError::AccountClosed => Self::new(Kind::Unauthenticated).detail("The account is closed."),
            FavouriteError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_cursor_reads_back_as_its_place() {
        let favourite =
            Favourite { product: ProductId::generate(), added_at: datetime!(2026-02-03 04:05:06.789012 UTC) };
        assert_eq!(read_cursor(&cursor_after(&favourite)).unwrap(), favourite);
        for text in ["", "nonsense", "AAAA", &URL_SAFE_NO_PAD.encode([0xFF; 24]), &URL_SAFE_NO_PAD.encode([0x7F; 24])] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }
}
