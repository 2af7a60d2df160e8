//! Runs the conformance suite of the ports on the embedded implementation.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::process::ExitCode;
use std::sync::Arc;

use mercato_embedded::{DispatchOptions, Dispatcher, MemoryCache, Options, RetryPolicy, Store};
use mercato_ports::cache::Cache;
use mercato_ports::conformance::{self, cache, documents, events};
use mercato_ports::documents::Documents;
use mercato_ports::events::DeadLetters;

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let folder = tempfile::tempdir().expect("a folder can be created");
    let store =
        Store::open(folder.path(), &conformance::manifest(), Options::default()).expect("the folder is new");
    let store = Arc::new(store);
    let options = DispatchOptions {
        retry: RetryPolicy {
            attempts: events::ATTEMPTS,
            backoff: events::BACKOFF,
            ..RetryPolicy::default()
        },
        ..DispatchOptions::default()
    };
    let test_handlers = events::TestHandlers::new();
    let (dispatcher, handlers) = (
        Dispatcher::new(Arc::clone(&store), options),
        Arc::clone(&test_handlers),
    );
    runtime.spawn(async move { dispatcher.run(handlers, std::future::pending()).await });

    let documents_port: Arc<dyn Documents> = store.clone();
    let dead_letters: Arc<dyn DeadLetters> = store;
    let cache_port: Arc<dyn Cache> = Arc::new(MemoryCache::new(1 << 20));
    let mut trials = documents::trials(runtime.handle(), &documents_port);
    trials.extend(events::trials(
        runtime.handle(),
        &test_handlers,
        &documents_port,
        &dead_letters,
    ));
    trials.extend(cache::trials(runtime.handle(), &cache_port));
    conformance::run(trials)
}
