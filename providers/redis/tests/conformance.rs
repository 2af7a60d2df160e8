//! Runs the conformance suite of the port `cache` on Redis.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mercato_ports::cache::Cache;
use mercato_ports::conformance::{self, cache};
use mercato_redis::{RedisCache, RedisOptions};
use uuid::Uuid;

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let server = env::var("MERCATO_TEST_REDIS").ok();
    let mut options = RedisOptions::new(server.as_deref().unwrap_or("redis://127.0.0.1:1")).unwrap();
    options.prefix = format!("test:{}:", Uuid::now_v7());
    // A machine that builds and tests at the same time is slow.
    options.response_timeout = Duration::from_secs(10);
    let port: Arc<dyn Cache> = Arc::new(RedisCache::new(options).unwrap());
    let trials = cache::trials(runtime.handle(), &port).into_iter();
    let trials = trials.map(|trial| trial.with_ignored_flag(server.is_none()));
    conformance::run(trials.collect())
}
