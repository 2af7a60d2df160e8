//! The bytes of parameters and results, as messages of NATS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anyhow::bail;
use async_nats::{PublishMessage, Subject, Subscriber};
use bytes::{Buf as _, Bytes};
use futures::{Sink as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wrpc_transport::Index;

use crate::client::max_payload;

/// Sends bytes to a subject. Shutting it down sends an empty message, which ends the stream.
#[derive(Debug)]
pub struct Outgoing {
    nats: async_nats::Client,
    subject: Subject,
    is_shut_down: bool,
}

impl Outgoing {
    pub(crate) fn new(nats: &async_nats::Client, subject: String) -> Self {
        Self {
            nats: nats.clone(),
            subject: subject.into(),
            is_shut_down: false,
        }
    }

    fn poll_publish(
        &mut self,
        context: &mut Context<'_>,
        payload: impl FnOnce(usize) -> Bytes,
    ) -> Poll<io::Result<usize>> {
        let mut nats = Pin::new(&mut self.nats);
        ready!(nats.as_mut().poll_ready(context)).map_err(io::Error::other)?;
        let payload = payload(max_payload(&nats));
        let length = payload.len();
        let message = PublishMessage {
            subject: self.subject.clone(),
            payload,
            reply: None,
            headers: None,
        };
        nats.start_send(message).map_err(io::Error::other)?;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An empty message would end the stream.
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let chunk = |limit: usize| Bytes::copy_from_slice(bytes.get(..limit).unwrap_or(bytes));
        self.poll_publish(context, chunk)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.nats)
            .poll_flush(context)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut_down {
            ready!(self.poll_publish(context, |_| Bytes::new()))?;
            self.is_shut_down = true;
        }
        self.poll_flush(context)
    }
}

/// Receives bytes of a subject, until an empty message ends the stream.
#[derive(Debug)]
pub struct Incoming {
    buffer: Bytes,
    messages: Subscriber,
    /// Messages of other subjects in the same subscription are ignored.
    subject: String,
    is_ended: bool,
}

impl Incoming {
    /// Returns a stream that begins with `buffer`.
    pub(crate) fn new(buffer: Bytes, messages: Subscriber, subject: String) -> Self {
        Self {
            buffer,
            messages,
            subject,
            is_ended: false,
        }
    }
}

impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.buffer.is_empty() && !self.is_ended {
            match ready!(self.messages.poll_next_unpin(context)) {
                Some(message) if message.subject.as_str() != self.subject => {}
                Some(message) => {
                    self.is_ended = message.payload.is_empty();
                    self.buffer = message.payload;
                }
                None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            }
        }
        let length = self.buffer.len().min(target.remaining());
        if let Some(chunk) = self.buffer.get(..length) {
            target.put_slice(chunk);
        }
        self.buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Index<Self> for Outgoing {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        bail!("the value at {path:?} is a stream or future, which this transport does not carry")
    }
}

impl Index<Self> for Incoming {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        bail!("the value at {path:?} is a stream or future, which this transport does not carry")
    }
}
