//! The names of topics, and topics that are made where they are missing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mercato_ports::cloud_event::service;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::client::Log;
use crate::options::KafkaOptions;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Events,
    /// One partition: groups share partitions by their number, and these are mostly idle.
    Replay,
    /// One partition that keeps the last record of each key.
    DeadLetters,
}

/// A topic by its name, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Topic {
    pub name: String,
    kind: Kind,
}

impl Topic {
    /// Where events of a kind are; those whose kind names no service share one.
    pub fn of_kind(options: &KafkaOptions, kind: &str) -> Self {
        Self::named(options, service(kind).unwrap_or("other.events"))
    }

    /// Where dead letters come again to a subscriber.
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

/// Makes topics where they are missing.
pub(crate) struct Topics {
    options: KafkaOptions,
    admin: Arc<AdminClient<Log>>,
    known: Mutex<HashSet<String>>,
}

impl Topics {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let admin = AdminClient::from_config_and_context(&options.client(), Log);
        Ok(Self {
            options: options.clone(),
            admin: Arc::new(admin.map_err(|error| format!("no client of Kafka could be made: {error}"))?),
            known: Mutex::default(),
        })
    }

    /// Makes a topic where it is missing. A topic that is there is left as it is.
    pub async fn ensure(&self, topic: &Topic) -> Result<(), String> {
        if self.known().contains(&topic.name) {
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
        let times = AdminOptions::new()
            .request_timeout(timeout)
            .operation_timeout(timeout);
        let made = self.admin.create_topics([&new], &times).await;
        match made.map(|mut topics| topics.pop()) {
            Ok(Some(Ok(_)) | Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists)))) => {
                self.known().insert(topic.name.clone());
                Ok(())
            }
            Ok(Some(Err((name, code)))) => Err(format!("the topic {name} could not be made: {code}")),
            Ok(None) => Err(format!("the topic {} could not be made", topic.name)),
            Err(error) => Err(self.away(&error)),
        }
    }

    /// Looks at every topic again before its next use.
    pub fn forget(&self) {
        self.known().clear();
    }

    /// Whether a broker answers.
    pub async fn ready(&self) -> Result<(), String> {
        self.metadata(None).await.map(drop)
    }

    /// The numbers of a topic's partitions.
    pub async fn partitions(&self, topic: &Topic) -> Result<Vec<i32>, String> {
        self.metadata(Some(topic.name.clone())).await
    }

    async fn metadata(&self, topic: Option<String>) -> Result<Vec<i32>, String> {
        let (admin, timeout) = (Arc::clone(&self.admin), self.options.timeout);
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = admin.inner().fetch_metadata(topic.as_deref(), timeout)?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            Ok(partitions.map(|partition| partition.id()).collect())
        });
        asked
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error: KafkaError| self.away(&error))
    }

    fn away(&self, error: &KafkaError) -> String {
        let brokers = &self.options.brokers;
        format!("Kafka at {brokers} does not answer as it should: {error}; see that a broker runs there")
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_by_the_service_of_the_kind() {
        let options = KafkaOptions::new("a:1").unwrap();
        let name = |kind| Topic::of_kind(&options, kind).name;
        assert_eq!(name("mercato.orders.placed"), "mercato.orders");
        assert_eq!(name("mercato.gift-cards.sold.twice"), "mercato.gift-cards");
        for other in [
            "",
            "happened",
            "mercato.orders",
            "mercato..x",
            "mercato.a b.c",
            "com.shop.x",
        ] {
            assert_eq!(name(other), "mercato.other.events", "{other}");
        }
    }
}
