//! Coupons, for administrators.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::API_PREFIX;
use super::auth::Administrator;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, IfMatch, Representation};
use super::cursor;
use super::extract::{Json, MergePatch, Path, Query, typed};
use super::middleware::context::RequestContext;
use super::problem::{FieldError, Kind, Problem};
use super::state::AppState;
use crate::domain::coupons::{CouponDraft, CouponError};
use crate::domain::violation::Violation;
use crate::model::coupon::{Coupon, Discount};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, patch))
}

/// What an administrator writes, with the code or without. Not one struct in the other: serde refuses unknown fields only of
/// what it does not flatten.
macro_rules! written {
    ($(#[$meta:meta])* $name:ident { $($(#[$code:meta])* code: String,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
        #[garde(allow_unvalidated)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($(#[$code])* code: String,)?
            /// A share of the books in basis points (1500 is 15 %), instead of `amount`.
            #[serde(default)]
            #[schema(minimum = 1, maximum = 10_000, example = 1500)]
            basis_points: Option<i64>,
            /// An amount in minor units of the shop's currency, instead of `basis_points`.
            #[serde(default)]
            #[schema(minimum = 1, maximum = 1_000_000_000)]
            amount: Option<i64>,
            /// What the books must be worth, in minor units and before tax.
            #[serde(default)]
            #[schema(minimum = 0, maximum = 1_000_000_000, default = 0, example = 2000)]
            minimum: i64,
            /// From when on it counts; always where it is left out.
            #[serde(default, with = "time::serde::rfc3339::option")]
            starts_at: Option<OffsetDateTime>,
            /// Until when; for ever where it is left out.
            #[serde(default, with = "time::serde::rfc3339::option")]
            ends_at: Option<OffsetDateTime>,
            /// In how many orders it may be used; in any number where it is left out.
            #[serde(default)]
            #[schema(minimum = 1, maximum = 2_147_483_647, example = 100)]
            max_uses: Option<i64>,
            /// In how many orders of one customer.
            #[serde(default)]
            #[schema(minimum = 1, maximum = 2_147_483_647, example = 1)]
            max_uses_per_customer: Option<i64>,
            /// Whether it may be used.
            #[serde(default = "yes")]
            #[schema(default = true)]
            active: bool,
        }

        impl From<$name> for CouponDraft {
            fn from(input: $name) -> Self {
                Self {
                    basis_points: input.basis_points,
                    amount: input.amount,
                    minimum: input.minimum,
                    starts_at: input.starts_at,
                    ends_at: input.ends_at,
                    max_uses: input.max_uses,
                    max_uses_per_customer: input.max_uses_per_customer,
                    active: input.active,
                }
            }
        }
    };
}

written!(
    /// What a coupon takes off, and when it counts.
    CouponFields {}
);
written!(
    /// A new coupon.
    CouponInput {
        /// What customers type: 3 to 40 letters, digits, dashes or underscores. Kept in capital letters.
        #[schema(min_length = 3, max_length = 40, example = "SPRING")]
        code: String,
    }
);

fn yes() -> bool {
    true
}

/// A coupon.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Coupon)]
struct CouponDocument {
    /// What customers type.
    #[schema(example = "SPRING")]
    code: String,
    /// A share of the books in basis points: 1500 is 15 %.
    #[schema(example = 1500)]
    basis_points: Option<i64>,
    /// An amount in minor units.
    amount: Option<i64>,
    /// What the books must be worth, in minor units.
    #[schema(example = 2000)]
    minimum: i64,
    /// From when on it counts.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required)]
    starts_at: Option<OffsetDateTime>,
    /// Until when.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(required)]
    ends_at: Option<OffsetDateTime>,
    /// In how many orders it may be used.
    #[schema(example = 100)]
    max_uses: Option<i64>,
    /// In how many orders of one customer.
    #[schema(example = 1)]
    max_uses_per_customer: Option<i64>,
    /// In how many orders it is used.
    #[schema(example = 17)]
    uses: i32,
    /// Whether it may be used.
    active: bool,
    /// Counts the changes by administrators.
    #[schema(example = 1)]
    version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When an administrator last changed it.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

/// A page of coupons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CouponPage)]
struct CouponPageDocument {
    /// In the order of their codes.
    items: Vec<CouponDocument>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

impl From<&Coupon> for CouponFields {
    fn from(coupon: &Coupon) -> Self {
        let draft = CouponDraft::from(coupon);
        Self {
            basis_points: draft.basis_points,
            amount: draft.amount,
            minimum: draft.minimum,
            starts_at: draft.starts_at,
            ends_at: draft.ends_at,
            max_uses: draft.max_uses,
            max_uses_per_customer: draft.max_uses_per_customer,
            active: draft.active,
        }
    }
}

impl From<Coupon> for CouponDocument {
    fn from(coupon: Coupon) -> Self {
        let (basis_points, amount) = match coupon.discount {
            Discount::Share { basis_points } => (Some(i64::from(basis_points)), None),
            Discount::Amount(amount) => (None, Some(amount)),
        };
        Self {
            code: coupon.code,
            basis_points,
            amount,
            minimum: coupon.minimum,
            starts_at: coupon.starts_at,
            ends_at: coupon.ends_at,
            max_uses: coupon.max_uses.map(i64::from),
            max_uses_per_customer: coupon.max_uses_per_customer.map(i64::from),
            uses: coupon.uses,
            active: coupon.active,
            version: coupon.version,
            created_at: coupon.created_at,
            updated_at: coupon.updated_at,
        }
    }
}

/// A JSON merge patch (RFC 7396) of a coupon.
#[derive(Clone, Debug, Deserialize, Validate)]
#[garde(allow_unvalidated)]
#[serde(transparent)]
struct CouponPatch(Map<String, Value>);

impl CouponPatch {
    /// What the coupon becomes, before it is checked.
    fn apply_to(&self, coupon: &Coupon) -> Result<CouponDraft, Violation> {
        let mut document = serde_json::to_value(CouponFields::from(coupon)).unwrap_or_default();
        json_patch::merge(&mut document, &Value::Object(self.0.clone()));
        // What the patch clears has the default of a field that is left out.
        if let Value::Object(fields) = &mut document {
            fields.retain(|_, value| !value.is_null());
        }
        let fields: CouponFields =
            typed(document).map_err(|error| Violation::new(error.pointer.unwrap_or_default(), error.message))?;
        Ok(fields.into())
    }
}

impl PartialSchema for CouponPatch {
    fn schema() -> RefOr<Schema> {
        match CouponFields::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                object.description =
                    Some("A JSON merge patch (RFC 7396): what is left out stays, `null` clears.".into());
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl ToSchema for CouponPatch {
    fn name() -> std::borrow::Cow<'static, str> {
        "CouponPatch".into()
    }
}

fn representation(coupon: Coupon) -> Result<Representation, Problem> {
    let (version, updated_at) = (coupon.version, coupon.updated_at);
    let representation = Representation::json(&CouponDocument::from(coupon), CachePolicy::Private)?;
    Ok(representation.version(version).last_modified(updated_at))
}

/// Make a coupon
#[utoipa::path(
    post, path = "/coupons", operation_id = "createCoupon", tag = "cart", request_body = CouponInput,
    responses(
        (status = 201, description = "The new coupon", body = CouponDocument,
         headers(("Location" = String, description = "Where the coupon is"))),
        (status = 409, description = "There is a coupon of this code",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn create(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Json(input): Json<CouponInput>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let code = input.code.clone();
    let coupon = state.coupons.create(&actor, &code, &input.into()).await?;
    let location = format!("{API_PREFIX}/coupons/{}", coupon.code);
    let response = representation(coupon)?.respond_written(StatusCode::CREATED);
    Ok(([(header::LOCATION, location)], response).into_response())
}

/// Which coupons to list.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CouponQuery {
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

/// List coupons
#[utoipa::path(
    get, path = "/coupons", operation_id = "listCoupons", tag = "cart", params(CouponQuery),
    responses((status = 200, description = "A page of them", body = CouponPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<CouponQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    // One more than asked for tells whether there is a next page.
    let mut coupons = state.coupons.list(after.as_deref(), query.limit + 1).await?;
    let more = coupons.len() > usize::from(query.limit);
    coupons.truncate(usize::from(query.limit));
    let next_cursor = coupons.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(&last.code));
    let link = next_cursor
        .as_ref()
        .map(|cursor| format!("<{API_PREFIX}/coupons?limit={}&cursor={cursor}>; rel=\"next\"", query.limit));
    let page = CouponPageDocument { items: coupons.into_iter().map(CouponDocument::from).collect(), next_cursor };
    let mut representation = Representation::json(&page, CachePolicy::Private)?;
    if let Some(link) = link {
        representation = representation.link(&link);
    }
    Ok(representation.respond(&conditions))
}

fn read_cursor(cursor: &str) -> Result<String, Problem> {
    let code = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    code.filter(|code| crate::domain::coupons::is_code(code)).ok_or_else(cursor::invalid)
}

/// Read a coupon
#[utoipa::path(
    get, path = "/coupons/{code}", operation_id = "getCoupon", tag = "cart",
    params(("code" = String, Path, description = "The coupon's code", example = "SPRING")),
    responses((status = 200, description = "The coupon", body = CouponDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn read(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(code): Path<String>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    Ok(representation(state.coupons.get(&code).await?)?.respond(&conditions))
}

/// Change a coupon
///
/// A JSON merge patch (RFC 7396). With `"active": false` it is used no more; orders that were placed keep what they got.
#[utoipa::path(
    patch, path = "/coupons/{code}", operation_id = "patchCoupon", tag = "cart",
    request_body(content = CouponPatch, content_type = "application/merge-patch+json"),
    params(
        ("code" = String, Path, description = "The coupon's code", example = "SPRING"),
        ("If-Match" = String, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The coupon as it is now", body = CouponDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn patch(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(code): Path<String>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<CouponPatch>,
) -> Result<Response, Problem> {
    let expected = if_match.require()?;
    let actor = administrator.actor(context.request_id());
    let change = |coupon: &Coupon| patch.apply_to(coupon).map_err(|violation| vec![violation]);
    let coupon = state.coupons.change(&actor, &code, &expected, change).await?;
    Ok(representation(coupon)?.respond_written(StatusCode::OK))
}

impl From<CouponError> for Problem {
    fn from(error: CouponError) -> Self {
        match error {
            CouponError::NotFound => Self::not_found("There is no such coupon."),
            CouponError::Invalid(violations) => Self::invalid(violations.into_iter().map(FieldError::from)),
            CouponError::Taken => Self::conflict("There is a coupon of this code.").error(FieldError::body(
                "/code",
                "taken",
                "belongs to another coupon",
            )),
            CouponError::Changed { current } => Self::new(Kind::PreconditionFailed)
                .detail(format!("The coupon is at version {current} by now; read it again.")),
            CouponError::Store(error) => error.into(),
        }
    }
}
