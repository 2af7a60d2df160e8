//! The life of one connection: its protocol, its requests and its end.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::debug;

use super::connection_state::{Client, Closing, Connection};
use super::connections::OpenConnection;
use super::limits::{MAX_HEAD, MAX_HTTP2_STREAMS};
use super::service::Service;
use super::stream_cut::StreamExecutor;
use super::transport::{Protocol, Transport};

/// The interval of HTTP/2 pings, and the time for their answer. They end connections to machines that are gone.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The bytes of one HTTP/2 stream that are buffered for sending.
const STREAM_BUFFER: usize = 128 * 1024;

/// The number of HTTP/2 streams that a client may cancel before they are handled, and that it may break, before
/// its connection ends (CVE-2023-44487).
const MAX_CANCELLED_STREAMS: usize = 20;
const MAX_BROKEN_STREAMS: usize = 128;

static HTTP1: LazyLock<http1::Builder> = LazyLock::new(|| {
    let mut builder = http1::Builder::new();
    builder
        // The transport has the timeout, and gives the server complete heads only.
        .header_read_timeout(None)
        .max_buf_size(2 * MAX_HEAD);
    builder
});

static HTTP2: LazyLock<http2::Builder<StreamExecutor>> = LazyLock::new(|| {
    let mut builder = http2::Builder::new(StreamExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .max_send_buf_size(STREAM_BUFFER)
        .max_pending_accept_reset_streams(MAX_CANCELLED_STREAMS)
        .max_local_error_reset_streams(MAX_BROKEN_STREAMS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
});

/// Serves a connection until its end.
pub async fn serve(stream: TcpStream, address: IpAddr, open: OpenConnection, service: Arc<Service>) {
    // Without TCP_NODELAY, a small response waits until the client has acknowledged the previous one.
    let _ = stream.set_nodelay(true);
    let connection = Arc::clone(&open.state);
    let mut transport = Transport::new(stream, Arc::clone(&connection));
    let client = Client {
        address,
        connection: Arc::clone(&connection),
    };
    let end = answer(&mut transport, &client, &service).await;
    if end == Some(Closing::Stalled) {
        transport.reset();
        return;
    }
    let last = match transport.take_refused(end == Some(Closing::HeadTimeout)) {
        Some(refused) => service.refuse_head(*refused),
        None if matches!(end, Some(Closing::AtOnce | Closing::HeadTimeout)) => return,
        None => Vec::new(),
    };
    connection.finish();
    // The connection is not needed any more, so it may end at any time to make room.
    tokio::select! {
        () = transport.finish(&last) => {}
        () = closing_at_once(&connection) => {}
    }
}

/// Answers the requests of a connection. Returns why the server ends it, or `None` if the client does.
async fn answer(transport: &mut Transport, client: &Client, service: &Arc<Service>) -> Option<Closing> {
    let protocol = tokio::select! {
        // A request that has arrived is answered.
        biased;
        protocol = transport.protocol() => protocol?,
        closing = client.connection.closing() => return Some(closing.max(Closing::AtOnce)),
    };
    let requests = service_fn(|request| Arc::clone(service).answer(request, client.clone()));
    let io = TokioIo::new(transport);
    match protocol {
        Protocol::Http1 => {
            let connection = std::pin::pin!(HTTP1.serve_connection(io, requests));
            run(connection, |connection| connection.graceful_shutdown(), client).await
        }
        Protocol::Http2 => {
            let connection = std::pin::pin!(HTTP2.serve_connection(io, requests));
            run(connection, |connection| connection.graceful_shutdown(), client).await
        }
    }
}

/// Runs a connection until it ends, or has to end at once.
async fn run<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    shut_down: impl Fn(Pin<&mut C>),
    client: &Client,
) -> Option<Closing> {
    loop {
        tokio::select! {
            // A request that has arrived is answered.
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    debug!(%error, "a connection ended early");
                }
                return None;
            }
            closing = client.connection.closing() => match closing {
                Closing::AfterRequests => shut_down(connection.as_mut()),
                closing => return Some(closing),
            }
        }
    }
}

async fn closing_at_once(connection: &Connection) {
    while connection.closing().await == Closing::AfterRequests {}
}
