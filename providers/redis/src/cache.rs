//! The cache.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::cache::Cache;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisResult};

use crate::breaker::{Breaker, Permit};
use crate::options::RedisOptions;

/// The longest time to live, a century. Redis rejects a time to live that overflows its clock.
const MAX_TTL: Duration = Duration::from_hours(24 * 365 * 100);

/// A cache in Redis. No call fails: while Redis is unavailable, every call misses.
pub struct RedisCache {
    client: Client,
    config: AsyncConnectionConfig,
    options: RedisOptions,
    breaker: Breaker,
    /// The shared connection: `None` before the first call and after a failure.
    connection: Mutex<Option<MultiplexedConnection>>,
    /// Locked by the call that connects.
    connecting: tokio::sync::Mutex<()>,
}

impl RedisCache {
    /// Creates a cache on this server. It connects on the first call.
    ///
    /// # Errors
    /// If the client cannot be created, with a message for the operator.
    pub fn new(options: RedisOptions) -> Result<Self, String> {
        let client = Client::open(options.server.clone()).map_err(|_| {
            let address = options.address();
            format!(
                "the client for Redis at {address} could not be created: use `redis://host:port`, without TLS"
            )
        })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        let breaker = Breaker::new(options.retry_interval);
        Ok(Self {
            client,
            config,
            options,
            breaker,
            connection: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// Returns whether Redis answers.
    pub async fn ready(&self) -> bool {
        let mut ping = redis::pipe();
        ping.cmd("PING");
        self.query::<String>(&ping).await.is_some()
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.options.prefix)
    }

    /// Returns the answer to the pipeline's only command that is not ignored. Returns `None` if Redis is
    /// unavailable or rejects the command.
    async fn query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Option<T> {
        let permit = self.breaker.permit()?;
        let answer = self.send::<T>(pipeline, permit).await.transpose()?;
        let address = self.options.address();
        let rejected = answer.as_ref().err().is_some_and(|error| {
            // Redis works, but the command does not fit the value of the key.
            matches!(error.code(), Some("ERR"))
        });
        if answer.is_ok() || rejected {
            if self.breaker.succeeded() {
                tracing::info!(address, "Redis is available again");
            }
        } else {
            self.connection().take();
        }
        answer
            .inspect_err(|reason| {
                if rejected {
                    tracing::warn!(address, %reason, "Redis rejected a command of the cache");
                } else if self.breaker.failed() {
                    tracing::warn!(address, %reason, "Redis is unavailable; all reads miss until it answers");
                }
            })
            .ok()
    }

    /// Returns `None` if another call has failed since the permit was given.
    async fn send<T: FromRedisValue>(&self, pipeline: &Pipeline, permit: Permit) -> RedisResult<Option<T>> {
        let Some(mut connection) = self.connect(permit).await? else {
            return Ok(None);
        };
        let (answer,) = pipeline.query_async::<(T,)>(&mut connection).await?;
        Ok(Some(answer))
    }

    async fn connect(&self, permit: Permit) -> RedisResult<Option<MultiplexedConnection>> {
        if let Some(connection) = self.connection().clone() {
            return Ok(Some(connection));
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.connection().clone() {
            return Ok(Some(connection));
        }
        if !self.breaker.is_valid(permit) {
            return Ok(None);
        }
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&self.config)
            .await?;
        *self.connection() = Some(connection.clone());
        Ok(Some(connection))
    }

    fn connection(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a time to live in milliseconds, at least 1.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.min(MAX_TTL).as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

#[async_trait]
impl Cache for RedisCache {
    async fn get_many(&self, keys: Vec<String>) -> Vec<Option<Vec<u8>>> {
        if keys.is_empty() {
            return Vec::new();
        }
        let mut get = redis::pipe();
        let command = get.cmd("MGET");
        for key in &keys {
            command.arg(self.key(key));
        }
        let values = self.query::<Vec<Option<Vec<u8>>>>(&get).await;
        values.unwrap_or_else(|| vec![None; keys.len()])
    }

    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration) {
        let mut set = redis::pipe();
        set.cmd("SET")
            .arg(self.key(&key))
            .arg(value)
            .arg("PX")
            .arg(milliseconds(ttl));
        self.query::<()>(&set).await;
    }

    async fn delete(&self, keys: Vec<String>) {
        if keys.is_empty() {
            return;
        }
        let mut delete = redis::pipe();
        let command = delete.cmd("UNLINK");
        for key in &keys {
            command.arg(self.key(key));
        }
        self.query::<()>(&delete).await;
    }

    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64> {
        let key = self.key(&key);
        let mut increment = redis::pipe();
        // The first increment sets the time to live, and INCRBY does not change it.
        increment
            .atomic()
            .cmd("SET")
            .arg(&key)
            .arg(0)
            .arg("NX")
            .arg("PX")
            .arg(milliseconds(ttl))
            .ignore()
            .cmd("INCRBY")
            .arg(&key)
            .arg(by);
        self.query(&increment).await
    }
}
