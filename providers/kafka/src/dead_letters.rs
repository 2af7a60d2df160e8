//! The topic of dead letters, read as a whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mercato_ports::events::{DeadLetter, Event};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message, OwnedHeaders};
use rdkafka::{Offset, TopicPartitionList};

use crate::client::Log;
use crate::cloud_event::{event, header, headers, with};
use crate::options::KafkaOptions;
use crate::producer::Record;
use crate::topics::Topic;

const SUBSCRIBER: &str = "mercato_subscriber";
const ATTEMPTS: &str = "mercato_attempts";
const REASON: &str = "mercato_reason";

/// How long one look for a record may take.
const LOOK: Duration = Duration::from_millis(100);

/// Reads the topic from its start, and from then on only what is new.
pub(crate) struct Letters {
    reader: Arc<Mutex<Reader>>,
}

struct Reader {
    consumer: BaseConsumer<Log>,
    topic: String,
    timeout: Duration,
    assigned: bool,
    /// The offset of the next record.
    next: i64,
    by_offset: BTreeMap<i64, DeadLetter>,
    offset_of_key: HashMap<Vec<u8>, i64>,
}

impl Letters {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let mut config = options.client();
        config.set("enable.auto.commit", "false");
        // It joins no group; librdkafka assigns by hand only with a name for one.
        config.set("group.id", format!("{}dead-letters.reader", options.prefix));
        let consumer = BaseConsumer::from_config_and_context(&config, Log);
        let reader = Reader {
            consumer: consumer.map_err(|error| format!("no consumer of Kafka could be made: {error}"))?,
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

    /// The record of what could not be delivered.
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

    /// The record that removes a letter.
    pub fn tombstone(options: &KafkaOptions, letter: &DeadLetter) -> Record {
        Record {
            topic: Topic::dead_letters(options),
            key: key(&letter.subscriber, &letter.event),
            headers: OwnedHeaders::new(),
            value: None,
        }
    }

    /// All letters as they are now, oldest first.
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

/// Names an event's delivery: a second letter of it replaces the first.
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
    /// The end that the topic has now. One that was only just made is not known to every broker yet.
    fn end(&self) -> Result<i64, KafkaError> {
        let started = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(&self.topic, 0, self.timeout) {
                Err(error) if is_unknown(&error) && started.elapsed() < self.timeout => {
                    std::thread::sleep(LOOK)
                }
                answer => return answer.map(|(_, end)| end),
            }
        }
    }

    /// Reads on to the end that the topic has now.
    fn catch_up(&mut self) -> Result<(), String> {
        let failed = |error: KafkaError| format!("the dead letters can't be read from Kafka: {error}");
        let end = self.end().map_err(failed)?;
        if end < self.next {
            // The topic was made anew.
            self.assigned = false;
        }
        if !self.assigned {
            self.start().map_err(failed)?;
        }
        let started = Instant::now();
        while self.next < end {
            match self.consumer.poll(LOOK) {
                Some(Ok(record)) => {
                    let (offset, key) = (record.offset(), record.key().unwrap_or_default().to_vec());
                    let letter = letter(&record);
                    self.take(offset, key, letter);
                }
                Some(Err(error)) => tracing::debug!(%error, "reading the dead letters"),
                None => {}
            }
            if started.elapsed() > self.timeout {
                return Err(format!(
                    "the dead letters can't be read from Kafka within {:?}",
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

    fn take(&mut self, offset: i64, key: Vec<u8>, letter: Option<DeadLetter>) {
        self.next = offset + 1;
        if let Some(earlier) = self.offset_of_key.remove(&key) {
            self.by_offset.remove(&earlier);
        }
        if let Some(letter) = letter {
            self.offset_of_key.insert(key, offset);
            self.by_offset.insert(offset, letter);
        }
    }
}

/// None for a tombstone, and for what is no letter.
fn letter(record: &BorrowedMessage) -> Option<DeadLetter> {
    record.payload()?;
    let letter = || {
        Some(DeadLetter {
            id: u64::try_from(record.offset()).ok()?,
            subscriber: header(record, SUBSCRIBER)?.into(),
            event: event(record).ok()?,
            attempts: header(record, ATTEMPTS)?.parse().ok()?,
            reason: header(record, REASON)?.into(),
        })
    };
    let letter = letter();
    if letter.is_none() {
        tracing::error!(
            offset = record.offset(),
            "a record among the dead letters is none; it is left out"
        );
    }
    letter
}
