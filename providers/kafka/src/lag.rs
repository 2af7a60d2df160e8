//! The lag of subscribers.

use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use crate::log::LogContext;
use crate::options::KafkaOptions;

/// The lag of a subscriber in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The name of the subscriber.
    pub subscriber: String,
    /// The name of the topic.
    pub topic: String,
    /// The number of the partition.
    pub partition: i32,
    /// The number of waiting records, including records of kinds that the subscriber does not handle.
    pub waiting: u64,
}

/// Reads the lag of a subscriber's consumer group in these partitions.
pub(crate) async fn read(
    options: KafkaOptions,
    subscriber: String,
    partitions: Vec<(String, i32)>,
) -> Result<Vec<Lag>, String> {
    let lag = tokio::task::spawn_blocking(move || read_blocking(&options, &subscriber, &partitions));
    lag.await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("the lag of subscribers cannot be read from Kafka: {error}"))
}

fn read_blocking(
    options: &KafkaOptions,
    subscriber: &str,
    partitions: &[(String, i32)],
) -> Result<Vec<Lag>, KafkaError> {
    let mut config = options.client();
    // The consumer reads the offsets of the group without joining it.
    config
        .set("group.id", group(options, subscriber))
        .set("enable.auto.commit", "false");
    let consumer = BaseConsumer::from_config_and_context(&config, LogContext)?;
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
        let committed = match element.offset() {
            Offset::Offset(offset) => offset.max(start),
            _ => start,
        };
        Ok(Lag {
            subscriber: subscriber.into(),
            topic: element.topic().into(),
            partition: element.partition(),
            waiting: u64::try_from(end.saturating_sub(committed)).unwrap_or(0),
        })
    });
    lag.collect()
}

/// Returns the name of a subscriber's consumer group.
pub(crate) fn group(options: &KafkaOptions, subscriber: &str) -> String {
    format!("{}{subscriber}", options.prefix)
}
