//! Events on Kafka: the publisher, the consumers of each subscriber, and dead letters.
//!
//! An event is a CloudEvent 1.0 in the binary mode of its Kafka binding. Its key is the subject. With the
//! default prefix these are the topics:
//!
//! | topic | content |
//! |---|---|
//! | `mercato.<service>` | the events of kind `mercato.<service>.<what-happened>`, ordered by subject |
//! | `mercato.<subscriber>.replay` | dead letters that are delivered again, to this subscriber only |
//! | `mercato.dead-letters` | dead letters until they are replayed; one partition, compacted |
//!
//! Missing topics are created. The broker's `log.retention` sets how long they keep events, and a subscriber
//! that is down for longer misses events. A change of the number of partitions moves subjects to other
//! partitions, so make it while no events wait.
//!
//! [`Kafka`] publishes events and stores dead letters. [`Consumers`] delivers events. All processes that
//! deliver to a subscriber share one consumer group, `mercato.<subscriber>`.
//!
//! An event that follows a quiet time is delivered at once. A busy consumer pauses for 50 ms between two
//! fetches, so that each fetch returns more events.

mod client;
pub mod cloud_event;
mod consumers;
mod dead_letters;
mod lag;
mod log;
mod options;
mod producer;
mod topics;

pub use client::Kafka;
pub use consumers::{Consumers, Subscriber};
pub use lag::Lag;
pub use options::{DeliveryOptions, KafkaOptions};
