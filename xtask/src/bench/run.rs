//! A run: prepares all contenders, then measures one after the other.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, bail};

use super::answers::Answers;
use super::contenders::{Contender, Setting, Shop, Start};
use super::data::Data;
use super::measure::{check, measure};
use super::meter::SHOP;
use super::options::Bench;
use super::report::{Report, Row, StartRow};
use super::workloads::Workload;
use super::{catalog, usage, workloads};
use crate::api::Api;
use crate::project::Project;
use crate::secret;
use mercato_wasm_toolchain::process::progress;

impl Bench {
    /// Measures what the options name.
    ///
    /// # Errors
    /// Something can't be measured; the error is also in the report, which is printed and written.
    pub fn run(&self, project: &Project) -> Result<()> {
        std::fs::create_dir_all(&project.target)?;
        // The system's temporary folder may be in memory, but commits must reach a disk.
        let work = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&project.target)?;
        let setting = Setting {
            project,
            secret: secret::generate()?,
            mercato: given(self.mercato.as_deref())?,
            shop: given(self.shop.as_deref())?,
            products: self.products(),
            feed: catalog::write_feed(self.products(), work.path())?,
        };
        let mut run = Run {
            options: self,
            setting: &setting,
            answers: Answers::default(),
            report: Report {
                base: Some(self.base()),
                ..Report::default()
            },
        };
        // Builds would disturb the measurements, so they come first.
        let mut ready = Vec::new();
        for contender in self.contenders() {
            progress(format_args!("preparing {}", contender.name));
            match (contender.prepare)(&setting) {
                Ok(start) => ready.push((contender, start)),
                Err(error) => run.report.skipped.push((contender.name, format!("{error:#}"))),
            }
        }
        for (contender, start) in ready {
            let folder = work.path().join(contender.name);
            std::fs::create_dir_all(&folder)?;
            if let Err(error) = run.measure(contender, &start, &folder) {
                run.fail(contender.name.to_owned(), &error);
            }
            std::fs::remove_dir_all(&folder)?;
        }
        let report = run.report;
        println!(
            "{}; the contender, its servers and the load generator share them",
            usage::machine()
        );
        println!(
            "{} products, {} s a workload after a warm-up, release builds; latencies in ms, processor time in us a request",
            setting.products,
            self.pace().time.as_secs()
        );
        println!("{report}");
        let folder = project.target.join("bench");
        report.write(&folder)?;
        progress(format_args!(
            "wrote report.json and report.svg in {}",
            folder.display()
        ));
        match report.failed.len() {
            0 if report.rows.is_empty() => bail!("no contender can run on this machine"),
            0 => Ok(()),
            failed => bail!("{failed} measurements failed; the report names them"),
        }
    }
}

/// Returns a cell with a file that is given. If none is given, the cell is empty.
fn given(file: Option<&Path>) -> Result<OnceLock<PathBuf>> {
    Ok(match file {
        Some(file) => std::path::absolute(file)?.into(),
        None => OnceLock::new(),
    })
}

/// One run of the measurements.
struct Run<'a> {
    options: &'a Bench,
    setting: &'a Setting<'a>,
    answers: Answers,
    report: Report,
}

impl Run<'_> {
    /// Starts a contender, measures all workloads, and stops it.
    fn measure(&mut self, contender: &Contender, start: &Start, folder: &Path) -> Result<()> {
        let name = contender.name;
        progress(format_args!(
            "starting {name} with {} products",
            self.setting.products
        ));
        let shop = start(folder)?;
        let measured = self.measure_all(contender, &shop);
        let stopped = (shop.stop)();
        measured.and(stopped)
    }

    fn measure_all(&mut self, contender: &Contender, shop: &Shop) -> Result<()> {
        let name = contender.name;
        shop.meter.wait_until_idle()?;
        let memory = shop.meter.memory(usage::memory)?;
        self.report.starts.push(StartRow {
            contender: name,
            about: contender.about,
            cold_start: shop.cold_start,
            memory: memory
                .iter()
                .find(|(part, _)| *part == SHOP)
                .map_or(0, |(_, size)| *size),
        });
        let api = Api::new(&shop.url, &self.setting.secret);
        let connections = self.options.connections();
        let data = match contender.is_probe {
            true => Data::none(&api, connections),
            false => Data::prepare(&api, self.setting.products, connections)?,
        };
        let suits = |workload: &&Workload| !contender.is_probe || workload.name == workloads::PROBED;
        for workload in self.options.workloads().filter(suits) {
            progress(format_args!("{name}: {} ({})", workload.name, workload.about));
            if let Err(error) = self.measure_one(contender, shop, &data, workload) {
                self.fail(format!("{name}, {}", workload.name), &error);
            }
        }
        Ok(())
    }

    fn measure_one(
        &mut self,
        contender: &Contender,
        shop: &Shop,
        data: &Data,
        workload: &Workload,
    ) -> Result<()> {
        let checked = check(shop, data, workload)?;
        if !contender.is_probe {
            self.answers
                .compare(workload.name, contender.name, &checked.answers)?;
        }
        let measured = measure(shop, data, workload, &checked, self.options.pace())?;
        let row = Row::new(workload.name, contender.name, &measured);
        progress(format_args!(
            "{:.0} requests a second, p99 {:.1} ms",
            row.rps, row.p99_ms
        ));
        self.report.rows.push(row);
        Ok(())
    }

    fn fail(&mut self, what: String, error: &anyhow::Error) {
        progress(format_args!("{what} failed: {error:#}"));
        self.report.failed.push((what, format!("{error:#}")));
    }
}
