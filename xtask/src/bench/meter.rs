//! What the processes of a contender use.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::usage;
use crate::servers::{Server, mongodb, nats};

/// The name of the part that is the shop itself.
pub const SHOP: &str = "shop";

/// The processes of one kind.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name.
    pub name: &'static str,
    /// The process ids.
    pub ids: Vec<u32>,
}

/// Where the counters of a contender are.
#[derive(Default)]
pub struct Meter {
    /// The parts. The first one is the shop.
    pub parts: Vec<Part>,
    /// The port of MongoDB.
    pub mongodb: Option<u16>,
    /// Whether NATS runs, and how to read the messages that it got.
    pub nats: Option<Box<dyn Fn() -> Result<u64>>>,
}

/// The counters of one moment, or what they grew by.
#[derive(Clone, Debug)]
pub struct Counters {
    /// The processor time of each part.
    pub cpu: Vec<(&'static str, Duration)>,
    /// The requests to MongoDB.
    pub store_requests: Option<u64>,
    /// The messages to NATS.
    pub messages: Option<u64>,
}

impl Meter {
    /// Reads the counters.
    ///
    /// # Errors
    /// A process has ended, or a server does not answer.
    pub fn read(&self) -> Result<Counters> {
        let store_requests = self.mongodb.map(|port| {
            let status = mongodb::status(port)?;
            let requests = status.get_document("network")?.get_i64("numRequests")?;
            Ok::<_, anyhow::Error>(u64::try_from(requests)?)
        });
        Ok(Counters {
            cpu: self.cpu()?,
            store_requests: store_requests.transpose()?,
            messages: self.nats.as_ref().map(|read| read()).transpose()?,
        })
    }

    fn cpu(&self) -> Result<Vec<(&'static str, Duration)>> {
        let cpu = self.parts.iter().map(|part| {
            let times = part.ids.iter().map(|id| usage::cpu_time(*id));
            Ok((part.name, times.sum::<Result<_>>()?))
        });
        cpu.collect()
    }

    /// Makes the peak memory of each process its memory of now.
    ///
    /// # Errors
    /// A process has ended.
    pub fn reset_peaks(&self) -> Result<()> {
        let mut ids = self.parts.iter().flat_map(|part| &part.ids);
        ids.try_for_each(|id| usage::reset_peak(*id))
    }

    /// Returns the memory of each part in MiB: the peak, or that of now.
    ///
    /// # Errors
    /// A process has ended.
    pub fn memory(&self, of: fn(u32) -> Result<u64>) -> Result<Vec<(&'static str, u64)>> {
        let memory = self.parts.iter().map(|part| {
            let sizes = part.ids.iter().map(|id| of(*id));
            Ok((part.name, sizes.sum::<Result<_>>()?))
        });
        memory.collect()
    }

    /// Waits until the parts do nothing but their housekeeping, and returns the time that it took.
    ///
    /// # Errors
    /// They are still busy after five minutes, or a process has ended.
    pub fn wait_until_idle(&self) -> Result<Duration> {
        /// The part of one processor that housekeeping takes.
        const IDLE: f64 = 0.15;
        const WINDOW: Duration = Duration::from_millis(500);
        const LIMIT: Duration = Duration::from_secs(300);
        let total = || -> Result<Duration> { Ok(self.cpu()?.iter().map(|(_, time)| *time).sum()) };
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            let (waited, before) = (started.elapsed(), total()?);
            std::thread::sleep(WINDOW);
            if (total()? - before).as_secs_f64() < IDLE * WINDOW.as_secs_f64() {
                return Ok(waited);
            }
        }
        bail!("the shop is still busy {} s after the load", LIMIT.as_secs())
    }
}

impl Counters {
    /// Returns what the counters grew by since an earlier moment.
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before?));
        let cpu = self.cpu.iter().zip(&earlier.cpu);
        Self {
            cpu: cpu
                .map(|((name, now), (_, before))| (*name, now.saturating_sub(*before)))
                .collect(),
            store_requests: difference(self.store_requests, earlier.store_requests),
            messages: difference(self.messages, earlier.messages),
        }
    }
}

/// Returns the part that consists of one server, by its name.
pub fn server_part(server: &Server) -> Option<Part> {
    let name = match server.name() {
        "MongoDB" => "mongod",
        "Kafka" => "kafka",
        "Redis" => "redis",
        "NATS" => "nats",
        "HAProxy" => "proxy",
        "wadm" => "wadm",
        _ => return None,
    };
    Some(Part {
        name,
        ids: vec![server.id()],
    })
}

/// Returns a function that reads the messages to NATS.
pub fn nats_messages(server: &Server) -> Box<dyn Fn() -> Result<u64>> {
    let folder = server.home().path().to_owned();
    Box::new(move || nats::messages(&folder))
}
