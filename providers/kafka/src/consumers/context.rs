//! The callbacks of librdkafka for a consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::log::{LogContext, log};

pub(super) type EventConsumer = BaseConsumer<SessionContext>;

/// Revoked partitions, which the session passes to [`unassign`] when their handlers have returned.
pub(super) struct Revoked {
    pub partitions: TopicPartitionList,
    /// Whether other consumers have the partitions already.
    pub lost: bool,
}

/// Passes revoked partitions to the session, which unassigns them later.
pub(super) struct SessionContext {
    revoked: UnboundedSender<Revoked>,
    /// Whether the consumer is being closed. Then the session no longer receives revoked partitions.
    pub closing: AtomicBool,
    /// Whether a commit has failed since the session last checked.
    pub commit_failed: AtomicBool,
    /// Notified when the queue of the consumer may have records: when it is no longer empty, and after each
    /// callback, because a poll that calls back returns no record.
    pub filled: Arc<Notify>,
}

impl SessionContext {
    pub fn new(revoked: UnboundedSender<Revoked>) -> Self {
        Self {
            revoked,
            closing: AtomicBool::new(false),
            commit_failed: AtomicBool::new(false),
            filled: Arc::default(),
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) -> KafkaResult<()> {
        let revoked = Revoked {
            partitions: partitions.clone(),
            lost: consumer.assignment_lost(),
        };
        let sent = !self.closing.load(Ordering::SeqCst) && self.revoked.send(revoked).is_ok();
        if sent {
            Ok(())
        } else {
            unassign(consumer, partitions)
        }
    }
}

/// Unassigns partitions, so that other consumers can have them.
pub(super) fn unassign(
    consumer: &impl Consumer<SessionContext>,
    partitions: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        _ => consumer.unassign(),
    }
}

impl ClientContext for SessionContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
        self.filled.notify_one();
    }

    fn error(&self, error: KafkaError, reason: &str) {
        ClientContext::error(&LogContext, error, reason);
    }
}

impl ConsumerContext for SessionContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let result = match (kind, consumer.rebalance_protocol()) {
            (RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, RebalanceProtocol::Cooperative) => {
                consumer.incremental_assign(partitions)
            }
            (RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, _) => consumer.assign(partitions),
            _ => self.revoke(consumer, partitions),
        };
        if let Err(error) = result {
            tracing::error!(%error, "partitions could not be assigned or unassigned");
        }
        self.filled.notify_one();
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            if error != KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress) {
                tracing::warn!(%error, "offsets could not be committed to Kafka; they are committed again");
            }
            self.commit_failed.store(true, Ordering::SeqCst);
        }
        self.filled.notify_one();
    }
}
