//! How to reach Redis.

use std::fmt;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// How to reach Redis, and how long to wait for it.
#[derive(Clone)]
pub struct RedisOptions {
    pub(crate) server: ConnectionInfo,
    /// What all keys begin with, so that several shops can share a server.
    pub prefix: String,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// How long calls miss at once after a failure, before one of them asks again.
    pub pause: Duration,
}

impl RedisOptions {
    /// The defaults for a server at `redis://[user:password@]host[:port][/database]`: keys beginning with `mercato:`, 100 ms for an answer,
    /// 500 ms to connect, and a second between two tries.
    ///
    /// # Errors
    /// Where the address can't be read, in a sentence that does not repeat it, as it may hold a password.
    pub fn new(url: &str) -> Result<Self, String> {
        let server = url.into_connection_info().map_err(|_| {
            "the address of Redis can't be read: use `redis://host:port`, or `redis://user:password@host:port/database`"
        })?;
        Ok(Self {
            server,
            prefix: "mercato:".into(),
            response_timeout: Duration::from_millis(100),
            connect_timeout: Duration::from_millis(500),
            pause: Duration::from_secs(1),
        })
    }

    /// Where the server is, without user and password.
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
    fn a_password_is_never_shown() {
        let options = RedisOptions::new("redis://me:secret@127.0.0.1:6379/1").unwrap();
        assert_eq!(options.address(), "127.0.0.1:6379");
        assert!(!format!("{options:?}").contains("secret"));
        let refused = RedisOptions::new("redis//me:secret@127.0.0.1").unwrap_err();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
