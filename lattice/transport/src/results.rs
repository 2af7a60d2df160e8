//! The results of an invocation whose parameters came whole.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_nats::{HeaderMap, PublishMessage, Subject};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt as _, Sink as _};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::client::max_payload;
use crate::headers::FAILED;

/// How long a server computes before it reports that it has accepted the invocation. Clients wait several
/// seconds for a sign of a server.
const ACCEPT_AFTER: Duration = Duration::from_secs(1);

/// Collects the results, and sends them in one message. If it is dropped before, it tells the client that the
/// server has failed.
#[derive(Debug)]
pub(crate) struct Results {
    nats: async_nats::Client,
    reply: Subject,
    collected: BytesMut,
    acceptance: Arc<Acceptance>,
    /// Sends the acceptance in time.
    timer: Option<JoinHandle<()>>,
    /// Sends results that don't fit into one message, or that follow an acceptance.
    stream: Option<JoinHandle<io::Result<()>>>,
    is_sent: bool,
}

/// The message that the server has the invocation. The results follow it on another subject.
#[derive(Debug, Default)]
struct Acceptance(AtomicBool);

impl Acceptance {
    /// Returns whether the caller is the first one to decide how the results are sent.
    fn decide(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Results {
    /// Returns the results of an invocation, which go to `reply`.
    pub(crate) fn new(nats: &async_nats::Client, reply: Subject) -> Self {
        let acceptance = Arc::new(Acceptance::default());
        let timer = {
            let (nats, reply, acceptance) = (nats.clone(), reply.clone(), Arc::clone(&acceptance));
            tokio::spawn(async move {
                tokio::time::sleep(ACCEPT_AFTER).await;
                if acceptance.decide()
                    && let Err(error) = accept(&nats, &reply).await
                {
                    warn!(%error, "an invocation could not be accepted");
                }
            })
        };
        Self {
            nats: nats.clone(),
            reply,
            collected: BytesMut::new(),
            acceptance,
            timer: Some(timer),
            stream: None,
            is_sent: false,
        }
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.collected.extend_from_slice(bytes);
    }

    /// Sends the results.
    pub(crate) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(stream) = &mut self.stream {
            return stream
                .poll_unpin(context)
                .map(|sent| sent.map_err(io::Error::other).flatten());
        }
        if self.is_sent {
            return Poll::Ready(Ok(()));
        }
        let mut nats = Pin::new(&mut self.nats);
        ready!(nats.as_mut().poll_ready(context)).map_err(io::Error::other)?;
        let payload = self.collected.split().freeze();
        self.is_sent = true;
        if payload.len() <= max_payload(&nats) && self.acceptance.decide() {
            if let Some(timer) = self.timer.take() {
                timer.abort();
            }
            let message = PublishMessage {
                subject: self.reply.clone(),
                payload,
                reply: None,
                headers: None,
            };
            return Poll::Ready(nats.start_send(message).map_err(io::Error::other));
        }
        let rest = self.rest();
        self.stream = Some(tokio::spawn(async move {
            rest.send(payload, HeaderMap::new())
                .await
                .map_err(io::Error::other)
        }));
        self.poll_send(context)
    }

    /// Returns what sends the results after an acceptance.
    fn rest(&mut self) -> Rest {
        Rest {
            nats: self.nats.clone(),
            reply: self.reply.clone(),
            is_accepted: !self.acceptance.decide(),
            timer: self.timer.take(),
        }
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        if self.is_sent {
            return;
        }
        let (rest, Ok(runtime)) = (self.rest(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            let mut headers = HeaderMap::new();
            headers.insert(FAILED, "1");
            if let Err(error) = rest.send(Bytes::new(), headers).await {
                warn!(%error, "the client of a failed invocation was not informed");
            }
        });
    }
}

/// Sends results after an acceptance.
struct Rest {
    nats: async_nats::Client,
    reply: Subject,
    /// Whether the timer sends the acceptance.
    is_accepted: bool,
    timer: Option<JoinHandle<()>>,
}

impl Rest {
    /// Sends the results in as many messages as they need, and then an empty message with these headers.
    async fn send(self, mut results: Bytes, last: HeaderMap) -> anyhow::Result<()> {
        if let Some(timer) = self.timer {
            if self.is_accepted {
                timer.await?;
            } else {
                timer.abort();
            }
        }
        if !self.is_accepted {
            accept(&self.nats, &self.reply).await?;
        }
        let subject = Subject::from(format!("{}.results", self.reply));
        while !results.is_empty() {
            let chunk = results.split_to(results.len().min(max_payload(&self.nats)));
            self.nats.publish(subject.clone(), chunk).await?;
        }
        self.nats
            .publish_with_headers(subject, last, Bytes::new())
            .await?;
        Ok(())
    }
}

/// Tells the client that the server has the invocation.
async fn accept(nats: &async_nats::Client, reply: &Subject) -> anyhow::Result<()> {
    // A client without this transport sends the rest of the parameters there, but they came whole.
    let inbox = nats.new_inbox();
    nats.publish_with_reply(reply.clone(), inbox, Bytes::new())
        .await?;
    Ok(())
}
