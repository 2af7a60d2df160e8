//! The bytes of parameters and results, as messages of NATS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anyhow::bail;
use async_nats::{Message, PublishMessage, Subject, Subscriber};
use bytes::{Buf as _, Bytes};
use futures::{Sink as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wrpc_transport::Index;

use crate::answers::Answer;
use crate::client::max_payload;
use crate::headers::FAILED;
use crate::results::Results;

/// Sends bytes to the other side. Shutting it down ends them.
#[derive(Debug)]
pub struct Outgoing(To);

#[derive(Debug)]
enum To {
    /// Everything is sent already.
    Nothing,
    Stream(Stream),
    Results(Results),
}

impl Outgoing {
    pub(crate) const fn nothing() -> Self {
        Self(To::Nothing)
    }

    pub(crate) fn stream(nats: &async_nats::Client, subject: String) -> Self {
        Self(To::Stream(Stream::new(nats, subject.into())))
    }

    pub(crate) const fn results(results: Results) -> Self {
        Self(To::Results(results))
    }
}

impl AsyncWrite for Outgoing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            To::Nothing if bytes.is_empty() => Poll::Ready(Ok(0)),
            To::Nothing => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            To::Stream(stream) => stream.poll_write(context, bytes),
            To::Results(results) => {
                results.write(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            To::Nothing | To::Results(_) => Poll::Ready(Ok(())),
            To::Stream(stream) => stream.poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            To::Nothing => Poll::Ready(Ok(())),
            To::Stream(stream) => stream.poll_shutdown(context),
            To::Results(results) => results.poll_send(context),
        }
    }
}

/// Sends bytes to a subject. An empty message ends them.
#[derive(Debug)]
pub(crate) struct Stream {
    nats: async_nats::Client,
    subject: Subject,
    is_shut_down: bool,
}

impl Stream {
    pub(crate) fn new(nats: &async_nats::Client, subject: Subject) -> Self {
        Self {
            nats: nats.clone(),
            subject,
            is_shut_down: false,
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // An empty message would end the stream.
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let limit = max_payload(&self.nats);
        let chunk = bytes.get(..limit).unwrap_or(bytes);
        self.poll_send(context, || Bytes::copy_from_slice(chunk))
            .map_ok(|()| chunk.len())
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.nats)
            .poll_flush(context)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut_down {
            ready!(self.poll_send(context, Bytes::new))?;
            self.is_shut_down = true;
        }
        self.poll_flush(context)
    }

    /// Sends one message.
    pub(crate) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        payload: impl FnOnce() -> Bytes,
    ) -> Poll<io::Result<()>> {
        let mut nats = Pin::new(&mut self.nats);
        ready!(nats.as_mut().poll_ready(context)).map_err(io::Error::other)?;
        let message = PublishMessage {
            subject: self.subject.clone(),
            payload: payload(),
            reply: None,
            headers: None,
        };
        Poll::Ready(nats.start_send(message).map_err(io::Error::other))
    }
}

/// Receives bytes from the other side.
#[derive(Debug)]
pub struct Incoming {
    buffer: Bytes,
    from: From,
}

#[derive(Debug)]
enum From {
    /// The buffer has the last bytes.
    Nothing,
    /// The server has failed to answer.
    Failure,
    /// The rest of the parameters.
    Params(Subscriber),
    /// The results, which come after the acceptance.
    Results(Answer),
}

impl Incoming {
    /// Returns these bytes.
    pub(crate) const fn whole(buffer: Bytes) -> Self {
        Self {
            buffer,
            from: From::Nothing,
        }
    }

    /// Returns the bytes of a server's last message.
    pub(crate) fn last(message: Message) -> Self {
        let is_failure = message
            .headers
            .is_some_and(|headers| headers.get(FAILED).is_some());
        Self {
            buffer: message.payload,
            from: if is_failure { From::Failure } else { From::Nothing },
        }
    }

    /// Returns parameters that begin with `buffer`.
    pub(crate) const fn params(buffer: Bytes, messages: Subscriber) -> Self {
        Self {
            buffer,
            from: From::Params(messages),
        }
    }

    /// Returns the results of an accepted invocation.
    pub(crate) const fn answer(answer: Answer) -> Self {
        Self {
            buffer: Bytes::new(),
            from: From::Results(answer),
        }
    }
}

impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.buffer.is_empty() {
            let message = match &mut self.from {
                From::Nothing => return Poll::Ready(Ok(())),
                From::Failure => {
                    let reason = "the server has failed to answer";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason)));
                }
                From::Params(messages) => ready!(messages.poll_next_unpin(context)),
                From::Results(answer) => ready!(answer.poll_next(context)),
            };
            match message {
                Some(message) if message.payload.is_empty() => *self = Self::last(message),
                Some(message) => self.buffer = message.payload,
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
