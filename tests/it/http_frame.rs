//! The frame around handlers, tried with handlers made for the purpose.

mod conditional;
mod limits;
mod observation;
mod problems;
mod slowness;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bookstore::{
    config::Config,
    domain::{health::Health, limits::RateLimiter},
    http::{
        AsItIs, Frame, FrameOptions, IMPORT_ROUTE,
        cache_policy::CachePolicy,
        conditional::{Conditions, IfMatch, Representation},
        extract::{Json, Path, Query},
        middleware::{
            bounds::{Bounds, RouteBounds, body_problem},
            context::RequestContext,
            rate_limit::Limits,
        },
        problem::{Kind, Problem, ProblemDocument},
    },
    lifecycle::Lifecycle,
    server::{ServerOptions, serve},
};
use futures::StreamExt as _;
use garde::Validate;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Shelf {
    #[garde(length(chars, min = 1, max = 80))]
    name: String,
}

#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Search {
    #[garde(range(min = 1, max = 100))]
    limit: Option<u32>,
}

/// Larger than what is compressed.
const LONG: usize = 5000;

async fn read_shelf(conditions: Conditions) -> Result<Response, Problem> {
    let shelf = Shelf { name: "x".repeat(LONG) };
    Ok(Representation::json(&shelf, CachePolicy::BookDetail)?.version(7).respond(&conditions))
}

/// An answer that brings its coding along.
async fn read_coded() -> Response {
    let mut response =
        ([(header::ETAG, "\"1.a\""), (header::CONTENT_ENCODING, "gzip")], "x".repeat(LONG)).into_response();
    response.extensions_mut().insert(AsItIs);
    response
}

async fn replace_shelf(if_match: IfMatch, Json(shelf): Json<Shelf>) -> Result<Response, Problem> {
    if !if_match.require()?.accepts(7) {
        return Err(Problem::new(Kind::PreconditionFailed));
    }
    Ok(Representation::json(&shelf, CachePolicy::BookDetail)?.version(8).respond_written(StatusCode::OK))
}

async fn import(body: Body) -> Result<String, Problem> {
    let mut bytes = 0;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        bytes += piece.map_err(|error| body_problem(&error))?.len();
    }
    Ok(bytes.to_string())
}

fn routes() -> Router {
    Router::new()
        .route("/shelf", get(read_shelf).put(replace_shelf).post(async |Json(shelf): Json<Shelf>| Json(shelf)))
        .route("/search", get(async |Query(search): Query<Search>| format!("{:?}", search.limit)))
        .route("/things/{id}", get(async |Path(id): Path<Uuid>| id.to_string()))
        .route("/names/{name}", get(async |Path(name): Path<String>| name))
        .route("/panic", get(async || -> StatusCode { panic!("the password is hunter2") }))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(3600)).await))
        .route("/bare/{status}", get(async |Path(status): Path<u16>| StatusCode::from_u16(status).unwrap()))
        .route("/me", get(async |context: RequestContext| context.set_user(Uuid::from_u128(7))))
        .route("/coded", get(read_coded))
        .route("/log", get(async || tracing::info!("inside")))
        .route(IMPORT_ROUTE, post(import))
}

fn options() -> FrameOptions {
    let usual =
        Bounds { timeout: Duration::from_millis(300), body_limit: 10_000, idle_timeout: Duration::from_millis(200) };
    let import = Bounds { timeout: Duration::from_secs(5), body_limit: 100_000, ..usual };
    FrameOptions {
        trusted_proxies: 0,
        max_in_flight: 100,
        bounds: RouteBounds { usual, import, import_route: IMPORT_ROUTE },
        limits: Some(limits_of(1000, 1000)),
        access_log: None,
        traced: Some(1.0),
    }
}

fn limits_of(address: u32, user: u32) -> Arc<Limits> {
    let quotas = ["read", "write"].into_iter().flat_map(|class| {
        let quota = |per, requests| (format!("limits.{class}_per_{per}"), format!("{requests}/100s"));
        [quota("address", address), quota("user", user)]
    });
    let urls = [("database.url", "postgres://db/shop"), ("redis.url", "redis://redis")];
    let urls = urls.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = Config::load(None, [], urls.into_iter().chain(quotas)).unwrap();
    Arc::new(Limits::new(RateLimiter::new(&config.limits, None)))
}

fn app() -> Frame {
    app_with(&options())
}

fn app_with(options: &FrameOptions) -> Frame {
    Frame::new(routes(), Arc::new(Health::default()), options)
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

async fn send(app: &Frame, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    app.answer(request(method, path, headers, body), None).await.into_response()
}

async fn get_path(app: &Frame, path: &str) -> Response {
    send(app, "GET", path, &[], Body::empty()).await
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// The problem that a response is; it must be one by its media type, its status and its request id.
async fn problem(response: Response) -> ProblemDocument {
    let (status, headers) = (response.status(), response.headers().clone());
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let problem: ProblemDocument = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.request_id.as_deref(), headers["x-request-id"].to_str().ok());
    assert!(problem.r#type.starts_with("/problems/") && !problem.title.is_empty());
    problem
}

const SERVER: ServerOptions = ServerOptions { max_connections: 100, keep_alive_timeout: Duration::from_secs(5) };

/// A server on a port of its own, for what only a connection shows.
struct Server {
    address: std::net::SocketAddr,
    lifecycle: Lifecycle,
}

impl Server {
    async fn start(options: &FrameOptions) -> Self {
        Self::start_with(options, SERVER).await
    }

    async fn start_with(options: &FrameOptions, server_options: ServerOptions) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lifecycle = Lifecycle::new();
        let serving = serve(listener, app_with(options), server_options, lifecycle.clone());
        lifecycle.spawn_connection(serving);
        Self { address, lifecycle }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
