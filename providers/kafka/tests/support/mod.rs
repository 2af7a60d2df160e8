//! The broker of the tests.
#![allow(dead_code, reason = "each test uses a part of this module")]

use std::sync::Arc;

use mercato_kafka::{Kafka, KafkaOptions};
use uuid::Uuid;

/// The environment variable with the `host:port` of the broker.
pub const SERVER: &str = "MERCATO_TEST_KAFKA";

/// Returns options with a unique prefix.
pub fn options(brokers: &str) -> KafkaOptions {
    let prefix = format!("test-{}.", Uuid::now_v7().simple());
    with_prefix(brokers, &prefix)
}

pub fn with_prefix(brokers: &str, prefix: &str) -> KafkaOptions {
    KafkaOptions {
        prefix: prefix.into(),
        partitions: 4,
        ..KafkaOptions::new(brokers).unwrap()
    }
}

pub fn kafka(options: &KafkaOptions) -> Arc<Kafka> {
    Kafka::new(options.clone()).unwrap()
}
