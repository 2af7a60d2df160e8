//! Processes of a shop, with a proxy before them if there are two.

use std::time::Instant;

use anyhow::{Context, Result};

use super::backends::Backends;
use super::setting::{Setting, Shop};
use crate::bench::meter::{Meter, Part, SHOP, server_part};
use crate::bench::usage::children;
use crate::servers::Server;
use crate::service::Service;

/// Running processes. They are stopped when dropped.
pub struct Fleet {
    /// The processes of the shop.
    pub services: Vec<Service>,
    /// The proxy.
    pub proxy: Option<Server>,
}

impl Fleet {
    /// Makes a fleet of one process.
    pub fn one(service: Service) -> Self {
        Self {
            services: vec![service],
            proxy: None,
        }
    }

    fn url(&self) -> Result<&str> {
        let first = self.services.first().map(|service| service.url.as_str());
        let url = self.proxy.as_ref().map(Server::address).or(first);
        url.context("no process runs")
    }

    fn parts(&self) -> Result<Vec<Part>> {
        let mut ids = Vec::new();
        for service in &self.services {
            ids.push(service.id());
            ids.extend(children(service.id())?);
        }
        let mut parts = vec![Part { name: SHOP, ids }];
        parts.extend(self.proxy.as_ref().and_then(server_part));
        Ok(parts)
    }

    fn stop(self) -> Result<()> {
        self.proxy.map_or(Ok(()), Server::stop)?;
        self.services.into_iter().try_for_each(Service::stop)
    }
}

/// Starts the processes of a shop and fills it. Then starts them again and takes the time, because the first start may
/// compile, and because an import takes memory that customers do not.
///
/// # Errors
/// The shop does not start, or refuses a product.
pub fn start_filled(
    setting: &Setting,
    backends: Option<Backends>,
    launch: impl Fn(Option<&Backends>) -> Result<Fleet>,
    fill: impl FnOnce(Option<&Backends>, &str) -> Result<()>,
) -> Result<Shop> {
    let first = launch(backends.as_ref())?;
    fill(backends.as_ref(), first.url()?)?;
    first.stop()?;
    let started = Instant::now();
    let fleet = launch(backends.as_ref())?;
    let url = fleet.url()?.to_owned();
    setting.check_answer(&url)?;
    let cold_start = started.elapsed();
    let mut parts = fleet.parts()?;
    parts.extend(backends.iter().flat_map(Backends::parts));
    let meter = Meter {
        parts,
        mongodb: backends.as_ref().and_then(Backends::mongodb_port),
        nats: None,
    };
    let stop = move || {
        fleet.stop()?;
        backends.map_or(Ok(()), Backends::stop)
    };
    Ok(Shop {
        url,
        meter,
        cold_start,
        stop: Box::new(stop),
    })
}
