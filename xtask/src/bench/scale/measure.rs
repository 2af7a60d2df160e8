//! Measures the inputs: one, two and four processes on fresh servers.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use bson::Document;
use serde_json::{Value, json};

use super::inputs::{Cpu, Inputs, Sample, StoreCounters};
use super::plan::{CART, LIST, LIST_UNCACHED, PRODUCT, PRODUCT_UNCACHED, SIGN_IN};
use crate::api::Api;
use crate::bench::catalog::{self, QUANTITY};
use crate::bench::contenders::Backends;
use crate::bench::data::Data;
use crate::bench::http::Connection;
use crate::bench::load::{Load, Outcome};
use crate::bench::meter::Part;
use crate::bench::request::{Kind, Plan, Request};
use crate::bench::{usage, workloads};
use crate::project::Project;
use crate::servers::mongodb;
use crate::service::{SHOP, Service};
use crate::{secret, shop};
use mercato_wasm_toolchain::process::progress;

/// The products of the shop.
const PRODUCTS: usize = 200;

/// The requests that differ only in a variable which no document declares. So the cache has none of their answers.
const DIFFERENT: usize = 20_000;

/// The users.
const USERS: usize = 64;

/// The workloads of orders: of one product, and of all.
const HOT: &str = "order-hot";
const MANY: &str = "order-many";

/// The lifetime of reservations. The timers of an order belong to its cost, so they must be due during the measurement.
const RESERVATION: Duration = Duration::from_secs(5);

/// The time of each measurement.
const TIME: Duration = Duration::from_secs(6);

/// The connections at which orders are measured, by the number of processes, for one product and for all.
const ORDERS: [(usize, &[usize], &[usize]); 3] = [
    (1, &[1, 8, 32, 64], &[32, 64]),
    (2, &[8, 32, 64], &[32, 64]),
    (4, &[8, 32, 64], &[32, 64]),
];

/// Measures all inputs.
///
/// # Errors
/// A part can't be built or started, or the shop rejects a request.
pub fn all(project: &Project) -> Result<Inputs> {
    let mut setting = Setting {
        project,
        mercato: shop::host(project, true, true)?,
        shop: shop::whole(project)?,
        secret: secret::generate()?,
        inputs: Inputs {
            machine: usage::machine(),
            processors: std::thread::available_parallelism()?.get(),
            date: today()?,
            idle: Vec::new(),
            requests: Vec::new(),
            orders: Vec::new(),
        },
    };
    Backends::install(project)?;
    for (processes, one, many) in ORDERS {
        setting.measure(processes, one, many)?;
    }
    Ok(setting.inputs)
}

struct Setting<'a> {
    project: &'a Project,
    mercato: PathBuf,
    shop: PathBuf,
    secret: String,
    inputs: Inputs,
}

impl Setting<'_> {
    /// Measures some processes.
    fn measure(&mut self, processes: usize, one: &[usize], many: &[usize]) -> Result<()> {
        // The system's temporary folder may be in memory, but commits must reach a disk.
        let work = tempfile::Builder::new()
            .prefix("scale-")
            .tempdir_in(&self.project.target)?;
        let backends = Backends::start(self.project, work.path())?;
        let services = (0..processes)
            .map(|number| self.start(&backends, work.path(), number))
            .collect::<Result<Vec<_>>>()?;
        let first = services.first().context("no process runs")?;
        let api = Api::new(&first.url, &self.secret);
        for number in 0..PRODUCTS {
            api.create_product(&format!("Product {number:03}"), 100, QUANTITY)?;
        }
        let mut fleet = Fleet {
            addresses: services.iter().map(address).collect::<Result<_>>()?,
            processes: services.iter().map(Service::id).collect(),
            servers: backends.parts(),
            mongodb: backends.mongodb_port().context("MongoDB has no port")?,
            data: Data::prepare(&api, PRODUCTS, USERS)?,
        };
        // The servers compile and connect during the first orders.
        fleet.orders(MANY, 32)?;
        self.inputs.idle.push(fleet.sample("at rest", || {
            std::thread::sleep(TIME);
            Ok(Sample::default())
        })?);
        if processes == 1 {
            fleet.data.connections = 8;
            for (name, plan) in requests(&fleet.data)? {
                self.inputs.requests.push(fleet.request(name, &plan)?);
            }
        }
        for (workload, all) in [(HOT, one), (MANY, many)] {
            for connections in all {
                self.inputs.orders.push(fleet.orders(workload, *connections)?);
            }
        }
        services.into_iter().try_for_each(Service::stop)?;
        backends.stop()
    }

    fn start(&self, backends: &Backends, work: &Path, number: usize) -> Result<Service> {
        let data = work.join(format!("process-{number}"));
        let data = data
            .to_str()
            .context("the path of the target folder is not UTF-8")?;
        let servers = backends.flags()?;
        let mut flags = vec!["--data", data];
        flags.extend(servers.iter().map(String::as_str));
        let mut command = Command::new(&self.mercato);
        Service::set_up(&mut command, &self.shop, &flags, &self.secret);
        command.env("RESERVATION_SECONDS", RESERVATION.as_secs().to_string());
        Service::run(command, &work.join(format!("process-{number}.log")), SHOP)
    }
}

/// The running processes and servers.
struct Fleet<'a> {
    addresses: Vec<SocketAddr>,
    processes: Vec<u32>,
    servers: Vec<Part>,
    mongodb: u16,
    data: Data<'a>,
}

impl Fleet<'_> {
    /// Measures requests that are no orders.
    fn request(&self, name: &str, plan: &Plan) -> Result<Sample> {
        let shop = self.addresses.first().copied().context("no process runs")?;
        let first = plan.requests.first().context("the plan is empty")?;
        let mut connection = Connection::open(shop, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
        let bytes = connection.exchange(&first.bytes)?.body.len();
        self.sample(name, || {
            let load = Load {
                shop,
                plan,
                time: TIME,
                rate: None,
            };
            let outcome = load.run()?;
            ensure!(
                outcome.failed == 0,
                "{name}: {}",
                outcome.error.unwrap_or_default()
            );
            Ok(Sample {
                products: PRODUCTS,
                connections: plan.orders.len(),
                answers: outcome.succeeded(),
                p50_ms: outcome.percentile(50.0),
                bytes: outcome.succeeded() * bytes as u64,
                ..Sample::default()
            })
        })
    }

    /// Measures orders on all processes, with everything that follows from them.
    fn orders(&mut self, workload: &str, connections: usize) -> Result<Sample> {
        let name = workload;
        let workload = workloads::ALL.iter().find(|workload| workload.name == name);
        let workload = workload.with_context(|| format!("there is no workload {name}"))?;
        self.data.connections = connections.div_ceil(self.addresses.len());
        let plan = &(workload.plan)(&self.data)?;
        let load = |shop: SocketAddr| Load {
            shop,
            plan,
            time: TIME,
            rate: None,
        };
        self.sample("placeOrder", || {
            let (before, started) = (self.cpu()?, Instant::now());
            let outcomes = std::thread::scope(|scope| {
                let loads = self.addresses.iter().map(|shop| load(*shop));
                let threads: Vec<_> = loads.map(|load| scope.spawn(move || load.run())).collect();
                let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Outcome>>| {
                    thread.join().map_err(|_| anyhow!("a load panicked")).flatten()
                };
                threads.into_iter().map(join).collect::<Result<Vec<_>>>()
            })?;
            let mut all = Outcome::default();
            outcomes.into_iter().for_each(|outcome| all.add(outcome));
            all.finish(TIME);
            ensure!(all.failed == 0, "{name}: {}", all.error.unwrap_or_default());
            catalog::settled_stock(self.data.api, PRODUCTS)?;
            let settled = started.elapsed().as_secs_f64();
            let strangers = self.cpu()?.since(before).other / settled;
            // The last timers follow the last orders.
            std::thread::sleep(RESERVATION + Duration::from_secs(1));
            Ok(Sample {
                products: if name == HOT { 1 } else { PRODUCTS },
                connections,
                answers: all.succeeded(),
                p50_ms: all.percentile(50.0),
                settled,
                strangers,
                ..Sample::default()
            })
        })
    }

    /// Runs a load, and reads all counters before and after.
    fn sample(&self, name: &str, load: impl FnOnce() -> Result<Sample>) -> Result<Sample> {
        let (cpu, store, started) = (self.cpu()?, self.store()?, Instant::now());
        let sample = load()?;
        let elapsed = started.elapsed().as_secs_f64();
        let (cpu, store) = (self.cpu()?.since(cpu), self.store()?.since(store));
        progress(format_args!(
            "{name}, {} processes, {} connections: {} answers",
            self.processes.len(),
            sample.connections,
            sample.answers
        ));
        Ok(Sample {
            name: name.to_owned(),
            processes: self.processes.len(),
            seconds: TIME.as_secs_f64(),
            elapsed,
            cpu,
            store,
            ..sample
        })
    }

    fn cpu(&self) -> Result<Cpu> {
        let sum = |ids: &[u32]| -> Result<f64> {
            let times = ids.iter().map(|id| usage::cpu_time(*id));
            Ok(times.sum::<Result<Duration>>()?.as_secs_f64())
        };
        let server = |name: &str| {
            let part = self.servers.iter().find(|part| part.name == name);
            sum(&part.with_context(|| format!("{name} does not run"))?.ids)
        };
        let mut cpu = Cpu {
            shop: sum(&self.processes)?,
            mongodb: server("mongod")?,
            kafka: server("kafka")?,
            redis: server("redis")?,
            other: 0.0,
        };
        let parts = cpu.shop + cpu.mongodb + cpu.kafka + cpu.redis;
        cpu.other = busy(&fs::read_to_string("/proc/stat")?).context("/proc/stat has no times")? - parts;
        Ok(cpu)
    }

    fn store(&self) -> Result<StoreCounters> {
        counters(&mongodb::status(self.mongodb)?).context("MongoDB's status lacks a counter")
    }
}

fn address(service: &Service) -> Result<SocketAddr> {
    Ok(service.url.trim_start_matches("http://").parse()?)
}

/// Returns the time in which the processors of the machine were busy, in seconds.
fn busy(stat: &str) -> Option<f64> {
    let times = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let times: Vec<u64> = times.map_while(|time| time.parse().ok()).collect();
    // The fourth and the fifth time are idle ones. Time of guests, the ninth, is part of the first.
    let busy = times.iter().take(8).sum::<u64>() - times.get(3)? - times.get(4)?;
    Some(busy as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Reads the counters of `serverStatus`.
fn counters(status: &Document) -> Option<StoreCounters> {
    let count = |path: &[&str]| {
        let (last, folders) = path.split_last()?;
        let folder = folders
            .iter()
            .try_fold(status, |status, name| status.get_document(name).ok())?;
        let count = folder.get(last)?;
        let count = count.as_i64().or_else(|| count.as_i32().map(i64::from))?;
        u64::try_from(count).ok()
    };
    Some(StoreCounters {
        requests: count(&["network", "numRequests"])?,
        committed: count(&["transactions", "totalCommitted"])?,
        aborted: count(&["transactions", "totalAborted"])?,
        in_transactions_us: count(&["opLatencies", "transactions", "latency"])?,
        syncs: count(&["wiredTiger", "log", "log sync operations"])?,
        syncing_us: count(&["wiredTiger", "log", "log sync time duration (usecs)"])?,
    })
}

/// Returns the requests that are no orders.
fn requests(data: &Data) -> Result<Vec<(&'static str, Plan)>> {
    let list = "{productConnection(first:20){edges{node{_id name price quantity}}}}";
    let product = "query($id:ID!){product(id:$id){_id name price quantity description}}";
    let request = |query: &str, variables: Value| Request::new(Kind::Other, None, query, &variables);
    let same =
        |query: &str, variables: Value| Plan::shared(vec![request(query, variables)], data.connections);
    let different = |query: &str, variables: Value| {
        let mut variables = variables;
        let numbered = (0..DIFFERENT).map(|number| {
            if let Some(variables) = variables.as_object_mut() {
                variables.insert("number".into(), number.into());
            }
            request(query, variables.clone())
        });
        Plan::shared(numbered.collect(), data.connections)
    };
    let id = json!({ "id": data.ids.first() });
    let named = |name: &str| -> Result<Plan> {
        let workload = workloads::ALL.iter().find(|workload| workload.name == name);
        let workload = workload.with_context(|| format!("there is no workload {name}"))?;
        (workload.plan)(data)
    };
    Ok(vec![
        (LIST, same(list, json!({}))),
        (LIST_UNCACHED, different(list, json!({}))),
        (PRODUCT, same(product, id.clone())),
        (PRODUCT_UNCACHED, different(product, id)),
        (CART, named("cart")?),
        (SIGN_IN, named("sign-in")?),
    ])
}

/// Returns the current day, as year-month-day.
fn today() -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = bson::DateTime::from_millis(now.as_millis().try_into()?).try_to_rfc3339_string()?;
    Ok(now.chars().take_while(|char| *char != 'T').collect())
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn reads_the_busy_time_of_the_machine() {
        let stat = "cpu  100 0 50 4000 30 0 10 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(busy(stat).map(|time| time * 100.0), Some(160.0));
        assert_eq!(busy("intr 1"), None);
    }

    #[test]
    fn reads_counters_of_both_sizes() {
        let log = doc! { "log sync operations": 3_i32, "log sync time duration (usecs)": 9_000_i64 };
        let status = doc! {
            "network": { "numRequests": 7_i64 },
            "transactions": { "totalCommitted": 5_i64, "totalAborted": 1_i64 },
            "opLatencies": { "transactions": { "latency": 600_i64 } },
            "wiredTiger": { "log": log },
        };
        let counters = counters(&status).unwrap();
        assert_eq!(
            (counters.requests, counters.syncs, counters.syncing_us),
            (7, 3, 9_000)
        );
        assert_eq!(super::counters(&doc! {}), None);
    }
}
