//! A lattice, from its start to its end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::built::Built;
use super::configuration::{Values, put};
use super::layout::ZONES;
use super::parts::Tool;
use super::state::{Process, State};
use crate::daemon::is_stopping;
use crate::project::Project;
use crate::servers::haproxy::{self, Gateways};
use crate::servers::{
    Home, Server, Start, free_port, kafka, mongodb, nats, redis, smtp, start_all, stop_all,
};
use mercato_wasm_toolchain::process::{progress, run};

/// The time limit of the first answer after the manifest is deployed: the components are compiled first.
const ANSWER_LIMIT: Duration = Duration::from_secs(180);

/// How a lattice is started.
#[derive(Debug)]
pub struct Options {
    /// The number of hosts; at least one in each zone.
    pub hosts: u16,
    /// The port of the shop.
    pub port: u16,
    /// The data folder.
    pub data: PathBuf,
    /// The manifest to deploy.
    pub manifest: PathBuf,
    /// Settings of all services, which override the manifest, as `KEY=VALUE`; at least one.
    pub settings: Vec<String>,
    /// The API key.
    pub secret: String,
}

/// A running lattice. It is stopped when dropped.
#[derive(Debug)]
pub struct Running {
    data: PathBuf,
    url: String,
    nats: String,
    built: Built,
    manifest: PathBuf,
    settings: Vec<String>,
    started_within: Duration,
    /// In the order in which they are stopped. wadm comes before the hosts, because it would move their work.
    /// The servers come last.
    stages: Vec<Vec<Server>>,
}

impl Running {
    /// Starts everything, and waits until the shop answers.
    ///
    /// # Errors
    /// A part can't be installed or does not start.
    pub fn start(project: &Project, built: &Built, options: &Options) -> Result<Self> {
        let mut lattice = Self {
            data: options.data.clone(),
            url: format!("http://127.0.0.1:{}", options.port),
            nats: String::new(),
            built: built.clone(),
            manifest: options.manifest.clone(),
            settings: options.settings.clone(),
            started_within: Duration::ZERO,
            stages: Vec::new(),
        };
        let home = |name: &str| Home::permanent(&options.data.join(name));
        let addresses = lattice.start_servers(project)?;
        let [nats, mongodb, kafka, redis, smtp] = addresses.as_slice() else {
            bail!("servers are missing");
        };
        lattice.nats.clone_from(nats);
        let tool = Tool {
            program: built.program.clone(),
            nats: nats.clone(),
        };

        let started = Instant::now();
        // wadm must run before the hosts, because it watches their start.
        lattice.stages.insert(0, vec![tool.wadm(home("wadm")?)?]);
        lattice.stages.insert(1, Vec::new());
        for (index, zone) in (0..options.hosts).zip(ZONES.into_iter().cycle()) {
            let name = format!("host {} (zone {zone})", index + 1);
            let host = tool.host(&name, zone, home(&format!("host-{}", index + 1))?)?;
            lattice.stages.get_mut(1).context("no stage of hosts")?.push(host);
        }
        let gateways = [free_port()?, free_port()?];
        let values = Values {
            secret: &options.secret,
            mongodb,
            kafka,
            redis,
            smtp,
            gateways,
            settings: &options.settings,
        };
        put(&tool, &values)?;
        progress(format_args!("deploying {}", options.manifest.display()));
        // wadm rejects a changed manifest of the same version.
        let version = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut deploy = tool.command(&["deploy", "--version", &version.to_string(), "--timeout", "300"]);
        run(deploy.arg("--images").arg(&built.images).arg(&options.manifest))?;
        let proxy = haproxy::start(
            project,
            home("haproxy")?,
            options.port,
            Gateways::Lattice,
            gateways,
        )?;
        lattice.stages.insert(0, vec![proxy]);
        lattice.write_state()?;
        lattice.wait_for_answer()?;
        lattice.started_within = started.elapsed();
        Ok(lattice)
    }

    /// Starts the servers, and returns their addresses: NATS, MongoDB, Kafka, Redis, the mail server.
    fn start_servers(&mut self, project: &Project) -> Result<Vec<String>> {
        // NATS keeps the state of hosts and wadm, and both start anew.
        let outdated = self.data.join("nats");
        if outdated.exists() {
            std::fs::remove_dir_all(&outdated)?;
        }
        let home = |name: &str| Home::permanent(&self.data.join(name));
        let servers: Vec<(&str, Start, Home)> = vec![
            ("NATS", nats::start, home("nats")?),
            ("MongoDB", mongodb::start, home("mongodb")?),
            ("Kafka", kafka::start, home("kafka")?),
            ("Redis", redis::start, home("redis")?),
            ("the mail server", smtp::start, home("mail")?),
        ];
        let mut stage = Vec::new();
        for (name, outcome) in start_all(project, servers) {
            stage.push(outcome.with_context(|| format!("can't start {name}"))?);
        }
        let addresses = stage.iter().map(|server| server.address().to_owned()).collect();
        self.stages.push(stage);
        Ok(addresses)
    }

    /// Returns the address of the shop.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the time from the start of wadm and the hosts, with all servers running, to the first answer.
    pub fn started_within(&self) -> Duration {
        self.started_within
    }

    /// Returns the processes.
    pub fn processes(&self) -> impl Iterator<Item = &Server> {
        self.stages.iter().flatten()
    }

    /// Restarts each process that has ended, after a pause, on the same port and data, until xtask is
    /// stopped.
    ///
    /// # Errors
    /// The state file can't be written.
    pub fn supervise(&mut self, pause: Duration) -> Result<()> {
        let mut down: Vec<(String, Instant)> = Vec::new();
        while !is_stopping() {
            std::thread::sleep(Duration::from_millis(100));
            let mut changed = false;
            for server in self.stages.iter_mut().flatten() {
                if server.is_running()? {
                    continue;
                }
                let ended = down.iter().find(|(name, _)| name == server.name());
                let Some(ended) = ended.map(|(_, instant)| *instant) else {
                    progress(format_args!("{} ended; it will be restarted soon", server.name()));
                    down.push((server.name().to_owned(), Instant::now()));
                    continue;
                };
                if ended.elapsed() >= pause && !is_stopping() {
                    down.retain(|(name, _)| name != server.name());
                    changed = true;
                    if let Err(error) = server.restart() {
                        progress(format_args!("{error:#}"));
                    }
                }
            }
            if changed {
                self.write_state()?;
            }
        }
        Ok(())
    }

    /// Stops everything, in order.
    ///
    /// # Errors
    /// A process had to be killed.
    pub fn stop(mut self) -> Result<()> {
        self.stop_stages()
    }

    fn stop_stages(&mut self) -> Result<()> {
        let mut result = Ok(());
        for stage in std::mem::take(&mut self.stages) {
            result = result.and(stop_all(stage));
        }
        State::remove(&self.data);
        result
    }

    fn write_state(&self) -> Result<()> {
        let state = State {
            url: self.url.clone(),
            nats: self.nats.clone(),
            program: self.built.program.clone(),
            images: self.built.images.clone(),
            manifest: self.manifest.clone(),
            settings: self.settings.clone(),
            processes: self.processes().map(Process::of).collect(),
        };
        state.write(&self.data)
    }

    fn wait_for_answer(&self) -> Result<()> {
        let started = Instant::now();
        while let Err(error) = check_answer(&self.url) {
            if is_stopping() {
                bail!("stopped while the lattice started");
            }
            if started.elapsed() > ANSWER_LIMIT {
                return Err(error).context("the shop does not answer on the lattice");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop`, no stages are left.
        let _ = self.stop_stages();
    }
}

/// Sends the shop the smallest GraphQL query.
///
/// # Errors
/// The shop does not answer with success.
pub fn check_answer(url: &str) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into();
    agent
        .get(format!("{url}/graphql"))
        .query("query", "{__typename}")
        .header("accept", "application/graphql-response+json")
        .call()?;
    Ok(())
}

/// Locks a data folder for as long as the returned file is open, and creates the folder if it is missing.
///
/// # Errors
/// The folder can't be created, or another lattice runs on it.
pub fn lock(data: &Path) -> Result<std::fs::File> {
    std::fs::create_dir_all(data).with_context(|| format!("can't create {}", data.display()))?;
    let lock = std::fs::File::create(data.join("lock"))?;
    if lock.try_lock().is_err() {
        bail!("another lattice runs on {}", data.display());
    }
    Ok(lock)
}
