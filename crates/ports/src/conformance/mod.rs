//! The tests that every implementation of the ports must pass.
//!
//! An implementation has a test with `harness = false`. The test opens the implementation with [`manifest`],
//! and passes the trials of its ports to [`run`]. So a new case runs for every implementation:
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
//! Each case has a separate collection, kind of event or set of keys, so all cases may share one server. The
//! database must be new.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

pub mod cache;
mod case;
pub mod documents;
pub mod events;
pub mod passwords;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::manifest::ShopManifest;

/// Returns the manifest of everything that the cases use.
#[must_use]
pub fn manifest() -> ShopManifest {
    let mut services = documents::services();
    services.extend(events::services());
    ShopManifest { services }
}

/// Creates a runtime with two threads for the cases of a test.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be created")
}

/// Runs the trials like `cargo test`, with the arguments of `cargo test`.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
