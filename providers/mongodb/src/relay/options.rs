//! The options of a relay.

use std::time::Duration;

/// The options of a [`Relay`](crate::Relay). All relays that share work need the same options.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// The length of a lease: how long the events of a crashed relay wait. At least a second.
    pub lease: Duration,
    /// The maximum number of events in one call of the publisher.
    pub batch: u32,
    /// The wait after the first failure to publish. It doubles with each further one, up to
    /// [`max_backoff`](Self::max_backoff).
    pub backoff: Duration,
    /// The longest wait between two attempts to publish.
    pub max_backoff: Duration,
}

impl Default for RelayOptions {
    /// Returns options with leases of 6 seconds, batches of 500 events, and waits of 100 milliseconds to 5
    /// seconds.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(6),
            batch: 500,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
        }
    }
}
