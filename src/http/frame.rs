//! The frame: what happens to every request around its handler, in one pass.
//!
//! It could be a stack of a dozen layers. Each of those would box its future and clone the service inside it for every
//! request, which together costs several times what a cached answer does; so the steps are plain function calls here, and
//! each is in a file of [`super::middleware`], whose documentation lists them.

use std::{
    convert::Infallible,
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::from_fn,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use tower::{Layer as _, Service as _};
use tower::{ServiceExt as _, layer::layer_fn, service_fn, util::BoxCloneSyncService};
use tracing::Instrument as _;

use super::{
    health,
    middleware::{
        bounds::{RouteBounds, bounded},
        coding::{compression, tags},
        consistency,
        context::RequestContext,
        finish::finish,
        observe::{ObservedBody, Observer},
        rate_limit::Limits,
        route::NoteRoute,
        shed::Room,
    },
    payments,
    problem::{Kind, Problem},
};
use crate::{
    domain::{consistency::scope as scope_of_writes, health::Health},
    telemetry::{access_log::AccessLog, request::scope},
};

/// What the frame around the handlers needs to know.
#[derive(Clone)]
pub struct FrameOptions {
    /// Number of reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: u8,
    /// Most requests in work at once.
    pub max_in_flight: usize,
    /// Sizes and times.
    pub bounds: RouteBounds,
    /// Rate limits, if any.
    pub limits: Option<Arc<Limits>>,
    /// The access log, if any.
    pub access_log: Option<AccessLog>,
    /// Share of the traces begun here that is kept, from 0 to 1; with none nothing is traced.
    pub traced: Option<f64>,
}

/// The mark of a response whose body is as it is to be sent, in a coding that fits the request and is named in
/// `Content-Encoding`: put into its extensions, it keeps compression away from it. Its tag is still that of the bare body.
#[derive(Debug, Clone, Copy)]
pub struct AsItIs;

/// Routes with the frame around them. Cheap to clone.
#[derive(Clone)]
pub struct Frame {
    observer: Arc<Observer>,
    inside: Arc<Inside>,
    coding: Coding,
}

/// Compression and the tags that belong to it, as layers around [`Inside`].
type Coding = BoxCloneSyncService<Request, Response, Infallible>;

struct Inside {
    routes: Router,
    bounds: RouteBounds,
    room: Room,
    limits: Option<Arc<Limits>>,
}

/// A response that is there already, for a request through [`Coding`].
#[derive(Clone)]
struct Answered(Arc<Mutex<Option<Response>>>);

impl Frame {
    /// The frame around routes. Health is outside of what limits and bounds requests, so that a busy process does not look
    /// like a dead one.
    #[must_use]
    pub fn new(routes: Router, health: Arc<Health>, options: &FrameOptions) -> Self {
        let (health_routes, _) = health::router().split_for_parts();
        let routes = routes
            .fallback(|| async { Problem::new(Kind::NotFound) })
            .merge(health_routes.with_state(health))
            .layer(layer_fn(NoteRoute));
        let inside = Arc::new(Inside {
            routes,
            bounds: options.bounds,
            room: Room::new(options.max_in_flight),
            limits: options.limits.clone(),
        });
        let observer = Observer::new(options.access_log.clone(), options.trusted_proxies, options.traced);
        Self { observer: Arc::new(observer), coding: coding(Arc::clone(&inside)), inside }
    }

    /// Answers a request that came from `peer`.
    pub async fn answer(&self, mut request: Request, peer: Option<IpAddr>) -> Response<ObservedBody> {
        let mut observation = self.observer.begin(&request, peer);
        // A HEAD is a GET whose body is not sent; nobody further inside has to know.
        let is_head = request.method() == Method::HEAD;
        if is_head {
            *request.method_mut() = Method::GET;
        }
        let context = observation.context().clone();
        request.extensions_mut().insert(context.clone());
        let work = self.coded(request, &context).instrument(observation.span().clone());
        let response = scope(context.for_the_log(), work).await;
        let mut response = finish(response, observation.path(), &context);
        observation.answered(response.status(), response.headers_mut());
        if is_head {
            if let Some(length) = response.body().size_hint().exact() {
                response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
            }
            *response.body_mut() = Body::empty();
        }
        response.map(|body| ObservedBody::new(body, observation))
    }

    /// Has the response in a coding that the request accepts. The layers for that are left out where they have nothing to
    /// do: before the handler, where the request names no tags and refuses no coding; after it, where the response is
    /// [`AsItIs`].
    async fn coded(&self, request: Request, context: &RequestContext) -> Response {
        if concerns_coding(request.headers()) {
            return through(&self.coding, request).await;
        }
        let accepted: Vec<_> = request.headers().get_all(header::ACCEPT_ENCODING).iter().cloned().collect();
        let mut response = self.inside.limited(request, context).await;
        if response.extensions().get::<AsItIs>().is_some() {
            tag_with_coding(response.headers_mut());
            return response;
        }
        let mut again = Request::new(Body::empty());
        for value in accepted {
            again.headers_mut().append(header::ACCEPT_ENCODING, value);
        }
        again.extensions_mut().insert(Answered(Arc::new(Mutex::new(Some(response)))));
        through(&self.coding, again).await
    }
}

/// Whether a request has tags, which may be those of a coding, or weighs codings, of which it may refuse some.
fn concerns_coding(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_NONE_MATCH)
        || headers.contains_key(header::IF_MATCH)
        || headers.get_all(header::ACCEPT_ENCODING).iter().any(|value| value.as_bytes().contains(&b';'))
}

/// Makes `"abc-gzip"` of `"abc"`, as the layers do.
fn tag_with_coding(headers: &mut HeaderMap) {
    let part = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(coding), Some(bare)) = (part(header::CONTENT_ENCODING), part(header::ETAG)) else { return };
    if let Some(open) = bare.strip_suffix('"')
        && let Ok(tag) = HeaderValue::try_from(format!("{open}-{coding}\""))
    {
        headers.insert(header::ETAG, tag);
    }
}

fn coding(inside: Arc<Inside>) -> Coding {
    let service = service_fn(move |request: Request| {
        let inside = Arc::clone(&inside);
        async move {
            if let Some(Answered(response)) = request.extensions().get()
                && let Some(response) = response.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                return Ok::<_, Infallible>(response);
            }
            let context = request.extensions().get::<RequestContext>().cloned();
            Ok(match context {
                Some(context) => inside.limited(request, &context).await,
                None => Problem::new(Kind::Internal).into_response(),
            })
        }
    });
    BoxCloneSyncService::new(from_fn(tags).layer(compression().layer(service)))
}

async fn through(coding: &Coding, request: Request) -> Response {
    coding.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

impl Inside {
    /// Counts the request against the limits.
    async fn limited(&self, request: Request, context: &RequestContext) -> Response {
        if health::PATHS.contains(&request.uri().path()) {
            return self.route(request).await;
        }
        // A provider tells of all its customers from a few addresses, and is known by its signature.
        if payments::is_event(request.uri().path()) {
            return self.sheltered(request).await;
        }
        let Some(limits) = &self.limits else { return self.sheltered(request).await };
        let counted = limits.admit(request.method(), request.uri().path(), request.headers(), context).await;
        let mut response = match limits.refusal(&counted) {
            Some(refusal) => refusal,
            None => self.sheltered(request).await,
        };
        limits.tell(&counted, context, response.headers_mut());
        response
    }

    /// Refuses what there is no room for, gives up what takes too long, and makes a 500 of a panic.
    async fn sheltered(&self, request: Request) -> Response {
        let Some(_place) = self.room.enter() else { return self.room.refuse() };
        let work = bounded(&self.bounds, request, |request| self.route(request));
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| panicked())
    }

    /// Writes give a token, and reads that present it see them: at any process, at once.
    async fn route(&self, request: Request) -> Response {
        let presented = match consistency::presented(request.headers()) {
            Ok(presented) => presented,
            Err(problem) => return problem.into_response(),
        };
        // A router is always ready.
        let routed =
            async |request: Request| self.routes.clone().call(request).await.unwrap_or_else(|never| match never {});
        if presented.is_none() && request.method().is_safe() {
            return routed(request).await;
        }
        let by_cookie = consistency::is_by_cookie(request.headers());
        let (mut response, written) = scope_of_writes(presented, routed(request)).await;
        if let Some(token) = written {
            consistency::tell(&token, by_cookie, response.headers_mut());
        }
        response
    }
}

/// A handler's panic. The message is in the log by the panic hook; the client learns nothing of it.
fn panicked() -> Response {
    tracing::error!("a handler panicked");
    Problem::new(Kind::Internal).into_response()
}
