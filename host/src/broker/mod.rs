//! The event broker: Kafka, or none in a build without the cargo feature `kafka`.

#[cfg(feature = "kafka")]
mod kafka;
#[cfg(not(feature = "kafka"))]
mod none;

#[cfg(feature = "kafka")]
pub use kafka::{Broker, connect, deliver};
#[cfg(not(feature = "kafka"))]
pub use none::{Broker, connect, deliver};
