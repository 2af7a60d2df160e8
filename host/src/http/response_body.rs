//! The body of a response, which counts the bytes that the client has not read.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::connection_state::{Connection, RunningRequest, UnsentHold};

/// A body: complete, or a stream of events.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// The size of a chunk. A client must read at least one within the write timeout.
const CHUNK: usize = 64 * 1024;

/// The body of a response. The request runs until its last byte is passed to the operating system.
pub struct ResponseBody {
    body: Body,
    /// The rest of the last frame.
    rest: Bytes,
    unsent: Option<Arc<Unsent>>,
    _request: Arc<RunningRequest>,
}

/// Bytes that the client has not read.
struct Unsent {
    hold: UnsentHold,
    _request: Option<Arc<RunningRequest>>,
}

/// A chunk of bytes, until it is passed to the operating system.
struct Chunk {
    bytes: Bytes,
    unsent: Arc<Unsent>,
}

impl ResponseBody {
    /// Returns the body of a response to this request.
    pub fn new(body: Body, connection: &Arc<Connection>, request: RunningRequest) -> Self {
        let request = Arc::new(request);
        // The events of a stream are counted one by one.
        let size = body.size_hint().exact().filter(|size| *size > 0);
        let unsent = size.map(|size| {
            Arc::new(Unsent {
                hold: connection.hold_unsent(usize::try_from(size).unwrap_or(usize::MAX)),
                _request: Some(Arc::clone(&request)),
            })
        });
        Self {
            body,
            rest: Bytes::new(),
            unsent,
            _request: request,
        }
    }
}

/// Counts an event of a stream until the client has read it.
pub fn counted(event: Bytes, connection: &Arc<Connection>) -> Bytes {
    let unsent = Unsent {
        hold: connection.hold_unsent(event.len()),
        _request: None,
    };
    Chunk::bytes(event, Arc::new(unsent))
}

impl Chunk {
    fn bytes(bytes: Bytes, unsent: Arc<Unsent>) -> Bytes {
        Bytes::from_owner(Self { bytes, unsent })
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.unsent.hold.renew();
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(length);
        let chunk = match &self.unsent {
            Some(unsent) => Chunk::bytes(chunk, Arc::clone(unsent)),
            None => chunk,
        };
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http_body_util::BodyExt;

    use super::super::connection_state::Closing;
    use super::super::connections::{Connections, OpenConnection};
    use super::super::limits::WRITE_TIMEOUT;
    use super::*;

    fn connection() -> OpenConnection {
        open(&Connections::new(9, 9))
    }

    fn open(connections: &Arc<Connections>) -> OpenConnection {
        connections.open("192.0.2.1".parse().unwrap()).unwrap()
    }

    fn body(connection: &Arc<Connection>, size: usize) -> ResponseBody {
        let body = Either::Left(Full::from(vec![7; size]));
        ResponseBody::new(body, connection, connection.begin())
    }

    #[tokio::test]
    async fn a_request_ends_when_its_last_chunk_is_sent() {
        let open = connection();
        let mut body = body(&open.state, 2 * CHUNK + 1);
        assert_eq!(body.size_hint().exact(), Some(2 * CHUNK as u64 + 1));
        let mut chunks = Vec::new();
        while let Some(frame) = body.frame().await {
            chunks.push(frame.unwrap().into_data().unwrap());
        }
        assert!(body.is_end_stream());
        assert_eq!(
            chunks.iter().map(Bytes::len).collect::<Vec<_>>(),
            [CHUNK, CHUNK, 1]
        );
        drop(body);
        assert!(
            open.state.idle_since(Duration::ZERO).is_none(),
            "chunks are not sent yet"
        );
        drop(chunks);
        assert!(open.state.idle_since(Duration::ZERO).is_some());
    }

    #[tokio::test]
    async fn an_empty_body_ends_its_request() {
        let open = connection();
        let body = body(&open.state, 0);
        assert!(body.is_end_stream());
        drop(body);
        assert!(open.state.idle_since(Duration::ZERO).is_some());
    }

    #[tokio::test]
    async fn a_response_that_is_not_read_ends_its_connection() {
        let connections = Connections::new(9, 9);
        let open = open(&connections);
        let mut body = body(&open.state, 2 * CHUNK);
        let chunk = body.frame().await;
        connections.check(Instant::now() + WRITE_TIMEOUT * 2);
        assert_eq!(open.state.closing().await, Closing::Stalled);
        drop(chunk);
    }
}
