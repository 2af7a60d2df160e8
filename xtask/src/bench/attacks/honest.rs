//! The honest client: it lists products at a steady rate. Three of its connections are kept alive. The fourth is a
//! new one for each request, as those of new customers are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::documents;
use crate::bench::http::{Answer, Connection, post};

/// The time in which the honest client is measured before an attack.
pub const QUIET: Duration = Duration::from_secs(2);

/// The honest client has recovered when its median is at most this many times the one before.
pub const RECOVERED: f64 = 1.5;

/// The address of the honest clients. Attackers have another one, since a shop may limit each address.
const HONEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// The connections.
const CONNECTIONS: u32 = 4;
/// The time between two requests of one connection: 100 requests a second in total.
const INTERVAL: Duration = Duration::from_millis(10 * CONNECTIONS as u64);
/// The time in which the median is measured, to find out whether it is as before an attack.
const WINDOW: Duration = Duration::from_millis(500);
/// The longest time that is waited for a recovery.
const RECOVERY_LIMIT: Duration = Duration::from_secs(20);

/// The honest client.
pub struct Honest {
    shop: SocketAddr,
    request: Vec<u8>,
    connections: Vec<Option<Connection>>,
}

/// The outcome of requests.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Milliseconds from the time at which a request should be sent to its answer, sorted.
    latencies: Vec<f64>,
    /// The number of requests that were not answered well.
    pub refused: usize,
}

impl Honest {
    /// Creates a client that has no connections yet.
    pub fn new(shop: SocketAddr) -> Self {
        Self {
            shop,
            request: post(&documents::list()),
            connections: (0..CONNECTIONS).map(|_| None).collect(),
        }
    }

    /// Sends requests for some time.
    ///
    /// # Errors
    /// A thread panics.
    pub fn measure(&mut self, time: Duration) -> Result<Seen> {
        let started = Instant::now();
        let (shop, request) = (self.shop, &self.request);
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .connections
                .iter_mut()
                .zip(0..)
                .map(|(connection, number)| {
                    let first = started + INTERVAL / CONNECTIONS * number;
                    let client = Client {
                        shop,
                        request,
                        connection,
                        is_kept: number > 0,
                    };
                    scope.spawn(move || client.repeat(first, started + time))
                })
                .collect();
            let mut all = Seen::default();
            for thread in threads {
                let seen = thread.join().map_err(|_| anyhow!("a client panicked"))?;
                all.latencies.extend(seen.latencies);
                all.refused += seen.refused;
            }
            all.latencies.sort_by(f64::total_cmp);
            Ok(all)
        })
    }

    /// Waits until the median is at most `limit` milliseconds and no request is refused. Returns the time from
    /// the end of an attack, or none after 20 seconds.
    ///
    /// # Errors
    /// A thread panics.
    pub fn recover(&mut self, limit: f64, end: Instant) -> Result<Option<f64>> {
        while end.elapsed() < RECOVERY_LIMIT {
            let begun = end.elapsed();
            let seen = self.measure(WINDOW)?;
            if seen.refused == 0 && seen.p50() <= limit {
                return Ok(Some(begun.as_secs_f64()));
            }
        }
        Ok(None)
    }
}

impl Seen {
    /// Returns the median, in milliseconds.
    pub fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// Returns the 99th percentile, in milliseconds.
    pub fn p99(&self) -> f64 {
        self.percentile(99)
    }

    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        self.latencies
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or(f64::NAN)
    }
}

/// One connection.
struct Client<'a> {
    shop: SocketAddr,
    request: &'a [u8],
    connection: &'a mut Option<Connection>,
    is_kept: bool,
}

impl Client<'_> {
    /// Sends requests at their times. A request that can't be sent before the end, since the one before has no
    /// answer yet, counts with the time that it waited.
    fn repeat(mut self, first: Instant, end: Instant) -> Seen {
        let mut seen = Seen::default();
        let mut due = first;
        while due < end {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if Instant::now() < end && !self.is_answered() {
                seen.refused += 1;
            }
            seen.latencies.push(due.elapsed().as_secs_f64() * 1000.0);
            due += INTERVAL;
        }
        seen
    }

    /// Returns whether a request gets its answer. A connection that the shop has closed is replaced once, as
    /// clients do.
    fn is_answered(&mut self) -> bool {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let answer = match self.exchange(kept) {
            Err(_) if was_kept => self.exchange(None),
            first => first,
        };
        answer.is_ok_and(|answer| {
            let text = String::from_utf8_lossy(&answer.body);
            answer.status == 200 && text.contains("\"edges\"") && !text.contains("\"errors\"")
        })
    }

    fn exchange(&mut self, open: Option<Connection>) -> io::Result<Answer> {
        let mut open = match open {
            Some(open) => open,
            None => Connection::open(self.shop, HONEST)?,
        };
        let answer = open.exchange(self.request)?;
        *self.connection = self.is_kept.then_some(open);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let seen = Seen {
            latencies: (1..=200).map(f64::from).collect(),
            refused: 0,
        };
        assert_eq!((seen.p50(), seen.p99()), (100.0, 198.0));
        assert!(Seen::default().p50().is_nan());
    }
}
