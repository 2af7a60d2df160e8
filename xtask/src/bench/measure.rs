//! Measures one workload on a running shop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::catalog;
use super::contenders::Shop;
use super::data::Data;
use super::http::Connection;
use super::load::{Changes, Load, Outcome};
use super::meter::Counters;
use super::request::{Kind, Plan};
use super::usage;
use super::workloads::Workload;
use crate::api::Stock;
use mercato_wasm_toolchain::process::progress;

/// The lowest rate at which half of the load still gives enough latencies for a percentile.
const MIN_RATE: f64 = 40.0;

/// For how long a workload is measured.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time before the measurement, in which caches fill and programs compile.
    pub warm_up: Duration,
    /// The same for workloads with orders.
    pub warm_up_of_orders: Duration,
    /// The time of the measurement.
    pub time: Duration,
    /// The time at half of the rate of the measurement, if that is measured.
    pub half: Option<Duration>,
}

/// What was measured.
pub struct Measured {
    /// The number of connections.
    pub connections: usize,
    /// The answers.
    pub outcome: Outcome,
    /// What the processes used, with the events of the orders.
    pub used: Counters,
    /// The processor time of the load generator.
    pub generator: Duration,
    /// The peak memory of each part, in MiB.
    pub memory: Vec<(&'static str, u64)>,
    /// The time from the last answer until the events of all orders had arrived.
    pub events: Option<Duration>,
    /// The 99th percentile at half of the rate, in milliseconds.
    pub half_p99: Option<f64>,
}

/// The plan of a workload whose answers are known to be right.
pub struct Checked {
    plan: Plan,
    /// The answers that other contenders must give, too.
    pub answers: Vec<Vec<u8>>,
}

/// Makes the plan of a workload and sends its requests once.
///
/// # Errors
/// The shop rejects a request.
pub fn check(shop: &Shop, data: &Data, workload: &Workload) -> Result<Checked> {
    let mut plan = (workload.plan)(data)?;
    plan.orders.truncate(workload.max_connections);
    let mut connection = Connection::open(address(shop)?, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let compared = compared(&plan, workload.is_fixed);
    let mut answers = Vec::new();
    for number in compared {
        let request = plan.requests.get_mut(number).context("the plan is empty")?;
        let answer = connection
            .exchange(&request.bytes)
            .context("the shop does not answer")?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 200 && !text.contains("\"errors\""),
            "status {}: {text}",
            answer.status
        );
        if workload.is_fixed {
            request.answer = Some(answer.body.clone());
        }
        answers.push(answer.body);
    }
    Ok(Checked { plan, answers })
}

/// Returns the numbers of the requests whose answers are compared: all of them if they are fixed. Otherwise it is a
/// change, since other answers depend on the changes before.
fn compared(plan: &Plan, is_fixed: bool) -> Vec<usize> {
    if is_fixed {
        return (0..plan.requests.len()).collect();
    }
    let find = |kind| plan.requests.iter().position(|request| request.kind == kind);
    vec![find(Kind::Order).or_else(|| find(Kind::Cart)).unwrap_or(0)]
}

/// Measures a workload. All changes that succeeded must be found in the shop afterwards, and no others.
///
/// # Errors
/// The shop ends, gives no good answer, or has lost or invented a change.
pub fn measure(
    shop: &Shop,
    data: &Data,
    workload: &Workload,
    checked: &Checked,
    pace: Pace,
) -> Result<Measured> {
    let books = Books::read(data, workload, &checked.plan)?;
    let load = |time, rate| {
        let plan = &checked.plan;
        let shop = address(shop)?;
        Load {
            shop,
            plan,
            time,
            rate,
        }
        .run()
    };
    shop.meter.wait_until_idle()?;
    let warm_up = if workload.has_orders {
        pace.warm_up_of_orders
    } else {
        pace.warm_up
    };
    let warm_up = load(warm_up, None)?;
    if workload.has_orders {
        shop.meter.wait_until_idle()?;
    }
    shop.meter.reset_peaks()?;
    let this = std::process::id();
    let (before, generator) = (shop.meter.read()?, usage::cpu_time(this)?);
    let outcome = load(pace.time, None)?;
    let generator = usage::cpu_time(this)? - generator;
    let events = workload
        .has_orders
        .then(|| shop.meter.wait_until_idle())
        .transpose()?;
    let used = shop.meter.read()?.since(&before);
    let memory = shop.meter.memory(usage::peak_memory)?;
    if let Some(error) = &outcome.error {
        progress(format_args!(
            "{} requests failed, such as: {error}",
            outcome.failed
        ));
    }
    ensure!(outcome.succeeded() > 0, "no request succeeded");
    let half = match pace.half {
        Some(time) if outcome.rate() > MIN_RATE => Some(load(time, Some(outcome.rate() / 2.0))?),
        _ => None,
    };
    books.check(data, [&warm_up, &outcome].into_iter().chain(&half))?;
    Ok(Measured {
        connections: checked.plan.orders.len(),
        used,
        generator,
        memory,
        events,
        half_p99: half.map(|half| half.percentile(99.0)),
        outcome,
    })
}

fn address(shop: &Shop) -> Result<SocketAddr> {
    let address = shop.url.trim_start_matches("http://");
    address
        .parse()
        .with_context(|| format!("{address} is no address"))
}

/// What the shop had before a load.
struct Books {
    stock: Option<Stock>,
    carts: Option<u64>,
}

impl Books {
    fn read(data: &Data, workload: &Workload, plan: &Plan) -> Result<Self> {
        let has_carts = plan.requests.iter().any(|request| request.kind == Kind::Cart);
        let read_stock = || catalog::settled_stock(data.api, data.ids.len());
        let read_carts = || data.shoppers.units_in_carts(data.api);
        Ok(Self {
            stock: workload.has_orders.then(read_stock).transpose()?,
            carts: has_carts.then(read_carts).transpose()?,
        })
    }

    /// Checks that the shop has sold what was ordered, and that carts have what was added.
    fn check<'a>(&self, data: &Data, outcomes: impl Iterator<Item = &'a Outcome>) -> Result<()> {
        let (mut orders, mut carts) = (Changes::default(), Changes::default());
        for outcome in outcomes {
            orders.add(outcome.orders);
            carts.add(outcome.carts);
        }
        if let Some(before) = self.stock {
            let after = catalog::settled_stock(data.api, data.ids.len())?;
            let (fell, sold) = (before.on_hand - after.on_hand, after.sold - before.sold);
            if fell != sold || !orders.explain(u64::try_from(sold)?) {
                bail!(
                    "{} orders succeeded and {} have no answer, but the stock fell by {fell} units and {sold} are sold",
                    orders.succeeded,
                    orders.unknown
                );
            }
        }
        if let Some(before) = self.carts {
            let added = data.shoppers.units_in_carts(data.api)? - before;
            if !carts.explain(added) {
                bail!(
                    "{} additions to carts succeeded and {} have no answer, but the carts have {added} more units",
                    carts.succeeded,
                    carts.unknown
                );
            }
        }
        Ok(())
    }
}
