//! The lists of tests: how a function becomes a test, and where it runs.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Failed, Trial};

use crate::shop::Shop;

/// The kind of tests that `--portable-only` leaves out.
///
/// All tests run against one process, with its own data folder and with servers. On Spin and on a lattice
/// only the portability subset runs: the component code is the same there, and only the runtime around it
/// differs.
///
/// List a test as `portable` if a runtime can break it:
/// - storage: queries, pages, search, sorting, unique fields, commits and races;
/// - events and what follows from them in another service: the outbox, retries, timers, notifications,
///   webhooks;
/// - the cache: its effects on lists, idempotency keys, rate limits;
/// - mail, outgoing HTTP, and settings;
/// - the HTTP server: paths, headers, connections, subscriptions, big bodies, instances that serve many
///   requests.
///
/// Also list one success path of each service as `portable`.
///
/// List all other tests as `component`: validation, error texts, limits of queries, authorization tables, the
/// shape of REST and GraphQL, and the OpenAPI document. If a portable test uses the same port in the same
/// way, list the new test as `component`.
pub const COMPONENT: &str = "component";

/// Returns a test of the shop under test.
pub fn trial(shop: &Arc<Shop>, name: &str, test: impl FnOnce(&Shop) -> Result<()> + Send + 'static) -> Trial {
    let shop = Arc::clone(shop);
    Trial::test(name, move || test(&shop).map_err(failed))
}

/// Excludes a test from the portability subset. A test that is ignored keeps the reason as its kind.
pub fn component(trial: Trial) -> Trial {
    if trial.has_ignored_flag() {
        trial
    } else {
        trial.with_kind(COMPONENT)
    }
}

/// Returns the message of a failed test: the error and its causes, without a stack trace.
pub fn failed(error: anyhow::Error) -> Failed {
    Failed::from(format!("{error:#}"))
}

/// Lists the tests of an area by their functions, see [`COMPONENT`] for `portable` and `component`.
macro_rules! trials {
    (
        $shop:expr, $area:literal
        $(, portable = [$($portable:ident),* $(,)?])?
        $(, component = [$($component:ident),* $(,)?])?
        $(,)?
    ) => {
        vec![
            $($($crate::trials::trial($shop, concat!($area, "::", stringify!($portable)), $portable),)*)?
            $($($crate::trials::component(
                $crate::trials::trial($shop, concat!($area, "::", stringify!($component)), $component)
            ),)*)?
        ]
    };
}
pub(crate) use trials;
