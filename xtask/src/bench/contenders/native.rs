//! The same domain as native code under axum, in bench/peers/native.

use anyhow::{Context, Result};

use super::backends::Backends;
use super::fleet::{Fleet, start_filled};
use super::setting::{Setting, Start};
use crate::service::{SHOP, Service};
use crate::shop;
use mercato_wasm_toolchain::process::{clean, run};

/// Builds the program.
///
/// # Errors
/// It does not compile.
pub fn prepare<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let project = setting.project;
    let mercato = setting.mercato()?;
    let mut build = shop::cargo(project);
    run(build.args(["build", "--locked", "--release", "-p", "mercato-native"]))
        .context("can't build mercato-native")?;
    let program = project.target.join("release/mercato-native");
    Ok(Box::new(move |folder| {
        let launch = |_: Option<&Backends>| {
            let mut command = clean(&program);
            command.args(["--port", "0", "--data"]).arg(folder.join("data"));
            command.env("API_SECRET", &setting.secret);
            Ok(Fleet::one(Service::run(command, &setting.log("native")?, SHOP)?))
        };
        start_filled(setting, None, launch, |_, url| setting.import(&mercato, url))
    }))
}
