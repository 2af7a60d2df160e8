//! The consumers of subscribers, which come and go while the process runs.

mod context;
mod delivery;
mod member;
mod partition;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use mercato_ports::events::Handlers;
use mercato_ports::manifest::ShopManifest;
use tokio::sync::Mutex;

use crate::client::Kafka;
use crate::lag::{self, Lag};
use crate::options::{DeliveryOptions, KafkaOptions};
use crate::topics::Topic;
use member::Member;

/// Who is told of which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// As in the manifest.
    pub name: String,
    /// The kinds of events that its handler takes; others are passed over.
    pub kinds: BTreeSet<String>,
}

impl Subscriber {
    /// All who subscribe in a manifest.
    #[must_use]
    pub fn all(shop: &ShopManifest) -> Vec<Self> {
        let services = shop.services.iter();
        services
            .filter(|(_, service)| !service.handles.is_empty())
            .map(|(name, service)| Self {
                name: name.clone(),
                kinds: service.handles.iter().cloned().collect(),
            })
            .collect()
    }

    fn topics(&self, options: &KafkaOptions) -> BTreeSet<Topic> {
        let kinds = self.kinds.iter().map(|kind| Topic::of_kind(options, kind));
        kinds.chain([Topic::replay(options, &self.name)]).collect()
    }
}

/// What this process delivers: at least once, the events of one subscriber and subject in the order of their publication (as far
/// as one service published them), others at the same time.
///
/// An event that is to be retried stays in its place: the later ones of its subject wait behind it, other subjects pass. What
/// is committed to Kafka is what was answered, so after a crash events may come again, and none is lost.
pub struct Consumers {
    kafka: Arc<Kafka>,
    handlers: Arc<dyn Handlers>,
    options: DeliveryOptions,
    members: Mutex<BTreeMap<String, Member>>,
}

impl Consumers {
    /// Consumers that hand events to these handlers. There is no subscriber yet.
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

    /// Begins to deliver to a subscriber; one that was never there before gets the events from the oldest on. Whoever had this name
    /// is replaced. Where Kafka is away this goes on trying, and says so in the log.
    pub async fn add(&self, subscriber: Subscriber) {
        let name = subscriber.name.clone();
        let mut members = self.members.lock().await;
        if let Some(earlier) = members.remove(&name) {
            earlier.end().await;
        }
        let (kafka, handlers) = (Arc::clone(&self.kafka), Arc::clone(&self.handlers));
        members.insert(name, Member::start(kafka, handlers, subscriber, self.options));
    }

    /// Ends the deliveries to a subscriber, after the handlers that run now; its place is kept in Kafka.
    pub async fn remove(&self, name: &str) {
        let member = self.members.lock().await.remove(name);
        if let Some(member) = member {
            member.end().await;
        }
    }

    /// Ends all deliveries, after the handlers that run now.
    pub async fn shutdown(&self) {
        let members = std::mem::take(&mut *self.members.lock().await);
        join_all(members.into_values().map(Member::end)).await;
    }

    /// How far the subscribers of this process are behind, in all partitions, wherever these are consumed.
    ///
    /// # Errors
    /// A sentence for the operator, where Kafka does not answer.
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
        lag::of(self.kafka.options().clone(), subscriber.name, partitions).await
    }
}
