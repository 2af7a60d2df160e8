//! Connections with HTTP/1.1, and HTTP/2 with prior knowledge.

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
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long running requests may take after the server stopped accepting connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of streams of one HTTP/2 connection.
const MAX_HTTP2_STREAMS: u32 = 256;

/// How long the server continues to accept connections after the stop signal. Connections and requests in the
/// queues of the kernel are then answered and not reset.
const LINGER_TIME: Duration = Duration::from_millis(300);

/// Serves until `stop` completes, and [`LINGER_TIME`] longer. Then it accepts no more connections, and
/// returns when the running requests are answered, after ten seconds at the latest.
pub async fn serve(listener: TcpListener, service: Arc<Service>, stop: impl Future<Output = ()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS);
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
                // Usually the process has no free file descriptors until some connections end.
                warn!(%error, "a connection could not be accepted");
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
        "stopping: waiting for running requests"
    );
    if timeout(DRAIN_TIMEOUT, connections.shutdown()).await.is_err() {
        warn!("some requests did not end in time; their connections are closed");
    }
}

async fn connect(
    stream: TcpStream,
    client: IpAddr,
    builder: Arc<Builder<TokioExecutor>>,
    service: Arc<Service>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Without TCP_NODELAY, a small response waits until the client has acknowledged the previous one.
    let _ = stream.set_nodelay(true);
    // The timeout of hyper begins with the first byte. This one limits the wait for that byte.
    if !matches!(timeout(HEAD_TIMEOUT, stream.readable()).await, Ok(Ok(()))) {
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
