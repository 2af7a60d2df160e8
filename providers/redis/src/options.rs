//! The options of the cache.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// The address of Redis, and the timeouts.
#[derive(Clone)]
pub struct RedisOptions {
    pub(crate) server: ConnectionInfo,
    /// The prefix of all keys, so that several shops can share a server.
    pub prefix: String,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// How long a connection attempt may take.
    pub connect_timeout: Duration,
    /// The interval of calls to Redis during an outage. All other calls miss at once.
    pub retry_interval: Duration,
}

impl RedisOptions {
    /// Returns the defaults for a server at `redis://[user:password@]host[:port][/database]`. They are the
    /// prefix `mercato:`, 100 ms for an answer, 500 ms for a connection, and a retry interval of one second.
    ///
    /// # Errors
    /// If the address is malformed. The message does not show it, because it may contain a password.
    pub fn new(url: &str) -> Result<Self, String> {
        let server = url.into_connection_info().map_err(|_| {
            "the address of Redis is malformed: write `redis://host:port` or \
             `redis://user:password@host:port/database`"
        })?;
        Ok(Self {
            server,
            prefix: "mercato:".into(),
            response_timeout: Duration::from_millis(100),
            connect_timeout: Duration::from_millis(500),
            retry_interval: Duration::from_secs(1),
        })
    }

    /// Returns the address of the server without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        match self.server.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisOptions")
            .field("address", &self.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_show_a_password() {
        let options = RedisOptions::new("redis://me:secret@127.0.0.1:6379/1").unwrap();
        assert_eq!(options.address(), "127.0.0.1:6379");
        assert!(!format!("{options:?}").contains("secret"));
        let error = RedisOptions::new("redis//me:secret@127.0.0.1").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
