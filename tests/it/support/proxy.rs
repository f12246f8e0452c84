//! A TCP proxy between a process and one of its servers: it holds answers back, falls silent, or breaks what is open.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// An answer with certain bytes in it does not arrive, nor anything after it on the same connection.
    Holding,
    /// Nothing arrives, and no connection ends.
    Silent,
    /// All connections end, and new ones end at once.
    Broken,
}

/// What is to be held back, and whether it came.
#[derive(Default)]
struct Catch {
    needle: String,
    caught: usize,
}

impl Catch {
    fn look(&mut self, bytes: &[u8]) -> bool {
        let here = bytes.windows(self.needle.len()).any(|window| window == self.needle.as_bytes());
        self.caught += usize::from(here);
        here
    }
}

/// A proxy with a port of its own. It ends when dropped.
pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    catch: Arc<Mutex<Catch>>,
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
        let catch = Arc::new(Mutex::new(Catch::default()));
        let shared = Arc::clone(&catch);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, seen.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, mode, catch, accepting: accepting.abort_handle() }
    }

    /// Lets everything through, also what was held.
    pub fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Holds back answers with these bytes in them.
    pub fn hold(&self, needle: &str) {
        *self.catch.lock().unwrap() = Catch { needle: needle.into(), caught: 0 };
        self.mode.send_replace(Mode::Holding);
    }

    /// Lets nothing through, while all connections stay open.
    pub fn fall_silent(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// Ends all connections.
    pub fn break_all(&self) {
        self.mode.send_replace(Mode::Broken);
    }

    /// How many answers were held back.
    pub fn caught(&self) -> usize {
        self.catch.lock().unwrap().caught
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
    catch: Arc<Mutex<Catch>>,
) -> io::Result<()> {
    let mut broken = mode.clone();
    let work = async {
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let requests = pump(from_client, to_server, mode.clone(), None);
        let answers = pump(from_server, to_client, mode, Some(catch));
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
    catch: Option<Arc<Mutex<Catch>>>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let found = *mode.borrow();
        let stops = match found {
            Mode::Open | Mode::Broken => false,
            Mode::Holding => catch.as_ref().is_some_and(|catch| catch.lock().unwrap().look(&buffer[..length])),
            Mode::Silent => true,
        };
        if stops && mode.wait_for(|now| *now != found).await.is_err() {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
    }
}
