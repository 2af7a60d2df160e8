//! The program `mercato`: on a data folder, on servers, and twice on the same servers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::backends::Backends;
use super::fleet::{Fleet, start_filled};
use super::setting::{Setting, Start};
use crate::servers::haproxy::{self, Gateways};
use crate::servers::{Home, free_port};
use crate::service::Service;

/// Prepares one process on a data folder.
///
/// # Errors
/// The shop can't be built.
pub fn embedded<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let build = Build::make(setting)?;
    Ok(Box::new(move |folder| {
        let launch =
            |_: Option<&Backends>| Ok(Fleet::one(build.start("embedded", &folder.join("data"), &[])?));
        start_filled(setting, None, launch, |_, url| {
            setting.import(&build.mercato, url)
        })
    }))
}

/// Prepares one process on servers.
///
/// # Errors
/// The shop can't be built, or a server can't be installed.
pub fn servers<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let build = Build::make(setting)?;
    Backends::install(setting.project)?;
    Ok(Box::new(move |folder| {
        let launch = |backends: Option<&Backends>| {
            let flags = backends.context("no servers run")?.flags()?;
            Ok(Fleet::one(build.start(
                "servers",
                &folder.join("data"),
                &flags,
            )?))
        };
        let backends = Backends::start(setting.project, folder)?;
        start_filled(setting, Some(backends), launch, |_, url| {
            setting.import(&build.mercato, url)
        })
    }))
}

/// Prepares two processes on servers, behind HAProxy.
///
/// # Errors
/// The shop can't be built, or a server can't be installed.
pub fn two_processes<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    let build = Build::make(setting)?;
    Backends::install(setting.project)?;
    haproxy::program(setting.project).context("HAProxy")?;
    Ok(Box::new(move |folder| {
        let launch = |backends: Option<&Backends>| {
            let flags = backends.context("no servers run")?.flags()?;
            let start = |name: &str| build.start(name, &folder.join(name), &flags);
            let services = std::thread::scope(|scope| {
                let threads =
                    ["two-processes-1", "two-processes-2"].map(|name| scope.spawn(move || start(name)));
                let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Service>>| match thread.join() {
                    Ok(service) => service,
                    Err(_) => bail!("the start panicked"),
                };
                threads.into_iter().map(join).collect::<Result<Vec<_>>>()
            })?;
            let ports = services.iter().map(port).collect::<Result<Vec<_>>>()?;
            let ports =
                <[u16; 2]>::try_from(ports).map_err(|_| anyhow::anyhow!("there are not two processes"))?;
            let home = Home::permanent(&folder.join("haproxy"))?;
            let proxy = Some(haproxy::start(
                setting.project,
                home,
                free_port()?,
                Gateways::Processes,
                ports,
            )?);
            Ok(Fleet { services, proxy })
        };
        let backends = Backends::start(setting.project, folder)?;
        start_filled(setting, Some(backends), launch, |_, url| {
            setting.import(&build.mercato, url)
        })
    }))
}

fn port(service: &Service) -> Result<u16> {
    let address = service.url.trim_start_matches("http://");
    Ok(address.parse::<SocketAddr>()?.port())
}

/// A release build of the shop.
struct Build<'a> {
    setting: &'a Setting<'a>,
    mercato: PathBuf,
    shop: PathBuf,
}

impl<'a> Build<'a> {
    fn make(setting: &'a Setting) -> Result<Self> {
        Ok(Self {
            setting,
            mercato: setting.mercato()?,
            shop: setting.shop()?,
        })
    }

    /// Starts a process with these flags.
    fn start(&self, name: &str, data: &Path, flags: &[String]) -> Result<Service> {
        let data = data.to_str().context("the path of the data is not UTF-8")?;
        let mut all = vec!["--data", data];
        all.extend(flags.iter().map(String::as_str));
        let log = self.setting.log(name)?;
        Service::start(&self.mercato, &self.shop, &all, &self.setting.secret, &log)
    }
}
