//! The load generator oha.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::project::Project;
use crate::tool::Tool;
use mercato_wasm_toolchain::process::{clean, output};

const TOOL: Tool = Tool {
    name: "oha",
    version: "1.16.0",
};

/// The installed load generator.
pub struct Oha {
    program: PathBuf,
}

/// A request that is repeated.
pub struct Load<'a> {
    /// The URL, to which it is sent by POST.
    pub url: &'a str,
    /// The JSON bodies. Each request has one of them, chosen at random.
    pub bodies: &'a [String],
    /// The access token of the user, if any.
    pub token: Option<&'a str>,
    /// The number of requests that run at a time.
    pub connections: u16,
    /// The time for which it is repeated, in seconds.
    pub seconds: u16,
    /// The requests to send in a second. By default, each connection sends the next one after an answer.
    pub rate: Option<u32>,
}

/// The report of oha.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    latency_percentiles: Percentiles,
    status_code_distribution: BTreeMap<String, u64>,
}

/// Latencies in seconds; unset if there was no answer.
#[derive(Debug, Deserialize)]
struct Percentiles {
    p50: Option<f64>,
}

impl Outcome {
    /// Returns the median latency, in milliseconds.
    pub fn p50(&self) -> f64 {
        self.latency_percentiles
            .p50
            .map_or(f64::NAN, |seconds| seconds * 1000.0)
    }

    /// Returns the number of answers with status 200.
    pub fn succeeded(&self) -> u64 {
        self.status_code_distribution.get("200").copied().unwrap_or(0)
    }

    /// Returns the number of answers with another status.
    pub fn rejected(&self) -> u64 {
        self.status_code_distribution.values().sum::<u64>() - self.succeeded()
    }
}

impl Oha {
    /// Finds oha, or installs it.
    ///
    /// # Errors
    /// oha can't be installed.
    pub fn find(project: &Project) -> Result<Self> {
        Ok(Self {
            program: TOOL.find(project)?,
        })
    }

    /// Sends requests. Writes the bodies to a file in the folder `work`.
    ///
    /// # Errors
    /// oha fails, or its report can't be parsed.
    pub fn run(&self, load: &Load, work: &Path) -> Result<Outcome> {
        let bodies = work.join("bodies.jsonl");
        std::fs::write(&bodies, load.bodies.join("\n"))?;
        let mut oha = clean(&self.program);
        oha.args(["--no-tui", "--output-format", "json"]);
        oha.args(["-m", "POST", "-T", "application/json", "-Z"])
            .arg(bodies);
        oha.args(["-z", &format!("{}s", load.seconds)]);
        oha.args(["-c", &load.connections.to_string()]);
        if let Some(rate) = load.rate {
            oha.args(["-q", &rate.to_string()]);
        }
        if let Some(token) = load.token {
            oha.args(["-H", &format!("authorization: Bearer {token}")]);
        }
        let report = output(oha.arg(load.url))?;
        serde_json::from_str(&report).context("can't parse oha's report: the installed oha may be too old")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_latency_and_failures() {
        let outcome: Outcome = serde_json::from_str(
            r#"{
                "summary": {"successRate": 1.0, "total": 10.0, "requestsPerSec": 8123.4, "totalData": 4000},
                "latencyPercentiles": {"p10": 0.0001, "p50": 0.0008, "p99": 0.0123},
                "statusCodeDistribution": {"200": 90, "503": 4},
                "errorDistribution": {"connection closed": 6}
            }"#,
        )
        .unwrap();
        assert_eq!((outcome.succeeded(), outcome.rejected()), (90, 4));
        assert_eq!(outcome.p50(), 0.8);
    }
}
