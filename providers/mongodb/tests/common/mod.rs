//! Shared by the tests: the server in `MERCATO_TEST_MONGODB`, and a separate set of databases for each test.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "each test uses a part of this module; tests fail by panicking"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mercato_mongodb::{Options, Store};
use mercato_ports::manifest::ShopManifest;
use mongodb::Client;
use tokio::runtime::Runtime;
use uuid::Uuid;

const SERVER: &str = "MERCATO_TEST_MONGODB";

/// The names of all test databases begin with this prefix and the id of the process.
const PREFIX: &str = "test_";

/// Returns the address of the server, if it is set.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// Returns a new prefix for the names of a test's databases.
pub fn prefix() -> String {
    let unique = Uuid::new_v4().simple().to_string();
    format!(
        "{PREFIX}{}_{}_",
        std::process::id(),
        unique.get(..8).unwrap_or_default()
    )
}

/// Opens a store of all services of a manifest.
pub async fn store(server: &str, prefix: &str, shop: &ShopManifest) -> Store {
    let options = Options {
        prefix: prefix.into(),
    };
    let store = Store::connect(server, options).await.expect("the server answers");
    for (service, manifest) in &shop.services {
        store
            .add(service, manifest)
            .await
            .expect("the service can be added");
    }
    store
}

/// Runs the trials, and drops the databases of this process afterwards. Without a server all trials are
/// ignored.
pub fn run(runtime: &Runtime, trials: Vec<Trial>) -> ExitCode {
    let server = server();
    if server.is_none() {
        eprintln!("{SERVER} is not set, so all tests that need MongoDB are skipped");
    }
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(server.is_none()))
        .collect();
    let mut arguments = Arguments::from_args();
    if server.is_none() {
        // Without a server they cannot pass, so these flags must not run them.
        arguments.ignored = false;
        arguments.include_ignored = false;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(server) = server {
        runtime.block_on(async {
            let client = Client::with_uri_str(&server).await.unwrap();
            let prefix = format!("{PREFIX}{}_", std::process::id());
            for name in client.list_database_names().await.unwrap() {
                if name.starts_with(&prefix) {
                    client.database(&name).drop().await.unwrap();
                }
            }
        });
    }
    conclusion.exit_code()
}

/// A store for ignored trials.
pub struct NoStore;

#[async_trait::async_trait]
impl mercato_ports::documents::Documents for NoStore {
    async fn get_many(
        &self,
        _: String,
        _: Vec<String>,
    ) -> Result<Vec<Option<mercato_ports::documents::Document>>, mercato_ports::documents::Failure> {
        unreachable!("the trial is ignored")
    }

    async fn find(
        &self,
        _: mercato_ports::documents::Query,
    ) -> Result<Vec<mercato_ports::documents::Document>, mercato_ports::documents::Failure> {
        unreachable!("the trial is ignored")
    }

    async fn count(
        &self,
        _: mercato_ports::documents::Query,
    ) -> Result<u64, mercato_ports::documents::Failure> {
        unreachable!("the trial is ignored")
    }

    async fn commit(
        &self,
        _: Vec<mercato_ports::documents::Write>,
        _: Vec<mercato_ports::events::Event>,
    ) -> Result<(), mercato_ports::documents::CommitFailure> {
        unreachable!("the trial is ignored")
    }

    async fn ready(&self) -> Result<(), String> {
        unreachable!("the trial is ignored")
    }
}
