//! The server: accepts connections with HTTP/1.1, and HTTP/2 with prior knowledge.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{info, warn};

use super::connection;
use super::service::Service;
use super::stopping::LINGER_TIME;
use crate::logs::LineLimit;

/// How long running requests may take after the server stopped accepting connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that arrive after the stop signal may delay the end of the listener. The proxy of
/// deploy/haproxy.cfg needs half of it to see in its health checks that the process stops.
const MAX_LINGER_TIME: Duration = Duration::from_secs(5);

/// The most connections that are accepted from the queue of the kernel at the end.
const MAX_QUEUE: usize = 1_024;

/// The interval of the checks of time limits.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The shortest and the longest pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The answer to a connection for which there is no room. Without it, the client would wait in the queue of the
/// kernel and not know why.
const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\n\
    content-length: 179\r\n\
    cache-control: no-store\r\n\
    retry-after: 5\r\n\
    connection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"The shop has too many connections. \
    Try again in 5 seconds.\",\"instance\":\"/\",\"code\":\"BUSY\",\"retryAfter\":5}";

/// Such an answer is late, so that a client that connects again at once does not take the time of the
/// processors.
const NO_ROOM_DELAY: Duration = Duration::from_secs(1);

/// How long a client may take to read such an answer.
const NO_ROOM_TIME: Duration = Duration::from_secs(1);

/// The part of the connections that may wait for such an answer. Further ones are closed without it.
const NO_ROOM_PART: usize = 4;

/// Serves until `stop` completes, and as long as requests arrive afterwards, up to [`MAX_LINGER_TIME`]. Then it
/// accepts no more connections, and returns when the running requests are answered, after ten seconds at the
/// latest.
pub async fn serve(listener: TcpListener, service: Arc<Service>, stop: impl Future<Output = ()>) {
    let checks = tokio::spawn(check(Arc::clone(&service)));
    let acceptor = Acceptor::new(Arc::clone(&service));
    tokio::select! {
        () = acceptor.run(&listener) => {}
        is_quiet = async {
            stop.await;
            service.stopping.wait_until_quiet(MAX_LINGER_TIME).await
        } => if !is_quiet {
            info!("stopping, although requests still arrive");
        },
    }
    acceptor.finish(listener);
    // The last connections get the time to send their first request.
    sleep(LINGER_TIME).await;
    let connections = &service.connections;
    info!(
        connections = connections.count(),
        "stopping: waiting for running requests"
    );
    connections.close_all();
    if timeout(DRAIN_TIMEOUT, connections.all_closed()).await.is_err() {
        warn!("some requests did not end in time; their connections are closed");
    }
    checks.abort();
}

/// Accepts connections.
struct Acceptor {
    service: Arc<Service>,
    /// The limits of log lines.
    failures: LineLimit,
    full: LineLimit,
    /// The permits of connections that wait for [`NO_ROOM`].
    no_room: Arc<Semaphore>,
}

impl Acceptor {
    fn new(service: Arc<Service>) -> Self {
        let no_room = service.connections.limit().div_ceil(NO_ROOM_PART);
        Self {
            failures: LineLimit::new(1, Duration::from_secs(60)),
            full: LineLimit::new(1, Duration::from_secs(60)),
            no_room: Arc::new(Semaphore::new(no_room)),
            service,
        }
    }

    async fn run(&self, listener: &TcpListener) {
        let mut pause = ACCEPT_PAUSE;
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    pause = ACCEPT_PAUSE;
                    self.serve(stream, address);
                }
                // Usually the process has no free file descriptors until some connections end.
                Err(error) => {
                    if let Some(omitted) = self.failures.permit() {
                        warn!(%error, omitted, "a connection could not be accepted");
                    }
                    self.service.connections.close_idle();
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_ACCEPT_PAUSE);
                }
            }
        }
    }

    /// Accepts the connections in the queue of the kernel. Otherwise the kernel would reset them. Then ends the
    /// listener.
    fn finish(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else {
            return;
        };
        for (stream, address) in (0..MAX_QUEUE).map_while(|_| listener.accept().ok()) {
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.serve(stream, address);
            }
        }
    }

    fn serve(&self, stream: TcpStream, address: SocketAddr) {
        let Some(open) = self.service.connections.open(address.ip()) else {
            if let Some(omitted) = self.full.permit() {
                warn!(client = %address.ip(), omitted, "a connection was refused: the limit is reached");
            }
            if let Ok(permit) = Arc::clone(&self.no_room).try_acquire_owned() {
                tokio::spawn(async move {
                    sleep(NO_ROOM_DELAY).await;
                    let _ = timeout(NO_ROOM_TIME, refuse(stream)).await;
                    drop(permit);
                });
            }
            return;
        };
        tokio::spawn(connection::serve(
            stream,
            address.ip(),
            open,
            Arc::clone(&self.service),
        ));
    }
}

/// Answers a connection for which there is no room. It reads what the client sends, so that the answer arrives.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(NO_ROOM).await?;
    stream.shutdown().await?;
    let mut sink = tokio::io::sink();
    tokio::io::copy(&mut stream, &mut sink).await.map(drop)
}

/// Ends connections whose clients exceed a time limit.
async fn check(service: Arc<Service>) {
    let mut checks = interval(CHECK_INTERVAL);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        checks.tick().await;
        service.connections.check(Instant::now());
        service.log_omitted();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_without_room_has_its_length() {
        let answer = str::from_utf8(NO_ROOM).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["code"], &body["retryAfter"]), (&"BUSY".into(), &5.into()));
    }
}
