//! The topic of dead letters.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mercato_ports::events::{DeadLetter, Event};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message, OwnedHeaders};
use rdkafka::{Offset, TopicPartitionList};

use crate::cloud_event::{event, header, headers, with};
use crate::log::LogContext;
use crate::options::KafkaOptions;
use crate::producer::Record;
use crate::topics::Topic;

const SUBSCRIBER: &str = "mercato_subscriber";
const ATTEMPTS: &str = "mercato_attempts";
const REASON: &str = "mercato_reason";

/// How long to wait for a record in one poll.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The dead letters. The first call of [`read`](Self::read) reads the whole topic, and further calls read
/// only new records.
pub(crate) struct DeadLetterTopic {
    reader: Arc<Mutex<Reader>>,
}

struct Reader {
    consumer: BaseConsumer<LogContext>,
    topic: String,
    timeout: Duration,
    assigned: bool,
    /// The offset of the next record.
    next: i64,
    by_offset: BTreeMap<i64, DeadLetter>,
    offset_of_key: HashMap<Vec<u8>, i64>,
}

impl DeadLetterTopic {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let mut config = options.client();
        config.set("enable.auto.commit", "false");
        // The consumer joins no group, but librdkafka requires a group id for a manual assignment.
        config.set("group.id", format!("{}dead-letters.reader", options.prefix));
        let consumer = BaseConsumer::from_config_and_context(&config, LogContext);
        let reader = Reader {
            consumer: consumer
                .map_err(|error| format!("the Kafka consumer could not be created: {error}"))?,
            topic: Topic::dead_letters(options).name,
            timeout: options.timeout,
            assigned: false,
            next: 0,
            by_offset: BTreeMap::new(),
            offset_of_key: HashMap::new(),
        };
        Ok(Self {
            reader: Arc::new(Mutex::new(reader)),
        })
    }

    /// Returns the record of a dead letter.
    pub fn record(
        options: &KafkaOptions,
        subscriber: &str,
        event: &Event,
        attempts: u32,
        reason: &str,
    ) -> Record {
        let headers = with(headers(event), SUBSCRIBER, subscriber);
        let headers = with(headers, ATTEMPTS, &attempts.to_string());
        Record {
            topic: Topic::dead_letters(options),
            key: key(subscriber, event),
            headers: with(headers, REASON, reason),
            value: Some(event.data.clone()),
        }
    }

    /// Returns the record that deletes a dead letter.
    pub fn tombstone(options: &KafkaOptions, dead_letter: &DeadLetter) -> Record {
        Record {
            topic: Topic::dead_letters(options),
            key: key(&dead_letter.subscriber, &dead_letter.event),
            headers: OwnedHeaders::new(),
            value: None,
        }
    }

    /// Returns all current dead letters, oldest first.
    pub async fn read(&self) -> Result<Vec<DeadLetter>, String> {
        let reader = Arc::clone(&self.reader);
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            reader.catch_up()?;
            Ok(reader.by_offset.values().cloned().collect())
        });
        read.await.map_err(|error| error.to_string())?
    }
}

/// Returns the key of a delivery. A second dead letter of the same delivery replaces the first.
fn key(subscriber: &str, event: &Event) -> String {
    format!("{subscriber}/{}", event.id)
}

fn is_unknown(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
        )
    )
}

impl Reader {
    /// Returns the current end of the topic. Retries for a while, because not every broker knows a new topic
    /// at once.
    fn end(&self) -> Result<i64, KafkaError> {
        let started = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(&self.topic, 0, self.timeout) {
                Err(error) if is_unknown(&error) && started.elapsed() < self.timeout => {
                    std::thread::sleep(POLL_TIMEOUT)
                }
                answer => return answer.map(|(_, end)| end),
            }
        }
    }

    /// Reads up to the current end of the topic.
    fn catch_up(&mut self) -> Result<(), String> {
        let failed = |error: KafkaError| format!("the dead letters cannot be read from Kafka: {error}");
        let end = self.end().map_err(failed)?;
        if end < self.next {
            // The topic was deleted and created again.
            self.assigned = false;
        }
        if !self.assigned {
            self.start().map_err(failed)?;
        }
        let started = Instant::now();
        while self.next < end {
            match self.consumer.poll(POLL_TIMEOUT) {
                Some(Ok(record)) => {
                    let (offset, key) = (record.offset(), record.key().unwrap_or_default().to_vec());
                    let dead_letter = dead_letter(&record);
                    self.add(offset, key, dead_letter);
                }
                Some(Err(error)) => tracing::debug!(%error, "a poll for dead letters failed"),
                None => {}
            }
            if started.elapsed() > self.timeout {
                return Err(format!(
                    "the dead letters could not be read from Kafka within {:?}",
                    self.timeout
                ));
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), KafkaError> {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(&self.topic, 0, Offset::Beginning)?;
        self.consumer.assign(&partitions)?;
        (self.assigned, self.next) = (true, 0);
        self.by_offset.clear();
        self.offset_of_key.clear();
        Ok(())
    }

    fn add(&mut self, offset: i64, key: Vec<u8>, dead_letter: Option<DeadLetter>) {
        self.next = offset + 1;
        if let Some(earlier) = self.offset_of_key.remove(&key) {
            self.by_offset.remove(&earlier);
        }
        if let Some(dead_letter) = dead_letter {
            self.offset_of_key.insert(key, offset);
            self.by_offset.insert(offset, dead_letter);
        }
    }
}

/// Parses a dead letter. Returns `None` for a tombstone, and for any other record.
fn dead_letter(record: &BorrowedMessage) -> Option<DeadLetter> {
    record.payload()?;
    let parse = || {
        Some(DeadLetter {
            id: u64::try_from(record.offset()).ok()?,
            subscriber: header(record, SUBSCRIBER)?.into(),
            event: event(record).ok()?,
            attempts: header(record, ATTEMPTS)?.parse().ok()?,
            reason: header(record, REASON)?.into(),
        })
    };
    let dead_letter = parse();
    if dead_letter.is_none() {
        tracing::error!(
            offset = record.offset(),
            "a record in the topic of dead letters is not a dead letter; it is ignored"
        );
    }
    dead_letter
}
