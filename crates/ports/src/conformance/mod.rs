//! The tests that every implementation of the ports passes, written once against the traits.
//!
//! An implementation opens itself with [`manifest`], and hands the trials of the ports that it fills to [`run`], in a
//! test of its own with `harness = false`; a case that is added here then runs for every implementation:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use mercato_ports::{conformance, documents::Documents};
//! # fn open(manifest: mercato_ports::manifest::ShopManifest) -> Arc<dyn Documents> { unimplemented!() }
//! fn main() -> std::process::ExitCode {
//!     let runtime = conformance::runtime();
//!     let store = runtime.block_on(async { open(conformance::manifest()) });
//!     conformance::run(conformance::documents::trials(runtime.handle(), &store))
//! }
//! ```
//!
//! Each case keeps to a collection, a kind of event or keys of its own, so all cases may share one server. The
//! database must be fresh.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

pub mod cache;
pub mod documents;
pub mod events;

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;

use crate::manifest::ShopManifest;

/// How long a case may take; they take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// One case: a sentence, and what shows that it holds.
struct Case<F> {
    name: &'static str,
    run: fn(F) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Lists the cases of a file. A case that is not listed is never used, which the compiler tells.
macro_rules! cases {
    ($fixture:ty: $($case:ident),+ $(,)?) => {
        pub(super) const CASES: &[$crate::conformance::Case<$fixture>] = &[$(
            $crate::conformance::Case { name: stringify!($case), run: |fixture| Box::pin($case(fixture)) }
        ),+];
    };
}
use cases;

impl<F: Send + 'static> Case<F> {
    fn trial(&self, port: &str, runtime: &Handle, fixture: F) -> Trial {
        let (runtime, run) = (runtime.clone(), self.run);
        Trial::test(format!("{port}::{}", self.name), move || {
            runtime.block_on(async {
                timeout(PATIENCE, run(fixture))
                    .await
                    .map_err(|_| "took too long".into())
            })
        })
    }
}

/// Everything that the cases need declared.
#[must_use]
pub fn manifest() -> ShopManifest {
    let mut services = documents::services();
    services.extend(events::services());
    ShopManifest { services }
}

/// A runtime of two threads for the cases of one test.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
}

/// Runs the trials as `cargo test` runs tests, with its arguments.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
