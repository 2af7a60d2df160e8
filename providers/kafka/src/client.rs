//! The connection to Kafka that publishers, dead letters and consumers share.

use std::sync::Arc;

use async_trait::async_trait;
use mercato_ports::events::{DeadLetter, DeadLetters, Event, Publisher};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

use crate::cloud_event;
use crate::dead_letters::Letters;
use crate::options::KafkaOptions;
use crate::producer::{Producer, Record};
use crate::topics::{Topic, Topics};

/// Kafka as the place where events are published and dead letters kept.
///
/// It connects when it is first used, and again whenever the connection is lost.
pub struct Kafka {
    options: KafkaOptions,
    topics: Topics,
    producer: Producer,
    letters: Letters,
}

impl Kafka {
    /// A client with these options. Nothing is sent yet.
    ///
    /// # Errors
    /// Where the options make no client, in a sentence for the operator.
    pub fn new(options: KafkaOptions) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            topics: Topics::new(&options)?,
            producer: Producer::new(&options)?,
            letters: Letters::new(&options)?,
            options,
        }))
    }

    /// Whether a broker answers.
    ///
    /// # Errors
    /// A sentence for the operator, where none does in time.
    pub async fn ready(&self) -> Result<(), String> {
        self.topics.ready().await
    }

    pub(crate) fn options(&self) -> &KafkaOptions {
        &self.options
    }

    pub(crate) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Sends records in their order; durable once it has returned. Topics that are missing are made.
    pub(crate) async fn send(&self, records: Vec<Record>) -> Result<(), String> {
        for record in &records {
            self.topics.ensure(&record.topic).await?;
        }
        let sent = self.producer.send(&records).await;
        if sent.is_err() {
            // Someone may have removed a topic.
            self.topics.forget();
        }
        sent
    }

    /// Keeps what could not be delivered. Once more for the same event and subscriber keeps it once.
    pub(crate) async fn bury(
        &self,
        subscriber: &str,
        event: &Event,
        attempts: u32,
        reason: &str,
    ) -> Result<(), String> {
        let record = Letters::record(&self.options, subscriber, event, attempts, reason);
        self.send(vec![record]).await
    }
}

#[async_trait]
impl Publisher for Kafka {
    async fn publish(&self, events: Vec<Event>) -> Result<(), String> {
        let record = |event: &Event| Record {
            topic: Topic::of_kind(&self.options, &event.kind),
            key: event.subject.clone(),
            headers: cloud_event::headers(event),
            value: Some(event.data.clone()),
        };
        self.send(events.iter().map(record).collect()).await
    }
}

#[async_trait]
impl DeadLetters for Kafka {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, String> {
        self.topics.ensure(&Topic::dead_letters(&self.options)).await?;
        let mut letters = self.letters.read().await?;
        letters.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(letters)
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        self.topics.ensure(&Topic::dead_letters(&self.options)).await?;
        let Some(letter) = self
            .letters
            .read()
            .await?
            .into_iter()
            .find(|letter| letter.id == id)
        else {
            return Ok(false);
        };
        let again = Record {
            topic: Topic::replay(&self.options, &letter.subscriber),
            key: letter.event.subject.clone(),
            headers: cloud_event::headers(&letter.event),
            value: Some(letter.event.data.clone()),
        };
        self.send(vec![again]).await?;
        // Where this fails the letter stays, and may be replayed once more: at least once, as every delivery.
        self.send(vec![Letters::tombstone(&self.options, &letter)])
            .await?;
        Ok(true)
    }
}

/// Takes librdkafka's messages to the log.
#[derive(Clone, Debug)]
pub(crate) struct Log;

impl ClientContext for Log {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "Kafka");
    }
}

impl ConsumerContext for Log {}

/// What librdkafka tells of its own; errors that matter come to [`ClientContext::error`] or to a caller too.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, message, "Kafka");
        }
        _ => tracing::debug!(facility, message, "Kafka"),
    }
}
