//! The options of `cargo xtask bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use super::contenders::{self, Contender};
use super::measure::Pace;
use super::workloads::{self, Workload};

const QUICK_CONTENDERS: [&str; 3] = ["embedded", "servers", "node"];
const QUICK_WORKLOADS: [&str; 4] = ["list-20", "order-hot", "order-many", "mix"];
/// The contender that ratios compare with, unless another one is named.
const BASE: &str = "node";

/// Measure ways to run the shop, and a shop in Node.js, with the same requests
///
/// Builds and starts one contender after the other, each on fresh servers with the same products. Sends each the same
/// requests from the same load generator, and compares their answers. Checks that the units sold are the units ordered.
/// Prints a table for each workload, and writes target/bench/report.json and target/bench/report.svg. A contender that
/// can't run on this machine is skipped, with the reason. Nothing is pinned: the contender, its servers and the load
/// generator share the processors. `taskset -c 0,1 cargo xtask bench` gives all of them the same two.
/// docs/benchmarks.md explains the figures.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// Measure few contenders and workloads, with little data, in less than three minutes
    #[arg(long)]
    quick: bool,
    /// A contender to measure; can be repeated [default: all]
    #[arg(long = "contender", value_name = "NAME", value_parser = PossibleValuesParser::new(contenders::names()))]
    contenders: Vec<String>,
    /// A workload to measure; can be repeated [default: all]
    #[arg(long = "workload", value_name = "NAME", value_parser = PossibleValuesParser::new(workloads::names()))]
    workloads: Vec<String>,
    /// The time for which each workload is measured, in seconds [default: 10, or 3 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: Option<u16>,
    /// The number of requests that run at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// The number of products in the shop [default: 10000, or 1000 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    products: Option<u32>,
    /// The program `mercato` to measure, in place of a release build of this checkout
    #[arg(long, value_name = "FILE", requires = "shop")]
    pub mercato: Option<PathBuf>,
    /// The composed component to measure, in place of a build of this checkout
    #[arg(long, value_name = "FILE", requires = "mercato")]
    pub shop: Option<PathBuf>,
    /// The contender whose requests a second are the ratio 1 [default: node, or else the first one]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(contenders::names()))]
    base: Option<String>,
}

impl Bench {
    /// Returns the contenders to measure.
    pub fn contenders(&self) -> impl Iterator<Item = &'static Contender> {
        let all = contenders::ALL.iter();
        all.filter(|contender| self.is_chosen(contender.name, &self.contenders, &QUICK_CONTENDERS))
    }

    /// Returns the workloads to measure.
    pub fn workloads(&self) -> impl Iterator<Item = &'static Workload> {
        let all = workloads::ALL.iter();
        all.filter(|workload| self.is_chosen(workload.name, &self.workloads, &QUICK_WORKLOADS))
    }

    fn is_chosen(&self, name: &str, chosen: &[String], quick: &[&str]) -> bool {
        match chosen {
            [] => !self.quick || quick.contains(&name),
            chosen => chosen.iter().any(|chosen| chosen == name),
        }
    }

    /// Returns for how long each workload is measured.
    pub fn pace(&self) -> Pace {
        let time = Duration::from_secs(self.seconds.unwrap_or(if self.quick { 3 } else { 10 }).into());
        // Kafka's virtual machine compiles what it runs often, so orders have a longer warm-up.
        let (warm_up, warm_up_of_orders) = if self.quick {
            (time / 3, time / 3)
        } else {
            (Duration::from_secs(3), time.max(Duration::from_secs(10)))
        };
        Pace {
            warm_up,
            warm_up_of_orders,
            time,
            half: (!self.quick).then_some(time / 2),
        }
    }

    /// Returns the number of products.
    pub fn products(&self) -> usize {
        self.products.unwrap_or(if self.quick { 1_000 } else { 10_000 }) as usize
    }

    /// Returns the number of requests that run at a time.
    pub fn connections(&self) -> usize {
        self.connections.into()
    }

    /// Returns the contender that ratios compare with.
    pub fn base(&self) -> String {
        self.base.clone().unwrap_or_else(|| BASE.to_owned())
    }
}
