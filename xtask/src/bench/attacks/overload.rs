//! The curves of overload: what is answered well when more is offered than can be served.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::documents;
use super::honest::{Honest, QUIET, RECOVERED};
use super::kinds::Needs;
use super::oha::{Load, Oha, Outcome};
use super::report::{LoadRow, RecoveryRow, Report};
use super::target::{Build, Target};
use crate::api::order_body;
use mercato_wasm_toolchain::process::progress;

/// The connections that use all of a shop without overload.
const CONNECTIONS: u16 = 300;
/// The most connections. More of them would need too much of the machine for themselves.
const MAX_CONNECTIONS: u16 = 3_000;
const FACTORS: [u16; 4] = [1, 2, 5, 10];
/// The time for each load.
const SECONDS: u16 = 3;

/// A curve: one request, and how it is offered.
struct Curve<'a> {
    name: &'static str,
    bodies: [String; 1],
    token: Option<&'a str>,
    /// Whether requests come at a fixed rate, in place of from a fixed number of clients.
    is_open: bool,
    /// The product that each request orders.
    product: Option<&'a str>,
}

/// Measures lists and orders with up to ten times the load.
///
/// # Errors
/// The shop or the load generator fails.
pub fn measure(build: &Build, oha: &Oha, report: &mut Report) -> Result<()> {
    for (name, is_order, is_open) in [
        ("products (20), more clients", false, false),
        ("placeOrder, more clients", true, false),
        ("placeOrder, higher rate", true, true),
    ] {
        progress(format_args!("measuring the overload of {name}"));
        let target = build.start(Needs {
            files: Some(8_192),
            ..Needs::default()
        })?;
        let mut honest = Honest::new(target.address);
        honest.measure(QUIET / 4)?;
        let quiet = honest.measure(QUIET)?;
        let product = target.api.create_product("Overload", 100, 100_000_000)?;
        let token = target.api.register("overload", "tangerine harbour 57")?;
        let body = if is_order {
            order_body(&product)
        } else {
            documents::list()
        };
        let curve = Curve {
            name,
            bodies: [body],
            token: is_order.then_some(&*token),
            is_open,
            product: is_order.then_some(&*product),
        };
        report.overload.extend(curve.measure(build, &target, oha)?);
        let end = Instant::now();
        report.recovery.push(RecoveryRow {
            request: name,
            seconds: honest.recover(quiet.p50() * RECOVERED, end)?,
        });
    }
    Ok(())
}

impl Curve<'_> {
    fn measure(&self, build: &Build, target: &Target, oha: &Oha) -> Result<Vec<LoadRow>> {
        self.load(build, target, oha, CONNECTIONS, None)?;
        let (capacity, _) = self.load(build, target, oha, CONNECTIONS, None)?;
        let mut rows = Vec::new();
        for factor in FACTORS {
            let rate = (capacity * f64::from(factor)) as u32;
            let (connections, rate) = match self.is_open {
                true => (MAX_CONNECTIONS, Some(rate)),
                false => (CONNECTIONS * factor, None),
            };
            let (good, outcome) = self.load(build, target, oha, connections, rate)?;
            rows.push(LoadRow {
                request: self.name,
                factor: factor.into(),
                offered: rate.map_or_else(|| format!("{connections} clients"), |rate| format!("{rate}/s")),
                good,
                percent: 0.0,
                refused: outcome.rejected() as f64 / f64::from(SECONDS),
                p50: outcome.p50(),
            });
        }
        let peak = rows.iter().map(|row| row.good).fold(capacity, f64::max);
        for row in &mut rows {
            row.percent = 100.0 * row.good / peak;
        }
        Ok(rows)
    }

    /// Offers a load. Returns the good answers a second. An order is good if its unit has left the stock, too.
    fn load(
        &self,
        build: &Build,
        target: &Target,
        oha: &Oha,
        connections: u16,
        rate: Option<u32>,
    ) -> Result<(f64, Outcome)> {
        let stock = || self.product.map(|product| target.api.stock(product)).transpose();
        let before = stock()?;
        let load = Load {
            url: target.api.url(),
            bodies: &self.bodies,
            token: self.token,
            connections,
            seconds: SECONDS,
            rate,
        };
        let outcome = oha.run(&load, &build.work)?;
        // What is in progress when the load ends is no good answer.
        std::thread::sleep(Duration::from_millis(500));
        let mut good = outcome.succeeded();
        if let Some((before, after)) = before.zip(stock()?) {
            good = good.min(u64::try_from(before.on_hand - after.on_hand)?);
        }
        Ok((good as f64 / f64::from(SECONDS), outcome))
    }
}
