//! `cargo xtask bench`: how fast a shop is on this machine.

mod api;
mod oha;
mod usage;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::api::{Api, body};
use self::oha::{Load, Oha, Outcome};
use crate::process::progress;
use crate::project::Project;
use crate::service::Service;
use crate::{secret, shop};

const PRODUCTS: usize = 20;
/// More than can be ordered in the longest run.
const STOCK: u32 = 100_000_000;
const LIST: &str = "{products{_id name price quantity}}";
const WARM_UP_SECONDS: u16 = 2;

/// Measure a release build of the shop under load
///
/// Prints a table of requests a second, latency, errors, and what the host used of the machine.
/// The load generator (oha, installed into the cache folder where it is not on the PATH) runs beside the shop and takes
/// its share of the machine.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// How long each request is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
    /// How many requests are under way at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
}

/// A shop with products, under measurement.
struct Subject<'a> {
    service: &'a Service,
    api: Api,
    oha: &'a Oha,
    work: &'a Path,
    seconds: u16,
}

/// A row of the table.
struct Row {
    name: &'static str,
    connections: u16,
    outcome: Outcome,
    /// Cores that the host kept busy.
    cores: f64,
    /// The host's peak so far, in MiB.
    memory: u64,
}

impl Bench {
    /// Builds, measures, and prints the table.
    ///
    /// # Errors
    /// Something can't be built or started, or the shop answers wrongly.
    pub fn run(&self, project: &Project) -> Result<()> {
        let oha = Oha::find(project)?;
        let shop = shop::composed(project, None, None)?;
        let host = shop::host(project, true)?;
        // Not in the system's folder for temporary files, which may be in memory: commits have to reach a disk.
        let work = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&project.target)?;
        let data = work.path().join("data");
        let data = data.to_str().context("the target folder's name is not UTF-8")?;
        let secret = secret::generate()?;
        let log = project.target.join("shop/bench.log");
        let service = Service::start(&host, &shop, &["--data", data], &secret, &log)?;
        let api = Api::new(&service.url, &secret);
        let subject = Subject {
            service: &service,
            api,
            oha: &oha,
            work: work.path(),
            seconds: self.seconds,
        };
        let rows = subject.measure(self.connections);
        let stopped = service.stop();
        let rows = rows.with_context(|| format!("the shop's log: {}", log.display()))?;
        stopped?;
        println!(
            "{} for {} s each, release build, fresh data folder",
            oha.version()?,
            self.seconds
        );
        println!("{}; shop and load generator share them\n", usage::machine());
        println!("{}", table(&rows));
        Ok(())
    }
}

impl Subject<'_> {
    fn measure(&self, connections: u16) -> Result<Vec<Row>> {
        progress(format_args!("loading {PRODUCTS} products"));
        let mut products = Vec::new();
        for number in 1..=PRODUCTS {
            let price = u32::try_from(number * 100)?;
            products.push(
                self.api
                    .create_product(&format!("Product {number:02}"), price, STOCK)?,
            );
        }
        let product = products.first().context("no product")?;
        let token = self.api.register("bench", "a password for measurements")?;

        let list = body(LIST, &Value::Null);
        let one = body(
            "query($id:ID!){product(id:$id){_id name price quantity}}",
            &json!({ "id": product }),
        );
        let order = body(
            "mutation($id:String!){placeOrder(products:[{_id:$id,quantity:1}]){_id}}",
            &json!({ "id": product }),
        );
        Ok(vec![
            self.read("products (20)", &list, connections)?,
            self.read("products (20), one client", &list, 1)?,
            self.read("product by id", &one, connections)?,
            self.read("product by id, one client", &one, 1)?,
            self.place("placeOrder", &order, &token, product, connections)?,
        ])
    }

    /// Measures a request whose answer is always the same.
    fn read(&self, name: &'static str, body: &str, connections: u16) -> Result<Row> {
        let before = self.api.text(body)?;
        if !before.contains("\"Product 01\"") || before.contains("\"errors\"") {
            bail!("{name}: the answer is wrong: {before}");
        }
        let row = self.load(name, body, None, connections)?;
        let after = self.api.text(body)?;
        if before != after {
            bail!("{name}: the answer has changed under load:\n{before}\n{after}");
        }
        let expected = before.len() as u64 * row.outcome.succeeded();
        if row.outcome.failed() == 0 && row.outcome.bytes() != expected {
            bail!(
                "{name}: {} bytes were answered, but {expected} were expected",
                row.outcome.bytes()
            );
        }
        Ok(row)
    }

    /// Measures orders of one piece: each that succeeds takes one from the stock, and no other does.
    fn place(
        &self,
        name: &'static str,
        body: &str,
        token: &str,
        product: &str,
        connections: u16,
    ) -> Result<Row> {
        let load = |seconds| self.run(body, Some(token), connections, seconds);
        load(WARM_UP_SECONDS)?;
        let before = self.api.quantity(product)?;
        let row = self.timed(name, connections, || load(self.seconds))?;
        let sold = before - self.api.quantity(product)?;
        if i64::try_from(row.outcome.succeeded())? != sold {
            bail!(
                "{name}: {} orders were answered, but {sold} pieces are gone",
                row.outcome.succeeded()
            );
        }
        Ok(row)
    }

    fn load(&self, name: &'static str, body: &str, token: Option<&str>, connections: u16) -> Result<Row> {
        self.run(body, token, connections, WARM_UP_SECONDS)?;
        self.timed(name, connections, || {
            self.run(body, token, connections, self.seconds)
        })
    }

    fn run(&self, body: &str, token: Option<&str>, connections: u16, seconds: u16) -> Result<Outcome> {
        self.oha.run(
            &Load {
                url: self.api.url(),
                body,
                token,
                connections,
                seconds,
            },
            self.work,
        )
    }

    fn timed(
        &self,
        name: &'static str,
        connections: u16,
        load: impl FnOnce() -> Result<Outcome>,
    ) -> Result<Row> {
        progress(format_args!("measuring {name}"));
        let (started, used) = (Instant::now(), usage::cpu_time(self.service.id())?);
        let outcome = load()?;
        let used = usage::cpu_time(self.service.id())?.saturating_sub(used);
        let cores = used.as_secs_f64() / started.elapsed().as_secs_f64();
        let memory = usage::peak_memory(self.service.id())?;
        Ok(Row {
            name,
            connections,
            outcome,
            cores,
            memory,
        })
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:<28}{:>12}{:>10}{:>10}{:>10}{:>8}{:>11}{:>12}",
        "request", "connections", "req/s", "p50 ms", "p99 ms", "errors", "host cores", "peak MiB"
    );
    for Row {
        name,
        connections,
        outcome,
        cores,
        memory,
    } in rows
    {
        let (rate, p50, p99, failed) = (outcome.rate(), outcome.p50(), outcome.p99(), outcome.failed());
        table += &format!(
            "\n{name:<28}{connections:>12}{rate:>10.0}{p50:>10.2}{p99:>10.2}{failed:>8}{cores:>11.2}{memory:>12}"
        );
    }
    table
}
