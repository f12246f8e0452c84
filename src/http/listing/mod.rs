//! Lists of books.

mod documents;
pub(super) mod parameters;

use axum::extract::{OriginalUri, State};
use axum::http::Uri;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use documents::{FacetDocument, PageDocument, SummaryDocument};
pub(super) use parameters::filtered;

use super::API_PREFIX;
use super::auth::MaybeCaller;
use super::cache_policy::CachePolicy;
use super::conditional::{Conditions, finished, respond};
use super::extract::{Query, checked_query};
use super::problem::{FieldError, Kind, Problem};
use super::products::StatusDocument;
use super::state::AppState;
use crate::domain::listing::{ListingError, ListingPage, ListingRequest};
use crate::domain::violation::Violation;
use crate::model::answer::RenderError;
use crate::model::listing::Sort;
use crate::model::product::Status;
use crate::model::representation::{Particulars, Representation as Finished};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

filtered!(
    /// What to list.
    ListingParameters {
        /// The order. `-` turns it around; what has no date or price comes last in both directions.
        #[param(required = false, schema_with = parameters::sort)]
        sort: Option<Sort>,
        /// A status other than `active` is for administrators.
        #[param(value_type = Option<StatusDocument>)]
        status: Option<Status>,
    }
);

/// Browse the books
///
/// Filters, sorts and counts. Pages are found by the place of their first book, so that the last page is as fast as the
/// first, and books that come or go meanwhile neither repeat nor hide others.
#[utoipa::path(
    get, path = "/products", operation_id = "listProducts", tag = "products",
    params(ListingParameters),
    responses((
        status = 200, description = "A page of books", body = PageDocument,
        headers(("Link" = String, description = "`rel=\"first\"`, and `rel=\"next\"` where there is a next page (RFC 8288)")),
    )),
    security((), ("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    MaybeCaller(caller): MaybeCaller,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Query<ListingParameters>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let status = parameters.status;
    let request = request(parameters);
    let signed_in = caller.is_some();
    let sees_unlisted = caller.is_some_and(|caller| caller.is_admin());
    let answer = match state.listing.page(request, &canonical_query(&uri), sees_unlisted).await {
        Err(ListingError::Forbidden) if !signed_in => return Err(Problem::new(Kind::Unauthenticated)),
        answer => answer?,
    };
    let public = status.is_none_or(|status| status == Status::Active);
    let policy = if public { CachePolicy::BookListing } else { CachePolicy::Private };
    Ok(respond(&answer, policy, &conditions))
}

fn request(mut parameters: ListingParameters) -> ListingRequest {
    let status = parameters.status;
    ListingRequest {
        filters: parameters.take_filters().with_status(status),
        sort: parameters.sort,
        limit: parameters.limit,
        cursor: parameters.cursor,
        facets: parameters.facets,
    }
}

/// The request that a canonical query stands for.
#[must_use]
pub fn read_query(query: &str) -> Option<ListingRequest> {
    checked_query(query).ok().map(request)
}

/// A page of a list as it is answered.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn render(page: ListingPage, query: &str) -> Result<Finished, RenderError> {
    let link = Some(links("products", query, page.next_cursor.as_deref()));
    finished(&PageDocument::from(page), None, None, Particulars { link, ..Particulars::default() })
}

/// The parameters of a request in the one order that all requests for the same answer have.
pub(super) fn canonical_query(uri: &Uri) -> String {
    let mut pairs: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

impl From<ListingPage> for PageDocument {
    fn from(page: ListingPage) -> Self {
        Self {
            items: page.items.into_iter().map(SummaryDocument::from).collect(),
            next_cursor: page.next_cursor,
            facets: page.facets.into_iter().map(FacetDocument::from).collect(),
        }
    }
}

/// The `Link` field of a page (RFC 8288): the same query with other cursors.
pub(super) fn links(path: &str, query: &str, next_cursor: Option<&str>) -> String {
    let names_cursor =
        |pair: &&str| percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy() == "cursor";
    let query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !names_cursor(pair)).collect();
    let address = |query: &str| {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("<{API_PREFIX}/{path}{mark}{query}>")
    };
    let query = query.join("&");
    let first = format!("{}; rel=\"first\"", address(&query));
    match next_cursor {
        None => first,
        Some(cursor) if query.is_empty() => format!("{}; rel=\"next\", {first}", address(&format!("cursor={cursor}"))),
        Some(cursor) => format!("{}; rel=\"next\", {first}", address(&format!("{query}&cursor={cursor}"))),
    }
}

/// The errors of parameters that the domain named by pointers such as `/min_price`.
pub(super) fn parameter_errors(violations: Vec<Violation>) -> Problem {
    Problem::invalid(violations.into_iter().map(|violation| {
        FieldError::parameter(violation.pointer.trim_start_matches('/').to_owned(), "invalid", violation.message)
    }))
}

impl From<ListingError> for Problem {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::Invalid(violations) => parameter_errors(violations),
            ListingError::Forbidden => {
                Self::new(Kind::Forbidden).detail("Only administrators see books that are not active.")
            }
            ListingError::Store(error) => error.into(),
            ListingError::Render(_) | ListingError::Missing => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let canonical = |text: &str| canonical_query(&text.parse().unwrap());
        assert_eq!(canonical("/x?b=2&a=1&&genre=y&genre=x"), "a=1&b=2&genre=x&genre=y");
        assert_eq!((canonical("/x"), canonical("/x?")), (String::new(), String::new()));
    }

    #[test]
    fn links_keep_the_query_and_change_the_cursor() {
        assert_eq!(
            links("products", "genre=a&cursor=old&%63ursor=x&q=%22", Some("new")),
            "</api/v1/products?genre=a&q=%22&cursor=new>; rel=\"next\", </api/v1/products?genre=a&q=%22>; rel=\"first\""
        );
        assert_eq!(links("products", "", None), "</api/v1/products>; rel=\"first\"");
        assert!(links("products", "", Some("c")).starts_with("</api/v1/products?cursor=c>; rel=\"next\""));
    }
}
