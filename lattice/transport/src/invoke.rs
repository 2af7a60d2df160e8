//! The client's side of an invocation.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_nats::{HeaderMap, Message, StatusCode, Subject};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep};
use wrpc_transport::Invoke;

use crate::answers::Answer;
use crate::headers::WHOLE;
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
        let mut headers = headers.unwrap_or_default();
        let limit = self.max_payload(&headers);
        let is_whole = params.len() <= limit;
        if is_whole {
            headers.insert(WHOLE, "1");
        }
        let first = params.split_to(params.len().min(limit));
        let mut answer = self.answers.expect(&self.nats).await?;
        let message = self.send(&subject, headers, first, &mut answer).await?;
        let Some(server) = &message.reply else {
            ensure!(is_whole, "the server gave no subject for the parameters");
            return Ok((Outgoing::nothing(), Incoming::last(message)));
        };
        let mut outgoing = Outgoing::stream(&self.nats, format!("{server}.params"));
        outgoing.write_all(&params).await?;
        Ok((outgoing, Incoming::answer(answer)))
    }
}

impl Client {
    /// Sends an invocation until a server has it. Returns the first message of the server: the acceptance, or
    /// the results.
    ///
    /// # Errors
    /// NATS has no server for the subject within [`NO_SERVER_LIMIT`], or the connection is closed.
    async fn send(
        &self,
        subject: &Subject,
        headers: HeaderMap,
        payload: Bytes,
        answer: &mut Answer,
    ) -> anyhow::Result<Message> {
        let deadline = Instant::now() + NO_SERVER_LIMIT;
        let mut pause = FIRST_PAUSE;
        loop {
            let (to, from, headers) = (subject.clone(), answer.subject(), headers.clone());
            self.nats
                .publish_with_reply_and_headers(to, from, headers, payload.clone())
                .await?;
            let message = answer.next().await.context("the connection to NATS is closed")?;
            if message.status != Some(StatusCode::NO_RESPONDERS) {
                return Ok(message);
            }
            if Instant::now() + pause > deadline {
                bail!("nothing serves `{subject}`");
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}
