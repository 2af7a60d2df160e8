//! Runs the conformance suite of the port `documents` on MongoDB.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::process::ExitCode;
use std::sync::Arc;

use mercato_ports::conformance::{self, documents};
use mercato_ports::documents::Documents;

fn main() -> ExitCode {
    let runtime = conformance::runtime();
    let store: Arc<dyn Documents> = match common::server() {
        None => Arc::new(common::NoStore),
        Some(server) => {
            let manifest = conformance::manifest();
            Arc::new(runtime.block_on(common::store(&server, &common::prefix(), &manifest)))
        }
    };
    let trials = documents::trials(runtime.handle(), &store);
    common::run(&runtime, trials)
}
