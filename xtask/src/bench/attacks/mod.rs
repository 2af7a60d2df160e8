//! `cargo xtask attacks`: measures what attacks and overload do to an honest client.

mod documents;
mod honest;
mod kinds;
mod oha;
mod overload;
mod report;
mod sockets;
mod target;

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use self::honest::{Honest, QUIET, RECOVERED};
use self::kinds::{Attack, Kind};
use self::oha::{Load, Oha};
use self::report::{AttackRow, Report};
use self::target::{Build, Target};
use super::usage;
use crate::project::Project;
use crate::{secret, shop};
use mercato_wasm_toolchain::process::progress;

/// Attack and overload a release build of the shop, and measure an honest client
///
/// Attacks are bounded, and use loopback only. For each one, a fresh shop starts. An honest client lists
/// products before, during and after it, from an address of its own. Prints tables, and writes them to
/// target/bench/attacks.json.
#[derive(Debug, clap::Args)]
pub struct Attacks {
    /// Measure only what has this text in its name. `overload` is the name of the curves of overload
    filter: Option<String>,
    /// The time of each attack, in seconds
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(2..=60))]
    seconds: u16,
    /// The program to measure, in place of a release build of this checkout
    #[arg(long, value_name = "FILE", requires = "shop")]
    mercato: Option<PathBuf>,
    /// The composed component to measure
    #[arg(long, value_name = "FILE", requires = "mercato")]
    shop: Option<PathBuf>,
}

/// The time after an attack, after which memory should be given back.
const SETTLED: Duration = Duration::from_secs(10);
impl Attacks {
    /// Measures, prints and writes the tables.
    ///
    /// # Errors
    /// The shop can't be built or started, or ends during an attack.
    pub fn run(&self, project: &Project) -> Result<()> {
        let work = tempfile::Builder::new()
            .prefix("attacks-")
            .tempdir_in(&project.target)?;
        let build = Build {
            mercato: match &self.mercato {
                Some(file) => std::path::absolute(file)?,
                None => shop::host(project, true, true)?,
            },
            shop: match &self.shop {
                Some(file) => std::path::absolute(file)?,
                None => shop::whole(project)?,
            },
            secret: secret::generate()?,
            work: work.path().to_owned(),
        };
        let oha = Oha::find(project)?;
        let is_chosen = |name: &str| self.filter.as_ref().is_none_or(|filter| name.contains(filter));
        let mut report = Report {
            machine: format!("{}, {} s for each attack", usage::machine(), self.seconds),
            ..Report::default()
        };
        let attacks = kinds::all();
        let mut settling = Vec::new();
        for attack in attacks.iter().filter(|attack| is_chosen(attack.name)) {
            progress(format_args!("attacking: {}, {}", attack.connections, attack.name));
            let measured = self.attack(&build, &oha, attack);
            settling.push(measured.with_context(|| format!("the attack: {}", attack.name))?);
        }
        for (mut row, memory) in settling {
            row.memory_after = memory.join().map_err(panicked)??;
            row.memory_peak = row.memory_peak.max(row.memory_after);
            report.attacks.push(row);
        }
        if is_chosen("overload") {
            overload::measure(&build, &oha, &mut report)?;
        }
        ensure!(
            !report.attacks.is_empty() || !report.overload.is_empty(),
            "no attack has this name"
        );
        println!("{}", report.tables());
        write(&project.target.join("bench/attacks.json"), &report)
    }

    /// Measures the honest client before, during and after an attack. The memory after it comes later.
    fn attack(
        &self,
        build: &Build,
        oha: &Oha,
        attack: &Attack,
    ) -> Result<(AttackRow, JoinHandle<Result<u64>>)> {
        let target = build.start(attack.needs)?;
        let mut honest = Honest::new(target.address);
        honest.measure(QUIET / 4)?;
        let quiet = honest.measure(QUIET)?;
        let memory_before = target.memory()?;
        let time = Duration::from_secs(self.seconds.into());
        let ended = AtomicBool::new(false);
        let (seen, recovery, peak, answers) = std::thread::scope(|scope| {
            let peak = scope.spawn(|| peak(&target, &ended));
            let attackers = scope.spawn(|| attack.run(&target, oha, &build.work, self.seconds));
            let seen = honest.measure(time);
            let answers = attackers.join().map_err(panicked).flatten();
            let recovery = match &answers {
                Ok(answers) => honest.recover(quiet.p50() * RECOVERED, answers.end),
                Err(_) => Ok(None),
            };
            ended.store(true, Ordering::SeqCst);
            Ok::<_, anyhow::Error>((seen?, recovery?, peak.join().map_err(panicked)??, answers?))
        })?;
        let row = AttackRow {
            attack: format!("{} × {}", attack.connections, attack.name),
            quiet_p50: quiet.p50(),
            quiet_p99: quiet.p99(),
            p50: seen.p50(),
            p99: seen.p99(),
            refused: seen.refused,
            granted: answers.granted as f64 / time.as_secs_f64(),
            denied: answers.denied as f64 / time.as_secs_f64(),
            recovery,
            memory_before,
            memory_peak: peak,
            memory_after: 0,
        };
        drop(honest);
        let rest = SETTLED.saturating_sub(answers.end.elapsed());
        Ok((row, std::thread::spawn(move || target.settle(rest))))
    }
}

/// The answers to attackers.
struct Answers {
    /// The number of those with status 200, and of the others.
    granted: u64,
    denied: u64,
    /// The end of the attack.
    end: Instant,
}

impl Attack {
    /// Attacks for some time.
    fn run(&self, target: &Target, oha: &Oha, work: &Path, seconds: u16) -> Result<Answers> {
        match self.kind {
            Kind::Slow(slowness) => {
                let end = Instant::now() + Duration::from_secs(seconds.into());
                sockets::hold(target.address, slowness, self.connections.into(), end);
                Ok(Answers {
                    granted: 0,
                    denied: 0,
                    end: Instant::now(),
                })
            }
            Kind::Flood(bodies) => {
                let load = Load {
                    url: target.api.url(),
                    bodies: &bodies(),
                    token: None,
                    connections: self.connections,
                    seconds,
                    rate: None,
                };
                let outcome = oha.run(&load, work)?;
                Ok(Answers {
                    granted: outcome.succeeded(),
                    denied: outcome.rejected(),
                    end: Instant::now(),
                })
            }
        }
    }
}

fn panicked(_: Box<dyn Any + Send>) -> anyhow::Error {
    anyhow!("a thread panicked")
}

/// Returns the largest memory until the end.
fn peak(target: &Target, ended: &AtomicBool) -> Result<u64> {
    let mut peak = 0;
    while !ended.load(Ordering::SeqCst) {
        peak = peak.max(target.memory()?);
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(peak)
}

fn write(file: &Path, report: &Report) -> Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    file.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(file, text))
        .with_context(|| format!("can't write {}", file.display()))
}
