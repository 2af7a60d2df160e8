//! The names of topics, and the creation of missing topics.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercato_ports::cloud_event::service;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::log::LogContext;
use crate::options::KafkaOptions;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Events,
    /// One partition, because replays are rare.
    Replay,
    /// One compacted partition, which keeps the last record of each key.
    DeadLetters,
}

/// The name and the kind of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Topic {
    pub name: String,
    kind: Kind,
}

impl Topic {
    /// Returns the topic of a kind of events. All kinds that name no service share one topic.
    pub fn of_kind(options: &KafkaOptions, kind: &str) -> Self {
        Self::named(options, service(kind).unwrap_or("other.events"))
    }

    /// Returns the topic of replayed dead letters of a subscriber.
    pub fn replay(options: &KafkaOptions, subscriber: &str) -> Self {
        Self {
            kind: Kind::Replay,
            ..Self::named(options, &format!("{subscriber}.replay"))
        }
    }

    pub fn dead_letters(options: &KafkaOptions) -> Self {
        Self {
            kind: Kind::DeadLetters,
            ..Self::named(options, "dead-letters")
        }
    }

    fn named(options: &KafkaOptions, name: &str) -> Self {
        Self {
            name: format!("{}{name}", options.prefix),
            kind: Kind::Events,
        }
    }
}

/// Creates missing topics.
pub(crate) struct Topics {
    options: KafkaOptions,
    admin: Arc<AdminClient<LogContext>>,
    existing: Mutex<HashSet<String>>,
}

impl Topics {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let admin = AdminClient::from_config_and_context(&options.client(), LogContext);
        Ok(Self {
            options: options.clone(),
            admin: Arc::new(
                admin.map_err(|error| format!("the Kafka client could not be created: {error}"))?,
            ),
            existing: Mutex::default(),
        })
    }

    /// Creates a topic if it does not exist. An existing topic is not changed.
    pub async fn ensure(&self, topic: &Topic) -> Result<(), String> {
        if self.existing().contains(&topic.name) {
            return Ok(());
        }
        let partitions = match topic.kind {
            Kind::Events => self.options.partitions,
            Kind::Replay | Kind::DeadLetters => 1,
        };
        let replication = TopicReplication::Fixed(self.options.replication.into());
        let mut new = NewTopic::new(&topic.name, partitions.into(), replication);
        if topic.kind == Kind::DeadLetters {
            new = new.set("cleanup.policy", "compact");
        }
        let timeout = Some(self.options.timeout);
        let timeouts = AdminOptions::new()
            .request_timeout(timeout)
            .operation_timeout(timeout);
        let created = self.admin.create_topics([&new], &timeouts).await;
        match created.map(|mut topics| topics.pop()) {
            Ok(Some(Ok(_)) | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists)))) => {
                self.existing().insert(topic.name.clone());
                Ok(())
            }
            Ok(Some(Err((name, code)))) => Err(format!("the topic {name} could not be created: {code}")),
            Ok(None) => Err(format!("the topic {} could not be created", topic.name)),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// Checks every topic again before its next use.
    pub fn clear_cache(&self) {
        self.existing().clear();
    }

    /// Checks that a broker answers.
    pub async fn ready(&self) -> Result<(), String> {
        self.metadata(None).await.map(drop)
    }

    /// Returns the numbers of a topic's partitions.
    pub async fn partitions(&self, topic: &Topic) -> Result<Vec<i32>, String> {
        self.metadata(Some(topic.name.clone())).await
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Vec<i32>, String> {
        let (admin, timeout) = (Arc::clone(&self.admin), self.options.timeout);
        let partitions = tokio::task::spawn_blocking(move || {
            let metadata = admin.inner().fetch_metadata(topic.as_deref(), timeout)?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            Ok(partitions.map(|partition| partition.id()).collect())
        });
        partitions
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error: KafkaError| self.unavailable(&error))
    }

    fn unavailable(&self, error: &KafkaError) -> String {
        let brokers = &self.options.brokers;
        format!("Kafka at {brokers} is unavailable: {error}; check that a broker runs there")
    }

    fn existing(&self) -> MutexGuard<'_, HashSet<String>> {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_topic_after_the_service_of_the_kind() {
        let options = KafkaOptions::new("a:1").unwrap();
        let name = |kind| Topic::of_kind(&options, kind).name;
        assert_eq!(name("mercato.orders.placed"), "mercato.orders");
        assert_eq!(name("mercato.gift-cards.sold.twice"), "mercato.gift-cards");
        for other in [
            "",
            "order-placed",
            "mercato.orders",
            "mercato..x",
            "mercato.a b.c",
            "com.shop.x",
        ] {
            assert_eq!(name(other), "mercato.other.events", "{other}");
        }
    }
}
