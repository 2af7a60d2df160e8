//! The options of clients and of deliveries.

use std::time::Duration;

use rdkafka::ClientConfig;

/// The options of the connection to Kafka and of new topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaOptions {
    /// The brokers to connect to first: `host:port`, several separated by commas.
    pub brokers: String,
    /// The prefix of the names of topics and groups.
    pub prefix: String,
    /// The number of partitions of a new topic. At most this many processes can share the work of one
    /// subscriber.
    pub partitions: u16,
    /// The replication factor of a new topic.
    pub replication: u16,
    /// How long a call may take before it fails.
    pub timeout: Duration,
}

impl KafkaOptions {
    /// Returns the defaults for these brokers: prefix `mercato.`, 12 partitions, replication factor 1, ten
    /// seconds. The brokers are `host:port`, several separated by commas, with or without `kafka://` in
    /// front.
    ///
    /// # Errors
    /// If a broker is not `host:port`, or if the address has a user name, which this build does not support.
    pub fn new(brokers: &str) -> Result<Self, String> {
        let brokers = brokers.strip_prefix("kafka://").unwrap_or(brokers);
        let brokers = brokers.trim_end_matches('/');
        if brokers.contains('@') {
            return Err(
                "the address of Kafka must not have a user name: this build supports only `kafka://host:port`"
                    .into(),
            );
        }
        let has_port = |broker: &str| {
            broker
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if !brokers.split(',').all(has_port) {
            return Err(format!(
                "`{brokers}` is not an address of Kafka: write `kafka://host:port`, and separate several \
                 brokers by commas"
            ));
        }
        Ok(Self {
            brokers: brokers.into(),
            prefix: "mercato.".into(),
            partitions: 12,
            replication: 1,
            timeout: Duration::from_secs(10),
        })
    }

    /// Returns the configuration that all clients share.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "mercato")
            .set("log.connection.close", "false")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            .set("topic.metadata.refresh.fast.interval.ms", "50")
            .set("topic.metadata.refresh.interval.ms", "5000");
        config
    }
}

/// How one process delivers events to one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// The maximum number of concurrent calls.
    pub parallel: usize,
    /// The number of attempts after which an event becomes a dead letter.
    pub attempts: u32,
    /// The wait after the first failed attempt. It doubles with each further one.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub max_backoff: Duration,
    /// The longest wait before an unreachable subscriber is tried again.
    pub unreachable_backoff: Duration,
    /// For how long an event waits for an unreachable subscriber. After this, each delivery is an attempt.
    pub unreachable_limit: Duration,
    /// The maximum number of unfinished events of one partition. The partition pauses at this limit. As many
    /// subjects of a partition can wait for their next attempt without delaying others.
    pub window: usize,
    /// How long a process may send no heartbeat before it loses its partitions. Brokers limit this; by
    /// default it is at least 6 seconds.
    pub session_timeout: Duration,
    /// A growing lag is logged as a warning if it exceeds this number of events.
    pub lag_threshold: u64,
}

impl Default for DeliveryOptions {
    /// Returns options for:
    /// - 32 concurrent calls, and ten attempts within about nine minutes;
    /// - an hour for an unreachable subscriber, which is tried again every ten seconds;
    /// - a window of 500 events, a session timeout of ten seconds, and a lag threshold of 1,000 events.
    fn default() -> Self {
        Self {
            parallel: 32,
            attempts: 10,
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
            unreachable_backoff: Duration::from_secs(10),
            unreachable_limit: Duration::from_hours(1),
            window: 500,
            session_timeout: Duration::from_secs(10),
            lag_threshold: 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_brokers_with_and_without_a_scheme() {
        for given in ["kafka://a:1,b:2", "a:1,b:2", "kafka://a:1,b:2/"] {
            assert_eq!(KafkaOptions::new(given).unwrap().brokers, "a:1,b:2");
        }
    }

    #[test]
    fn rejects_a_broker_without_a_port() {
        for given in ["", "kafka://", "a", "a:", ":1", "a:1,b", "a:1,,b:2"] {
            assert!(KafkaOptions::new(given).is_err(), "{given}");
        }
    }

    #[test]
    fn rejects_a_password_without_showing_it() {
        let error = KafkaOptions::new("kafka://me:secret@a:1").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
