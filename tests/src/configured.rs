//! Shops that a test configures: in a process, under Spin's host, and on the lattice under test, whose
//! settings change while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::binary::{Binary, binary_trial};
use crate::lattice::Lattice;
use crate::process::{Home, Running, SECRET, clean};
use crate::redis;
use crate::shop::{As, Shop};
use crate::trials::failed;

/// The setting with the hosts that a shop may call. Each runtime has its own place for it.
const HOSTS: &str = "HTTP_CLIENT_HOSTS";
/// The file of Spin's key-value store, in the state folder.
const SPIN_CACHE: &str = "sqlite_key_value.db";
/// The settings of mail. A lattice ignores them, since it has a mail server already.
const MAIL: [&str; 2] = ["MERCATO_MAIL", "MERCATO_MAIL_FROM"];
/// How long the hosts of a lattice may take to read new settings and to restart a provider.
const RECONFIGURATION: Duration = Duration::from_secs(3);

/// The runtime of a shop that a test configures.
#[derive(Clone, Debug)]
pub enum Host {
    /// The `mercato` binary.
    Process(Binary),
    /// A host of Spin's interfaces: its program, the manifest, and the cache of compiled components.
    Spin([PathBuf; 3]),
    /// A lattice that is already running.
    Lattice(Lattice),
}

/// A shop with a test's settings.
pub struct Configured {
    /// The shop's base URL.
    pub url: String,
    secret: String,
    cleanup: Cleanup,
}

/// What [`Configured::stop`] has to do.
enum Cleanup {
    Process(Running),
    Settings(OriginalSettings),
}

/// The original settings of a lattice. They are restored when this is dropped.
struct OriginalSettings {
    lattice: Lattice,
    settings: Vec<String>,
}

impl Host {
    /// Returns the host that `MERCATO_SPIN_HOST`, `MERCATO_SPIN_MANIFEST` and `MERCATO_SPIN_CACHE` name, if
    /// all are set.
    fn spin_from_env() -> Option<Self> {
        let path = |name| std::path::absolute(std::env::var_os(name)?).ok();
        Some(Self::Spin([
            path("MERCATO_SPIN_HOST")?,
            path("MERCATO_SPIN_MANIFEST")?,
            path("MERCATO_SPIN_CACHE")?,
        ]))
    }

    /// Starts a shop with these settings and waits until it is ready.
    pub fn start(&self, home: &Home, settings: &[(&str, &str)]) -> Result<Configured> {
        let running = match self {
            Self::Process(binary) => Running::start(home, binary.up(home).envs(settings.iter().copied()))?,
            Self::Spin([program, manifest, cache]) => {
                let mut command = clean(program, home.path());
                let manifest = with_allowed_hosts(manifest, home, settings)?;
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
            cleanup: Cleanup::Process(running),
        })
    }

    /// Restarts a shop with an empty cache. A lattice goes on, and only its cache is emptied.
    pub fn without_cache(
        &self,
        running: Configured,
        home: &Home,
        settings: &[(&str, &str)],
    ) -> Result<Configured> {
        if let Self::Lattice(lattice) = self {
            redis::flush(&lattice.address("Redis")?)?;
            return Ok(running);
        }
        running.stop()?;
        if let Self::Spin(_) = self {
            std::fs::remove_file(home.data().join(SPIN_CACHE))?;
        }
        self.start(home, settings)
    }
}

impl Configured {
    fn on_lattice(lattice: &Lattice, settings: &[(&str, &str)]) -> Result<Self> {
        let original = OriginalSettings {
            lattice: lattice.clone(),
            settings: lattice.settings()?,
        };
        let added: Vec<_> = settings
            .iter()
            .filter(|(name, _)| *name != HOSTS && !MAIL.contains(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        lattice.put("mercato-settings", &[original.settings.clone(), added].concat())?;
        if let Some((_, hosts)) = settings.iter().find(|(name, _)| *name == HOSTS) {
            lattice.put("mercato-http-client", &[format!("{HOSTS}={hosts}")])?;
        }
        std::thread::sleep(RECONFIGURATION);
        let shop = Self {
            url: lattice.text("url")?,
            secret: std::env::var("API_SECRET").context("API_SECRET should be set")?,
            cleanup: Cleanup::Settings(original),
        };
        let ready = shop.shop().get(As::Anonymous, "/readyz")?;
        ensure!(
            ready.status == 200,
            "the lattice should be ready: {}",
            ready.body()
        );
        Ok(shop)
    }

    /// Returns the shop with its API key.
    pub fn shop(&self) -> Shop {
        Shop::new(&self.url, &self.secret)
    }

    /// Stops the process, or restores the settings of the lattice.
    pub fn stop(self) -> Result<()> {
        match self.cleanup {
            Cleanup::Process(running) => running.stop(),
            Cleanup::Settings(original) => original.restore(),
        }
    }
}

impl OriginalSettings {
    fn restore(&self) -> Result<()> {
        self.lattice.put("mercato-settings", &self.settings)
    }
}

impl Drop for OriginalSettings {
    fn drop(&mut self) {
        // If this fails, the next test replaces the settings.
        let _ = self.restore();
    }
}

/// Returns the environment variable of Spin for a setting.
fn spin_variable(name: &str, value: &str) -> (String, String) {
    let (name, value) = match name {
        "MERCATO_MAIL" => ("SMTP_SERVER", value.trim_start_matches("smtp://")),
        "MERCATO_MAIL_FROM" => ("MAIL_FROM", value),
        name => (name, value),
    };
    (format!("SPIN_VARIABLE_{name}"), value.to_owned())
}

/// Writes a copy of Spin's manifest that allows the hosts of the settings, since the manifest cannot take
/// them from variables.
///
/// The copy is in another folder, so it names the components by absolute paths.
fn with_allowed_hosts(manifest: &Path, home: &Home, settings: &[(&str, &str)]) -> Result<PathBuf> {
    let root = manifest.parent().context("the manifest is in a folder")?;
    let mut hosts = String::new();
    for (name, value) in settings {
        match *name {
            HOSTS => hosts.extend(value.split(',').map(|host| format!("\"http://{host}\", "))),
            "MERCATO_MAIL" => hosts += &format!("\"{}\", ", value.replace("smtp://", "tcp://")),
            _ => {}
        }
    }
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

/// Returns the tests of a function that configures shops. There is one for the binary, and one each for
/// Spin's host and the lattice, if they are there. The lattice must have no other clients.
pub fn configured_trial(
    name: &str,
    test: impl Fn(&Host) -> Result<()> + Clone + Send + 'static,
) -> Vec<Trial> {
    let on_process = test.clone();
    let on_process = binary_trial(name, move |binary| on_process(&Host::Process(binary.clone())));
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

/// Lists the tests of an area that configure their own shops by their functions, see
/// [`COMPONENT`](crate::trials::COMPONENT) for `portable` and `component`.
macro_rules! configured_trials {
    (
        $area:literal,
        portable = [$($portable:ident),* $(,)?]
        $(, component = [$($component:ident),* $(,)?])?
        $(,)?
    ) => {{
        let portable: Vec<Vec<::libtest_mimic::Trial>> = vec![
            $($crate::configured::configured_trial(concat!($area, "::", stringify!($portable)), $portable)),*
        ];
        let component: Vec<Vec<::libtest_mimic::Trial>> = vec![
            $($($crate::configured::configured_trial(concat!($area, "::", stringify!($component)), $component)),*)?
        ];
        let component = component.into_iter().flatten().map($crate::trials::component);
        portable.into_iter().flatten().chain(component).collect::<Vec<_>>()
    }};
}
pub(crate) use configured_trials;
