//! How far subscribers are behind.

use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use crate::client::Log;
use crate::options::KafkaOptions;

/// How far a subscriber is behind in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Whose events wait.
    pub subscriber: String,
    /// The topic they wait in.
    pub topic: String,
    /// The partition they wait in.
    pub partition: i32,
    /// How many records wait, those of kinds that the subscriber does not handle included.
    pub waiting: u64,
}

/// How far the group of a subscriber is behind in these partitions.
pub(crate) async fn of(
    options: KafkaOptions,
    subscriber: String,
    partitions: Vec<(String, i32)>,
) -> Result<Vec<Lag>, String> {
    let asked = tokio::task::spawn_blocking(move || ask(&options, &subscriber, &partitions));
    asked
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("how far subscribers are behind can't be read from Kafka: {error}"))
}

fn ask(
    options: &KafkaOptions,
    subscriber: &str,
    partitions: &[(String, i32)],
) -> Result<Vec<Lag>, KafkaError> {
    let mut config = options.client();
    // It asks about the group without joining it.
    config
        .set("group.id", group(options, subscriber))
        .set("enable.auto.commit", "false");
    let consumer = BaseConsumer::from_config_and_context(&config, Log)?;
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    let committed = consumer.committed_offsets(list, options.timeout)?;
    let elements = committed.elements();
    let lag = elements.iter().map(|element| {
        element.error()?;
        let (start, end) =
            consumer.fetch_watermarks(element.topic(), element.partition(), options.timeout)?;
        let done = match element.offset() {
            Offset::Offset(offset) => offset.max(start),
            _ => start,
        };
        Ok(Lag {
            subscriber: subscriber.into(),
            topic: element.topic().into(),
            partition: element.partition(),
            waiting: u64::try_from(end.saturating_sub(done)).unwrap_or(0),
        })
    });
    lag.collect()
}

/// The consumer group of a subscriber.
pub(crate) fn group(options: &KafkaOptions, subscriber: &str) -> String {
    format!("{}{subscriber}", options.prefix)
}
