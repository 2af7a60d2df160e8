//! The components of spin.toml on the host that the tests use. It behaves as Spin, which is not installed by cargo.

use anyhow::{Context, Result};

use super::backends::Backends;
use super::fleet::{Fleet, start_filled};
use super::setting::{Setting, Start};
use crate::service::{SHOP, Service};
use crate::{shop, spin};
use mercato_wasm_toolchain::process::{clean, run};

/// The number of instances. Spin's default is too small for components of many parts.
const INSTANCES: &str = "4000";

/// Builds the host and the components.
///
/// # Errors
/// One of them can't be built.
pub fn prepare<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let project = setting.project;
    let mercato = setting.mercato()?;
    spin::build(project)?;
    let mut build = shop::cargo(project);
    run(build.args(["build", "--locked", "--release", "-p", "mercato-spin-host"]))
        .context("can't build the host")?;
    let program = project.target.join("release/mercato-spin-host");
    Ok(Box::new(move |folder| {
        let launch = |_: Option<&Backends>| {
            let mut host = clean(&program);
            host.arg("--from").arg(spin::manifest(project));
            host.args(["--listen", "127.0.0.1:0", "--state-dir"])
                .arg(folder.join("state"));
            host.arg("--cache")
                .arg(project.target.join("bench/spin-compiled"));
            host.env("SPIN_VARIABLE_API_SECRET", &setting.secret);
            host.env("SPIN_MAX_INSTANCE_COUNT", INSTANCES);
            Ok(Fleet::one(Service::run(host, &setting.log("spin")?, SHOP)?))
        };
        start_filled(setting, None, launch, |_, url| setting.import(&mercato, url))
    }))
}
