//! `mercato:platform/cache`.

use std::time::Duration;

use crate::runtime::bindings::mercato::platform::cache;
use crate::runtime::state::State;

impl cache::Host for State {
    async fn get_many(&mut self, keys: Vec<String>) -> wasmtime::Result<Vec<Option<Vec<u8>>>> {
        Ok(self.platform.cache.get_many(keys).await)
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl: u64) -> wasmtime::Result<()> {
        self.platform
            .cache
            .set(key, value, Duration::from_millis(ttl))
            .await;
        Ok(())
    }

    async fn delete(&mut self, keys: Vec<String>) -> wasmtime::Result<()> {
        self.platform.cache.delete(keys).await;
        Ok(())
    }

    async fn increment(&mut self, key: String, by: i64, ttl: u64) -> wasmtime::Result<Option<i64>> {
        Ok(self
            .platform
            .cache
            .increment(key, by, Duration::from_millis(ttl))
            .await)
    }
}
