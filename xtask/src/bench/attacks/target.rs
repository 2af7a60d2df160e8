//! The shop that is attacked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::documents;
use super::kinds::Needs;
use crate::api::{Api, body};
use crate::bench::usage;
use crate::service::{SHOP, Service};
use mercato_wasm_toolchain::process::{progress, run};

/// The file descriptors of a process by the default of most systems. A curve of overload needs more.
const FILES: u32 = 1_024;
/// The rows of one import.
const ROWS: usize = 500;

/// A build of the shop.
pub struct Build {
    /// The program.
    pub mercato: PathBuf,
    /// The composed component.
    pub shop: PathBuf,
    /// The API key.
    pub secret: String,
    /// The folder of data and logs.
    pub work: PathBuf,
}

/// A running shop.
pub struct Target {
    service: Service,
    /// The address.
    pub address: SocketAddr,
    /// Its API.
    pub api: Api,
}

impl Build {
    /// Starts a shop with a copy of the data that an attack needs.
    ///
    /// # Errors
    /// The shop does not start.
    pub fn start(&self, needs: Needs) -> Result<Target> {
        let full = self.filled(if needs.is_large { 50_000 } else { 1_000 })?;
        let copy = tempfile::Builder::new()
            .prefix("attacked-")
            .tempdir_in(&self.work)?
            .keep();
        run(Command::new("cp").arg("-r").arg(full.join(".")).arg(&copy))?;
        self.start_in(&copy, needs)
    }

    /// Returns a data folder with this many products, which is made once.
    fn filled(&self, products: usize) -> Result<PathBuf> {
        let data = self.work.join(format!("products-{products}"));
        if data.exists() {
            return Ok(data);
        }
        progress(format_args!("importing {products} products"));
        let target = self.start_in(&data, Needs::default())?;
        for first in (0..products).step_by(ROWS) {
            let rows: Vec<_> = (first..first + ROWS).map(row).collect();
            let query = "mutation($rows: [ImportProductInput!]!) { importProducts(products: $rows) { outcomes { code } } }";
            let answer = target.api.text(&body(query, &json!({ "rows": rows })))?;
            ensure!(!answer.contains("\"errors\""), "the import is refused: {answer}");
        }
        // The first lists of a shop bring its products into the form that lists need.
        for _ in 0..=products / ROWS {
            target.api.text(&documents::list())?;
        }
        target.wait_until_idle()?;
        target.service.stop()?;
        Ok(data)
    }

    fn start_in(&self, data: &Path, needs: Needs) -> Result<Target> {
        let data = data.to_str().context("the path of the data is not UTF-8")?;
        let files = needs.files.unwrap_or(FILES).to_string();
        let limited = "ulimit -n \"$1\"; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, "sh", &files]).arg(&self.mercato);
        Service::set_up(&mut command, &self.shop, &["--data", data], &self.secret);
        command.envs(needs.settings.iter().copied());
        let service = Service::run(command, &self.work.join("shop.log"), SHOP)?;
        let address = service.url.trim_start_matches("http://").parse()?;
        let api = Api::new(&service.url, &self.secret);
        Ok(Target {
            service,
            address,
            api,
        })
    }
}

impl Target {
    /// Returns the resident memory, in MiB.
    ///
    /// # Errors
    /// The shop has ended.
    pub fn memory(&self) -> Result<u64> {
        usage::memory(self.service.id())
    }

    /// Waits until the events of the import are delivered, so that they do not disturb a measurement.
    fn wait_until_idle(&self) -> Result<()> {
        let used = || usage::cpu_time(self.service.id());
        for _ in 0..120 {
            let before = used()?;
            std::thread::sleep(Duration::from_secs(1));
            if used()? - before < Duration::from_millis(100) {
                return Ok(());
            }
        }
        bail!("the shop is still busy two minutes after the import")
    }

    /// Returns the memory after some time, then ends the shop.
    ///
    /// # Errors
    /// The shop has ended.
    pub fn settle(self, time: Duration) -> Result<u64> {
        std::thread::sleep(time);
        self.memory()
    }
}

fn row(number: usize) -> Value {
    json!({
        "externalId": format!("row-{number}"),
        "name": format!("Product {number:05}"),
        "description": format!("A description of product {number}. ").repeat(20),
        "manufacturer": format!("Manufacturer {}", number % 40),
        "price": 100 + number % 5_000,
        "quantity": 1_000_000,
    })
}
