//! An endpoint of another system, and a shop that may send to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::people::text;
use crate::support::{Shop, eventually};

/// Settings with which a test need not wait.
pub const QUICK: [(&str, &str); 4] = [
    ("webhooks.poll_interval", "20ms"),
    ("webhooks.first_delay", "10ms"),
    ("webhooks.allow_http", "true"),
    ("webhooks.allow_private", "true"),
];

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether a secret (`whsec_…`) made one of the signatures: computed here by hand, after RFC 2104.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert!((24..=64).contains(&key.len()));
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            for (place, key) in block.iter_mut().zip(&key) {
                *place ^= key;
            }
            block
        };
        let message = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let inner = Sha256::digest([&pad(0x36), message.as_bytes()].concat());
        let outer = Sha256::digest([&pad(0x5c)[..], &inner].concat());
        let expected = format!("v1,{}", STANDARD.encode(outer));
        self.signature.split(' ').any(|signature| signature == expected)
    }
}

/// What an endpoint answers: a status, and a header where there is one.
pub type Reply = (u16, Option<(&'static str, String)>);

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    /// The next answers; when there are none, 204.
    replies: Mutex<VecDeque<Reply>>,
    /// The answer to everything, instead.
    always: Mutex<Option<Reply>>,
    /// How long it takes to answer.
    pause: Mutex<std::time::Duration>,
}

/// An endpoint on this machine.
#[derive(Clone)]
pub struct Receiver {
    inner: Arc<Inner>,
    pub url: String,
    server: Arc<tokio::task::JoinHandle<()>>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if Arc::strong_count(&self.server) == 1 {
            self.server.abort();
        }
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    inner.received.lock().unwrap().push(Received { id, timestamp, signature, body });
    let pause = *inner.pause.lock().unwrap();
    tokio::time::sleep(pause).await;
    let always = inner.always.lock().unwrap().clone();
    let (status, header) = always.or_else(|| inner.replies.lock().unwrap().pop_front()).unwrap_or((204, None));
    let mut response = (StatusCode::from_u16(status).unwrap(), "so it is").into_response();
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

impl Receiver {
    pub async fn start() -> Self {
        let inner = Arc::<Inner>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(take).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inner, url, server: Arc::new(server) }
    }

    /// What has arrived.
    pub fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// Answers like this, one after the other, before the usual 204.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.replies.lock().unwrap().extend(replies);
    }

    /// Answers everything like this, until told otherwise.
    pub fn always(&self, reply: Option<Reply>) {
        *self.inner.always.lock().unwrap() = reply;
    }

    /// Takes so long for each answer.
    pub fn slow(&self, pause: std::time::Duration) {
        *self.inner.pause.lock().unwrap() = pause;
    }

    /// Waits until so many messages have arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        eventually("the messages arrive", async || self.received().len() >= count).await;
        self.received()
    }
}

/// Registers an endpoint, and gives its document with its secret.
pub async fn register(shop: &Shop, admin: &str, url: &str, types: &[&str]) -> Value {
    let body = json!({ "url": url, "event_types": types });
    shop.post("/webhooks/endpoints").token(admin).json(&body).send().await.expect(201).json()
}

/// Adds a book, and gives its id.
pub async fn book(shop: &Shop, admin: &str) -> String {
    let book = json!({"title": "News", "authors": ["A. Teller"]});
    text(&shop.post("/products").token(admin).json(&book).send().await.expect(201).json()["id"])
}

/// The endpoint as it is now.
pub async fn endpoint(shop: &Shop, admin: &str, id: &Value) -> Value {
    shop.get(&format!("/webhooks/endpoints/{}", text(id))).token(admin).send().await.expect(200).json()
}

/// The deliveries that a query finds.
pub async fn deliveries(shop: &Shop, admin: &str, query: &str) -> Vec<Value> {
    let page = shop.get(&format!("/webhooks/deliveries?limit=100{query}")).token(admin).send().await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}
