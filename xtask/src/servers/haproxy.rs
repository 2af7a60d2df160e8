//! HAProxy, which balances the load of the gateways.

use std::net::TcpStream;
use std::path::PathBuf;

use anyhow::Result;

use super::program::{Program, cached};
use super::server::{Launch, Server};
use super::{Home, debian};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

const HAPROXY: Program = Program {
    name: "haproxy",
    variable: "MERCATO_HAPROXY",
    version_flag: "-v",
    minimum: (2, 6),
};

/// Returns the program, and installs it into the cache if it is missing.
///
/// # Errors
/// HAProxy can't be installed.
pub fn program(project: &Project) -> Result<PathBuf> {
    if let Some(program) = HAPROXY.find()? {
        return Ok(program);
    }
    let folder = cached(project, "haproxy", |work| {
        debian::unpack("haproxy", HAPROXY.name, work)
    })?;
    let program = folder.join(HAPROXY.name);
    HAPROXY.check(&program)?;
    Ok(program)
}

/// What runs the gateways behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateways {
    /// Hosts of a lattice.
    Lattice,
    /// `mercato` processes.
    Processes,
}

/// Starts the proxy before the gateways on these ports.
///
/// # Errors
/// HAProxy can't be installed, or does not start.
pub fn start(
    project: &Project,
    home: Home,
    port: u16,
    gateways: Gateways,
    ports: [u16; 2],
) -> Result<Server> {
    let mut command = clean(program(project)?);
    command
        .arg("-db")
        .arg("-f")
        .arg(project.root.join("deploy/haproxy.cfg"))
        .env("MERCATO_LISTEN", format!("127.0.0.1:{port}"));
    let variables = ["MERCATO_GATEWAY_A", "MERCATO_GATEWAY_B"];
    for (name, port) in variables.into_iter().zip(ports) {
        command.env(name, format!("127.0.0.1:{port}"));
    }
    let keeps = gateways == Gateways::Processes;
    command.env("MERCATO_KEEP_CONNECTIONS", keeps.to_string());
    Server::start(Launch {
        name: "HAProxy".to_owned(),
        command,
        home,
        address: format!("http://127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || Ok(TcpStream::connect(("127.0.0.1", port)).map(|_| ())?)),
    })
}
