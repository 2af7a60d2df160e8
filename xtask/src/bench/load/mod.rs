//! The load generator: connections that repeat requests, and check each answer.
//!
//! Each connection is a thread that blocks, so a request costs the generator little. Unlike the usual load generators,
//! each connection can be a user of its own, and an answer with GraphQL errors is a failure.

mod client;
mod outcome;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use self::client::Client;
pub use self::outcome::{Changes, Outcome};
use super::request::Plan;

/// The stack of a connection's thread, in bytes.
const STACK: usize = 256 * 1024;

/// Requests that are sent for some time.
pub struct Load<'a> {
    /// The address of the shop.
    pub shop: SocketAddr,
    /// The requests.
    pub plan: &'a Plan,
    /// The time.
    pub time: Duration,
    /// The requests to send in a second. By default, each connection sends the next one after an answer.
    pub rate: Option<f64>,
}

impl Load<'_> {
    /// Sends the requests, and waits for all answers.
    ///
    /// # Errors
    /// A thread can't be started, or panics.
    pub fn run(&self) -> Result<Outcome> {
        let connections = self.plan.orders.len();
        let interval = self
            .rate
            .map(|rate| Duration::from_secs_f64(connections as f64 / rate));
        let started = Instant::now();
        let end = started + self.time;
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (number, order) in (0_u32..).zip(&self.plan.orders) {
                let client = Client::new(self.shop, &self.plan.requests, order);
                // At a fixed rate, the connections take turns.
                let offset =
                    interval.map_or(Duration::ZERO, |interval| interval * number / connections as u32);
                let thread = std::thread::Builder::new().stack_size(STACK);
                threads.push(
                    thread.spawn_scoped(scope, move || client.repeat(started + offset, end, interval))?,
                );
            }
            let mut all = Outcome::default();
            for thread in threads {
                all.add(thread.join().map_err(|_| anyhow!("a connection panicked"))?);
            }
            all.finish(started.elapsed());
            Ok(all)
        })
    }
}
