//! Changes of stock as Server-Sent Events (HTML, section 9.2).
//!
//! An endless answer: its head is written within the bounds of every request, and its body takes no place among the requests
//! in work. The library's own events are passed by, because what is the same for all readers is written once here.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::documents::{ChangeDocument, InventoryDocument};
use super::event_id::{self, EventId};
use crate::domain::inventory::{Event, InventoryError, Subscription, Watch};
use crate::http::auth::MaybeCaller;
use crate::http::extract::Query;
use crate::http::frame::AsItIs;
use crate::http::listing::parameter_errors;
use crate::http::problem::{FieldError, Problem};
use crate::http::state::AppState;
use crate::model::ids::ProductId;
use crate::model::stock::StockChange;

/// What browsers send when they connect again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Proxies that buffer answers hold back events; Nginx does not where it reads this.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Events are put together up to about so many bytes.
const PIECE: usize = 16 * 1024;

/// The shortest wait before a reader connects again, and by how much more some wait than others, in milliseconds: the readers
/// of a process that ends do not come back all at once.
const RETRY: u64 = 1_000;
const RETRY_SPREAD: u64 = 2_000;

const COMMENT: Bytes = Bytes::from_static(b":\n\n");

const LAGGING: &[u8] = b"event: lagging\ndata: {\"detail\":\"Too many changes waited for this reader. \
    Connect again with Last-Event-ID to go on without a gap.\"}\n\n";

/// Which books to watch.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[garde(allow_unvalidated)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// The ids of 1 to 50 books, separated by commas. One that comes again is passed over.
    #[param(example = "0198c0de-7a11-7000-8000-000000000000", pattern = "^[0-9a-fA-F-]{36}(,[0-9a-fA-F-]{36}){0,49}$")]
    products: String,
    /// The id of the last event that was read, for clients that cannot send `Last-Event-ID`, which counts where both are
    /// given.
    #[serde(default)]
    #[param(max_length = 700)]
    last_event_id: Option<String>,
}

/// Watch stock
///
/// An endless stream of Server-Sent Events. First comes a `snapshot` of each book, then a `change` for every change of its
/// stock, once and in order for each book; lines that begin with a colon keep the connection alive. The `id` of an event tells
/// where the stream stands: send the last one as `Last-Event-ID`, to any process, and the stream goes on without a gap and
/// without snapshots. The id of a stream of other books begins anew. A reader that is too slow gets `lagging` as its last
/// event, and connects again. Which books may be watched is decided when the stream begins.
#[utoipa::path(
    get, path = "/inventory/stream", operation_id = "watchInventory", tag = "inventory",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was read"),
    ),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")),
    security((), ("bearer" = []), ("cookie" = [])),
    extensions(("x-unconditional" = json!(true))),
)]
pub(super) async fn watch(
    State(state): State<AppState>,
    caller: MaybeCaller,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let wanted = wanted(&query, &headers)?;
    let subscription = match state.inventory.watch(wanted, caller.is_admin()).await {
        Err(InventoryError::Invalid(violations)) => return Err(parameter_errors(violations)),
        opened => opened?,
    };
    Ok(respond(subscription))
}

fn wanted(query: &StreamQuery, headers: &HeaderMap) -> Result<Watch, Problem> {
    let parts = query.products.split(',').map(str::trim).filter(|part| !part.is_empty());
    let (mut products, mut errors) = (Vec::new(), Vec::new());
    for part in parts {
        match part.parse::<ProductId>() {
            Ok(product) => products.push(product),
            Err(_) => errors.push(FieldError::parameter("products", "invalid", format!("{part:?} is no id"))),
        }
    }
    let watch = Watch::new(products);
    // A header that is empty is what a browser sends that has read no id yet.
    let given = match headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) {
        Some(value) => Some((value.to_str().unwrap_or("?"), true)),
        None => query.last_event_id.as_deref().filter(|id| !id.is_empty()).map(|id| (id, false)),
    };
    let since = given.and_then(|(id, is_header)| {
        let known = event_id::decode(id, watch.products());
        // Where the books are wrong, nothing can be said of an id that belongs to them.
        if known.is_none() && errors.is_empty() {
            let (code, message) = ("invalid", "is no id of an event of such a stream");
            errors.push(if is_header {
                FieldError::header("Last-Event-ID", code, message)
            } else {
                FieldError::parameter("last_event_id", code, message)
            });
        }
        known
    });
    if !errors.is_empty() {
        // A long list of nonsense is not worth a long answer.
        errors.truncate(50);
        return Err(Problem::invalid(errors));
    }
    Ok(match since {
        Some(EventId::Known(versions)) => watch.since(versions),
        Some(EventId::OfOthers) | None => watch,
    })
}

/// A stream on its way to its reader.
struct Told {
    subscription: Subscription,
    mark: [u8; 8],
    /// What is to be sent before anything else.
    head: Option<Bytes>,
    is_over: bool,
}

fn respond(subscription: Subscription) -> Response {
    let wait = RETRY + subscription.number().wrapping_mul(617) % RETRY_SPREAD;
    let told = Told {
        mark: event_id::mark(subscription.products()),
        head: Some(format!("retry: {wait}\n\n").into()),
        subscription,
        is_over: false,
    };
    let pieces =
        unfold(told, |mut told| async move { told.next().await.map(|piece| (Ok::<_, Infallible>(piece), told)) });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response.extensions_mut().insert(AsItIs);
    response
}

impl Told {
    /// Waits for the next piece of the stream; nothing at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        if self.is_over {
            return None;
        }
        let heartbeat = self.subscription.heartbeat();
        let Ok(event) = tokio::time::timeout(heartbeat, self.subscription.next()).await else { return Some(COMMENT) };
        let mut piece = Vec::new();
        let mut events = 0;
        let mut event = event?;
        loop {
            self.write(&event, &mut piece);
            events += 1;
            if self.is_over || piece.len() >= PIECE {
                break;
            }
            match self.subscription.take() {
                Some(another) => event = another,
                None => break,
            }
        }
        crate::telemetry::inventory::record_events(events);
        Some(piece.into())
    }

    fn write(&mut self, event: &Event, piece: &mut Vec<u8>) {
        let snapshot;
        let (name, data): (_, &[u8]) = match event {
            Event::Snapshot(stock) => {
                snapshot = serde_json::to_vec(&InventoryDocument::from(*stock)).unwrap_or_default();
                ("snapshot", &snapshot)
            }
            Event::Change(change) => ("change", &change.data),
            Event::Lagging => {
                piece.extend_from_slice(LAGGING);
                self.is_over = true;
                return;
            }
        };
        let id = event_id::encode(self.mark, self.subscription.told());
        for part in [b"event: ", name.as_bytes(), b"\nid: ", id.as_bytes(), b"\ndata: ", data, b"\n\n"] {
            piece.extend_from_slice(part);
        }
    }
}

/// Writes a change down as everybody may know it: without who did it, for which order, and in what words.
#[must_use]
pub fn encode(change: &StockChange) -> Bytes {
    serde_json::to_vec(&ChangeDocument::from(change)).unwrap_or_default().into()
}
