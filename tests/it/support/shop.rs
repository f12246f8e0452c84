//! A whole shop for one test: the real program in this process, on a port of its own, over a database of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use bookstore::app::App;
use bookstore::config::Config;
use bookstore::dev::{Node, Stack};
use bookstore::domain::access::Token;
use bookstore::lifecycle::{Lifecycle, Shutdown};
use bookstore::model::clock::{ShiftedClock, SystemClock};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use super::database::{TestDatabase, database};
use super::process::Process;

/// A running shop. It stops when dropped.
pub struct Shop {
    primary_url: String,
    /// Those of the primary, the replica and Redis.
    urls: [String; 3],
    /// The database, where it is on the shared stack.
    database: Option<TestDatabase>,
    /// Its clock, which a test may set forward.
    pub clock: ShiftedClock,
    address: SocketAddr,
    client: reqwest::Client,
    lifecycle: Lifecycle,
    serving: Option<tokio::task::JoinHandle<anyhow::Result<Shutdown>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header that has to be there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        value.to_str().unwrap()
    }

    /// Requires a status, and shows the answer where it is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        if status >= 400 {
            let problem = self.json();
            assert_eq!(self.header("content-type"), "application/problem+json");
            assert_eq!(problem["status"], status);
            for member in ["type", "title", "instance", "request_id"] {
                assert!(problem[member].is_string(), "{member} is missing in {problem}");
            }
        }
        self
    }

    /// The pointers, parameters and headers that a problem complains about, in order.
    pub fn complaints(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let name = |error: &Value| {
            let named =
                ["pointer", "parameter", "header"].into_iter().find_map(|kind| error[kind].as_str().map(str::to_owned));
            named.unwrap_or_default()
        };
        let mut names: Vec<String> = errors.iter().map(name).collect();
        names.sort();
        names
    }
}

impl Shop {
    /// A shop with the usual settings, without rate limits.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// A shop with these settings on top.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        Self::over(database().await, settings).await
    }

    /// A shop over a database of the shared stack that is there already.
    pub async fn over(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let urls = [database.primary_url.clone(), database.replica_url.clone(), database.redis_url.clone()];
        let [primary, replica, redis] = urls;
        let mut shop = Self::at(&primary, &replica, &redis, settings).await;
        shop.database = Some(database);
        shop
    }

    /// Another process of the same shop. The first one has to outlive it.
    pub async fn beside(&self, settings: &[(&str, &str)]) -> Self {
        let [primary, replica, redis] = &self.urls;
        Self::at(primary, replica, redis, settings).await
    }

    /// The database, where it is on the shared stack.
    pub fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("a shop on the shared stack")
    }

    /// A shop over a new database of a stack of its own.
    pub async fn on(stack: &Stack, settings: &[(&str, &str)]) -> Self {
        let mut admin = super::database::admin(stack, Node::Primary).await;
        // The stack's folder outlives the run, and an earlier one may have left its own.
        super::database::run(&mut admin, "DROP DATABASE IF EXISTS shop WITH (FORCE)").await;
        super::database::run(&mut admin, "CREATE DATABASE shop OWNER bookstore").await;
        let url = |node| stack.url(node, "shop").unwrap();
        super::database::migrate(&url(Node::Primary)).await;
        super::database::wait_for_replica(stack, &mut admin).await;
        Self::at(&url(Node::Primary), &url(Node::Replica(0)), stack.redis_url(), settings).await
    }

    async fn at(primary: &str, replica: &str, redis: &str, settings: &[(&str, &str)]) -> Self {
        // `RUST_LOG=warn cargo test …` shows what the shop says.
        if std::env::var_os("RUST_LOG").is_some() {
            let _ =
                tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_test_writer().try_init();
        }
        let config = Self::config_at([primary, replica, redis], settings);
        let clock = ShiftedClock::new(Arc::new(SystemClock));
        let app = App::build_with_clock(config, None, Arc::new(clock.clone())).await.unwrap();
        let (address, lifecycle) = (app.address().unwrap(), app.lifecycle());
        let serving = Some(tokio::spawn(app.serve()));
        let client = reqwest::Client::new();
        let urls = [primary, replica, redis].map(str::to_owned);
        Self { primary_url: primary.to_owned(), urls, database: None, clock, address, client, lifecycle, serving }
    }

    /// Ends it in order, and says how that went.
    pub async fn close(&mut self) -> Shutdown {
        self.lifecycle.stop();
        self.serving.take().unwrap().await.unwrap().unwrap()
    }

    fn config_at([primary, replica, redis]: [&str; 3], settings: &[(&str, &str)]) -> Config {
        // Databases of other tests share the Redis.
        let prefix = primary.rsplit('/').next().unwrap_or("bookstore");
        let usual = [
            ("database.url", primary),
            ("database.replicas", replica),
            ("database.acquire_timeout", "10s"),
            ("redis.url", redis),
            ("redis.prefix", prefix),
            ("http.bind", "127.0.0.1:0"),
            ("metrics.enabled", "false"),
            ("limits.enabled", "false"),
            ("cache.warm_books", "0"),
            ("cache.hot_keys", "0"),
            // What happens by the clock would be in the way of tests that count.
            ("views.flush_interval", "10m"),
            ("cache.audit_interval", "0s"),
            ("payments.check_interval", "10m"),
            ("webhooks.poll_interval", "10m"),
            ("leaderboards.interval", "10m"),
            ("leaderboards.check_interval", "10m"),
            ("recommendations.enabled", "false"),
        ];
        let overrides = usual.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config::load(None, [], overrides).unwrap()
    }

    /// Another process of the same shop that can be killed.
    pub async fn process(&self, settings: &[(&str, &str)]) -> Process {
        let [primary, replica, redis] = &self.urls;
        let prefix = primary.rsplit('/').next().unwrap();
        let usual = [
            ("database.url", primary.as_str()),
            ("database.replicas", replica),
            ("redis.url", redis),
            ("redis.prefix", prefix),
            ("http.bind", "127.0.0.1:0"),
            ("metrics.bind", "127.0.0.1:0"),
            ("limits.enabled", "false"),
            ("cache.warm_books", "0"),
            ("cache.hot_keys", "0"),
        ];
        let all: Vec<_> = usual.iter().chain(settings).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Process::start(&all, &[]).await
    }

    /// The configuration of another process of the same shop.
    pub fn config_beside(&self, settings: &[(&str, &str)]) -> Config {
        Self::config_at(self.urls.each_ref().map(String::as_str), settings)
    }

    /// The configuration of another process over the same database, without Redis.
    pub fn config(&self, settings: &[(&str, &str)]) -> Config {
        let urls = [("database.url", self.primary_url.as_str()), ("redis.url", "redis://127.0.0.1:1/0")];
        let overrides = urls.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config::load(None, [], overrides).unwrap()
    }

    /// The address of a path below `/api/v1`, or of any other where it begins with two slashes.
    pub fn url(&self, path: &str) -> String {
        match path.strip_prefix("//") {
            Some(path) => format!("http://{}/{path}", self.address),
            None => format!("http://{}/api/v1{path}", self.address),
        }
    }

    /// A request that is still to be filled.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request(self.client.request(method, self.url(path)))
    }

    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A connection to its primary, for looking behind the scenes.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.primary_url).await.unwrap()
    }

    /// Gives every account this role, as a writer would that died before it could tell anybody.
    pub async fn change_roles(&self, role: &str) {
        sqlx::query(
            "WITH changed AS (UPDATE users SET role = $1 RETURNING id)
             INSERT INTO outbox (kind, payload)
             SELECT 'user_changed', jsonb_build_object('kind', 'user_changed', 'user', id) FROM changed",
        )
        .bind(role)
        .execute(&mut self.sql().await)
        .await
        .unwrap();
    }

    /// The token of a new administrator.
    pub async fn administrator(&self) -> String {
        self.person("admin").await
    }

    /// The token of a new customer.
    pub async fn customer(&self) -> String {
        self.person("customer").await
    }

    async fn person(&self, role: &str) -> String {
        let token = person(&mut self.sql().await, role).await;
        if self.database.is_some() {
            super::settle().await;
        }
        token
    }
}

/// The token of a new person with this role, straight into the database, because hashing a password takes its time.
pub async fn person(sql: &mut PgConnection, role: &str) -> String {
    let (user, token) = (Uuid::new_v4(), Token::generate().unwrap());
    sqlx::query(
        "INSERT INTO users (id, email, password_hash, display_name, role, created_at, updated_at, password_changed_at)
         VALUES ($1, $1 || '@example.org', 'none', $2, $2, now(), now(), now())",
    )
    .bind(user)
    .bind(role)
    .execute(&mut *sql)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at, confirmed_at, address)
         VALUES ($1, $2, $3, now(), now(), now() + interval '1 day', now(), '127.0.0.1')",
    )
    .bind(Uuid::new_v4())
    .bind(user)
    .bind(token.hash().as_slice())
    .execute(sql)
    .await
    .unwrap();
    token.reveal().to_owned()
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// A request, filled step by step.
pub struct Request(reqwest::RequestBuilder);

impl Request {
    pub fn token(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.body(body))
    }

    /// Sends it and reads no more than the status: some answers have no end.
    pub async fn status(self) -> StatusCode {
        self.0.send().await.unwrap().status()
    }

    /// Sends it and reads the answer to its end.
    pub async fn send(self) -> Answer {
        self.try_send().await.unwrap()
    }

    /// The same, where the connection may break.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }
}
