//! Redis.

use std::path::PathBuf;

use anyhow::Result;

use super::program::{Program, cached};
use super::server::{Launch, Server};
use super::wire::Wire;
use super::{Home, debian, ports};
use crate::project::Project;
use mercato_wasm_toolchain::process::clean;

const REDIS: Program = Program {
    name: "redis-server",
    variable: "MERCATO_REDIS_SERVER",
    version_flag: "--version",
    minimum: (6, 2),
};

/// Returns the program, and installs it into the cache if it is missing.
///
/// # Errors
/// Redis can't be installed.
pub fn program(project: &Project) -> Result<PathBuf> {
    if let Some(program) = REDIS.find()? {
        return Ok(program);
    }
    let folder = cached(project, "redis", |work| {
        debian::unpack("redis-server", REDIS.name, work)
    })?;
    let program = folder.join(REDIS.name);
    REDIS.check(&program)?;
    Ok(program)
}

/// Starts Redis, and installs it if it is missing. The address is a URL. Nothing is stored on disk: Redis is
/// a cache.
///
/// # Errors
/// Redis can't be installed, or does not start.
pub fn start(project: &Project, home: Home) -> Result<Server> {
    let program = program(project)?;
    let port = ports::free()?;
    let mut command = clean(program);
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .args(["--maxmemory", "128mb", "--maxmemory-policy", "volatile-lru"]);
    Server::start(Launch {
        name: "Redis".to_owned(),
        command,
        home,
        address: format!("redis://127.0.0.1:{port}"),
        port: Some(port),
        ready: Box::new(move || {
            let mut wire = Wire::connect(port)?;
            wire.send(b"PING\r\n")?;
            wire.expect_line("+PONG").map(|_| ())
        }),
    })
}
