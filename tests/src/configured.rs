//! Shops that a test configures: in a process of its own, on a host of Spin's interfaces, and on the lattice under test, whose settings are put
//! while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::client::{Call, Shop};
use crate::lattice::Lattice;
use crate::own::{Binary, Home, Running, SECRET, clean, own_trial};
use crate::trials::failed;

/// The hosts that a shop may call, on every runtime by another way.
const HOSTS: &str = "HTTP_CLIENT_HOSTS";
/// Where mail goes and who sends it, on every runtime by another way. A lattice has a mail server already.
const MAIL: [&str; 2] = ["MERCATO_MAIL", "MERCATO_MAIL_FROM"];
/// How long the hosts of a lattice may take to hear of settings, and to start a provider again.
const HEARD: Duration = Duration::from_secs(3);

/// What a shop that a test configures runs on.
#[derive(Clone, Debug)]
pub enum Host {
    /// In one process.
    Process(Binary),
    /// On a host of Spin's interfaces: its program, the manifest, and where it keeps compiled components.
    Spin([PathBuf; 3]),
    /// On a lattice that runs already.
    Lattice(Lattice),
}

/// A shop with a test's settings.
pub struct Configured {
    /// Its base URL.
    pub url: String,
    secret: String,
    end: End,
}

/// What ends with the test.
enum End {
    Process(Running),
    Settings(Settings),
}

/// Settings of a lattice, which has its own again when this is dropped.
struct Settings {
    lattice: Lattice,
    own: Vec<String>,
}

impl Host {
    /// What `MERCATO_SPIN_HOST`, `MERCATO_SPIN_MANIFEST` and `MERCATO_SPIN_CACHE` name; none where one of them is not set.
    fn spin_from_env() -> Option<Self> {
        let path = |name| std::path::absolute(std::env::var_os(name)?).ok();
        Some(Self::Spin([
            path("MERCATO_SPIN_HOST")?,
            path("MERCATO_SPIN_MANIFEST")?,
            path("MERCATO_SPIN_CACHE")?,
        ]))
    }

    /// Starts a shop with these settings, and waits until it serves.
    pub fn start(&self, home: &Home, settings: &[(&str, &str)]) -> Result<Configured> {
        let running = match self {
            Self::Process(binary) => {
                let mut command = binary.up(home, &home.data());
                command.envs(settings.iter().copied());
                Running::start(home, &mut command)?
            }
            Self::Spin([program, manifest, cache]) => {
                let mut command = clean(program, home.path());
                let manifest = allowing(manifest, home, settings)?;
                command.arg("--from").arg(manifest).arg("--cache").arg(cache);
                command
                    .args(["--listen", "127.0.0.1:0", "--state-dir"])
                    .arg(home.data());
                let variables = settings.iter().chain(&[("API_SECRET", SECRET)]);
                command.envs(variables.map(|&(name, value)| spin_variable(name, value)));
                Running::start(home, &mut command)?
            }
            Self::Lattice(lattice) => return Configured::on_lattice(lattice, settings),
        };
        Ok(Configured {
            url: running.url.clone(),
            secret: SECRET.to_owned(),
            end: End::Process(running),
        })
    }
}

impl Configured {
    fn on_lattice(lattice: &Lattice, settings: &[(&str, &str)]) -> Result<Self> {
        let own = lattice.settings()?;
        let end = Settings {
            lattice: lattice.clone(),
            own: own.clone(),
        };
        let put: Vec<_> = settings
            .iter()
            .filter(|(name, _)| *name != HOSTS && !MAIL.contains(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        lattice.put("mercato-settings", &[own, put].concat())?;
        if let Some((_, hosts)) = settings.iter().find(|(name, _)| *name == HOSTS) {
            lattice.put("mercato-http-client", &[format!("hosts={hosts}")])?;
        }
        std::thread::sleep(HEARD);
        let shop = Self {
            url: lattice.text("url")?,
            secret: std::env::var("API_SECRET").context("API_SECRET should be set")?,
            end: End::Settings(end),
        };
        let ready = shop.shop().send(Call::new("GET", "/readyz"))?;
        ensure!(ready.status == 200, "the lattice should serve: {}", ready.text());
        Ok(shop)
    }

    /// The shop, for requests with its key.
    pub fn shop(&self) -> Shop {
        Shop::new(&self.url, &self.secret)
    }

    /// Stops it properly, and fails where it does not end well.
    pub fn stop(self) -> Result<()> {
        match self.end {
            End::Process(running) => running.stop(),
            End::Settings(settings) => settings.restore(),
        }
    }
}

impl Settings {
    fn restore(&self) -> Result<()> {
        self.lattice.put("mercato-settings", &self.own)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // The next settings replace these anyway.
        let _ = self.restore();
    }
}

/// A setting as Spin is told it.
fn spin_variable(name: &str, value: &str) -> (String, String) {
    let (name, value) = match name {
        "MERCATO_MAIL" => ("SMTP_SERVER", value.trim_start_matches("smtp://")),
        "MERCATO_MAIL_FROM" => ("MAIL_FROM", value),
        name => (name, value),
    };
    (format!("SPIN_VARIABLE_{name}"), value.to_owned())
}

/// Spin's manifest with the permission to call the hosts that are set: there, they are no variable. In a folder of its own, where it names its
/// components by their whole paths.
fn allowing(manifest: &Path, home: &Home, settings: &[(&str, &str)]) -> Result<PathBuf> {
    let root = manifest.parent().context("the manifest is in a folder")?;
    let hosts: String = settings
        .iter()
        .filter_map(|(name, value)| match *name {
            HOSTS => Some(
                value
                    .split(',')
                    .map(|host| format!("\"http://{host}\", "))
                    .collect(),
            ),
            "MERCATO_MAIL" => Some(format!("\"{}\", ", value.replace("smtp://", "tcp://"))),
            _ => None,
        })
        .collect::<Vec<String>>()
        .concat();
    let text = std::fs::read_to_string(manifest)?
        .replace("source = \"", &format!("source = \"{}/", root.display()))
        .replace(
            "allowed_outbound_hosts = [",
            &format!("allowed_outbound_hosts = [{hosts}"),
        );
    let copy = home.path().join("spin.toml");
    std::fs::write(&copy, text)?;
    Ok(copy)
}

/// A test of shops that it configures: one for the binary, as [`own_trial`], one for Spin where there is a host of it, and one for the
/// lattice, which it has for itself.
pub fn configured_trial(
    name: &str,
    test: impl Fn(&Host) -> Result<()> + Clone + Send + 'static,
) -> Vec<Trial> {
    let own = test.clone();
    let on_process = own_trial(name, move |binary| own(&Host::Process(binary.clone())));
    let elsewhere = |name: String, host: Host| {
        let test = test.clone();
        Trial::test(name, move || test(&host).map_err(failed))
    };
    let on_spin = Host::spin_from_env().map(|host| elsewhere(format!("{name}_on_spin"), host));
    let on_lattice = Lattice::from_env()
        .map(|lattice| elsewhere(format!("lattice::configured::{name}"), Host::Lattice(lattice)));
    [Some(on_process), on_spin, on_lattice]
        .into_iter()
        .flatten()
        .collect()
}

/// The tests of an area that configure their own shops, each named as its function.
macro_rules! configured_trials {
    ($area:literal, [$($test:ident),* $(,)?]) => {
        [$($crate::configured::configured_trial(concat!($area, "::", stringify!($test)), $test)),*]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
}
pub(crate) use configured_trials;
