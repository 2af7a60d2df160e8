//! Streams of events (server-sent events, WHATWG HTML section 9.2) that stay open.
//!
//! The shop answers every request at once, so that no instance is held by who only waits. An answer that is a stream of events and has not
//! said `complete` is to be continued: its client would connect again, with the id of the last event. Here, the host does that in its place,
//! and the client's connection stays as it is.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::poll_fn;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Body as _, Frame};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, info, warn};

use super::places::{Full as NoPlace, Place, Places};
use crate::runtime::{CallError, Pool};

/// Says that the host asks, and not the client.
const CONTINUES: HeaderName = HeaderName::from_static("mercato-continues");

/// Where a stream goes on after.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The configuration that lets the shop believe [`CONTINUES`].
pub const SETTING: &str = "STREAMS_HELD";

/// The media type of streams of events.
const EVENT_STREAM: &str = "text/event-stream";

/// How long is waited between two answers of the shop, at the most.
const PACE: Duration = Duration::from_secs(1);

/// The same at the least, where the shop tells that there is more.
const FASTEST: Duration = Duration::from_millis(50);

/// So many times as long as the last answer took is waited, up to [`PACE`]: who is far behind leaves the shop to others, the more the busier
/// it is.
const REST: u32 = 4;

/// How long a client may take to read what has come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest request that is kept to be asked again, in bytes: a document, and not what could fill the memory.
const LARGEST: u64 = 16 * 1024;

/// After so long without an event, a comment shows that the connection lives: proxies end those that are silent for a minute.
const SILENCE: Duration = Duration::from_secs(15);

/// What is sent then: nothing, and how long to wait where the connection breaks, since what is told to hurry the host is passed on, too.
const COMMENT: &[u8] = b":\nretry: 1000\n\n";

/// A body: whole, or events as they come.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// The streams that are held open.
pub struct Watches {
    pool: Arc<Pool>,
    places: Arc<Places>,
    stopped: watch::Receiver<bool>,
}

impl Watches {
    /// As many as there are places, until the shop is to stop.
    pub fn new(pool: Arc<Pool>, places: Arc<Places>, stopped: watch::Receiver<bool>) -> Self {
        Self {
            pool,
            places,
            stopped,
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.places.taken()
    }

    /// What is needed to ask again, if this request is for a stream. Says nothing that only the host may say.
    pub fn prepare(request: &mut Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        request.headers_mut().remove(CONTINUES);
        let accepts = request.headers().get_all(ACCEPT).iter();
        let streams = accepts
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_lowercase().contains(EVENT_STREAM));
        let is_small = request
            .body()
            .size_hint()
            .upper()
            .is_some_and(|size| size <= LARGEST);
        (streams && is_small).then(|| request.clone())
    }

    /// Lets an answer to this client go on, if it is a stream that has not ended and there is room. Where there is none, it ends here, and
    /// its client comes again by itself.
    pub async fn hold(
        &self,
        client: IpAddr,
        request: Request<Full<Bytes>>,
        answer: Response<Full<Bytes>>,
    ) -> Response<Body> {
        let (head, body) = answer.into_parts();
        let whole = |head, body| Response::from_parts(head, Either::Left(Full::new(body)));
        // A whole body never fails.
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        if !is_stream(head.status, &head.headers) || is_complete(&body) {
            return whole(head, body);
        }
        let place = match self.places.take(client) {
            Ok(place) => place,
            Err(NoPlace::All(most)) => {
                warn!(most, "no more streams are held open: clients have to come again");
                return whole(head, body);
            }
            Err(NoPlace::Client(most)) => {
                info!(%client, most, "no more streams of this client are held open: it has to come again");
                return whole(head, body);
            }
        };
        let (sender, mut receiver) = mpsc::channel(1);
        let mut held = Held {
            pool: self.pool.clone(),
            request,
            events: sender,
            _place: place,
        };
        held.note(&body);
        let mut stopped = self.stopped.clone();
        let work = async move {
            let begun = Instant::now();
            tokio::select! {
                () = held.run(body) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
            info!(seconds = begun.elapsed().as_secs(), "a stream of events ended");
        };
        tokio::spawn(work.in_current_span());
        let mut head = head;
        head.headers.remove(CONTENT_LENGTH);
        let stream = StreamBody::new(poll_fn(move |context| receiver.poll_recv(context)));
        Response::from_parts(head, Either::Right(stream.boxed_unsync()))
    }
}

/// One of them.
struct Held {
    pool: Arc<Pool>,
    request: Request<Full<Bytes>>,
    events: mpsc::Sender<Result<Frame<Bytes>, Infallible>>,
    _place: Place,
}

impl Held {
    /// Goes on until the client is gone, or the shop ends the stream.
    async fn run(&mut self, first: Bytes) {
        let mut silent_since = Instant::now();
        let mut pace = pace(&first);
        let mut next = Some(first);
        loop {
            if let Some(body) = next.take() {
                let sent = timeout(PATIENCE, self.events.send(Ok(Frame::data(body)))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
                silent_since = Instant::now();
            }
            tokio::select! {
                () = self.events.closed() => return,
                () = sleep(pace) => {}
            }
            pace = PACE;
            let asked = Instant::now();
            next = match self.pool.serve(self.request.clone()).await {
                Ok(answer) if is_stream(answer.status(), answer.headers()) => {
                    let body = answer.into_body().collect().await;
                    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                    if is_complete(&body) {
                        // Whether the client still takes it is the same now.
                        let _ = self.events.send(Ok(Frame::data(body))).await;
                        return;
                    }
                    self.note(&body);
                    pace = self::pace(&body).max(asked.elapsed() * REST).min(PACE);
                    has_events(&body).then_some(body)
                }
                // Such as a token that has expired: the client hears why when it comes again.
                Ok(_) => return,
                Err(CallError::Busy(_)) => None,
                Err(error @ CallError::Trouble(_)) => {
                    warn!("{error}");
                    return;
                }
            };
            if next.is_none() && silent_since.elapsed() >= SILENCE {
                next = Some(Bytes::from_static(COMMENT));
            }
        }
    }

    /// Keeps in mind where the stream goes on after.
    fn note(&mut self, body: &[u8]) {
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

/// Whether an answer is a stream of events.
fn is_stream(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::OK
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(EVENT_STREAM.as_bytes()))
}

/// Whether it says that nothing more comes (the protocol "GraphQL over Server-Sent Events").
fn is_complete(body: &[u8]) -> bool {
    fields(body).any(|field| field == (b"event", b"complete"))
}

/// Whether there is anything to tell in it.
fn has_events(body: &[u8]) -> bool {
    fields(body).any(|(name, _)| name == b"data")
}

/// When to ask again: as an answer tells a client by `retry`, within bounds.
fn pace(body: &[u8]) -> Duration {
    let told = fields(body).filter(|(name, _)| *name == b"retry").last();
    let milliseconds = told.and_then(|(_, value)| str::from_utf8(value).ok()?.parse().ok());
    milliseconds.map_or(PACE, |told| Duration::from_millis(told).clamp(FASTEST, PACE))
}

/// The fields of a stream: a name, a colon, a space that may be left out, and a value.
fn fields(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
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
    fn the_last_id_is_where_a_stream_goes_on() {
        let ids: Vec<_> = fields(CHANGE).filter(|(name, _)| *name == b"id").collect();
        assert_eq!(ids, [(&b"id"[..], &b"7"[..]), (b"id", b"8")]);
        assert!(has_events(CHANGE) && !is_complete(CHANGE));
    }

    #[test]
    fn an_id_alone_is_no_event_and_data_end_no_stream() {
        assert!(!has_events(b"id: 8\n\n: data: in a comment\n"));
        assert!(!is_complete(b"event: next\ndata: {\"event: complete\": 1}\n\n"));
        assert!(is_complete(
            b"event: next\ndata: {}\n\nevent: complete\ndata:\n\n"
        ));
    }

    #[test]
    fn the_shop_is_asked_again_sooner_where_it_has_more_to_tell() {
        let told = |body: &[u8]| pace(body).as_millis();
        assert_eq!(
            told(b"event: next\nid: 7\ndata: {}\n\nretry: 100\nid: 8\n\n"),
            100
        );
        assert_eq!(told(CHANGE), 1000);
        assert_eq!(told(b"retry: 0\n\n"), 50, "but not at once");
        for other in [
            &b"retry: 60000\n\n"[..],
            b"retry: soon\n\n",
            b"id: 8\n\n",
            COMMENT,
        ] {
            assert_eq!(told(other), 1000);
        }
    }

    #[test]
    fn a_client_can_not_say_what_the_host_says() {
        let request = |accept: &str| {
            Request::builder()
                .header(ACCEPT, accept)
                .header(CONTINUES, "1")
                .body(Full::new(Bytes::new()))
                .unwrap()
        };
        let mut stream = request("application/json, text/event-stream");
        let again = Watches::prepare(&mut stream).unwrap();
        assert!(!stream.headers().contains_key(CONTINUES) && !again.headers().contains_key(CONTINUES));
        let mut odd = request("Text/Event-Stream");
        assert!(Watches::prepare(&mut odd).is_some());
        let mut large = request("text/event-stream").map(|_| Full::from(vec![b' '; 16 * 1024 + 1]));
        assert!(Watches::prepare(&mut large).is_none());
        let mut other = request("application/json");
        assert!(Watches::prepare(&mut other).is_none());
        assert!(!other.headers().contains_key(CONTINUES));
    }
}
