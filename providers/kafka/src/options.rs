//! How to reach Kafka, and how events are delivered.

use std::time::Duration;

use rdkafka::ClientConfig;

/// How to reach Kafka, and how topics are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaOptions {
    /// Where the first connection goes: `host:port`, several separated by commas.
    pub brokers: String,
    /// What the names of topics and groups begin with.
    pub prefix: String,
    /// How many partitions a new topic has: as many processes can share one subscriber's work.
    pub partitions: u16,
    /// On how many brokers a new topic is kept.
    pub replication: u16,
    /// How long a call may take. A publisher that gets no answer for so long fails.
    pub timeout: Duration,
}

impl KafkaOptions {
    /// The defaults for these brokers, given as `host:port`, several separated by commas, with or without `kafka://` before them:
    /// prefix `mercato.`, 12 partitions on one broker each, and ten seconds.
    ///
    /// # Errors
    /// Where it names no broker, or has a user's name and password, which this build can't use.
    pub fn new(brokers: &str) -> Result<Self, String> {
        let brokers = brokers.strip_prefix("kafka://").unwrap_or(brokers);
        let brokers = brokers.trim_end_matches('/');
        if brokers.contains('@') {
            return Err(
                "the address of Kafka has a user name; this build connects without one: use `kafka://host:port`"
                    .into(),
            );
        }
        let names_port = |broker: &str| {
            broker
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if !brokers.split(',').all(names_port) {
            return Err(format!(
                "`{brokers}` is no address of Kafka: use `kafka://host:port`, several brokers separated by commas"
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

    /// What all clients have in common.
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

/// How events are delivered to one subscriber by one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// How many deliveries run at once.
    pub parallel: usize,
    /// After so many attempts an event goes to the dead letters.
    pub attempts: u32,
    /// How long to wait after the first failed attempt; doubled after each further one.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub longest_backoff: Duration,
    /// How many events of one partition may be taken and not finished; the partition pauses there. So many subjects of a partition
    /// can wait for their next attempt without holding up others.
    pub window: usize,
    /// After how long without a sign of life a process loses its partitions to others. The broker sets bounds, 6 seconds at least
    /// by default.
    pub session_timeout: Duration,
    /// From how many waiting events on a growing lag is a warning.
    pub lag_bound: u64,
}

impl Default for DeliveryOptions {
    /// Eight at once, ten attempts within about nine minutes, 500 events a partition, ten seconds, and a warning from 1,000 on.
    fn default() -> Self {
        Self {
            parallel: 8,
            attempts: 10,
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_mins(5),
            window: 500,
            session_timeout: Duration::from_secs(10),
            lag_bound: 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_given_with_or_without_a_scheme() {
        for given in ["kafka://a:1,b:2", "a:1,b:2", "kafka://a:1,b:2/"] {
            assert_eq!(KafkaOptions::new(given).unwrap().brokers, "a:1,b:2");
        }
    }

    #[test]
    fn what_names_no_port_is_refused() {
        for given in ["", "kafka://", "a", "a:", ":1", "a:1,b", "a:1,,b:2"] {
            assert!(KafkaOptions::new(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        let refused = KafkaOptions::new("kafka://me:secret@a:1").unwrap_err();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
