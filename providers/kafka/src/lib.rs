//! Events on Kafka: the publisher, the consumers of each subscriber, and the dead letters.
//!
//! An event is a CloudEvent 1.0 in Kafka's binary mode, its key the subject. With the default prefix:
//!
//! | topic | holds |
//! |---|---|
//! | `mercato.<service>` | the events of kind `mercato.<service>.<what-happened>`, in order per subject |
//! | `mercato.<subscriber>.replay` | dead letters that are delivered again, to this subscriber alone |
//! | `mercato.dead-letters` | what could not be delivered, until it is replayed; one partition, compacted |
//!
//! Topics are created where they are missing. How long events stay in them is the broker's setting (`log.retention`): a
//! subscriber that is away for longer misses events. Who changes a topic's number of partitions changes the partition of its
//! subjects, so do it while nothing is waiting.
//!
//! [`Kafka`] publishes and keeps the dead letters; [`Consumers`] delivers. What one subscriber is told comes by one consumer group,
//! `mercato.<subscriber>`, however many processes share it.

mod client;
mod cloud_event;
mod consumers;
mod dead_letters;
mod lag;
mod options;
mod producer;
mod topics;

pub use client::Kafka;
pub use consumers::{Consumers, Subscriber};
pub use lag::Lag;
pub use options::{DeliveryOptions, KafkaOptions};
