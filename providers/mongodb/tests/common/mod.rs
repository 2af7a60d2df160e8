//! What the tests share: a real server, named by `MERCATO_TEST_MONGODB`, and databases of their own in it.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "each test uses its part; tests fail by panicking"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mercato_mongodb::{Options, Store};
use mercato_ports::manifest::ShopManifest;
use mongodb::Client;
use tokio::runtime::Runtime;
use uuid::Uuid;

const SERVER: &str = "MERCATO_TEST_MONGODB";

/// What the names of all databases of this process begin with, besides the mark of a test.
const MARK: &str = "test_";

/// The address of the server, where there is one.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// A new beginning for the names of a test's databases.
pub fn prefix() -> String {
    let unique = Uuid::new_v4().simple().to_string();
    format!(
        "{MARK}{}_{}_",
        std::process::id(),
        unique.get(..8).unwrap_or_default()
    )
}

/// A store of all services of a manifest.
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

/// Runs the trials, all of them ignored where there is no server; drops this process's databases afterwards.
pub fn run(runtime: &Runtime, trials: Vec<Trial>) -> ExitCode {
    let server = server();
    if server.is_none() {
        eprintln!("{SERVER} names no server: all tests that need one are skipped");
    }
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(server.is_none()))
        .collect();
    let mut arguments = Arguments::from_args();
    if server.is_none() {
        // They could not pass: nobody is to run them in spite of the flag.
        arguments.ignored = false;
        arguments.include_ignored = false;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(server) = server {
        runtime.block_on(async {
            let client = Client::with_uri_str(&server).await.unwrap();
            let mine = format!("{MARK}{}_", std::process::id());
            for name in client.list_database_names().await.unwrap() {
                if name.starts_with(&mine) {
                    client.database(&name).drop().await.unwrap();
                }
            }
        });
    }
    conclusion.exit_code()
}

/// The store of trials that are skipped.
pub struct Nowhere;

#[async_trait::async_trait]
impl mercato_ports::documents::Documents for Nowhere {
    async fn get_many(
        &self,
        _: String,
        _: Vec<String>,
    ) -> Result<Vec<Option<mercato_ports::documents::Document>>, mercato_ports::documents::Failure> {
        unreachable!("the trial is skipped")
    }

    async fn find(
        &self,
        _: mercato_ports::documents::Query,
    ) -> Result<Vec<mercato_ports::documents::Document>, mercato_ports::documents::Failure> {
        unreachable!("the trial is skipped")
    }

    async fn commit(
        &self,
        _: Vec<mercato_ports::documents::Write>,
        _: Vec<mercato_ports::events::Event>,
    ) -> Result<(), mercato_ports::documents::CommitFailure> {
        unreachable!("the trial is skipped")
    }

    async fn ready(&self) -> Result<(), String> {
        unreachable!("the trial is skipped")
    }
}
