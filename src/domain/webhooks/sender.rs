//! One HTTP request to somebody else's machine, with nothing left to chance: the name is looked up once, every address is
//! checked, and the connection goes to exactly the address that was checked, so that a name that changes in between (DNS
//! rebinding) leads nowhere else. Redirects are not followed, proxies are not used, and connections are not kept.
//!
//! That is why it is made of hyper and rustls and not of a client that does all of this by itself.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Position, Url};

use super::target::{Guard, host};

/// How much of an answer is read.
const MAX_ANSWER: usize = 4 * 1_024;

/// Longest time for a connection to one of several addresses.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// What the shop calls itself.
const USER_AGENT: &str = concat!("bookstore/", env!("CARGO_PKG_VERSION"));

/// The way out.
pub trait Network: Send + Sync {
    /// The addresses of a host, which may be an address itself.
    fn look_up<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;

    /// A connection to an address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The system's.
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn look_up<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The `webhook-id`.
    pub id: String,
    /// The `webhook-timestamp`: seconds since 1970.
    pub timestamp: i64,
    /// The `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
}

/// What the endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Its address will not do, by the settings of this moment.
    #[error("refused: the address {0}")]
    Address(String),
    /// The name stands for addresses that are not public.
    #[error("refused: the name stands for no public address")]
    NotPublic,
    /// The name could not be looked up.
    #[error("the name could not be looked up: {0}")]
    Lookup(io::Error),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// No secure one.
    #[error("no TLS connection: {0}")]
    Tls(io::Error),
    /// It broke.
    #[error("the exchange failed: {0}")]
    Http(#[from] hyper::Error),
    /// What is to be sent is no request.
    #[error("no request: {0}")]
    Request(#[from] hyper::http::Error),
    /// It took too long.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

impl SendError {
    /// Whether the shop refused to connect.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Address(_) | Self::NotPublic)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends messages.
#[derive(Clone)]
pub struct Sender {
    guard: Guard,
    timeout: Duration,
    network: Arc<dyn Network>,
    tls: TlsConnector,
}

impl Sender {
    /// A sender that trusts the certificate authorities that Mozilla does.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn new(guard: Guard, timeout: Duration) -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with(guard, timeout, Arc::new(SystemNetwork), roots)
    }

    /// A sender that goes by `network` and trusts these authorities.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn with(
        guard: Guard,
        timeout: Duration,
        network: Arc<dyn Network>,
        roots: RootCertStore,
    ) -> Result<Self, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { guard, timeout, network, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a message and reads the answer.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, url: &str, message: &Message) -> Result<Reply, SendError> {
        let exchange = self.exchange(url, message);
        tokio::time::timeout(self.timeout, exchange).await.unwrap_or(Err(SendError::TimedOut(self.timeout)))
    }

    async fn exchange(&self, url: &str, message: &Message) -> Result<Reply, SendError> {
        let url = self.guard.parse(url).map_err(SendError::Address)?;
        let stream = self.connect(&url).await?;
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, authority)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.timestamp)
            .header("webhook-signature", &message.signature)
            .body(Full::new(Bytes::from(message.body.clone())))?;
        let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let talk = async {
            let response = requests.send_request(request).await?;
            Ok(read(response).await)
        };
        // The connection does the work, and may end before the answer has been taken from it.
        let drive = async {
            let _ = connection.await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            reply = talk => reply,
            never = drive => match never {},
        }
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, SendError> {
        let host = host(url).ok_or_else(|| SendError::Address("names no host".to_owned()))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let found = self.network.look_up(host, port).await.map_err(SendError::Lookup)?;
        let allowed = found.into_iter().filter(|address| self.guard.allows(address.ip()));
        let mut outcome = Err(SendError::NotPublic);
        for address in allowed.take(MAX_ADDRESSES) {
            outcome = match tokio::time::timeout(CONNECT_TIMEOUT, self.network.connect(address)).await {
                Ok(connected) => connected.map_err(SendError::Connect),
                Err(_) => Err(SendError::TimedOut(CONNECT_TIMEOUT)),
            };
            if outcome.is_ok() {
                break;
            }
        }
        let stream = outcome?;
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| SendError::Address(error.to_string()))?;
        let stream = self.tls.connect(name, stream).await.map_err(SendError::Tls)?;
        Ok(Box::new(stream))
    }
}

/// Reads the beginning of an answer. What it says besides its status is for people: where it breaks off, that is all.
async fn read(response: Response<Incoming>) -> Reply {
    let (head, mut body) = response.into_parts();
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut read = Vec::new();
    while read.len() < MAX_ANSWER
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            read.extend(data.iter().take(MAX_ANSWER - read.len()));
        }
    }
    // Postgres' text takes no NUL.
    let body = String::from_utf8_lossy(&read).replace('\0', "\u{fffd}");
    Reply { status: head.status.as_u16(), retry_after, body }
}

#[cfg(test)]
mod tests;
