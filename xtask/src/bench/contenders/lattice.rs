//! Lattices of two hosts.

use anyhow::{Context, Result};

use super::setting::{Setting, Shop, Start};
use crate::bench::meter::{Meter, Part, SHOP, nats_messages, server_part};
use crate::bench::usage::children;
use crate::lattice::{Built, DEVELOPMENT, Options, Running};
use crate::servers::{free_port, install_all};

/// Prepares a lattice with a component for each service.
///
/// # Errors
/// Something can't be built or installed.
pub fn apart<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    prepare(setting, "wadm.yaml", true)
}

/// Prepares a lattice with one component.
///
/// # Errors
/// Something can't be built or installed.
pub fn composed<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    prepare(setting, "wadm-composed.yaml", true)
}

/// Prepares a lattice with a component that makes one call of a provider and has no data.
///
/// # Errors
/// Something can't be built or installed.
pub fn probe<'a>(setting: &'a Setting) -> Result<Start<'a>> {
    prepare(setting, "bench/lattice-probe.yaml", false)
}

fn prepare<'a>(setting: &'a Setting, manifest: &'static str, is_shop: bool) -> Result<Start<'a>> {
    let project = setting.project;
    install_all(project)?;
    let mercato = setting.mercato()?;
    let built = Built::build(project, true)?;
    Ok(Box::new(move |folder| {
        let options = Options {
            hosts: 2,
            port: free_port()?,
            data: folder.to_owned(),
            manifest: project.root.join(manifest),
            settings: vec![DEVELOPMENT.to_owned()],
            secret: setting.secret.clone(),
        };
        let lattice = Running::start(project, &built, &options)?;
        let url = lattice.url().to_owned();
        if is_shop {
            setting.import(&mercato, &url)?;
        }
        Ok(Shop {
            url,
            meter: meter(&lattice)?,
            cold_start: lattice.started_within(),
            stop: Box::new(move || lattice.stop()),
        })
    }))
}

/// Finds the processes: the shop is the hosts, with the providers that they started.
fn meter(lattice: &Running) -> Result<Meter> {
    let mut ids = Vec::new();
    for host in lattice
        .processes()
        .filter(|process| process.name().starts_with("host "))
    {
        ids.push(host.id());
        ids.extend(children(host.id())?);
    }
    let mut parts = vec![Part { name: SHOP, ids }];
    parts.extend(lattice.processes().filter_map(server_part));
    let find = |name: &str| {
        let found = lattice.processes().find(|process| process.name() == name);
        found.with_context(|| format!("{name} is not running"))
    };
    Ok(Meter {
        parts,
        mongodb: find("MongoDB")?.port(),
        nats: Some(nats_messages(find("NATS")?)),
    })
}
