//! HAProxy in front of the gateways.

use std::path::PathBuf;

use anyhow::Result;

use super::debian;
use super::program::{Wanted, cached};
use crate::project::Project;

const HAPROXY: Wanted = Wanted {
    name: "haproxy",
    variable: "MERCATO_HAPROXY",
    flag: "-v",
    at_least: (2, 6),
};

/// Gets HAProxy's program.
///
/// # Errors
/// It can't be had.
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
