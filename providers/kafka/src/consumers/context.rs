//! What librdkafka tells a consumer beside its records.

use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use tokio::sync::mpsc::UnboundedSender;

use crate::client::{Log, log};

pub(super) type EventConsumer = StreamConsumer<Context>;

/// Partitions that are to be given back, with [`unassign`], once their handlers have ended.
pub(super) struct Revoked {
    pub partitions: TopicPartitionList,
    /// Others have them already.
    pub lost: bool,
}

/// Hands what was revoked to the session, instead of giving it back at once.
pub(super) struct Context {
    revoked: UnboundedSender<Revoked>,
    /// Whether the consumer is being closed: nobody listens any more.
    pub closing: AtomicBool,
    /// Whether a commit has failed since this was last looked at.
    pub uncommitted: AtomicBool,
}

impl Context {
    pub fn new(revoked: UnboundedSender<Revoked>) -> Self {
        Self {
            revoked,
            closing: AtomicBool::new(false),
            uncommitted: AtomicBool::new(false),
        }
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) -> KafkaResult<()> {
        let revoked = Revoked {
            partitions: partitions.clone(),
            lost: consumer.assignment_lost(),
        };
        let heard = !self.closing.load(Ordering::SeqCst) && self.revoked.send(revoked).is_ok();
        if heard {
            Ok(())
        } else {
            unassign(consumer, partitions)
        }
    }
}

/// Gives partitions back.
pub(super) fn unassign(
    consumer: &impl Consumer<Context>,
    partitions: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        _ => consumer.unassign(),
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        ClientContext::error(&Log, error, reason);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let done = match (kind, consumer.rebalance_protocol()) {
            (RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, RebalanceProtocol::Cooperative) => {
                consumer.incremental_assign(partitions)
            }
            (RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, _) => consumer.assign(partitions),
            _ => self.revoke(consumer, partitions),
        };
        if let Err(error) = done {
            tracing::error!(%error, "partitions could not be taken or given back");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            if error != KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress) {
                tracing::warn!(%error, "what was delivered could not be committed to Kafka; trying again");
            }
            self.uncommitted.store(true, Ordering::SeqCst);
        }
    }
}
