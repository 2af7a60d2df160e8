//! The Node.js shop in bench/peers/node.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::backends::Backends;
use super::fleet::{Fleet, start_filled};
use super::setting::{Setting, Start};
use crate::project::Project;
use crate::servers::{cached, free_port, on_path};
use crate::service::{SHOP, Service};
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// The folder of npm's packages, which is not part of the sources.
const MODULES: &str = "node_modules";

/// Installs the packages and the servers.
///
/// # Errors
/// Node.js is missing or too old, or something can't be installed.
pub fn prepare<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let node =
        on_path("node").context("Node.js is not on the PATH: install version 20.19 or newer, with npm")?;
    let peer = install(setting.project)?;
    Backends::install(setting.project)?;
    Ok(Box::new(move |folder| {
        let command = |backends: Option<&Backends>, script: &str| {
            let [mongodb, kafka, redis] = backends.context("no servers run")?.addresses()?;
            let mut command = clean(&node);
            command.current_dir(&peer).arg(script);
            command.envs([
                ("MONGODB_URL", mongodb),
                ("KAFKA_BROKERS", kafka),
                ("REDIS_URL", redis),
                ("API_SECRET", &setting.secret),
                ("NODE_ENV", "production"),
            ]);
            Ok::<_, anyhow::Error>(command)
        };
        let launch = |backends: Option<&Backends>| {
            let mut shop = command(backends, "start.js")?;
            shop.env("PORT", free_port()?.to_string());
            Ok(Fleet::one(Service::run(shop, &setting.log("node")?, SHOP)?))
        };
        let fill = |backends: Option<&Backends>, _: &str| {
            let mut seed = command(backends, "seed.js")?;
            seed.args(["--products", &setting.products.to_string()]);
            seed.args(["--quantity", &crate::bench::catalog::QUANTITY.to_string()]);
            output(&mut seed).map(drop)
        };
        let backends = Backends::start(setting.project, folder)?;
        start_filled(setting, Some(backends), launch, fill)
    }))
}

/// Copies the sources into the target folder, beside the packages that `package-lock.json` pins. The packages are in
/// the cache. Returns the folder.
fn install(project: &Project) -> Result<PathBuf> {
    let sources = project.root.join("bench/peers/node");
    let lock = fs::read(sources.join("package-lock.json"))?;
    let digest = format!("{:x}", Sha256::digest(lock));
    let name = format!("node-shop-{}", digest.get(..12).unwrap_or(&digest));
    let packages = cached(project, &name, |work| {
        progress("npm ci for bench/peers/node to the cache");
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), work.join(file))?;
        }
        let mut npm = clean("npm");
        npm.current_dir(work)
            .args(["ci", "--omit=dev", "--no-audit", "--no-fund"]);
        run(&mut npm).context("npm can't install the packages")
    })?;
    let folder = project.target.join("bench/node");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    copy(&sources, &folder)?;
    symlink(packages.join(MODULES), folder.join(MODULES))?;
    Ok(folder)
}

/// Copies a folder without npm's packages.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (file, copied) = (entry.path(), to.join(entry.file_name()));
        if file.is_file() {
            fs::copy(file, copied)?;
        } else if entry.file_name() != MODULES {
            copy(&file, &copied)?;
        }
    }
    Ok(())
}
