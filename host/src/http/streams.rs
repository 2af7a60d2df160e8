//! Event streams (server-sent events, WHATWG HTML section 9.2) that the host holds open.
//!
//! The shop answers every request at once, so that no instance is occupied by a waiting client. If the
//! response is an event stream without the event `complete`, the client would connect again with the id of
//! the last event. The host sends these further requests in place of the client, and the client's connection
//! stays open.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::poll_fn;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, info, warn};

use super::connection_state::Connection;
use super::response_body::{Body, counted};
use super::stream_slots::{NoSlot, StreamSlot, StreamSlots};
use crate::runtime::{CallError, Pool};

/// The header that marks a request of the host, as opposed to one of the client.
const CONTINUES: HeaderName = HeaderName::from_static("mercato-continues");

/// The header with the id of the last event.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The setting that lets the shop trust [`CONTINUES`].
pub const SETTING: &str = "STREAMS_HELD";

/// The media type of event streams.
const EVENT_STREAM: &str = "text/event-stream";

/// The longest wait between two requests of a stream.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The shortest wait, if the shop announces more events.
const MIN_WAIT: Duration = Duration::from_millis(50);

/// The wait is at least this many times the duration of the last response, up to [`MAX_WAIT`]. So a stream
/// that is far behind leaves the instances of a busy shop to other requests.
const WAIT_FACTOR: u32 = 4;

/// How long a client may take to read the events.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest request that is kept, in bytes: enough for a GraphQL document, and not enough to fill the
/// memory.
const MAX_REQUEST: usize = 16 * 1024;

/// After this time without an event a comment is sent, because proxies close connections that are silent for
/// a minute.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// The comment, with the time after which a client reconnects. Clients also receive the shorter times that
/// the shop sends to the host.
const COMMENT: &[u8] = b":\nretry: 1000\n\n";

/// The event streams that are held open.
pub struct Streams {
    pool: Arc<Pool>,
    slots: Arc<StreamSlots>,
    stopped: watch::Receiver<bool>,
}

impl Streams {
    /// Creates streams with these slots. All streams end when `stopped` is true.
    pub fn new(pool: Arc<Pool>, slots: Arc<StreamSlots>, stopped: watch::Receiver<bool>) -> Self {
        Self { pool, slots, stopped }
    }

    /// Returns the number of open streams.
    pub fn open(&self) -> usize {
        self.slots.used()
    }

    /// Returns a copy of a request for an event stream, to send it again. Removes the header that only the
    /// host may send.
    pub fn prepare(request: &mut Request<Bytes>) -> Option<Request<Bytes>> {
        request.headers_mut().remove(CONTINUES);
        let accept = request.headers().get_all(ACCEPT).iter();
        let accepts_stream = accept
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_lowercase().contains(EVENT_STREAM));
        let is_small = request.body().len() <= MAX_REQUEST;
        (accepts_stream && is_small).then(|| request.clone())
    }

    /// Holds a response open if it is an unfinished event stream and a slot is free. Without a slot the
    /// response ends here, and the client reconnects.
    pub fn hold(
        &self,
        client: IpAddr,
        connection: &Arc<Connection>,
        request: Request<Bytes>,
        response: Response<Bytes>,
    ) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let complete = |head, body| Response::from_parts(head, Either::Left(Full::new(body)));
        if !is_stream(head.status, &head.headers) || is_complete(&body) {
            return complete(head, body);
        }
        let slot = match self.slots.acquire(client) {
            Ok(slot) => slot,
            Err(NoSlot::Total(limit)) => {
                warn!(
                    limit,
                    "all event streams are in use; further clients must reconnect"
                );
                return complete(head, body);
            }
            Err(NoSlot::Client(limit)) => {
                info!(%client, limit, "all event streams of this client are in use; it must reconnect");
                return complete(head, body);
            }
        };
        let (sender, mut receiver) = mpsc::channel(1);
        let mut stream = HeldStream {
            pool: self.pool.clone(),
            client,
            connection: Arc::clone(connection),
            request,
            events: sender,
            _slot: slot,
        };
        stream.continue_after(&body);
        let mut stopped = self.stopped.clone();
        if *stopped.borrow() {
            return complete(head, body);
        }
        let task = async move {
            let started = Instant::now();
            tokio::select! {
                () = stream.run(body) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
            info!(seconds = started.elapsed().as_secs(), "an event stream ended");
        };
        tokio::spawn(task.in_current_span());
        head.headers.remove(CONTENT_LENGTH);
        let stream = StreamBody::new(poll_fn(move |context| receiver.poll_recv(context)));
        Response::from_parts(head, Either::Right(stream.boxed_unsync()))
    }
}

/// One event stream that is held open.
struct HeldStream {
    pool: Arc<Pool>,
    client: IpAddr,
    connection: Arc<Connection>,
    request: Request<Bytes>,
    events: mpsc::Sender<Result<Frame<Bytes>, Infallible>>,
    _slot: StreamSlot,
}

impl HeldStream {
    /// Sends events until the client disconnects or the shop ends the stream.
    async fn run(&mut self, first: Bytes) {
        let mut silent_since = Instant::now();
        let mut wait = wait(&first);
        let mut next = Some(first);
        loop {
            if let Some(body) = next.take() {
                let events = Frame::data(counted(body, &self.connection));
                let sent = timeout(CLIENT_TIMEOUT, self.events.send(Ok(events))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
                silent_since = Instant::now();
            }
            tokio::select! {
                () = self.events.closed() => return,
                () = sleep(wait) => {}
            }
            wait = MAX_WAIT;
            let started = Instant::now();
            next = match self.pool.serve(self.request.clone(), self.client).await {
                Ok(response) if is_stream(response.status(), response.headers()) => {
                    let body = response.into_body();
                    if is_complete(&body) {
                        // The stream ends now, so a failure to send does not matter.
                        let events = Frame::data(counted(body, &self.connection));
                        let _ = timeout(CLIENT_TIMEOUT, self.events.send(Ok(events))).await;
                        return;
                    }
                    self.continue_after(&body);
                    wait = self::wait(&body)
                        .max(started.elapsed() * WAIT_FACTOR)
                        .min(MAX_WAIT);
                    has_events(&body).then_some(body)
                }
                // An expired token, for example. The client reconnects and gets this response.
                Ok(_) => return,
                Err(CallError::Acquire(_)) => None,
                Err(error @ CallError::Instance(_)) => {
                    warn!("{error}");
                    return;
                }
            };
            if next.is_none() && silent_since.elapsed() >= MAX_SILENCE {
                next = Some(Bytes::from_static(COMMENT));
            }
        }
    }

    /// Prepares the next request, which continues after the last event of this body.
    fn continue_after(&mut self, body: &[u8]) {
        let headers = self.request.headers_mut();
        headers.insert(CONTINUES, HeaderValue::from_static("1"));
        let last = fields(body).filter(|(name, _)| *name == b"id").last();
        if let Some((_, id)) = last
            && let Ok(id) = HeaderValue::from_bytes(id)
        {
            headers.insert(LAST_EVENT_ID, id);
        }
    }
}

/// Returns whether a response is an event stream.
fn is_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::OK
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(EVENT_STREAM.as_bytes()))
}

/// Returns whether a body has the event `complete` without data, which ends a stream (GraphQL over Server-Sent
/// Events). With data it ends one operation of a shared stream.
fn is_complete(body: &[u8]) -> bool {
    let complete = fields(body).skip_while(|field| *field != (b"event", b"complete"));
    complete
        .clone()
        .zip(complete.skip(1))
        .any(|pair| pair == ((b"event", b"complete"), (b"data", b"")))
}

/// Returns whether a body has any event.
fn has_events(body: &[u8]) -> bool {
    fields(body).any(|(name, _)| name == b"data")
}

/// Returns the wait before the next request: the last `retry` field of a body, within the limits.
fn wait(body: &[u8]) -> Duration {
    let retry = fields(body).filter(|(name, _)| *name == b"retry").last();
    let milliseconds = retry.and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok());
    milliseconds.map_or(MAX_WAIT, |milliseconds| {
        Duration::from_millis(milliseconds).clamp(MIN_WAIT, MAX_WAIT)
    })
}

/// Returns the names and values of a stream's fields: a name, a colon, an optional space, and a value.
fn fields(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    body.split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            let value = value.strip_prefix(b":")?;
            Some((name, value.strip_prefix(b" ").unwrap_or(value)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &[u8] = b"retry: 1000\n\nevent: next\nid: 7\ndata: {\"data\":{}}\n\nid:8\n\n";

    #[test]
    fn reads_all_ids_of_a_stream() {
        let ids: Vec<_> = fields(CHANGE).filter(|(name, _)| *name == b"id").collect();
        assert_eq!(ids, [(&b"id"[..], &b"7"[..]), (b"id", b"8")]);
        assert!(has_events(CHANGE) && !is_complete(CHANGE));
    }

    #[test]
    fn an_id_is_not_an_event_and_data_do_not_end_a_stream() {
        assert!(!has_events(b"id: 8\n\n: data: in a comment\n"));
        assert!(!is_complete(b"event: next\ndata: {\"event: complete\": 1}\n\n"));
        assert!(!is_complete(b"event: complete\ndata: {\"id\":\"a\"}\n\nid:8\n\n"));
        assert!(is_complete(
            b"event: next\ndata: {}\n\nevent: complete\ndata:\n\n"
        ));
    }

    #[test]
    fn waits_less_if_the_shop_has_more_events() {
        let milliseconds = |body: &[u8]| wait(body).as_millis();
        assert_eq!(
            milliseconds(b"event: next\nid: 7\ndata: {}\n\nretry: 100\nid: 8\n\n"),
            100
        );
        assert_eq!(milliseconds(CHANGE), 1000);
        assert_eq!(milliseconds(b"retry: 0\n\n"), 50, "there is a shortest wait");
        for other in [
            &b"retry: 60000\n\n"[..],
            b"retry: soon\n\n",
            b"id: 8\n\n",
            COMMENT,
        ] {
            assert_eq!(milliseconds(other), 1000);
        }
    }

    #[test]
    fn removes_the_header_of_the_host_from_requests_of_clients() {
        let request = |accept: &str| {
            Request::builder()
                .header(ACCEPT, accept)
                .header(CONTINUES, "1")
                .body(Bytes::new())
                .unwrap()
        };
        let mut stream = request("application/json, text/event-stream");
        let copy = Streams::prepare(&mut stream).unwrap();
        assert!(!stream.headers().contains_key(CONTINUES) && !copy.headers().contains_key(CONTINUES));
        let mut other_case = request("Text/Event-Stream");
        assert!(Streams::prepare(&mut other_case).is_some());
        let mut large = request("text/event-stream").map(|_| Bytes::from(vec![b' '; 16 * 1024 + 1]));
        assert!(Streams::prepare(&mut large).is_none());
        let mut other = request("application/json");
        assert!(Streams::prepare(&mut other).is_none());
        assert!(!other.headers().contains_key(CONTINUES));
    }
}
