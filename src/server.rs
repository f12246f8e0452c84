//! The loop that accepts connections.
//!
//! `axum::serve` would do but for two things: a limit to how long a connection may take over a request's head, and one
//! to the number of connections.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::{http::Frame, lifecycle::Lifecycle, telemetry::names};

/// How connections are treated.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Most open connections; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Longest wait for the head of a request, on a new connection and on one that is kept alive.
    pub keep_alive_timeout: Duration,
}

/// A pause after an error of accept: most likely there are no file descriptors left, and trying again at once would
/// only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until the lifecycle stops, and then tells the open ones to end with the request that they are at.
/// The lifecycle waits for those.
pub async fn serve(listener: TcpListener, frame: Frame, options: ServerOptions, lifecycle: Lifecycle) {
    let room = Arc::new(Semaphore::new(options.max_connections));
    let stopping = lifecycle.stopping();
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, frame.clone(), options, graceful.watcher());
                lifecycle.spawn_connection(async move {
                    metrics::gauge!(names::HTTP_CONNECTIONS).increment(1.0);
                    connection.await;
                    metrics::gauge!(names::HTTP_CONNECTIONS).decrement(1.0);
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    frame: Frame,
    options: ServerOptions,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Answers are written whole, so waiting for more to send (Nagle) only delays them.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<Incoming>| {
        let frame = frame.clone();
        async move { Ok::<_, Infallible>(frame.answer(request.map(Body::new), Some(peer.ip())).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.keep_alive_timeout)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        // Clients go away as they like; that is nobody's fault here.
        tracing::debug!(%error, %peer, "a connection broke");
    }
}
