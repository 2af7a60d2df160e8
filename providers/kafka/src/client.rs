//! The client of Kafka that publishers, dead letters and consumers share.

use std::sync::Arc;

use async_trait::async_trait;
use mercato_ports::events::{DeadLetter, DeadLetters, Event, Publisher};

use crate::cloud_event;
use crate::dead_letters::DeadLetterTopic;
use crate::options::KafkaOptions;
use crate::producer::{Producer, Record};
use crate::topics::{Topic, Topics};

/// A client that publishes events and stores dead letters.
///
/// It connects on first use, and connects again after a lost connection.
pub struct Kafka {
    options: KafkaOptions,
    topics: Topics,
    producer: Producer,
    dead_letters: DeadLetterTopic,
}

impl Kafka {
    /// Creates a client with these options, without connecting.
    ///
    /// # Errors
    /// If librdkafka rejects the options, with a message for the operator.
    pub fn new(options: KafkaOptions) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            topics: Topics::new(&options)?,
            producer: Producer::new(&options)?,
            dead_letters: DeadLetterTopic::new(&options)?,
            options,
        }))
    }

    /// Checks that a broker answers.
    ///
    /// # Errors
    /// If no broker answers in time, with a message for the operator.
    pub async fn ready(&self) -> Result<(), String> {
        self.topics.ready().await
    }

    pub(crate) fn options(&self) -> &KafkaOptions {
        &self.options
    }

    pub(crate) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Sends records in order, and creates missing topics. All records are durable when it returns.
    pub(crate) async fn send(&self, records: Vec<Record>) -> Result<(), String> {
        for record in &records {
            self.topics.ensure(&record.topic).await?;
        }
        let result = self.producer.send(&records).await;
        if result.is_err() {
            // A topic may have been deleted.
            self.topics.clear_cache();
        }
        result
    }

    /// Stores a dead letter. A second one for the same event and subscriber replaces the first.
    pub(crate) async fn store_dead_letter(
        &self,
        subscriber: &str,
        event: &Event,
        attempts: u32,
        reason: &str,
    ) -> Result<(), String> {
        let record = DeadLetterTopic::record(&self.options, subscriber, event, attempts, reason);
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
        let mut dead_letters = self.dead_letters.read().await?;
        dead_letters.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(dead_letters)
    }

    async fn replay(&self, id: u64) -> Result<bool, String> {
        self.topics.ensure(&Topic::dead_letters(&self.options)).await?;
        let Some(dead_letter) = self
            .dead_letters
            .read()
            .await?
            .into_iter()
            .find(|dead_letter| dead_letter.id == id)
        else {
            return Ok(false);
        };
        let replayed = Record {
            topic: Topic::replay(&self.options, &dead_letter.subscriber),
            key: dead_letter.event.subject.clone(),
            headers: cloud_event::headers(&dead_letter.event),
            value: Some(dead_letter.event.data.clone()),
        };
        self.send(vec![replayed]).await?;
        // If this fails, the dead letter stays and may be replayed again: delivery is at least once.
        self.send(vec![DeadLetterTopic::tombstone(&self.options, &dead_letter)])
            .await?;
        Ok(true)
    }
}
