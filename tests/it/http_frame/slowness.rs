//! What only a connection shows: slow clients, slow work, and the end of the process.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let server = Server::start(&options()).await;
    for path in ["/shelf", IMPORT_ROUTE] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("/problems/request-timeout"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up_at_the_deadline() {
    let server = Server::start(&options()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /shelf HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = vec![0; 4096];
    let trickle = async {
        loop {
            // Never a pause that is too long by itself.
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(writer.write_all(b" ").await);
        }
    };
    let read = tokio::select! {
        read = reader.read(&mut answer) => read.unwrap(),
        () = trickle => unreachable!("it never ends"),
        () = tokio::time::sleep(Duration::from_secs(5)) => panic!("no answer"),
    };
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_long_upload_that_keeps_coming_is_taken() {
    let server = Server::start(&options()).await;
    let pieces = futures::stream::unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (sent < 8).then(|| (Ok::<_, std::io::Error>("x".repeat(100)), sent + 1))
    });
    let body = reqwest::Body::wrap_stream(pieces);
    let response = reqwest::Client::new().post(server.url(IMPORT_ROUTE)).body(body).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "800");
}

#[tokio::test]
async fn a_head_that_stops_coming_is_given_up() {
    let server =
        Server::start_with(&options(), ServerOptions { keep_alive_timeout: Duration::from_millis(100), ..SERVER })
            .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /shelf HTTP/1.1\r\nhost:").await.unwrap();
    read_to_end(&mut stream).await;
}

#[tokio::test]
async fn open_requests_are_answered_before_the_end_and_no_new_ones_taken() {
    let mut options = options();
    options.bounds.usual.timeout = Duration::from_millis(600);
    let server = Server::start(&options).await;
    // A connection that is kept alive without a request must not hold up the end.
    let idle = TcpStream::connect(server.address).await.unwrap();
    let url = server.url("/slow");
    let open = async { reqwest::get(url).await.unwrap().status() };
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let ending = server.lifecycle.shut_down(Duration::from_secs(5));
        let refused = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            TcpStream::connect(server.address).await.is_err()
        };
        futures::future::join(ending, refused).await
    };
    let start = std::time::Instant::now();
    let (status, (shutdown, refused)) = futures::future::join(open, end).await;
    assert_eq!(status, 503, "its own timeout, and not a broken connection");
    assert_eq!(shutdown, bookstore::lifecycle::Shutdown::Clean);
    assert!(start.elapsed() < Duration::from_secs(2), "it waited for the idle connection");
    assert!(refused, "a new connection was accepted after the end had begun");
    drop(idle);
}

#[tokio::test]
async fn more_connections_than_allowed_wait_until_there_is_room() {
    let server = Server::start_with(&options(), ServerOptions { max_connections: 1, ..SERVER }).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /search HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let answered = tokio::time::timeout(Duration::from_millis(200), second.readable()).await;
    assert!(answered.is_err(), "it was served although there was no room");
    drop(first);
    assert!(read_to_end(&mut second).await.starts_with("HTTP/1.1 200"));
}
