//! Measures a running shop.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::oha::{Load, Oha, Outcome};
use super::usage;
use crate::api::{Api, body, order_body};
use mercato_wasm_toolchain::process::progress;

const PRODUCTS: usize = 20;
/// More units than the longest run can order.
const STOCK: u32 = 100_000_000;
const LIST: &str = "{products{_id name price quantity}}";
const WARM_UP_SECONDS: u16 = 2;
/// The time limit for the events of the last orders.
const DRAIN_LIMIT: Duration = Duration::from_secs(300);

/// The shop that is measured.
pub struct Subject<'a> {
    /// The processes of the shop, without its servers.
    pub processes: Vec<u32>,
    /// The API of the shop.
    pub api: Api,
    /// The load generator.
    pub oha: &'a Oha,
    /// A folder for the files of the load generator.
    pub work: &'a Path,
    /// The time for which each request is measured, in seconds.
    pub seconds: u16,
}

/// A row of the table.
pub struct Row {
    name: &'static str,
    connections: u16,
    outcome: Outcome,
    /// The processor cores that the shop used.
    cores: f64,
    /// The peak memory of the shop so far, in MiB.
    memory: u64,
}

impl Subject<'_> {
    /// Creates products, then measures the most frequent requests of shoppers.
    ///
    /// # Errors
    /// The shop gives a wrong answer.
    pub fn measure(&self, connections: u16) -> Result<Vec<Row>> {
        progress(format_args!("creating {PRODUCTS} products"));
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
        let order = order_body(product);
        let rows = vec![
            self.measure_query("products (20)", &list, connections)?,
            self.measure_query("products (20), one client", &list, 1)?,
            self.measure_query("product by id", &one, connections)?,
            self.measure_query("product by id, one client", &one, 1)?,
            self.measure_orders("placeOrder", &order, &token, product, connections)?,
        ];
        self.wait_for_events(product)?;
        Ok(rows)
    }

    /// Measures a request that always has the same answer.
    fn measure_query(&self, name: &'static str, body: &str, connections: u16) -> Result<Row> {
        let before = self.api.text(body)?;
        if !before.contains("\"Product 01\"") || before.contains("\"errors\"") {
            bail!("{name}: the answer is wrong: {before}");
        }
        let row = self.load(name, body, None, connections)?;
        let after = self.api.text(body)?;
        if before != after {
            bail!("{name}: the answer changed under load:\n{before}\n{after}");
        }
        let expected = before.len() as u64 * row.outcome.succeeded();
        if row.outcome.failed() == 0 && row.outcome.bytes() != expected {
            bail!(
                "{name}: the answers have {} bytes instead of {expected}",
                row.outcome.bytes()
            );
        }
        Ok(row)
    }

    /// Measures orders of one unit. The stock must fall by the number of orders that succeeded.
    fn measure_orders(
        &self,
        name: &'static str,
        body: &str,
        token: &str,
        product: &str,
        connections: u16,
    ) -> Result<Row> {
        let load = |seconds| self.run(body, Some(token), connections, seconds);
        load(WARM_UP_SECONDS)?;
        let before = self.api.stock(product)?.on_hand;
        let row = self.timed(name, connections, || load(self.seconds))?;
        let sold = before - self.api.stock(product)?.on_hand;
        if i64::try_from(row.outcome.succeeded())? != sold {
            bail!(
                "{name}: {} orders succeeded, but the stock fell by {sold} units",
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
                bodies: &[body.to_owned()],
                token,
                connections,
                seconds,
                rate: None,
                is_finished: true,
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
        let (started, used) = (Instant::now(), self.cpu_time()?);
        let outcome = load()?;
        let used = self.cpu_time()?.saturating_sub(used);
        let cores = used.as_secs_f64() / started.elapsed().as_secs_f64();
        let memory = self
            .processes
            .iter()
            .map(|id| usage::peak_memory(*id))
            .sum::<Result<_>>()?;
        Ok(Row {
            name,
            connections,
            outcome,
            cores,
            memory,
        })
    }

    fn cpu_time(&self) -> Result<Duration> {
        self.processes.iter().map(|id| usage::cpu_time(*id)).sum()
    }

    /// Waits until the events of all orders have arrived, so that they do not slow down the next measurement.
    fn wait_for_events(&self, product: &str) -> Result<()> {
        let started = Instant::now();
        while self.api.stock(product)?.reserved > 0 {
            if started.elapsed() > DRAIN_LIMIT {
                bail!("the events of the orders do not arrive");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// Formats the rows as a table.
pub fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:<28}{:>12}{:>10}{:>10}{:>10}{:>8}{:>8}{:>12}",
        "request", "connections", "req/s", "p50 ms", "p99 ms", "errors", "cores", "peak MiB"
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
            "\n{name:<28}{connections:>12}{rate:>10.0}{p50:>10.2}{p99:>10.2}{failed:>8}{cores:>8.2}{memory:>12}"
        );
    }
    table
}
