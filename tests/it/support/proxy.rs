//! A TCP proxy between a process and one of its servers: it holds answers back, falls silent, or breaks what is open.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::eventually;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// Requests arrive, answers do not.
    HoldingAnswers,
    /// Nothing arrives, and no connection ends.
    Silent,
    /// All connections end, and new ones end at once.
    Broken,
}

/// A proxy with a port of its own. It ends when dropped.
pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    held: Arc<Mutex<Vec<u8>>>,
    accepting: AbortHandle,
}

impl Proxy {
    /// A proxy to the server that a URL names, and the URL that leads through it.
    pub async fn before(url: &str) -> (Self, String) {
        let (front, path) = url.rsplit_once('/').unwrap();
        let (front, port) = front.rsplit_once(':').unwrap();
        let proxy = Self::to(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()))).await;
        let url = format!("{front}:{}/{path}", proxy.port);
        (proxy, url)
    }

    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, seen) = watch::channel(Mode::Open);
        let held = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&held);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, seen.clone(), Arc::clone(&keep)));
            }
        });
        Self { port, mode, held, accepting: accepting.abort_handle() }
    }

    /// Lets everything through, also what was held.
    pub fn open(&self) {
        self.held.lock().unwrap().clear();
        self.mode.send_replace(Mode::Open);
    }

    /// Holds back what the server sends.
    pub fn hold_answers(&self) {
        self.mode.send_replace(Mode::HoldingAnswers);
    }

    /// Lets nothing through, while all connections stay open.
    pub fn fall_silent(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// Ends all connections.
    pub fn break_all(&self) {
        self.mode.send_replace(Mode::Broken);
    }

    /// Whether an answer with these bytes in it is being held.
    pub fn holds(&self, needle: &str) -> bool {
        self.held.lock().unwrap().windows(needle.len()).any(|window| window == needle.as_bytes())
    }

    /// Waits until an answer with these bytes in it is being held.
    pub async fn wait_for_answer(&self, needle: &str) {
        eventually("the answer is held", async || self.holds(needle)).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.break_all();
    }
}

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    mode: watch::Receiver<Mode>,
    held: Arc<Mutex<Vec<u8>>>,
) -> io::Result<()> {
    let mut broken = mode.clone();
    let work = async {
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let requests = pump(from_client, to_server, mode.clone(), None);
        let answers = pump(from_server, to_client, mode, Some(held));
        tokio::select! { done = requests => done, done = answers => done }
    };
    tokio::select! {
        done = work => done,
        _ = broken.wait_for(|mode| *mode == Mode::Broken) => Ok(()),
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<Mode>,
    held: Option<Arc<Mutex<Vec<u8>>>>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let stops = |mode: Mode| match mode {
            Mode::Open | Mode::Broken => false,
            Mode::HoldingAnswers => held.is_some(),
            Mode::Silent => true,
        };
        if stops(*mode.borrow()) {
            if let Some(held) = &held {
                held.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
            if mode.wait_for(|mode| !stops(*mode)).await.is_err() {
                return Ok(());
            }
        }
        to.write_all(&buffer[..length]).await?;
    }
}
