//! Ways of shipping.

use axum::extract::State;
use axum::response::Response;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, Representation};
use super::documents::MoneyDocument;
use super::extract::Query;
use super::problem::{FieldError, Problem};
use super::state::AppState;
use crate::domain::pricing::PricingError;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What is to be shipped where.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShippingQuery {
    /// The country by ISO 3166-1; the shop's own where it is left out.
    #[serde(default)]
    #[garde(pattern("^[A-Z]{2}$"))]
    #[param(pattern = "^[A-Z]{2}$", example = "DE")]
    country: Option<String>,
    /// What the books are worth, in minor units, after a coupon and before tax.
    #[serde(default)]
    #[garde(range(min = 0, max = 1_000_000_000_000))]
    #[param(required = false, minimum = 0, maximum = 1_000_000_000_000_i64, default = 0, example = 1200)]
    goods: i64,
}

/// A way of shipping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShippingMethod)]
struct ShippingMethodDocument {
    /// What to send as `shipping_method`.
    #[schema(example = "standard")]
    method: String,
    /// What it costs, before tax.
    price: MoneyDocument,
    /// What the books must be worth for it to cost nothing; `null` where it always costs something.
    free_from: Option<MoneyDocument>,
}

/// All ways of shipping to a country.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShippingMethodList)]
struct ShippingMethodsDocument {
    /// The country.
    #[schema(example = "DE")]
    country: String,
    /// The tax on books and shipping there, in basis points: 550 is 5.5 %.
    #[schema(example = 700)]
    tax_basis_points: u32,
    /// The first is taken where an order names none. Ebooks and audiobooks are not shipped.
    items: Vec<ShippingMethodDocument>,
}

/// List ways of shipping
///
/// With their prices for books of this worth.
#[utoipa::path(
    get, path = "/shipping-methods", operation_id = "listShippingMethods", tag = "cart", params(ShippingQuery),
    responses((status = 200, description = "The ways of shipping", body = ShippingMethodsDocument)),
)]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ShippingQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let pricing = &state.pricing;
    let country = query.country.unwrap_or_else(|| pricing.country().to_owned());
    let tax_basis_points = pricing.tax(&country).ok_or(PricingError::UnknownCountry).map_err(in_query)?;
    let items = pricing.methods(&country, query.goods).into_iter().map(|offer| ShippingMethodDocument {
        method: offer.method,
        price: pricing.money(offer.price).into(),
        free_from: offer.free_from.map(|amount| pricing.money(amount).into()),
    });
    let document = ShippingMethodsDocument { items: items.collect(), country, tax_basis_points };
    Ok(Representation::json(&document, CachePolicy::Documentation)?.respond(&conditions))
}

/// What is wrong with a query's choice of country and method.
pub(super) fn in_query(error: PricingError) -> Problem {
    refused(error, FieldError::parameter)
}

/// What is wrong with a body's choice of country and method, where these stand at `country` and `method`.
#[must_use]
pub fn in_body(error: PricingError, country: &str, method: &str) -> Problem {
    refused(error, |name, code, message| {
        FieldError::body(if name == "country" { country } else { method }, code, message)
    })
}

fn refused(error: PricingError, field: impl Fn(&'static str, &'static str, String) -> FieldError) -> Problem {
    match error {
        PricingError::UnknownCountry => {
            Problem::invalid([field("country", "not_served", "is no country that the shop sells to".to_owned())])
        }
        PricingError::UnknownMethod { offered } if offered.is_empty() => {
            Problem::invalid([field("country", "not_served", "is no country that the shop ships to".to_owned())])
        }
        PricingError::UnknownMethod { offered } => {
            let message = format!("is none of {}", offered.join(", "));
            Problem::invalid([field("shipping_method", "unknown", message)])
        }
        PricingError::Overflow(_) => Problem::conflict("The amounts are too large to be counted."),
    }
}
