//! The server's side of an invocation.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use async_nats::{HeaderMap, Message, Subscriber};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tracing::warn;
use wrpc_transport::Serve;

use crate::headers::WHOLE;
use crate::results::Results;
use crate::{Client, Incoming, Outgoing};

impl Serve for Client {
    type Context = Option<HeaderMap>;
    type Outgoing = Outgoing;
    type Incoming = Incoming;

    /// Streams and futures of parameters (`paths`) are ignored: an invocation that has some fails when they
    /// are read.
    async fn serve(
        &self,
        instance: &str,
        function: &str,
        _paths: impl Into<Arc<[Box<[Option<usize>]>]>> + Send,
    ) -> anyhow::Result<
        impl Stream<Item = anyhow::Result<(Self::Context, Self::Outgoing, Self::Incoming)>> + Send + 'static,
    > {
        let subject = self.subject(instance, function);
        let messages = match &self.group {
            Some(group) => self.nats.queue_subscribe(subject, group.to_string()).await?,
            None => self.nats.subscribe(subject).await?,
        };
        let invocations = Invocations {
            nats: Arc::clone(&self.nats),
            messages: Some(messages),
            is_grouped: self.group.is_some(),
        };
        let nats = Arc::clone(&self.nats);
        Ok(invocations.then(move |message| accept(Arc::clone(&nats), message)))
    }
}

/// Accepts an invocation.
///
/// # Errors
/// The message has no subject for the answer, or the connection is closed.
async fn accept(
    nats: Arc<async_nats::Client>,
    message: Message,
) -> anyhow::Result<(Option<HeaderMap>, Outgoing, Incoming)> {
    let reply = message
        .reply
        .context("an invocation has no subject for its answer")?;
    let is_whole = message
        .headers
        .as_ref()
        .is_some_and(|headers| headers.get(WHOLE).is_some());
    if is_whole {
        let outgoing = Outgoing::results(Results::new(&nats, reply));
        let incoming = Incoming::whole(message.payload);
        return Ok((message.headers, outgoing, incoming));
    }
    let inbox = nats.new_inbox();
    let messages = nats.subscribe(format!("{inbox}.params")).await?;
    nats.publish_with_reply(reply.clone(), inbox, Bytes::new())
        .await?;
    let outgoing = Outgoing::stream(&nats, format!("{reply}.results"));
    let incoming = Incoming::params(message.payload, messages);
    Ok((message.headers, outgoing, incoming))
}

/// The invocations of one function. When it is dropped, the invocations that NATS has already sent here go
/// back to the group.
struct Invocations {
    nats: Arc<async_nats::Client>,
    /// `None` only while it is dropped.
    messages: Option<Subscriber>,
    is_grouped: bool,
}

impl Stream for Invocations {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        match &mut self.messages {
            Some(messages) => messages.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Invocations {
    fn drop(&mut self) {
        let (Some(messages), true) = (self.messages.take(), self.is_grouped) else {
            return;
        };
        let nats = Arc::clone(&self.nats);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = give_back(&nats, messages).await {
                    warn!(%error, "invocations were lost when their server ended");
                }
            });
        }
    }
}

/// Ends a subscription, and publishes the messages that are still in it again.
async fn give_back(nats: &async_nats::Client, mut messages: Subscriber) -> anyhow::Result<()> {
    messages.drain().await?;
    while let Some(message) = messages.next().await {
        let Some(reply) = message.reply else { continue };
        let headers = message.headers.unwrap_or_default();
        nats.publish_with_reply_and_headers(message.subject, reply, headers, message.payload)
            .await?;
    }
    Ok(())
}
