//! The answers to the invocations of a connection, which share one subscription.
//!
//! NATS forgets what it knows about its subjects with each subscription. So a subscription for each invocation
//! costs more than the messages of the invocation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use async_nats::{Message, Subject};
use futures::StreamExt as _;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The answers of each connection that invokes functions.
static CONNECTIONS: Mutex<Vec<(Weak<async_nats::Client>, Arc<Answers>)>> = Mutex::new(Vec::new());

/// The answers to the invocations of one connection.
#[derive(Debug)]
pub(crate) struct Answers {
    /// The prefix of the subjects of all answers.
    inbox: String,
    subscribed: OnceCell<()>,
    invocations: Mutex<Invocations>,
}

#[derive(Debug, Default)]
struct Invocations {
    last: u64,
    waiting: HashMap<u64, UnboundedSender<Message>>,
}

/// Receives the messages that answer one invocation, in their order.
#[derive(Debug)]
pub(crate) struct Answer {
    id: u64,
    messages: UnboundedReceiver<Message>,
    answers: Arc<Answers>,
}

impl Answers {
    /// Returns the answers of a connection. All handles of the connection share them.
    pub(crate) fn of(nats: &Arc<async_nats::Client>) -> Arc<Self> {
        let mut connections = lock(&CONNECTIONS);
        let found = connections
            .iter()
            .find(|(connection, _)| std::ptr::eq(connection.as_ptr(), Arc::as_ptr(nats)));
        if let Some((_, answers)) = found {
            return Arc::clone(answers);
        }
        connections.retain(|(connection, _)| connection.strong_count() > 0);
        let answers = Arc::new(Self {
            inbox: nats.new_inbox(),
            subscribed: OnceCell::new(),
            invocations: Mutex::default(),
        });
        connections.push((Arc::downgrade(nats), Arc::clone(&answers)));
        answers
    }

    /// Returns the receiver of the answer to a new invocation.
    ///
    /// # Errors
    /// The connection is closed.
    pub(crate) async fn expect(self: &Arc<Self>, nats: &async_nats::Client) -> anyhow::Result<Answer> {
        self.subscribed.get_or_try_init(|| self.subscribe(nats)).await?;
        let (sender, messages) = unbounded_channel();
        let mut invocations = lock(&self.invocations);
        invocations.last += 1;
        let id = invocations.last;
        invocations.waiting.insert(id, sender);
        drop(invocations);
        Ok(Answer {
            id,
            messages,
            answers: Arc::clone(self),
        })
    }

    async fn subscribe(self: &Arc<Self>, nats: &async_nats::Client) -> anyhow::Result<()> {
        let mut messages = nats.subscribe(format!("{}.>", self.inbox)).await?;
        let answers = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                answers.pass_on(message);
            }
            // The connection is closed. All invocations that wait fail.
            lock(&answers.invocations).waiting.clear();
        });
        Ok(())
    }

    /// Passes a message to its invocation. An invocation that has ended gets no messages.
    fn pass_on(&self, message: Message) {
        let id = message.subject.strip_prefix(&self.inbox);
        let id = id.and_then(|rest| rest.split('.').nth(1)?.parse().ok());
        let invocations = lock(&self.invocations);
        if let Some(sender) = id.and_then(|id: u64| invocations.waiting.get(&id)) {
            let _ = sender.send(message);
        }
    }
}

impl Answer {
    /// Returns the subject of the answer. The results may have a subject below it.
    pub(crate) fn subject(&self) -> Subject {
        format!("{}.{}", self.answers.inbox, self.id).into()
    }

    /// Returns the next message, or `None` if the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Polls for the next message, or for the end of the connection.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.messages.poll_recv(context)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        lock(&self.answers.invocations).waiting.remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
