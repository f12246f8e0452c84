use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A network in which a name stands for what a test says, from one look-up to the next (the last answer stays), and in which
/// every address leads to this machine.
struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    look_ups: AtomicUsize,
    connections: Mutex<Vec<IpAddr>>,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), look_ups: AtomicUsize::new(0), connections: Mutex::default() })
    }
}

impl Network for Names {
    fn look_up<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.look_ups.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer.into_iter().map(|address| SocketAddr::new(address, port)).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.connections.lock().unwrap().push(address.ip());
        Box::pin(TcpStream::connect(("127.0.0.1", address.port())))
    }
}

fn message() -> Message {
    let (id, signature, body) = ("evt_1".to_owned(), "v1,c2lnbmVk".to_owned(), r#"{"type":"x"}"#.to_owned());
    Message { id, timestamp: 7, signature, body }
}

fn sender(guard: Guard, names: Arc<Names>) -> Sender {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(include_bytes!("ca.pem")).unwrap()).unwrap();
    Sender::with(guard, Duration::from_secs(5), names, roots).unwrap()
}

const LOOSE: Guard = Guard { allow_http: true, allow_private: true };

/// A server that gives each connection this answer, and shows what it was sent.
async fn server(answer: &'static str, tls: bool) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let acceptor = tls.then(|| {
        let chain = vec![CertificateDer::from_pem_slice(include_bytes!("hooks.example.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("hooks.example.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    });
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream: Box<dyn Stream> = match &acceptor {
                // A client that does not trust the certificate goes away.
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => continue,
                },
                None => Box::new(stream),
            };
            let mut request = vec![0; 65_536];
            let mut length = 0;
            while !request[..length].ends_with(b"}") {
                match stream.read(&mut request[length..]).await.unwrap_or(0) {
                    0 => break,
                    read => length += read,
                }
            }
            tell.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, told)
}

#[tokio::test]
async fn a_message_arrives_with_its_headers() {
    let (port, mut told) =
        server("HTTP/1.1 202 Accepted\r\nretry-after: 9\r\ncontent-length: 3\r\n\r\nyes", false).await;
    let sender = sender(LOOSE, Names::new(&[&["127.0.0.1"]]));
    let reply = sender.send(&format!("http://hooks.example:{port}/a?b=c"), &message()).await.unwrap();
    assert_eq!(reply, Reply { status: 202, retry_after: Some("9".to_owned()), body: "yes".to_owned() });
    let request = told.recv().await.unwrap().to_lowercase();
    for part in [
        "post /a?b=c http/1.1\r\n",
        &format!("\r\nhost: hooks.example:{port}\r\n"),
        "\r\nwebhook-id: evt_1\r\n",
        "\r\nwebhook-timestamp: 7\r\n",
        "\r\nwebhook-signature: v1,c2lnbmvk\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\ncontent-length: 12\r\n",
        "\r\nuser-agent: bookstore/",
    ] {
        assert!(request.contains(part), "{part:?} is not in {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"type\":\"x\"}"));
}

#[tokio::test]
async fn tls_is_checked_against_the_name_and_the_authorities() {
    let (port, mut told) = server("HTTP/1.1 204 No Content\r\n\r\n", true).await;
    let names = || Names::new(&[&["127.0.0.1"]]);
    let sender_of_the_test = sender(LOOSE, names());
    let right = format!("https://hooks.example:{port}/");
    assert_eq!(sender_of_the_test.send(&right, &message()).await.unwrap().status, 204);
    assert!(told.recv().await.unwrap().starts_with("POST / HTTP/1.1"));
    let wrong = sender_of_the_test.send(&format!("https://other.example:{port}/"), &message()).await;
    assert!(matches!(wrong, Err(SendError::Tls(_))), "{wrong:?}");
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let usual = Sender::with(LOOSE, Duration::from_secs(5), names(), roots).unwrap();
    let distrusted = usual.send(&right, &message()).await;
    assert!(matches!(distrusted, Err(SendError::Tls(_))), "{distrusted:?}");
    assert!(told.try_recv().is_err(), "something was sent to whom nobody trusts");
}

#[tokio::test]
async fn a_name_that_comes_to_stand_for_a_private_address_is_refused() {
    let (port, mut told) = server("HTTP/1.1 204 No Content\r\n\r\n", false).await;
    let guard = Guard { allow_http: true, allow_private: false };
    let names = Names::new(&[&["10.0.0.1", "93.184.215.14"], &["127.0.0.1"], &["10.0.0.1", "::1", "::ffff:127.0.0.1"]]);
    let sender = sender(guard, Arc::clone(&names));
    let url = format!("http://hooks.example:{port}/");
    assert_eq!(sender.send(&url, &message()).await.unwrap().status, 204);
    told.recv().await.unwrap();
    for _ in 0..2 {
        let error = sender.send(&url, &message()).await.unwrap_err();
        assert!(matches!(error, SendError::NotPublic), "{error}");
    }
    assert_eq!(names.look_ups.load(Ordering::Relaxed), 3, "each attempt looks the name up once");
    let expected: Vec<IpAddr> = vec!["93.184.215.14".parse().unwrap()];
    assert_eq!(*names.connections.lock().unwrap(), expected, "the connection goes to what was checked");
    assert!(told.try_recv().is_err(), "somebody was reached");
    let literal = sender.send(&format!("http://127.0.0.1:{port}/"), &message()).await.unwrap_err();
    assert!(literal.is_refusal(), "{literal}");
}

#[tokio::test]
async fn redirects_are_answers_like_others() {
    let (inner, mut told_inside) = server("HTTP/1.1 204 No Content\r\n\r\n", false).await;
    let location: &'static str = Box::leak(
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n")
            .into_boxed_str(),
    );
    let (port, _told) = server(location, false).await;
    let sender = sender(LOOSE, Names::new(&[&["127.0.0.1"]]));
    let reply = sender.send(&format!("http://hooks.example:{port}/"), &message()).await.unwrap();
    assert_eq!(reply.status, 307);
    assert!(told_inside.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn no_more_of_an_answer_is_read_than_wanted() {
    let long: &'static str = Box::leak(
        format!("HTTP/1.1 500 Oh\r\ncontent-length: 900000\r\n\r\n\0{}", "x".repeat(800_000)).into_boxed_str(),
    );
    let (port, _told) = server(long, false).await;
    let reply = sender(LOOSE, Names::new(&[&["127.0.0.1"]]))
        .send(&format!("http://hooks.example:{port}/"), &message())
        .await
        .unwrap();
    assert_eq!((reply.status, reply.body.chars().count()), (500, MAX_ANSWER));
    assert!(reply.body.starts_with('\u{fffd}'));
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut sender = sender(LOOSE, Names::new(&[&["127.0.0.1"]]));
    sender.timeout = Duration::from_millis(100);
    let error = sender.send(&format!("http://hooks.example:{port}/"), &message()).await.unwrap_err();
    assert!(matches!(error, SendError::TimedOut(_)), "{error}");
}
