//! The consumers of subscribers, which can be added and removed while the process runs.

mod context;
mod delivery;
mod member;
mod partition;
mod session;
mod subscriber;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use mercato_ports::events::Handlers;
use tokio::sync::Mutex;

use crate::client::Kafka;
use crate::lag::{self, Lag};
use crate::options::DeliveryOptions;
use member::Member;
pub use subscriber::Subscriber;

/// Delivers events at least once. Events of one subscriber, subject and publishing service arrive in the
/// order of their publication. Other events are delivered concurrently.
///
/// While an event is retried, later events of its subject wait, and other subjects continue. Offsets are
/// committed to Kafka only for finished events. So after a crash events may be delivered again, and none is
/// lost.
pub struct Consumers {
    kafka: Arc<Kafka>,
    handlers: Arc<dyn Handlers>,
    options: DeliveryOptions,
    members: Mutex<BTreeMap<String, Member>>,
}

impl Consumers {
    /// Creates consumers for these handlers, without subscribers.
    #[must_use]
    pub fn new(kafka: Arc<Kafka>, handlers: Arc<dyn Handlers>, options: DeliveryOptions) -> Self {
        let members = Mutex::default();
        Self {
            kafka,
            handlers,
            options,
            members,
        }
    }

    /// Adds a subscriber, or replaces the subscriber of the same name. A new subscriber receives all stored
    /// events, oldest first. While Kafka is unavailable, the consumer keeps trying and logs a warning each
    /// time.
    pub async fn add(&self, subscriber: Subscriber) {
        let name = subscriber.name.clone();
        let mut members = self.members.lock().await;
        if let Some(previous) = members.remove(&name) {
            previous.shutdown().await;
        }
        let (kafka, handlers) = (Arc::clone(&self.kafka), Arc::clone(&self.handlers));
        members.insert(name, Member::start(kafka, handlers, subscriber, self.options));
    }

    /// Removes a subscriber after its running handlers have returned. Kafka keeps its offsets.
    pub async fn remove(&self, name: &str) {
        let member = self.members.lock().await.remove(name);
        if let Some(member) = member {
            member.shutdown().await;
        }
    }

    /// Removes all subscribers after their running handlers have returned.
    pub async fn shutdown(&self) {
        let members = std::mem::take(&mut *self.members.lock().await);
        join_all(members.into_values().map(Member::shutdown)).await;
    }

    /// Returns the lag of this process's subscribers in all partitions, including partitions of other
    /// processes.
    ///
    /// # Errors
    /// If Kafka does not answer, with a message for the operator.
    pub async fn lag(&self) -> Result<Vec<Lag>, String> {
        let members = self.members.lock().await;
        let subscribers = members.values().map(|member| member.subscriber().clone());
        let subscribers = subscribers.collect::<Vec<_>>();
        drop(members);
        let lags = try_join_all(subscribers.into_iter().map(|subscriber| self.lag_of(subscriber)));
        Ok(lags.await?.concat())
    }

    async fn lag_of(&self, subscriber: Subscriber) -> Result<Vec<Lag>, String> {
        let mut partitions = Vec::new();
        for topic in subscriber.topics(self.kafka.options()) {
            self.kafka.topics().ensure(&topic).await?;
            let numbers = self.kafka.topics().partitions(&topic).await?;
            partitions.extend(numbers.into_iter().map(|number| (topic.name.clone(), number)));
        }
        lag::read(self.kafka.options().clone(), subscriber.name, partitions).await
    }
}
