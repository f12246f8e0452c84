//! What administrators do about reviews.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::documents::{HideInput, ModeratedDocument, ModeratedPageDocument};
use super::queries::ModerationQuery;
use super::{linked, next};
use crate::http::auth::Administrator;
use crate::http::cache_policy::CachePolicy;
use crate::http::conditional::{Conditions, Representation};
use crate::http::cursor;
use crate::http::extract::{Json, Path, Query};
use crate::http::middleware::context::RequestContext;
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::model::ids::ReviewId;
use crate::model::review::ModerationFilter;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(hide)).routes(routes!(restore))
}

/// Look through reviews
#[utoipa::path(
    get, path = "/admin/reviews", operation_id = "listModeratedReviews", tag = "admin", params(ModerationQuery),
    responses((status = 200, description = "A page of reviews with the reports about them", body = ModeratedPageDocument,
               headers(("Link" = String, description = "The next page (RFC 8288)")))),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn list(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<ModerationQuery>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let before = query.cursor.as_deref().map(|cursor| cursor::read(cursor).map(ReviewId)).transpose()?;
    let filter = ModerationFilter::from(query.state);
    // One more than asked for tells whether there is a next page.
    let mut reviews = state.reviews.list_moderated(filter, before, query.limit + 1).await?;
    let more = reviews.len() > usize::from(query.limit);
    reviews.truncate(usize::from(query.limit));
    let next_cursor = reviews.last().filter(|_| more).map(|last| cursor::after(last.review.id.0));
    let link = next(&next_cursor, "admin/reviews", &format!("state={filter}&limit={}", query.limit));
    let items = reviews.into_iter().map(ModeratedDocument::from).collect();
    let document = ModeratedPageDocument { items, next_cursor };
    Ok(linked(Representation::json(&document, CachePolicy::Private)?, link).respond(&conditions))
}

/// Hide a review
///
/// It is neither shown nor counted any more. Its writer sees it with the reason, and cannot write another one instead. The
/// reports about it are settled.
#[utoipa::path(
    post, path = "/admin/reviews/{id}/hide", operation_id = "hideReview", tag = "admin", request_body = HideInput,
    params(("id" = Uuid, Path, description = "The review's id")),
    responses((status = 200, description = "The review as it is now", body = ModeratedDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn hide(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
    Json(input): Json<HideInput>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let review = state.reviews.hide(administrator.0.user, actor, ReviewId(id), input.reason).await?;
    answer(&state, review.id, review.version).await
}

/// Show a review again, or let a reported one stand
///
/// The reports about it are settled.
#[utoipa::path(
    post, path = "/admin/reviews/{id}/restore", operation_id = "restoreReview", tag = "admin",
    params(("id" = Uuid, Path, description = "The review's id")),
    responses((status = 200, description = "The review as it is now", body = ModeratedDocument)),
    security(("bearer" = []), ("cookie" = [])),
)]
async fn restore(
    State(state): State<AppState>,
    administrator: Administrator,
    context: RequestContext,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let actor = administrator.actor(context.request_id());
    let review = state.reviews.restore(administrator.0.user, actor, ReviewId(id)).await?;
    answer(&state, review.id, review.version).await
}

async fn answer(state: &AppState, id: ReviewId, version: i64) -> Result<Response, Problem> {
    let document = ModeratedDocument::from(state.reviews.get_moderated(id).await?);
    Ok(Representation::json(&document, CachePolicy::Private)?.version(version).respond_written(StatusCode::OK))
}
