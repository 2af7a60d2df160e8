//! The producer: sends records in order and waits until they are durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};

use crate::log::LogContext;
use crate::options::KafkaOptions;
use crate::topics::Topic;

/// How long to wait before a record is sent again to a full queue.
const QUEUE_FULL_DELAY: Duration = Duration::from_millis(5);

/// A record to send. Records of the same key stay in order.
pub(crate) struct Record {
    pub topic: Topic,
    pub key: String,
    pub headers: OwnedHeaders,
    /// `None` deletes the record of this key from a compacted topic.
    pub value: Option<String>,
}

type Inner = FutureProducer<LogContext>;

/// An idempotent producer: all in-sync replicas store each record once and in order.
pub(crate) struct Producer {
    config: ClientConfig,
    options: KafkaOptions,
    /// Replaced after a failure, so that no record of a failed call is sent later.
    inner: Mutex<Option<Arc<Inner>>>,
}

impl Producer {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let mut config = options.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // Chooses the same partition as Java's clients, also for an empty key.
            .set("partitioner", "murmur2")
            // A single record must not expire: the next one of its subject would overtake it. Instead a call
            // times out as a whole.
            .set("message.timeout.ms", "0")
            .set(
                "request.timeout.ms",
                options.timeout.as_millis().max(1).to_string(),
            );
        let producer = Self {
            config,
            options: options.clone(),
            inner: Mutex::default(),
        };
        producer.inner()?;
        Ok(producer)
    }

    /// Sends records in order. After an error some of them may have been stored.
    pub async fn send(&self, records: &[Record]) -> Result<(), String> {
        let inner = self.inner()?;
        let result = tokio::time::timeout(self.options.timeout, send(&inner, records)).await;
        let failure = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => match inner.client().fatal_error() {
                Some((_, reason)) => reason,
                None => error.to_string(),
            },
            Err(_) => format!("no answer within {:?}", self.options.timeout),
        };
        self.replace(inner).await;
        Err(format!(
            "events could not be sent to Kafka at {}: {failure}",
            self.options.brokers
        ))
    }

    fn inner(&self) -> Result<Arc<Inner>, String> {
        let mut slot = self.slot();
        if let Some(inner) = &*slot {
            return Ok(Arc::clone(inner));
        }
        let inner = Inner::from_config_and_context(&self.config, LogContext)
            .map_err(|error| format!("the Kafka producer could not be created: {error}"))?;
        Ok(Arc::clone(slot.insert(Arc::new(inner))))
    }

    async fn replace(&self, failed: Arc<Inner>) {
        {
            let mut slot = self.slot();
            if slot.as_ref().is_some_and(|inner| Arc::ptr_eq(inner, &failed)) {
                *slot = None;
            }
        }
        // On another thread, because dropping a producer waits for its own thread.
        let dropped = tokio::task::spawn_blocking(move || {
            failed.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
            drop(failed);
        });
        if let Err(error) = dropped.await {
            tracing::error!(%error, "a Kafka producer panicked when it was closed");
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Inner>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(inner: &Inner, records: &[Record]) -> Result<(), KafkaError> {
    let mut deliveries = Vec::with_capacity(records.len());
    for record in records {
        deliveries.push(enqueue(inner, record).await?);
    }
    let delivered = deliveries.into_iter().map(|delivery| async move {
        match delivery.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((error, _))) => Err(error),
            Err(_) => Err(KafkaError::Canceled),
        }
    });
    try_join_all(delivered).await.map(drop)
}

/// Appends a record to the queue, and waits while the queue is full.
async fn enqueue(inner: &Inner, record: &Record) -> Result<DeliveryFuture, KafkaError> {
    let mut next = FutureRecord::to(&record.topic.name)
        .key(&record.key)
        .headers(record.headers.clone());
    next.payload = record.value.as_ref();
    loop {
        match inner.send_result(next) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), returned)) => {
                next = returned;
                tokio::time::sleep(QUEUE_FULL_DELAY).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}
