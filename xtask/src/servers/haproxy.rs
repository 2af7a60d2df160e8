//! HAProxy, which balances the load of the gateways.

use std::path::PathBuf;

use anyhow::Result;

use super::debian;
use super::program::{Program, cached};
use crate::project::Project;

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
