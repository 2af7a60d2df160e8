//! The bytes of a connection: the protocol, the checked heads of HTTP/1, and clients that read or write slowly.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection_state::{Closing, Connection};
use super::head::{self, RefusedHead};
use super::problem::Problem;
use super::request_framing::{Next, RequestFraming};

/// The bytes with which an HTTP/2 connection begins (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The number of bytes that are read at once.
const READ_SIZE: usize = 16 * 1024;

/// How much a client may still send after the last response, in bytes and in time. Without reading it, the
/// operating system would reset the connection, and the client could lose the response.
const MAX_DRAINED: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(3);

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// The bytes of a connection.
pub struct Transport {
    stream: TcpStream,
    connection: Arc<Connection>,
    /// Bytes that have not passed to the server.
    arrived: BytesMut,
    /// The requests of HTTP/1. With HTTP/2 all bytes pass.
    framing: Option<RequestFraming>,
    head_begun: bool,
    /// Whether all that has arrived was read at least once.
    is_awaited: bool,
    is_blocked: bool,
    /// Whether the client has ended its side of the connection.
    is_ended: bool,
    refused: Option<Box<RefusedHead>>,
}

impl Transport {
    /// Creates a transport that has read nothing.
    pub fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self {
            stream,
            connection,
            arrived: BytesMut::new(),
            framing: None,
            head_begun: false,
            is_awaited: false,
            is_blocked: false,
            is_ended: false,
            refused: None,
        }
    }

    /// Reads until the protocol is known. Returns `None` if the connection ends before.
    pub async fn protocol(&mut self) -> Option<Protocol> {
        loop {
            if self.arrived.starts_with(PREFACE) {
                return Some(Protocol::Http2);
            }
            if !PREFACE.starts_with(&self.arrived) {
                self.framing = Some(RequestFraming::default());
                return Some(Protocol::Http1);
            }
            match poll_fn(|context| self.poll_fill(context)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Returns the head that the server has to refuse, after all responses before it. With `is_late`, it is the
    /// head that did not arrive in time.
    pub fn take_refused(&mut self, is_late: bool) -> Option<Box<RefusedHead>> {
        let begun =
            self.framing.as_ref().is_some_and(RequestFraming::awaits_head) && !self.arrived.is_empty();
        let late = || (is_late && begun).then(|| head::incomplete(&self.arrived, Problem::HEAD_TOO_SLOW));
        self.refused.take().or_else(late)
    }

    /// Sends the last bytes to the client, ends this side of the connection, and reads what the client still
    /// sends.
    pub async fn finish(&mut self, last: &[u8]) {
        let _ = timeout(DRAIN_TIME, async {
            self.stream.write_all(last).await?;
            self.stream.shutdown().await?;
            self.drain().await
        })
        .await;
    }

    /// Discards the bytes that the client has not read.
    pub fn reset(self) {
        // This fails only for a connection that has ended already.
        let _ = self.stream.set_zero_linger();
    }

    async fn drain(&mut self) -> io::Result<()> {
        let mut drained = 0;
        while !self.is_ended && drained <= MAX_DRAINED {
            self.arrived.clear();
            drained += poll_fn(|context| self.poll_fill(context)).await?;
        }
        Ok(())
    }

    /// Reads bytes that have arrived. Returns 0 at the end of the connection.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            if self.stream.poll_read_ready(context)?.is_pending() {
                if self.arrived.is_empty() {
                    // An idle connection needs no buffer.
                    self.arrived = BytesMut::new();
                }
                if !self.is_awaited {
                    self.is_awaited = true;
                    self.connection.set_awaited();
                }
                return Poll::Pending;
            }
            self.arrived.reserve(READ_SIZE);
            match self.stream.try_read_buf(&mut self.arrived) {
                Ok(length) => {
                    self.is_ended = length == 0;
                    return Poll::Ready(Ok(length));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Passes checked bytes of HTTP/1.
    fn poll_pass(&mut self, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.refused.is_some() {
                // The connection task ends the connection.
                return Poll::Pending;
            }
            let next = match &mut self.framing {
                Some(framing) => framing.next(&mut self.arrived),
                None if self.arrived.is_empty() => Next::AwaitBody,
                None => Next::Pass(self.arrived.len()),
            };
            match next {
                Next::Pass(length) => {
                    self.pass(length, out);
                    return Poll::Ready(Ok(()));
                }
                Next::AwaitBody => {
                    if ready!(self.poll_fill(context))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Next::AwaitHead => {
                    if !self.head_begun && !self.arrived.is_empty() {
                        self.head_begun = true;
                        self.connection.head_begun();
                    }
                    if ready!(self.poll_fill(context))? == 0 {
                        if self.arrived.is_empty() {
                            return Poll::Ready(Ok(()));
                        }
                        self.refuse(head::incomplete(&self.arrived, Problem::HEAD_INCOMPLETE));
                    }
                }
                Next::Refuse(refused) => self.refuse(refused),
                Next::Break => return Poll::Ready(Err(ErrorKind::InvalidData.into())),
            }
        }
    }

    fn pass(&mut self, length: usize, out: &mut ReadBuf<'_>) {
        let length = length.min(out.remaining());
        out.put_slice(self.arrived.get(..length).unwrap_or_default());
        self.arrived.advance(length);
        if let Some(framing) = &mut self.framing {
            framing.passed(length);
        }
        self.head_begun = false;
    }

    fn refuse(&mut self, refused: Box<RefusedHead>) {
        self.refused = Some(refused);
        self.connection.close(Closing::AfterRequests);
    }

    /// Records whether the client accepts bytes.
    fn written(&mut self, result: &Poll<io::Result<usize>>) {
        if self.is_blocked != result.is_pending() {
            self.is_blocked = result.is_pending();
            self.connection.set_blocked(self.is_blocked);
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_pass(context, out)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Does nothing: [`Transport::finish`] ends the connection, after an answer to a refused head.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::super::connections::{Connections, OpenConnection};
    use super::*;

    /// Returns a client, and the transport of its connection.
    async fn connect() -> (TcpStream, Transport, OpenConnection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let open = Connections::new(9, 9).open(address.ip()).unwrap();
        let transport = Transport::new(stream, Arc::clone(&open.state));
        (client, transport, open)
    }

    #[tokio::test]
    async fn detects_the_protocol() {
        for (bytes, protocol) in [
            (PREFACE, Some(Protocol::Http2)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", Some(Protocol::Http2)),
            (b"PRI / HTTP/1.1\r\n\r\n", Some(Protocol::Http1)),
            (b"P", None),
            (b"PRI * HTTP/2.0\r\n", None),
            (b"PO", Some(Protocol::Http1)),
            (b"\x16\x03", Some(Protocol::Http1)),
            (b"", None),
        ] {
            let (mut client, mut transport, _open) = connect().await;
            for byte in bytes.chunks(1) {
                client.write_all(byte).await.unwrap();
            }
            client.shutdown().await.unwrap();
            assert_eq!(transport.protocol().await, protocol, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn passes_valid_requests_and_holds_back_an_invalid_one() {
        let (mut client, mut transport, open) = connect().await;
        let valid = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n";
        client.write_all(valid).await.unwrap();
        client.write_all(b"G(T / HTTP/1.1\r\n\r\n").await.unwrap();
        transport.protocol().await.unwrap();
        let mut passed = vec![0; valid.len()];
        transport.read_exact(&mut passed).await.unwrap();
        assert_eq!(passed, valid);
        tokio::select! {
            read = transport.read_u8() => panic!("{read:?}"),
            closing = open.state.closing() => assert_eq!(closing, Closing::AfterRequests),
        }
        let refused = transport.take_refused(false).unwrap();
        assert_eq!(refused.problem, Problem::REQUEST_LINE);
    }

    #[tokio::test]
    async fn passes_a_body_of_many_reads() {
        let (mut client, mut transport, _open) = connect().await;
        let body: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
        let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        let sent = [head.as_bytes(), &body].concat();
        let expected = sent.clone();
        let sender = tokio::spawn(async move {
            client.write_all(&sent).await.unwrap();
            client
        });
        transport.protocol().await.unwrap();
        let mut passed = vec![0; expected.len()];
        transport.read_exact(&mut passed).await.unwrap();
        assert!(passed == expected, "all bytes should pass");
        drop(sender.await.unwrap());
        assert_eq!(transport.read(&mut passed).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_head_that_ends_early_or_late_is_refused() {
        let (mut client, mut transport, open) = connect().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: a").await.unwrap();
        transport.protocol().await.unwrap();
        let late = transport.take_refused(true).unwrap();
        assert_eq!(late.problem, Problem::HEAD_TOO_SLOW);
        assert_eq!(transport.take_refused(false), None);
        client.shutdown().await.unwrap();
        tokio::select! {
            read = transport.read_u8() => panic!("{read:?}"),
            _ = open.state.closing() => {}
        }
        let early = transport.take_refused(false).unwrap();
        assert_eq!(early.problem, Problem::HEAD_INCOMPLETE);
    }

    #[tokio::test]
    async fn the_last_bytes_arrive_although_the_client_still_sends() {
        let (mut client, mut transport, _open) = connect().await;
        let body = vec![b'a'; 2 << 20];
        let sender = tokio::spawn(async move {
            client.write_all(&body).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        });
        transport.finish(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        drop(transport);
        assert_eq!(sender.await.unwrap(), "HTTP/1.1 400 Bad Request\r\n\r\n");
    }

    #[tokio::test]
    async fn notices_a_client_that_accepts_no_bytes() {
        let (_client, mut transport, open) = connect().await;
        let unread = vec![0; 64 << 20];
        let later = std::time::Instant::now() + Duration::from_secs(60);
        tokio::select! {
            _ = transport.write_all(&unread) => panic!("the client should not accept all bytes"),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        let _request = open.state.begin();
        open.state.check(later);
        assert_eq!(open.state.closing().await, Closing::Stalled);
    }
}
