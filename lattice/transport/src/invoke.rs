//! The client's side of an invocation.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_nats::{HeaderMap, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};
use wrpc_transport::Invoke;

use crate::{Client, Incoming, Outgoing};

/// How long an invocation without any server is sent again.
const NO_SERVER_LIMIT: Duration = Duration::from_secs(5);
/// The pause before the first repetition. Each further one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(200);

impl Invoke for Client {
    type Context = Option<HeaderMap>;
    type Outgoing = Outgoing;
    type Incoming = Incoming;

    async fn invoke<P>(
        &self,
        headers: Self::Context,
        instance: &str,
        function: &str,
        mut params: Bytes,
        paths: impl AsRef<[P]> + Send,
    ) -> anyhow::Result<(Self::Outgoing, Self::Incoming)>
    where
        P: AsRef<[Option<usize>]> + Send + Sync,
    {
        ensure!(
            paths.as_ref().is_empty(),
            "`{instance}.{function}` has streams or futures, which this transport does not carry"
        );
        let subject = Subject::from(self.subject(instance, function));
        let headers = headers.unwrap_or_default();
        let inbox = self.nats.new_inbox();
        let reply = Subject::from(format!("{inbox}.reply"));
        // One subscription for the acceptance and the results keeps their order.
        let mut messages = self.nats.subscribe(format!("{inbox}.>")).await?;
        let first = params.split_to(params.len().min(self.max_payload(&headers)));
        let server = self.send(&subject, &reply, headers, first, &mut messages).await?;

        let mut outgoing = Outgoing::new(&self.nats, format!("{server}.params"));
        outgoing.write_all(&params).await?;
        let incoming = Incoming::new(Bytes::new(), messages, format!("{reply}.results"));
        Ok((outgoing, incoming))
    }
}

impl Client {
    /// Sends an invocation until a server accepts it. Returns the inbox of that server.
    ///
    /// # Errors
    /// NATS has no server for the subject within [`NO_SERVER_LIMIT`], or the connection is closed.
    async fn send(
        &self,
        subject: &Subject,
        reply: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        messages: &mut Subscriber,
    ) -> anyhow::Result<Subject> {
        let deadline = Instant::now() + NO_SERVER_LIMIT;
        let mut pause = FIRST_PAUSE;
        loop {
            let (to, from, headers) = (subject.clone(), reply.clone(), headers.clone());
            self.nats
                .publish_with_reply_and_headers(to, from, headers, payload.clone())
                .await?;
            let answer = messages
                .next()
                .await
                .context("the connection to NATS is closed")?;
            if answer.status != Some(StatusCode::NO_RESPONDERS) {
                return answer
                    .reply
                    .context("the server gave no subject for the parameters");
            }
            if Instant::now() + pause > deadline {
                bail!("nothing serves `{subject}`");
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}
