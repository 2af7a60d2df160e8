//! Connections: HTTP/1.1, and HTTP/2 with prior knowledge.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::Service;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long requests that have begun may take to end, once the shop is to stop.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The most streams of one HTTP/2 connection.
const STREAMS: u32 = 256;

/// How long the shop goes on as before once it is to stop. What was sent until then waits in the kernel's queues, or in
/// connections that were only just made: it is taken in and answered rather than reset.
const LINGER_TIME: Duration = Duration::from_millis(300);

/// Serves until `stop` is done, and a moment longer; then takes no new connections, and returns when the requests that have
/// begun are answered, or after ten seconds.
pub async fn serve(listener: TcpListener, service: Arc<Service>, stop: impl Future<Output = ()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS);
    let builder = Arc::new(builder);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(async {
        stop.await;
        sleep(LINGER_TIME).await;
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most often: there will be some when connections end.
                warn!(%error, "can't accept a connection");
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        tokio::spawn(connect(
            stream,
            peer.ip(),
            builder.clone(),
            service.clone(),
            connections.watcher(),
        ));
    }
    drop(listener);
    info!(
        connections = connections.count(),
        "stopping: requests that have begun are finished"
    );
    if timeout(DRAIN_TIME, connections.shutdown()).await.is_err() {
        warn!("some requests did not end in time and are broken off");
    }
}

async fn connect(
    stream: TcpStream,
    client: IpAddr,
    builder: Arc<Builder<TokioExecutor>>,
    service: Arc<Service>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Without it, a small response waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    // The time limit for heads begins with the first byte; this one is for that byte.
    if !matches!(timeout(HEAD_TIME, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    let answer = service_fn(move |request| service.clone().answer(request, client));
    let connection = builder
        .serve_connection(TokioIo::new(stream), answer)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        debug!(error = %error, "a connection ended early");
    }
}
