//! The servers that some contenders share the kind of: MongoDB, Kafka and Redis. Each contender gets fresh ones.

use std::path::Path;

use anyhow::{Context, Result};

use crate::bench::meter::{Part, server_part};
use crate::project::Project;
use crate::servers::{Home, Server, Start, kafka, mongodb, redis, start_all, stop_all};

const SERVERS: [(&str, Start); 3] = [
    ("MongoDB", mongodb::start),
    ("Kafka", kafka::start),
    ("Redis", redis::start),
];

/// The running servers. They are stopped when dropped.
pub struct Backends {
    servers: Vec<Server>,
}

impl Backends {
    /// Installs the servers that are missing.
    ///
    /// # Errors
    /// A server can't be installed.
    pub fn install(project: &Project) -> Result<()> {
        mongodb::program(project).context("MongoDB")?;
        kafka::program(project).context("Kafka")?;
        redis::program(project).context("Redis")?;
        Ok(())
    }

    /// Starts the servers with their data in a folder.
    ///
    /// # Errors
    /// A server does not start.
    pub fn start(project: &Project, folder: &Path) -> Result<Self> {
        let mut starts = Vec::new();
        for (name, start) in SERVERS {
            starts.push((name, start, Home::permanent(&folder.join(name))?));
        }
        let started = start_all(project, starts).into_iter();
        let servers = started.map(|(name, outcome)| outcome.with_context(|| format!("can't start {name}")));
        Ok(Self {
            servers: servers.collect::<Result<_>>()?,
        })
    }

    /// Returns the addresses of MongoDB, Kafka and Redis.
    ///
    /// # Errors
    /// A server is missing.
    pub fn addresses(&self) -> Result<[&str; 3]> {
        match self.servers.as_slice() {
            [mongodb, kafka, redis] => Ok([mongodb.address(), kafka.address(), redis.address()]),
            _ => anyhow::bail!("a server is missing"),
        }
    }

    /// Returns the flags of `mercato up` that select the servers.
    ///
    /// # Errors
    /// A server is missing.
    pub fn flags(&self) -> Result<Vec<String>> {
        let [mongodb, kafka, redis] = self.addresses()?;
        let kafka = format!("kafka://{kafka}");
        let flags = ["--documents", mongodb, "--events", &kafka, "--cache", redis];
        Ok(flags.map(str::to_owned).to_vec())
    }

    /// Returns the port of MongoDB.
    pub fn mongodb_port(&self) -> Option<u16> {
        self.servers.first()?.port()
    }

    /// Returns the processes.
    pub fn parts(&self) -> Vec<Part> {
        self.servers.iter().filter_map(server_part).collect()
    }

    /// Stops the servers.
    ///
    /// # Errors
    /// A server had to be killed.
    pub fn stop(self) -> Result<()> {
        stop_all(self.servers)
    }
}
