//! The load generator.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project::Project;
use mercato_wasm_toolchain::process::{clean, output, progress, run};

/// The release that is installed where there is none.
const VERSION: &str = "1.16.0";

/// A load generator that is installed.
pub struct Oha {
    program: PathBuf,
}

/// One request that is made again and again.
pub struct Load<'a> {
    /// Where it is sent (POST).
    pub url: &'a str,
    /// Its JSON body.
    pub body: &'a str,
    /// The access token of the user who makes it.
    pub token: Option<&'a str>,
    /// How many are under way at a time.
    pub connections: u16,
    /// For how long, in seconds.
    pub seconds: u16,
}

/// What came of a load.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    summary: Summary,
    latency_percentiles: Percentiles,
    status_code_distribution: BTreeMap<String, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    requests_per_sec: f64,
    /// Bytes of all bodies.
    total_data: u64,
}

/// In seconds; none where there was no answer.
#[derive(Debug, Deserialize)]
struct Percentiles {
    p50: Option<f64>,
    p99: Option<f64>,
}

impl Outcome {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.summary.requests_per_sec
    }

    /// Half of the answers came within this many milliseconds.
    pub fn p50(&self) -> f64 {
        self.latency_percentiles
            .p50
            .map_or(f64::NAN, |seconds| seconds * 1000.0)
    }

    /// 99 of 100 answers came within this many milliseconds.
    pub fn p99(&self) -> f64 {
        self.latency_percentiles
            .p99
            .map_or(f64::NAN, |seconds| seconds * 1000.0)
    }

    /// Answers of status 200.
    pub fn succeeded(&self) -> u64 {
        self.status_code_distribution.get("200").copied().unwrap_or(0)
    }

    /// Answers of other statuses, and requests without an answer.
    pub fn failed(&self) -> u64 {
        let other = self
            .status_code_distribution
            .iter()
            .filter(|(status, _)| *status != "200");
        other
            .map(|(_, count)| count)
            .chain(self.error_distribution.values())
            .sum()
    }

    /// Bytes of the answers' bodies, all together.
    pub fn bytes(&self) -> u64 {
        self.summary.total_data
    }
}

impl Oha {
    /// Finds oha on the path or in the cache, or installs it there.
    ///
    /// # Errors
    /// It can't be installed.
    pub fn find(project: &Project) -> Result<Self> {
        let root = project.cache.join("tools");
        for program in [PathBuf::from("oha"), root.join("bin/oha")] {
            if output(clean(&program).arg("--version")).is_ok() {
                return Ok(Self { program });
            }
        }
        progress(format_args!(
            "installing the load generator oha {VERSION} into {} (once, some minutes)",
            root.display()
        ));
        let mut cargo = mercato_wasm_toolchain::Toolchain::Active.cargo();
        cargo
            .args(["install", "oha", "--locked", "--version", VERSION, "--root"])
            .arg(&root);
        // Without whole-program optimisation it is built in half the time.
        cargo
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        run(&mut cargo).context("oha can't be installed; put it on the PATH yourself")?;
        Ok(Self {
            program: root.join("bin/oha"),
        })
    }

    /// Name and version.
    ///
    /// # Errors
    /// It can't be started.
    pub fn version(&self) -> Result<String> {
        output(clean(&self.program).arg("--version"))
    }

    /// Makes requests, and waits for the last answers. The body is kept in the folder `work` while it does.
    ///
    /// # Errors
    /// It can't be run, or its report can't be read.
    pub fn run(&self, load: &Load, work: &Path) -> Result<Outcome> {
        let body = work.join("body.json");
        std::fs::write(&body, load.body)?;
        let mut oha = clean(&self.program);
        oha.args([
            "--no-tui",
            "--output-format",
            "json",
            "-w",
            "-m",
            "POST",
            "-T",
            "application/json",
        ]);
        oha.args([
            "-z",
            &format!("{}s", load.seconds),
            "-c",
            &load.connections.to_string(),
            "-D",
        ])
        .arg(body);
        if let Some(token) = load.token {
            oha.args(["-H", &format!("authorization: Bearer {token}")]);
        }
        let report = output(oha.arg(load.url))?;
        serde_json::from_str(&report).context("oha's report can't be read; is it too old a release?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_rate_latency_and_failures() {
        let outcome: Outcome = serde_json::from_str(
            r#"{
                "summary": {"successRate": 1.0, "total": 10.0, "requestsPerSec": 8123.4, "totalData": 4000},
                "latencyPercentiles": {"p10": 0.0001, "p50": 0.0008, "p99": 0.0123},
                "statusCodeDistribution": {"200": 90, "503": 4},
                "errorDistribution": {"connection closed": 6}
            }"#,
        )
        .unwrap();
        assert_eq!(
            (outcome.succeeded(), outcome.failed(), outcome.bytes()),
            (90, 10, 4000)
        );
        assert_eq!((outcome.rate(), outcome.p50()), (8123.4, 0.8));
        assert!((outcome.p99() - 12.3).abs() < 1e-9);
    }
}
