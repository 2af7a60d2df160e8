//! The provider of the cache on Redis. Its configuration has the `url`. Optional is a `prefix` for keys.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use mercato_redis::{RedisCache, RedisOptions};
use mercato_wasmcloud::{CacheServer, Settings, main as start, ports, run};
use wasmcloud_provider_sdk::{HealthCheckRequest, HealthCheckResponse, Provider, ProviderConfigUpdate};

const NAME: &str = "mercato-redis-provider";

#[derive(Clone)]
struct RedisProvider {
    settings: Settings,
    cache: Arc<RedisCache>,
}

fn main() -> ExitCode {
    start(NAME, provide)
}

async fn provide(settings: Settings) -> Result<()> {
    let mut options = RedisOptions::new(settings.required("url")?).map_err(|reason| anyhow!(reason))?;
    if let Some(prefix) = settings.get("prefix") {
        options.prefix = prefix.to_owned();
    }
    let cache = Arc::new(RedisCache::new(options).map_err(|reason| anyhow!(reason))?);
    let provider = RedisProvider {
        settings: settings.clone(),
        cache: Arc::clone(&cache),
    };
    let server = CacheServer(cache);
    run(provider, NAME, &settings, |connection| {
        ports::cache(connection, server)
    })
    .await
}

impl Provider for RedisProvider {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> Result<()> {
        self.settings.update(update.get_values());
        Ok(())
    }

    async fn health_request(&self, _request: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        let healthy = self.cache.ready().await;
        let message = (!healthy).then(|| "Redis does not respond: the cache returns no values".to_owned());
        Ok(HealthCheckResponse { healthy, message })
    }
}
