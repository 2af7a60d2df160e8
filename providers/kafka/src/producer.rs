//! Records that are sent in order, and durable once that has succeeded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};

use crate::client::Log;
use crate::options::KafkaOptions;
use crate::topics::Topic;

/// How long to wait before a full queue is looked at again.
const PAUSE: Duration = Duration::from_millis(5);

/// What is sent. Records of one key keep their order.
pub(crate) struct Record {
    pub topic: Topic,
    pub key: String,
    pub headers: OwnedHeaders,
    /// None deletes what a compacted topic holds under the key.
    pub value: Option<String>,
}

type Inner = FutureProducer<Log>;

/// An idempotent producer: a record is kept by all replicas that are in step, once, and in order.
pub(crate) struct Producer {
    config: ClientConfig,
    options: KafkaOptions,
    /// Replaced after a failure, so that nothing of a call that has failed is sent after it.
    inner: Mutex<Option<Arc<Inner>>>,
}

impl Producer {
    pub fn new(options: &KafkaOptions) -> Result<Self, String> {
        let mut config = options.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // The partition that Java's clients choose, also for an empty key.
            .set("partitioner", "murmur2")
            // A record that expired alone would let later ones of its subject overtake it: calls end as a whole.
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

    /// Sends records in their order. After an error some of them may be there.
    pub async fn send(&self, records: &[Record]) -> Result<(), String> {
        let inner = self.inner()?;
        let sent = tokio::time::timeout(self.options.timeout, send(&inner, records)).await;
        let failure = match sent {
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
        let inner = Inner::from_config_and_context(&self.config, Log)
            .map_err(|error| format!("no producer of Kafka could be made: {error}"))?;
        Ok(Arc::clone(slot.insert(Arc::new(inner))))
    }

    async fn replace(&self, failed: Arc<Inner>) {
        {
            let mut slot = self.slot();
            if slot.as_ref().is_some_and(|inner| Arc::ptr_eq(inner, &failed)) {
                *slot = None;
            }
        }
        // Ends in another thread, since it waits for the producer's own.
        let ended = tokio::task::spawn_blocking(move || {
            failed.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
            drop(failed);
        });
        if let Err(error) = ended.await {
            tracing::error!(%error, "a producer of Kafka did not end well");
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

/// Puts a record behind the others, once there is a place for it.
async fn enqueue(inner: &Inner, record: &Record) -> Result<DeliveryFuture, KafkaError> {
    let mut next = FutureRecord::to(&record.topic.name)
        .key(&record.key)
        .headers(record.headers.clone());
    next.payload = record.value.as_ref();
    loop {
        match inner.send_result(next) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                next = back;
                tokio::time::sleep(PAUSE).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}
