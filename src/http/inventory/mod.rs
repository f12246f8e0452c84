//! Stock: what there is, what people change by hand, the ledger, and the stream of changes.

mod documents;
mod event_id;
mod stream;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use stream::encode;

use super::API_PREFIX;
use super::auth::{Administrator, MaybeCaller};
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, IfMatch, Representation};
use super::cursor;
use super::extract::{Json, Path, Query};
use super::middleware::context::RequestContext;
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::inventory::{Comparison, InventoryError, MAX_COPIES};
use crate::model::ids::ProductId;
use crate::model::stock::Stock;
use documents::{
    AdjustmentInput, CheckDocument, ImbalanceDocument, InventoryDocument, LedgerEntryDocument, LedgerPageDocument,
};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(adjust))
        .routes(routes!(ledger))
        .routes(routes!(check))
        .routes(routes!(stream::watch))
}

fn representation(stock: Stock) -> Result<Representation, Problem> {
    let (version, updated_at) = (stock.level.version, stock.updated_at);
    Ok(Representation::json(&InventoryDocument::from(stock), CachePolicy::Private)?
        .version(version)
        .last_modified(updated_at))
}

/// Tell how many copies there are
///
/// Never out of date: it is read from the primary, and kept by nobody.
#[utoipa::path(
    get, path = "/products/{id}/inventory", operation_id = "getInventory", tag = "inventory",
    params(("id" = Uuid, Path, description = "The book's id")),
    responses((status = 200, description = "What there is", body = InventoryDocument)),
    security((), ("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    caller: MaybeCaller,
    Path(id): Path<Uuid>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let stock = state.inventory.get(ProductId(id), caller.is_admin()).await?;
    Ok(representation(stock)?.respond(&conditions))
}

/// Change the number of copies
///
/// For what happens at the shelf: either `change`, by how many copies it changed, or `counted`, how many there are. Orders
/// reserve and take copies by themselves, and a change that would leave fewer than they have reserved is refused. With
/// `If-Match` it takes place only at that version of the stock, so that what is sent twice counts once.
#[utoipa::path(
    post, path = "/products/{id}/inventory/adjustments", operation_id = "adjustInventory", tag = "inventory",
    request_body = AdjustmentInput,
    params(
        ("id" = Uuid, Path, description = "The book's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the stock that the change is based on"),
    ),
    responses(
        (status = 200, description = "What there is now", body = InventoryDocument),
        (status = 409, description = "It would leave fewer copies than are reserved",
         body = crate::http::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn adjust(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(input): Json<AdjustmentInput>,
) -> Result<Response, Problem> {
    let (actor, expected) = (administrator.actor(context.request_id()), if_match.optional());
    let stock = state.inventory.adjust(&actor, ProductId(id), expected.as_ref(), input.into()).await?;
    Ok(representation(stock)?.respond_written(StatusCode::OK))
}

/// Which part of a ledger to list.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LedgerQuery {
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

/// List what changed of a book's stock
///
/// Every change there ever was, with its reason.
#[utoipa::path(
    get, path = "/products/{id}/inventory/ledger", operation_id = "listStockChanges", tag = "inventory",
    params(("id" = Uuid, Path, description = "The book's id"), LedgerQuery),
    responses((status = 200, description = "A page of the ledger", body = LedgerPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn ledger(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(id): Path<Uuid>,
    Query(query): Query<LedgerQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(read_version).transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut changes = state.inventory.ledger(ProductId(id), before, query.limit + 1).await?;
    let more = changes.len() > usize::from(query.limit);
    changes.truncate(usize::from(query.limit));
    let next_cursor =
        changes.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.level.version.to_be_bytes()));
    let link = next_cursor.as_ref().map(|cursor| {
        format!("<{API_PREFIX}/products/{id}/inventory/ledger?limit={}&cursor={cursor}>; rel=\"next\"", query.limit)
    });
    let items = changes.into_iter().map(LedgerEntryDocument::from).collect();
    let mut representation = Representation::json(&LedgerPageDocument { items, next_cursor }, CachePolicy::Private)?;
    if let Some(link) = link {
        representation = representation.link(&link);
    }
    Ok(representation.respond(&conditions))
}

fn read_version(cursor: &str) -> Result<i64, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(i64::from_be_bytes).ok_or_else(cursor::invalid)
}

/// Where and how far to compare.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CheckQuery {
    /// After how many books that differ to stop.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: u16,
    /// The `next_cursor` of the part before.
    #[serde(default)]
    #[garde(length(max = 200))]
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Compare stock with its ledger
///
/// Tells of every book whose changes do not add up to what there is. A large shop is compared in parts, of a few seconds each:
/// go on with `next_cursor`.
#[utoipa::path(
    get, path = "/admin/inventory/check", operation_id = "checkInventory", tag = "admin", params(CheckQuery),
    responses((status = 200, description = "What was found", body = CheckDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn check(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<CheckQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let after = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(ProductId)).transpose()?;
    let Comparison { checked, imbalances, goes_on_after } =
        state.inventory.compare(after, usize::from(query.limit)).await?;
    let document = CheckDocument {
        checked,
        imbalances: imbalances.into_iter().map(ImbalanceDocument::from).collect(),
        next_cursor: goes_on_after.map(|product| cursor::after(product.0)),
    };
    Ok(Representation::json(&document, CachePolicy::Private)?.respond(&conditions))
}

impl From<InventoryError> for Problem {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::NotFound => Self::not_found("There is no such book."),
            InventoryError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            InventoryError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The stock is at version {current} by now; read it again.")),
            InventoryError::TooFew { on_hand, reserved } => {
                Self::conflict(format!("There are {on_hand} copies on the shelf, and {reserved} of them are reserved."))
                    .error(FieldError::body("", "too_few", "would leave fewer copies than are reserved"))
            }
            InventoryError::TooMany { on_hand } => {
                Self::conflict(format!("There are {on_hand} copies on the shelf already.")).error(FieldError::body(
                    "/change",
                    "too_many",
                    format!("would leave more than {MAX_COPIES} copies"),
                ))
            }
            InventoryError::Crowded => Self::new(Kind::Overloaded)
                .detail("There are as many streams as this process serves.")
                .retry_after(std::time::Duration::from_secs(5)),
            InventoryError::Stopping => Self::new(Kind::Unavailable).detail("This process is about to end."),
            InventoryError::Store(error) => error.into(),
        }
    }
}
