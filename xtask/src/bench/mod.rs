//! `cargo xtask bench` and `cargo xtask attacks`: measure a shop on this machine.

mod attacks;
mod oha;
mod subject;
mod usage;

use std::path::Path;

use anyhow::{Context, Result};

pub use self::attacks::Attacks;
use self::oha::Oha;
use self::subject::{Row, Subject, table};
use crate::api::Api;
use crate::lattice::{Built, DEVELOPMENT, Options, Running};
use crate::project::Project;
use crate::servers::free_port;
use crate::service::Service;
use crate::{secret, shop};

/// Measure a release build of the shop under load
///
/// Prints requests per second, latency, errors, and the processor time and memory of the shop. The load
/// generator oha is installed into the cache if it is not on the PATH. It shares the machine with the shop.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// The time for which each request is measured, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=300))]
    seconds: u16,
    /// The number of requests that run at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// Also measure a lattice, and one process on the lattice's servers
    #[arg(long)]
    lattice: bool,
}

impl Bench {
    /// Builds and measures the shop, and prints the tables.
    ///
    /// # Errors
    /// A part can't be built or started, or the shop gives a wrong answer.
    pub fn run(&self, project: &Project) -> Result<()> {
        // The system's temporary folder may be in memory, but commits must reach a disk.
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
            "{}; the shop, the servers and the load generator share them",
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
        let shop = shop::whole(self.project)?;
        let host = shop::host(self.project, true, true)?;
        let data = self.work.join(name);
        let data = data
            .to_str()
            .context("the path of the target folder is not UTF-8")?;
        let log = self.project.target.join("shop/bench.log");
        let flags = [&["--data", data], flags].concat();
        let service = Service::start(&host, &shop, &flags, &self.secret, &log)?;
        let rows = self.measure(&service.url, vec![service.id()]);
        let stopped = service.stop();
        let rows = rows.with_context(|| format!("the log of the shop is {}", log.display()))?;
        stopped?;
        Ok(rows)
    }

    /// Measures a lattice, and then one process on its servers.
    fn on_servers(&self) -> Result<(Vec<Row>, Vec<Row>)> {
        let built = Built::build(self.project, true)?;
        let options = Options {
            hosts: 2,
            port: free_port()?,
            data: self.work.join("lattice"),
            manifest: self.project.root.join("wadm.yaml"),
            settings: vec![DEVELOPMENT.to_owned()],
            secret: self.secret.clone(),
            database_prefix: Some("lattice_"),
        };
        std::fs::create_dir_all(&options.data)?;
        let mut lattice = Running::start(self.project, &built, &options)?;
        let mut processes = lattice.hosts();
        for host in lattice.hosts() {
            processes.extend(usage::children(host)?);
        }
        let on_lattice = self.measure(lattice.url(), processes)?;
        lattice.stop_all_but_servers()?;
        let address = |name: &str| {
            lattice
                .address(name)
                .with_context(|| format!("{name} is not running"))
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
