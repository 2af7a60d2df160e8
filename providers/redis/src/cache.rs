//! The cache.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mercato_ports::cache::Cache;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisResult};

use crate::breaker::{Breaker, Pass};
use crate::options::RedisOptions;

/// The longest time to live; a longer one would be more than Redis can add to its clock.
const CENTURY: Duration = Duration::from_hours(24 * 365 * 100);

/// A cache in Redis. Nothing fails: where Redis is away, it misses.
pub struct RedisCache {
    client: Client,
    config: AsyncConnectionConfig,
    options: RedisOptions,
    breaker: Breaker,
    /// What all calls share; none before the first call and after a failure.
    connection: Mutex<Option<MultiplexedConnection>>,
    /// Held by the call that connects.
    connecting: tokio::sync::Mutex<()>,
}

impl RedisCache {
    /// A cache on this server. It connects with the first call.
    ///
    /// # Errors
    /// Where the options make no client, in a sentence for the operator.
    pub fn new(options: RedisOptions) -> Result<Self, String> {
        let client = Client::open(options.server.clone()).map_err(|_| {
            let address = options.address();
            format!("no client for Redis at {address} could be made: use `redis://host:port`, this build has no TLS")
        })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        let breaker = Breaker::new(options.pause);
        Ok(Self {
            client,
            config,
            options,
            breaker,
            connection: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// Whether Redis answers.
    pub async fn ready(&self) -> bool {
        let mut ping = redis::pipe();
        ping.cmd("PING");
        self.ask::<String>(&ping).await.is_some()
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.options.prefix)
    }

    /// The answer to the one command of the pipeline that is not ignored; none where Redis is away or refuses it.
    async fn ask<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Option<T> {
        let pass = self.breaker.enter()?;
        let answer = self.send::<T>(pipeline, pass).await.transpose()?;
        let address = self.options.address();
        let refused = answer.as_ref().err().is_some_and(|error| {
            // Redis is well, and the command is wrong for what the key holds.
            matches!(error.code(), Some("ERR"))
        });
        if answer.is_ok() || refused {
            if self.breaker.succeeded() {
                tracing::info!(address, "Redis answers again");
            }
        } else {
            self.connection().take();
        }
        answer
            .inspect_err(|reason| {
                if refused {
                    tracing::warn!(address, %reason, "Redis refused a command of the cache");
                } else if self.breaker.failed() {
                    tracing::warn!(address, %reason, "Redis is away; until it is back, nothing is cached");
                }
            })
            .ok()
    }

    /// None where another call has found meanwhile that Redis is away.
    async fn send<T: FromRedisValue>(&self, pipeline: &Pipeline, pass: Pass) -> RedisResult<Option<T>> {
        let Some(mut connection) = self.connect(pass).await? else {
            return Ok(None);
        };
        let (answer,) = pipeline.query_async::<(T,)>(&mut connection).await?;
        Ok(Some(answer))
    }

    async fn connect(&self, pass: Pass) -> RedisResult<Option<MultiplexedConnection>> {
        if let Some(connection) = self.connection().clone() {
            return Ok(Some(connection));
        }
        let _connecting = self.connecting.lock().await;
        if let Some(connection) = self.connection().clone() {
            return Ok(Some(connection));
        }
        if !self.breaker.holds(pass) {
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

/// In milliseconds, as Redis takes it.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.min(CENTURY).as_millis())
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
        let values = self.ask::<Vec<Option<Vec<u8>>>>(&get).await;
        values.unwrap_or_else(|| vec![None; keys.len()])
    }

    async fn set(&self, key: String, value: Vec<u8>, ttl: Duration) {
        let mut set = redis::pipe();
        set.cmd("SET")
            .arg(self.key(&key))
            .arg(value)
            .arg("PX")
            .arg(milliseconds(ttl));
        self.ask::<()>(&set).await;
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
        self.ask::<()>(&delete).await;
    }

    async fn increment(&self, key: String, by: i64, ttl: Duration) -> Option<i64> {
        let key = self.key(&key);
        let mut increment = redis::pipe();
        // The first increment sets the time to live; INCRBY leaves it as it is.
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
        self.ask(&increment).await
    }
}
