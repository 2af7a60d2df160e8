//! `cargo xtask bench`: how fast a shop is on this machine.

mod api;
mod oha;
mod subject;
mod usage;

use std::path::Path;

use anyhow::{Context, Result};

use self::api::Api;
use self::oha::Oha;
use self::subject::{Row, Subject, table};
use crate::lattice::{Built, ENVIRONMENT, Options, Running};
use crate::project::Project;
use crate::servers::free_port;
use crate::service::Service;
use crate::{secret, shop};

/// Measure a release build of the shop under load
///
/// Prints a table of requests a second, latency, errors, and what the host used of the machine.
/// The load generator (oha, installed into the cache folder where it is not on the PATH) runs beside the shop and takes
/// its share of the machine.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// How long each request is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
    /// How many requests are under way at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Measure a lattice, and then one process on the lattice's servers, beside the one process on a data folder
    #[arg(long)]
    lattice: bool,
}

impl Bench {
    /// Builds, measures, and prints tables.
    ///
    /// # Errors
    /// Something can't be built or started, or the shop answers wrongly.
    pub fn run(&self, project: &Project) -> Result<()> {
        // Not in the system's folder for temporary files, which may be in memory: commits have to reach a disk.
        let work = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&project.target)?;
        let run = Run {
            project,
            options: self,
            oha: Oha::find(project)?,
            work: work.path(),
            secret: secret::generate()?,
        };
        let mut tables = vec![("one process, data folder", run.one_process("embedded", &[])?)];
        if self.lattice {
            let (lattice, one_process) = run.on_servers()?;
            tables.push(("one process, MongoDB, Kafka, Redis", one_process));
            tables.push(("lattice of two hosts, the same servers", lattice));
        }
        println!(
            "{} for {} s each, release builds, fresh data",
            run.oha.version()?,
            self.seconds
        );
        println!(
            "{}; shop, servers and load generator share them",
            usage::machine()
        );
        for (name, rows) in tables {
            println!("\n{name}\n{}", table(&rows));
        }
        Ok(())
    }
}

/// One run of the measurements.
struct Run<'a> {
    project: &'a Project,
    options: &'a Bench,
    oha: Oha,
    work: &'a Path,
    secret: String,
}

impl Run<'_> {
    /// Measures `mercato` with these flags.
    fn one_process(&self, name: &str, flags: &[&str]) -> Result<Vec<Row>> {
        let shop = shop::composed(self.project, None, None)?;
        let host = shop::host(self.project, true)?;
        let data = self.work.join(name);
        let data = data.to_str().context("the target folder's name is not UTF-8")?;
        let log = self.project.target.join("shop/bench.log");
        let flags = [&["--data", data], flags].concat();
        let service = Service::start(&host, &shop, &flags, &self.secret, &log)?;
        let rows = self.measure(&service.url, vec![service.id()]);
        let stopped = service.stop();
        let rows = rows.with_context(|| format!("the shop's log: {}", log.display()))?;
        stopped?;
        Ok(rows)
    }

    /// Measures a lattice, and one process on its servers.
    fn on_servers(&self) -> Result<(Vec<Row>, Vec<Row>)> {
        let built = Built::build(self.project, true)?;
        let options = Options {
            hosts: 2,
            port: free_port()?,
            data: self.work.join("lattice"),
            manifest: self.project.root.join("wadm.yaml"),
            settings: vec![ENVIRONMENT.to_owned()],
            secret: self.secret.clone(),
            databases: Some("lattice_"),
        };
        std::fs::create_dir_all(&options.data)?;
        let mut lattice = Running::start(self.project, &built, &options)?;
        let mut processes = lattice.hosts();
        for host in lattice.hosts() {
            processes.extend(usage::children(host)?);
        }
        let on_lattice = self.measure(lattice.url(), processes)?;
        lattice.leave_servers()?;
        let address = |name: &str| {
            lattice
                .address(name)
                .with_context(|| format!("there is no {name}"))
        };
        let kafka = format!("kafka://{}", address("Kafka")?);
        let flags = [
            "--documents",
            address("MongoDB")?,
            "--events",
            &kafka,
            "--cache",
            address("Redis")?,
            "--mail",
            address("the mail server")?,
        ];
        let one_process = self.one_process("servers", &flags)?;
        lattice.stop()?;
        Ok((on_lattice, one_process))
    }

    fn measure(&self, url: &str, processes: Vec<u32>) -> Result<Vec<Row>> {
        let subject = Subject {
            processes,
            api: Api::new(url, &self.secret),
            oha: &self.oha,
            work: self.work,
            seconds: self.options.seconds,
        };
        subject.measure(self.options.connections)
    }
}
