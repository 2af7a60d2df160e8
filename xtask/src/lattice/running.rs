//! A lattice, from its start to its end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::Built;
use super::parts::{Tool, proxy};
use super::state::{Process, State};
use crate::daemon::stopped;
use crate::project::Project;
use crate::servers::{
    Home, Server, Start, free_port, kafka, mongodb, nats, redis, smtp, start_all, stop_all,
};
use mercato_wasm_toolchain::process::{progress, run};

/// The zones that the manifest places by.
const ZONES: [&str; 2] = ["a", "b"];
/// How long the first answer may take after the manifest is deployed: the components are compiled.
const ANSWER_LIMIT: Duration = Duration::from_secs(180);

/// How a lattice is started.
#[derive(Debug)]
pub struct Options {
    /// How many hosts; at least one in each zone.
    pub hosts: u16,
    /// The port that the shop is served on.
    pub port: u16,
    /// The folder of its data.
    pub data: PathBuf,
    /// The manifest that is deployed.
    pub manifest: PathBuf,
    /// What holds for all services, over what the manifest says, as `KEY=VALUE`; at least one.
    pub settings: Vec<String>,
    /// The API key.
    pub secret: String,
    /// What the names of databases begin with, if not as the provider has them.
    pub databases: Option<&'static str>,
}

/// A running lattice; ended when dropped.
#[derive(Debug)]
pub struct Running {
    data: PathBuf,
    url: String,
    nats: String,
    built: Built,
    manifest: PathBuf,
    settings: Vec<String>,
    // In the order in which they end: wadm before the hosts, whose work it would give to others, and the servers last.
    stages: Vec<Vec<Server>>,
}

impl Running {
    /// Starts everything, and waits until the shop answers.
    ///
    /// # Errors
    /// Something can't be had, or does not start.
    pub fn start(project: &Project, built: &Built, options: &Options) -> Result<Self> {
        let data = &options.data;
        let home = |name: &str| Home::kept(&data.join(name));
        let mut lattice = Self {
            data: data.clone(),
            url: format!("http://127.0.0.1:{}", options.port),
            nats: String::new(),
            built: built.clone(),
            manifest: options.manifest.clone(),
            settings: options.settings.clone(),
            stages: Vec::new(),
        };
        // What NATS keeps is the state of hosts and wadm, and all of that is made anew.
        let forgotten = data.join("nats");
        if forgotten.exists() {
            std::fs::remove_dir_all(&forgotten)?;
        }
        let wanted: Vec<(&str, Start, Home)> = vec![
            ("NATS", nats::start, home("nats")?),
            ("MongoDB", mongodb::start, home("mongodb")?),
            ("Kafka", kafka::start, home("kafka")?),
            ("Redis", redis::start, home("redis")?),
            ("a mail server", smtp::start, home("mail")?),
        ];
        let mut addresses = Vec::new();
        let mut servers = Vec::new();
        for (name, outcome) in start_all(project, wanted) {
            let server = outcome.with_context(|| format!("{name} can't be had"))?;
            addresses.push(server.address().to_owned());
            servers.push(server);
        }
        lattice.stages.push(servers);
        let [nats, mongodb, kafka, redis, smtp] = addresses.as_slice() else {
            bail!("servers are missing");
        };
        lattice.nats.clone_from(nats);
        let tool = Tool {
            program: built.program.clone(),
            nats: nats.clone(),
        };

        // Before the hosts, whose start it hears of.
        lattice.stages.insert(0, vec![tool.wadm(home("wadm")?)?]);
        lattice.stages.insert(1, Vec::new());
        for (index, zone) in (0..options.hosts).zip(ZONES.into_iter().cycle()) {
            let name = format!("host {} (zone {zone})", index + 1);
            let host = tool.host(&name, zone, home(&format!("host-{}", index + 1))?)?;
            lattice.stages.get_mut(1).context("no stage of hosts")?.push(host);
        }
        let gateways = [free_port()?, free_port()?];
        let put = |name: &str, values: &[&str]| {
            let mut command = tool.command(&["config", "put", name]);
            run(command.args(values).env("API_SECRET", &options.secret))
        };
        put("mercato-secret", &["--env", "API_SECRET=API_SECRET"])?;
        let url = format!("url={mongodb}");
        let prefix = options.databases.map(|prefix| format!("prefix={prefix}"));
        let documents: Vec<_> = [Some(url), prefix].into_iter().flatten().collect();
        put(
            "mercato-mongodb",
            &documents.iter().map(String::as_str).collect::<Vec<_>>(),
        )?;
        put("mercato-kafka", &[&format!("brokers={kafka}")])?;
        put("mercato-redis", &[&format!("url={redis}")])?;
        put(
            "mercato-smtp",
            &[&format!("url={smtp}"), "from=Mercato <shop@example.com>"],
        )?;
        put("mercato-http-client", &["hosts=api.stripe.com,api.twilio.com"])?;
        put("mercato-notifications", &["KEEPER_EMAIL=keeper@example.com"])?;
        put(
            "mercato-payments",
            &[
                "PAYMENT_GATEWAY=test",
                "--env",
                "STRIPE_WEBHOOK_SECRET=API_SECRET",
            ],
        )?;
        let settings: Vec<_> = options.settings.iter().map(String::as_str).collect();
        put("mercato-settings", &settings)?;
        for (zone, port) in ZONES.into_iter().zip(gateways) {
            put(
                &format!("mercato-http-{zone}"),
                &[&format!("address=127.0.0.1:{port}")],
            )?;
        }
        progress(format_args!("deploying {}", options.manifest.display()));
        // wadm refuses another manifest of the same version.
        let version = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut deploy = tool.command(&["deploy", "--version", &version.to_string(), "--timeout", "300"]);
        run(deploy.arg("--images").arg(&built.images).arg(&options.manifest))?;
        let proxy = proxy(project, home("haproxy")?, options.port, gateways)?;
        lattice.stages.insert(0, vec![proxy]);
        lattice.tell()?;
        lattice.wait()?;
        Ok(lattice)
    }

    /// Where the shop is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of a server, or of the shop's proxy, by its name.
    pub fn address(&self, name: &str) -> Option<&str> {
        let mut servers = self.stages.iter().flatten();
        Some(servers.find(|server| server.name() == name)?.address())
    }

    /// The ids of the hosts' processes.
    pub fn hosts(&self) -> Vec<u32> {
        let servers = self.stages.iter().flatten();
        let hosts = servers.filter(|server| server.name().starts_with("host "));
        hosts.map(Server::id).collect()
    }

    /// Ends everything but the servers of data.
    ///
    /// # Errors
    /// Something had to be killed.
    pub fn leave_servers(&mut self) -> Result<()> {
        let servers = self.stages.pop();
        let ended = self.end();
        self.stages.extend(servers);
        ended
    }

    /// Starts again what ended by itself a while ago, on the same port and data, until xtask is told to stop.
    ///
    /// # Errors
    /// The lattice's state can't be written.
    pub fn watch(&mut self, pause: Duration) -> Result<()> {
        let mut down: Vec<(String, Instant)> = Vec::new();
        while !stopped() {
            std::thread::sleep(Duration::from_millis(100));
            let mut changed = false;
            for server in self.stages.iter_mut().flatten() {
                if server.runs()? {
                    continue;
                }
                let since = down
                    .iter()
                    .find(|(name, _)| name == server.name())
                    .map(|(_, since)| *since);
                let Some(since) = since else {
                    progress(format_args!("{} ended; starting it again soon", server.name()));
                    down.push((server.name().to_owned(), Instant::now()));
                    continue;
                };
                if since.elapsed() >= pause && !stopped() {
                    down.retain(|(name, _)| name != server.name());
                    changed = true;
                    if let Err(error) = server.restart() {
                        progress(format_args!("{error:#}"));
                    }
                }
            }
            if changed {
                self.tell()?;
            }
        }
        Ok(())
    }

    /// Ends everything, in order.
    ///
    /// # Errors
    /// Something had to be killed.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let mut result = Ok(());
        for stage in std::mem::take(&mut self.stages) {
            result = result.and(stop_all(stage));
        }
        State::remove(&self.data);
        result
    }

    fn tell(&self) -> Result<()> {
        let state = State {
            url: self.url.clone(),
            nats: self.nats.clone(),
            program: self.built.program.clone(),
            images: self.built.images.clone(),
            manifest: self.manifest.clone(),
            settings: self.settings.clone(),
            processes: self.stages.iter().flatten().map(Process::of).collect(),
        };
        state.write(&self.data)
    }

    fn wait(&self) -> Result<()> {
        let started = Instant::now();
        while let Err(error) = answers(&self.url) {
            if stopped() {
                bail!("told to stop");
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
        // Where it was stopped already, nothing is left to do.
        let _ = self.end();
    }
}

/// Asks the shop for the least that it can say.
///
/// # Errors
/// It does not answer that.
pub fn answers(url: &str) -> Result<()> {
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

/// The folder of a lattice's data, made if it is missing, and locked for as long as the returned file is open.
///
/// # Errors
/// It can't be made, or another lattice runs on it.
pub fn claim(data: &Path) -> Result<std::fs::File> {
    std::fs::create_dir_all(data).with_context(|| format!("{} can't be made", data.display()))?;
    let lock = std::fs::File::create(data.join("lock"))?;
    if lock.try_lock().is_err() {
        bail!("another lattice runs on {}", data.display());
    }
    Ok(lock)
}
